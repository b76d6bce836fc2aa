"""The start of the walk over an image: the documents that its source names."""

from __future__ import annotations

from ocivalidate.errors import TooLarge
from ocivalidate.image import saved
from ocivalidate.image.documents import kinds
from ocivalidate.image.documents.reading import NotingOf
from ocivalidate.image.found import ImageFilter, WalkResult
from ocivalidate.image.graph import Reference, references, starting_at
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import meant, position
from ocivalidate.image.others import refuse_others
from ocivalidate.image.sources import docker_archive
from ocivalidate.image.sources.source import (
    BLOBS,
    FILE,
    INDEX_JSON,
    LINK,
    MANIFEST_JSON,
    OCI_LAYOUT,
    OUTSIDE,
    Source,
)
from ocivalidate.image.walk import Walk
from ocivalidate.rules.checks import Node


def walk_image(source: Source, wanted: ImageFilter, limits: Limits, noting: NotingOf) -> WalkResult:
    """Walk over the wanted part of an image. Raises :class:`Unreadable` for anything else."""
    walk = Walk(source, wanted, limits, noting)
    first = source.roots()[0]
    if first in (INDEX_JSON, MANIFEST_JSON):
        refuse_others(source, limits)
    if first == INDEX_JSON:
        walk.found.is_layout = True
        _walk_layout(source, walk, wanted, limits)
    elif first == MANIFEST_JSON:
        entry = walk.look(MANIFEST_JSON)
        if entry is None or entry.kind != OUTSIDE:
            saved.enter(source, walk, wanted, limits)
    else:
        walk.follow(walk.chosen(starting_at(path, source.called(path)) for path in source.roots()))
    return walk.found


def _walk_layout(source: Source, walk: Walk, wanted: ImageFilter, limits: Limits) -> None:
    walk.look(BLOBS)
    _read_file(source, walk, OCI_LAYOUT, kinds.LAYOUT, limits)
    index = _read_file(source, walk, INDEX_JSON, kinds.INDEX, limits)
    if index is None:
        return
    if not index.elements("manifests") and docker_archive.is_there(source, limits.document):
        # Some versions of docker save leave an index.json empty beside it.
        saved.enter(source, walk, wanted, limits)
        return
    found = list(references(index, "index", INDEX_JSON, 0))
    walk.found.names = sorted({name for reference in found for name in reference.names})
    walk.follow(walk.chosen(_named(found, wanted.refs)))


def _read_file(source: Source, walk: Walk, path: str, kind: str, limits: Limits) -> Node | None:
    """Read one of the two top-level files of a layout; return its root, or ``None``."""
    entry = walk.look(path)
    if entry is None or entry.kind not in (FILE, LINK):
        return None
    data = source.read(path, limits.document + 1)
    if len(data) > limits.document:
        raise TooLarge(f"{path} has more than {limits.document} bytes (--max-size)")
    return walk.document(path, kind, data).root


def _named(found: list[Reference], refs: tuple[str, ...]) -> list[Reference]:
    """The entries of index.json with one of these names; all, if no names are given."""
    if not refs:
        return found
    number = position(refs)
    if number is not None:
        return found[number : number + 1]
    chosen = meant(refs, (name for reference in found for name in reference.names))
    return [reference for reference in found if chosen.intersection(reference.names)]
