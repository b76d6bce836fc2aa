"""Tells what is not an image from a broken image, which is judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from ocivalidate import meanings
from ocivalidate.errors import NotMeant
from ocivalidate.image.documents import kinds
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources.source import FILE, FOLDER, LINK, Source
from ocivalidate.jsontext.documents import read_document

# If this is not enough to find an image, none was meant.
_MOST_FOLDERS, _MOST_LEVELS = 1000, 4


def refuse_others(source: Source, limits: Limits) -> None:
    """Raise :class:`Unreadable`, saying what it is, for a folder or an archive without any part of an image."""
    # A folder that cannot be listed may still have readable files.
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
    raise NotMeant(f"not an image: the {source.form} {missing}")


def _levels(source: Source, names: list[str]) -> Iterator[dict[str, list[str]]]:
    """The content of the top folders, then of those below: an archive may have been made several levels up."""
    paths = names
    for _level in range(_MOST_LEVELS):
        below = {path: source.children(path) for path in paths[:_MOST_FOLDERS] if _is_folder(source, path)}
        yield below
        paths = [f"{path}/{name}" for path, there in below.items() for name in there[:_MOST_FOLDERS]]


def refuse_document(data: bytes, name: str) -> NoReturn:
    """Raise :class:`Unreadable`, saying what it is, for a document where an image is wanted."""
    found = meanings.of_value(read_document(data, name).value)
    if found and not found.startswith("image-"):
        raise NotMeant(meanings.instead("layout", found))
    raise NotMeant("a single document, not an image: name the layout or the archive that holds it")


def _is_folder(source: Source, name: str) -> bool:
    entry = source.entry(name)
    return entry is not None and entry.kind == FOLDER


def _is_index(source: Source, limits: Limits) -> bool:
    """Whether an index.json without other files may be that of a layout: other programs use this name too."""
    entry = source.entry("index.json")
    if entry is None or entry.kind not in (FILE, LINK) or entry.size > limits.document:
        return True
    document = read_document(source.read("index.json", limits.document))
    return not document.usable or kinds.guess(document.value) is not None
