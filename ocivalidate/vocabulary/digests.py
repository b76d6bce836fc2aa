"""The grammar of digests (image-spec descriptor.md#digests), what registered algorithms add to it, and hashing.

``sha256`` and ``sha512`` are computed with hashlib. ``blake3`` is registered by the draft after image-spec 1.1.1: its
form is known, and it is computed where a module ``blake3`` is installed (the extra of that name). A digest of any other
algorithm is judged by its grammar alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ocivalidate.vocabulary.versions import IMAGE_RELEASES, NEXT, holds
from ocivalidate.vocabulary.wording import shortened

_GRAMMAR = re.compile(r"(?P<algorithm>[a-z0-9]+(?:[+._-][a-z0-9]+)*):(?P<encoded>[A-Za-z0-9=_-]+)", re.ASCII)
_ALGORITHM = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*", re.ASCII)
_EXTRAS = ("blake3",)
_LOWER_HEX = re.compile(r"[a-f0-9]*")

# How many lowercase hexadecimal digits the encoded portion has, and the release of image-spec that registers it.
_ALGORITHMS = {"sha256": (64, "1.0.0"), "sha512": (128, "1.0.0"), "blake3": (64, NEXT)}
HEX_LENGTHS = {name: length for name, (length, _since) in _ALGORITHMS.items()}
_NEWEST = IMAGE_RELEASES[-1]


class Hasher(Protocol):
    """What hashes bytes: the part of hashlib's objects that is used here."""

    def update(self, data: bytes | bytearray | memoryview, /) -> object:
        """Take more bytes."""

    def hexdigest(self) -> str:
        """The hash of all bytes so far, in lowercase hexadecimal digits."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest whose grammar is right. Its algorithm may still have rules that it breaks: :func:`encoded_problem`."""

    algorithm: str
    encoded: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"


def registered(release: str) -> dict[str, int]:
    """The algorithms that a release of image-spec registers, with the number of their hexadecimal digits."""
    return {name: length for name, (length, since) in _ALGORITHMS.items() if holds(release, since, None)}


def parse(text: str, release: str = _NEWEST) -> Digest | None:
    """The digest that ``text`` is; ``None`` when it breaks the grammar or the rules of a registered algorithm."""
    return None if problem(text, release) else split(text)


def split(text: str) -> Digest | None:
    """The digest that ``text`` is by its grammar alone; ``None`` when it breaks the grammar."""
    match = _GRAMMAR.fullmatch(text)
    return Digest(match["algorithm"], match["encoded"]) if match else None


def problem(text: str, release: str = _NEWEST) -> str:
    """Why ``text`` is not a digest, or an empty string.

    :func:`grammar_problem`, then :func:`encoded_problem` where the release of image-spec registers the algorithm.
    """
    return grammar_problem(text) or (encoded_problem(text) if text.partition(":")[0] in registered(release) else "")


def grammar_problem(text: str) -> str:
    """Why ``text`` breaks the grammar ``algorithm ":" encoded``, or an empty string."""
    if _GRAMMAR.fullmatch(text):
        return ""
    algorithm, colon, encoded = text.partition(":")
    faults = (
        (not text, "it is empty"),
        (not colon, "there is no ':' between algorithm and encoded hash"),
        (not algorithm, "there is no algorithm before ':'"),
        (
            not _ALGORITHM.fullmatch(algorithm),
            "the algorithm is not made of a-z and 0-9, in parts separated by one of + . _ -",
        ),
        (not encoded, "there is nothing after ':'"),
        (True, "the encoded hash has characters other than a-z A-Z 0-9 = _ -"),
    )
    return next(reason for broken, reason in faults if broken)


def encoded_problem(text: str) -> str:
    """Why the encoded portion of a digest of right grammar breaks the rules of its algorithm, or an empty string.

    An algorithm that is not registered has no such rules.
    """
    digest = split(text)
    if digest is None or digest.algorithm not in HEX_LENGTHS:
        return ""
    if not _LOWER_HEX.fullmatch(digest.encoded):
        if _LOWER_HEX.fullmatch(digest.encoded.lower()):
            return f"{digest.algorithm} has uppercase hexadecimal digits"
        return f"{digest.algorithm} has characters other than the hexadecimal digits 0-9 and a-f"
    want = HEX_LENGTHS[digest.algorithm]
    if len(digest.encoded) != want:
        return f"{digest.algorithm} has {len(digest.encoded)} hexadecimal digits instead of {want}"
    return ""


def computable(algorithm: str) -> bool:
    """Whether :func:`hasher` can compute this algorithm here."""
    return _maker(algorithm) is not None


def unverifiable(digest: Digest) -> str:
    """Why content cannot be compared with a digest here, or an empty string."""
    if not computable(digest.algorithm):
        extra = f" without ocivalidate[{digest.algorithm}] installed" if digest.algorithm in _EXTRAS else ""
        return f"{shortened(digest.algorithm)} is not computed here{extra}"
    problem = encoded_problem(str(digest))
    return f"{problem}: its meaning is undefined" if problem else ""


def hasher(algorithm: str) -> Hasher:
    """A new hash of no bytes yet.

    Raises :class:`ValueError` for an algorithm that is not computed here.
    """
    maker = _maker(algorithm)
    if maker is None:
        raise ValueError(f"the digest algorithm {algorithm} is not computed here")
    return maker()


def of(data: bytes, algorithm: str = "sha256") -> Digest:
    """The digest of ``data``. Raises :class:`ValueError` for an algorithm that is not computed here."""
    state = hasher(algorithm)
    state.update(data)
    return Digest(algorithm, state.hexdigest())


def _maker(algorithm: str) -> Callable[[], Hasher] | None:
    import hashlib

    if algorithm == "sha256":
        return hashlib.sha256
    if algorithm == "sha512":
        return hashlib.sha512
    return _blake3() if algorithm == "blake3" else None


@functools.cache
def _blake3() -> Callable[[], Hasher] | None:
    import importlib

    try:
        maker: Callable[[], Hasher] = importlib.import_module("blake3").blake3
    except ImportError:
        return None
    return maker
