"""What a registry says beside the content: plain data, judged elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

MANIFEST, BLOB, REFERRERS = "manifest", "blob", "referrers"
_LONGEST = 300
_NUMBER = re.compile(r"[0-9]{1,18}")


class Answer(NamedTuple):
    """One answer with success, or ``status`` 404.

    ``kind``: of what was asked for, ``manifest``, ``blob`` or ``referrers``; ``asked``: its tag or digest. ``digest``,
    ``media_type`` and ``length`` are the headers Docker-Content-Digest, Content-Type and Content-Length; ``None`` where
    there is no such header, and a length that is no number is -1. ``got``: how many bytes of the body were read;
    ``None`` where it was not read to its end. ``computed``: the digest of the body where it is a document, in the
    algorithm of the header if that can be computed. ``ranges``: whether a part was sent when one was asked for;
    ``None`` if none was. ``elsewhere``: another host answered, to which the registry redirects.
    """

    method: str
    kind: str
    asked: str
    status: int
    digest: str | None = None
    media_type: str | None = None
    length: int | None = None
    got: int | None = None
    computed: str = ""
    ranges: bool | None = None
    elsewhere: bool = False


def answer(method: str, kind: str, asked: str, status: int, headers: Mapping[str, str]) -> Answer:
    """The answer with these headers, each cut to a length that can be shown."""
    digest, media_type, length = (
        headers.get(name) for name in ("Docker-Content-Digest", "Content-Type", "Content-Length")
    )
    number = None if length is None else int(length) if _NUMBER.fullmatch(length.strip()) else -1
    return Answer(method, kind, asked, status, _cut(digest), _cut(media_type), number)


def _cut(text: str | None) -> str | None:
    return None if text is None else text.strip()[:_LONGEST]
