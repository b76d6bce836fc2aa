"""Which of two violations is the cause, and which only its consequence: one defect is reported once.

The table identifies violations by their clause or, where one clause has several, by a sign: the kind of a layer's
problem, or a name given here. A cause is at least as severe as its consequences, so no verdict depends on the table.
"""

from __future__ import annotations

from collections.abc import Mapping

from ocivalidate.image.layers.problems import Kind

# A layer whose compression differs from its descriptor.
COMPRESSION = "compression"
_EMPTY, _IDENTICAL = "image/manifest.empty-descriptor.content", "image/descriptor.data.identical"
_MEDIA_TYPE = "safety/image.media-type.matches"
_SIZE, _DIFF_ID = "image/descriptor.size.matches", "image/config.diffID.uncompressed-tar"

# Cause → its consequences in the same blob or descriptor. The cause has to be added first.
CONSEQUENCES: Mapping[str, frozenset[str]] = {
    # Without a stream or a tar, what the descriptor promised is missing.
    COMPRESSION: frozenset({Kind.NOT_TAR}),
    Kind.NOT_TAR: frozenset({_DIFF_ID, Kind.END_MISSING, Kind.END_TRAILING}),
    Kind.STREAM_UNKNOWN: frozenset({_DIFF_ID, Kind.NOT_TAR}),
    Kind.TRUNCATED: frozenset({_DIFF_ID, Kind.END_MISSING}),
    # Such a descriptor states a wrong size; that the blob has another one follows.
    _EMPTY: frozenset({_IDENTICAL, _SIZE}),
    _IDENTICAL: frozenset({_SIZE}),
    # A document that states an impossible type cannot agree with any descriptor.
    "image/manifest.mediaType.value": frozenset({_MEDIA_TYPE}),
    "image/image-index.mediaType.value": frozenset({_MEDIA_TYPE}),
}
_CAUSES: dict[str, list[str]] = {}
for _cause, _effects in CONSEQUENCES.items():
    for _effect in _effects:
        _CAUSES.setdefault(_effect, []).append(_cause)


class Causes:
    """The causes seen so far, each with its subject."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def __contains__(self, sign: str, /) -> bool:
        return sign in CONSEQUENCES or sign in _CAUSES

    def follows(self, sign: str, about: str) -> bool:
        """Whether a violation follows from one that was seen; its own consequences then do too."""
        follows = any((about, cause) in self._seen for cause in _CAUSES.get(sign, ()))
        if sign in CONSEQUENCES:
            self._seen.add((about, sign))
        return follows

    def about(self, file: str, pointer: str) -> str:
        """The subject of a violation in a document: the descriptor that holds it."""
        outer, _, last = pointer.rpartition("/")
        return descriptor_at(file, outer if last in ("data", "size", "digest") else pointer)


def descriptor_at(file: str, pointer: str) -> str:
    """The key of a descriptor: its place in a file, named as in findings."""
    return f"{file}#{pointer}"
