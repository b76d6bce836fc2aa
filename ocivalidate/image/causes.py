"""Which of two violations is the cause, and which only its consequence: one defect is told once.

The table knows violations by their clause or, where one clause has several, by a sign of their own: the kind of a
layer's problem, or a name that is given here. A cause stands at least as high as what follows from it, so that no
verdict depends on the table.
"""

from __future__ import annotations

from collections.abc import Mapping

from ocivalidate.image.layers.problems import Kind

# A layer that is compressed otherwise than its descriptor says.
COMPRESSION = "compression"
_EMPTY, _IDENTICAL = "image/manifest.empty-descriptor.content", "image/descriptor.data.identical"
_MEDIA_TYPE = "safety/image.media-type.matches"
_SIZE, _DIFF_ID = "image/descriptor.size.matches", "image/config.diffID.uncompressed-tar"

# Cause → what follows from it in the same blob, or in the same descriptor. The cause has to be added first.
CONSEQUENCES: Mapping[str, frozenset[str]] = {
    # Where neither a stream nor a tar is, what the descriptor promised is not there.
    COMPRESSION: frozenset({Kind.NOT_TAR}),
    Kind.NOT_TAR: frozenset({_DIFF_ID, Kind.END_MISSING, Kind.END_TRAILING}),
    Kind.STREAM_UNKNOWN: frozenset({_DIFF_ID, Kind.NOT_TAR}),
    Kind.TRUNCATED: frozenset({_DIFF_ID, Kind.END_MISSING}),
    # A size of its own is the fault of such a descriptor; that the blob has another one follows.
    _EMPTY: frozenset({_IDENTICAL, _SIZE}),
    _IDENTICAL: frozenset({_SIZE}),
    # A document that calls itself what no document is has no type in which a descriptor could agree with it.
    "image/manifest.mediaType.value": frozenset({_MEDIA_TYPE}),
    "image/image-index.mediaType.value": frozenset({_MEDIA_TYPE}),
}
_CAUSES: dict[str, list[str]] = {}
for _cause, _effects in CONSEQUENCES.items():
    for _effect in _effects:
        _CAUSES.setdefault(_effect, []).append(_cause)


class Causes:
    """The causes that were seen, each with what it is about."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def __contains__(self, sign: str, /) -> bool:
        return sign in CONSEQUENCES or sign in _CAUSES

    def follows(self, sign: str, about: str) -> bool:
        """Whether a violation follows from one that was seen; what follows from it in turn does so too."""
        follows = any((about, cause) in self._seen for cause in _CAUSES.get(sign, ()))
        if sign in CONSEQUENCES:
            self._seen.add((about, sign))
        return follows

    def about(self, file: str, pointer: str) -> str:
        """What a violation in a document is about: the descriptor in which it stands."""
        outer, _, last = pointer.rpartition("/")
        return descriptor_at(file, outer if last in ("data", "size", "digest") else pointer)


def descriptor_at(file: str, pointer: str) -> str:
    """How the table calls a descriptor at a place in a file, by the name that findings give the file."""
    return f"{file}#{pointer}"
