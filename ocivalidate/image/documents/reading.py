"""Reads a document of an image for the walk, which judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ocivalidate.image.documents import kinds
from ocivalidate.jsontext.documents import Document, Noting, read_document
from ocivalidate.rules.checks import Node

# Type of document → the problems of its text to note.
NotingOf = Callable[[str], Noting]


class Read(NamedTuple):
    """A document that was read as this ``kind``. ``root`` is ``None`` if nothing in it can be followed."""

    document: Document
    root: Node | None
    kind: str


def read(data: bytes, name: str, kind: str, noting: NotingOf, *, own: bool) -> Read:
    """Read a document as its stated type. ``own``: it says itself whether it is an index or a manifest."""
    document = read_document(data, name, noting=lambda: noting(kind))
    actual = kinds.stated(document.value, kind) if own else kind
    root = Node(document.value) if document.usable and isinstance(document.value, dict) else None
    return Read(document, root, actual)
