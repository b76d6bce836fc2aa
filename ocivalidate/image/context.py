"""The context for judging an image: the facts of the walk, and how places in it are shown to users."""

from __future__ import annotations

from dataclasses import replace

from ocivalidate.image.found import WalkResult
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.sources.source import Source
from ocivalidate.rules.findings import Location
from ocivalidate.rules.judge import located
from ocivalidate.rules.ledger import Place
from ocivalidate.vocabulary.wording import shortened

_SHOWN_DIGEST, _SHOWN_NAME = 19, 60
# The upper part of a longer path through documents is left out.
_LONGEST_WAY = 100


class ImageContext:
    """One image. ``unverified``: why content could not be compared with its digest, by the name of the content."""

    def __init__(self, source: Source, found: WalkResult) -> None:
        self.source = source
        self.found = found
        self.unverified: dict[str, str] = {}

    def shown(self, path: str) -> str:
        """The name of a path in the image, as shown to users."""
        return self.source.shown(path) if path else self.source.name

    def place(self, reference: Reference, *below: str, digest: str = "") -> Place:
        """The location of a descriptor or of one of its members; ``digest`` is that of the blob concerned."""
        pointer = "/".join((reference.pointer, *below))
        return Place(reference.file, pointer, lambda: replace(self._located(reference.file, pointer), digest=digest))

    def config_place(self, image: Image, pointer: str) -> Place:
        """The location of something in the config of an image."""
        return Place(image.config_file, pointer, lambda: self._located(image.config_file, pointer))

    def _located(self, file: str, pointer: str) -> Location:
        read = self.found.read_of(file)
        if read is None:
            return Location(self.shown(file), pointer)
        return located(read.document.name, pointer, read.document.span(pointer), read.document)

    def way_to(self, reference: Reference) -> str:
        """The chain of descriptors that leads to a blob, from the top, with the name of the image."""
        steps: list[str] = []
        at: Reference | None = reference
        while at is not None and len(steps) < _LONGEST_WAY:
            above = self.found.references.get(at.file, ())
            file = shortened(f"{above[0].digest or at.file}", _SHOWN_DIGEST) if above else self._root_of(at)
            steps.append(
                f"{file} {at.pointer}".rstrip()
                + (f" ({shortened(at.name, _SHOWN_NAME)})" if at.name and at.file else "")
            )
            at = above[0] if above else None
        return " → ".join(reversed(steps))

    def _root_of(self, reference: Reference) -> str:
        return reference.file or self.source.name
