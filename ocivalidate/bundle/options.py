"""Options of the calls: how documents of runtime-spec are read. What is judged is up to a ``Selection``."""

from __future__ import annotations

from typing import NamedTuple

from ocivalidate.bundle.sources import MAX_SIZE


class DocumentOptions(NamedTuple):
    """How to read a document that stands alone.

    ``max_size``: its maximum size in bytes (default: 32 MiB). ``digests``: the facts of the report name the digest of
    what was read.
    """

    max_size: int = MAX_SIZE
    digests: bool = False


class BundleOptions(NamedTuple):
    """How to judge a bundle.

    ``host``: judge also what depends on this host, such as the paths of hooks. ``document_only``: ignore the folder, as
    for a ``config.json`` that stands alone. ``follow_links``: read a ``config.json`` that is a link out of the folder.
    ``max_size``: the maximum size of ``config.json`` in bytes (default: 32 MiB). ``digests``: the facts of the report
    name its digest. ``fixes``: findings carry what mends them, where there is one safe answer.
    """

    host: bool = False
    document_only: bool = False
    follow_links: bool = False
    max_size: int = MAX_SIZE
    digests: bool = False
    fixes: bool = False
