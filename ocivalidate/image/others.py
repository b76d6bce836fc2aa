"""Telling what is no image from an image that is broken, which is judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from ocivalidate import meanings
from ocivalidate.errors import NotMeant
from ocivalidate.image.documents import kinds
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources.source import FILE, FOLDER, LINK, Source
from ocivalidate.jsontext.documents import read_document

# Where this is not enough to find an image, nobody meant it.
_MOST_FOLDERS, _MOST_LEVELS = 1000, 4


def refuse_others(source: Source, limits: Limits) -> None:
    """Raise :class:`Unreadable`, with what it is, for a folder or an archive that has nothing of an image."""
    # A folder that cannot be listed may have files that can be read.
    marked = {name for name in meanings.OF_IMAGES if source.entry(name) is not None}
    names = source.children("")
    if marked == {"index.json"}:
        is_image = _is_index(source, limits)
    elif marked == {"blobs"}:
        is_image = meanings.of_names(names) != "storage"
    else:
        is_image = bool(marked)
    if is_image:
        return
    for below in _levels(source, names):
        line = meanings.no_image(names, below, source.name, packed=source.form == "archive")
        if line:
            raise NotMeant(line)
    missing = "has neither index.json, oci-layout and blobs nor a manifest.json" if names else "is empty"
    raise NotMeant(f"no image: the {source.form} {missing}")


def _levels(source: Source, names: list[str]) -> Iterator[dict[str, list[str]]]:
    """What is in the folders at the top, then in those below: an archive may have been made from far above."""
    paths = names
    for _level in range(_MOST_LEVELS):
        below = {path: source.children(path) for path in paths[:_MOST_FOLDERS] if _is_folder(source, path)}
        yield below
        paths = [f"{path}/{name}" for path, there in below.items() for name in there[:_MOST_FOLDERS]]


def refuse_document(data: bytes, name: str) -> NoReturn:
    """Raise :class:`Unreadable`, with what it is, for a document where an image is wanted."""
    found = meanings.of_value(read_document(data, name).value)
    if found and not found.startswith("image-"):
        raise NotMeant(meanings.instead("layout", found))
    raise NotMeant("one document, not an image: name the layout or the archive around it")


def _is_folder(source: Source, name: str) -> bool:
    entry = source.entry(name)
    return entry is not None and entry.kind == FOLDER


def _is_index(source: Source, limits: Limits) -> bool:
    """Whether an index.json that stands alone may be that of a layout: other programs have files of this name."""
    entry = source.entry("index.json")
    if entry is None or entry.kind not in (FILE, LINK) or entry.size > limits.document:
        return True
    document = read_document(source.read("index.json", limits.document))
    return not document.usable or kinds.guess(document.value) is not None
