"""Hashes of paths that compare wherever they were made: the key travels in the request.

Python's own hashes are salted anew in every process. Without a key that nobody knows, an image could be made in which
two paths have one hash, and be judged for what it has not.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import blake2b

_KEY_BYTES, _HASH_BYTES = 16, 8


@cache
def own_key() -> bytes:
    """The key of this process, for all requests that it makes."""
    return os.urandom(_KEY_BYTES)


def keyed(key: bytes) -> Callable[[bytes], int]:
    """The hash function of a key: 64 bits without a sign."""
    start = blake2b(digest_size=_HASH_BYTES, key=key).copy
    number = int.from_bytes

    def of(path: bytes) -> int:
        # Half the time that it takes to begin with the key again.
        state = start()
        state.update(path)
        return number(state.digest(), "little")

    return of
