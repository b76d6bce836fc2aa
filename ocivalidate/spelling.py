"""Names that look like typing errors of other names."""

from __future__ import annotations


def one_typo_apart(written: str, known: str) -> bool:
    """Whether ``written`` becomes ``known`` by one insertion, deletion, replacement or swap of neighbours.

    Names of three letters or fewer never count: too many of them are one letter apart by chance.
    """
    if written == known or abs(len(written) - len(known)) > 1 or min(len(written), len(known)) <= 3:
        return False
    start = _common_prefix(written, known)
    rest, wanted = written[start:], known[start:]
    if len(rest) == len(wanted):
        return rest[1:] == wanted[1:] or (rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:])
    return rest[1:] == wanted if len(rest) > len(wanted) else rest == wanted[1:]


def _common_prefix(first: str, second: str) -> int:
    length = 0
    for left, right in zip(first, second, strict=False):
        if left != right:
            break
        length += 1
    return length
