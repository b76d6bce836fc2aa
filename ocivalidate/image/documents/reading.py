"""Reading a document of an image: what the walk does with it, which judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ocivalidate.image.documents import kinds
from ocivalidate.jsontext.documents import Document, Noting, read_document
from ocivalidate.rules.checks import Node

# Type of document → which problems of its text are noted.
NotingOf = Callable[[str], Noting]


class Read(NamedTuple):
    """A document that was read, as one of this ``kind``. ``root`` is ``None`` when nothing in it can be followed."""

    document: Document
    root: Node | None
    kind: str


def read(data: bytes, name: str, kind: str, noting: NotingOf, *, own: bool) -> Read:
    """Read a document as what it is said to be. ``own``: whether it is an index or a manifest, it says itself."""
    document = read_document(data, name, noting=lambda: noting(kind))
    actual = kinds.stated(document.value, kind) if own else kind
    root = Node(document.value) if document.usable and isinstance(document.value, dict) else None
    return Read(document, root, actual)
