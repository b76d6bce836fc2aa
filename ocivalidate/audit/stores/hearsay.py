"""What a registry said beside blobs and manifests, as far as somebody has to hear of it.

Nearly all answers are as they should be, and those are not kept one by one: they follow from what was listed. So this
stays small, however large the registry is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from ocivalidate.audit.store import Held
from ocivalidate.registry.answers import MANIFEST, REFERRERS, Answer

INDEX: Final = "application/vnd.oci.image.index.v1+json"
# A registry that says everything wrong has as many wrong answers as blobs: those that are told are far fewer.
_MOST: Final = 10_000
# So many that are as they should be are kept too, which shows that there was something to judge.
_MOST_USUAL: Final = 100
_LONGEST: Final = 300


class Hearsay:
    """Answers by repository and digest."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], dict[Answer, None]] = {}
        self._unusual = self._usual = 0

    def take(self, repository: str, digest: str, said: Answer, data: bytes = b"") -> None:
        """Learn an answer on what has a digest; ``data``: what came with it."""
        if is_usual(digest, said, data):
            if said.method == "HEAD" or self._usual >= _MOST_USUAL:
                return
            self._usual += 1
        elif self._unusual >= _MOST:
            return
        else:
            self._unusual += 1
        self._said.setdefault((repository, digest), {})[said] = None

    def of(self, held: Held, kind: str, *, seen: bool) -> Iterator[Answer]:
        """What was said of a blob or a manifest; ``kind``: which of both; ``seen``: it was asked for by HEAD."""
        said = self._said.get((held.repository, held.digest), {})
        yield from said
        if seen and held.size >= 0 and not any(one.method == "HEAD" for one in said):
            yield Answer("HEAD", kind, held.digest, 200, held.digest, None, held.size)


def is_usual(digest: str, said: Answer, data: bytes = b"") -> bool:
    """Whether an answer says what one says of the content with this digest, and nothing else."""
    if said.kind == REFERRERS:
        return said.media_type == INDEX
    if said.status != 200 or said.digest != digest:
        return False
    if said.method == "HEAD":
        return said.length is not None and said.length >= 0
    if said.kind != MANIFEST:
        return True
    written = said.media_type or ""
    return said.computed == said.asked == digest and ";" not in written and _media_type(data) in ("", written)


def _media_type(data: bytes) -> str:
    """The media type that a document states, or nothing."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    stated = value.get("mediaType") if isinstance(value, dict) else None
    return stated[:_LONGEST] if isinstance(stated, str) else ""
