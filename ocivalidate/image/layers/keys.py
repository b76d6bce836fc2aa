"""Hashes of paths that compare wherever they were made: the key travels in the request.

Python's own hashes are salted anew in every process. Without a key that nobody knows, an image could be made in which
two paths have one hash, and be judged for what it has not.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

_KEY_BYTES, _HASH_BYTES = 16, 8


@cache
def own_key() -> bytes:
    """The key of this process, for all requests that it makes."""
    return os.urandom(_KEY_BYTES)


class Keyed(NamedTuple):
    """The hash function of a key: 64 bits without a sign.

    ``of`` hashes a path without slashes at its ends; ``way`` every directory on its way from the top, then itself, at
    the cost of one.
    """

    of: Callable[[bytes], int]
    way: Callable[[bytes], list[int]]


def keyed(key: bytes) -> Keyed:
    """The hash function of a key."""
    start = blake2b(digest_size=_HASH_BYTES, key=key).copy
    number = int.from_bytes

    def of(path: bytes) -> int:
        # Half the time that it takes to begin with the key again.
        state = start()
        state.update(path)
        return number(state.digest(), "little")

    def way(path: bytes) -> list[int]:
        if not path:
            return []
        state = start()
        first, *others = path.split(b"/")
        state.update(first)
        found = [number(state.digest(), "little")]
        for name in others:
            state.update(b"/" + name)
            found.append(number(state.digest(), "little"))
        return found

    return Keyed(of, way)
