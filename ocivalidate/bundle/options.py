"""How documents of runtime-spec are looked at: the options of the calls; what is judged is said by a ``Selection``."""

from __future__ import annotations

from typing import NamedTuple

from ocivalidate.bundle.sources import MAX_SIZE


class DocumentOptions(NamedTuple):
    """How to read a document that stands alone. ``max_size``: how many bytes it may have (default: 32 MiB)."""

    max_size: int = MAX_SIZE


class BundleOptions(NamedTuple):
    """How to look at a bundle.

    ``host``: judge too what depends on this host, such as the paths of hooks. ``document_only``: leave the folder
    alone, as for a ``config.json`` that is kept without one. ``follow_links``: the ``config.json`` may be a link that
    leads out of the folder. ``max_size``: how many bytes the ``config.json`` may have (default: 32 MiB).
    """

    host: bool = False
    document_only: bool = False
    follow_links: bool = False
    max_size: int = MAX_SIZE
