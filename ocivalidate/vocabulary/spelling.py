"""Names that look like typing errors of other names."""

from __future__ import annotations

import functools
from collections.abc import Iterable

_LONGEST = 200


class Names:
    """Names that a misspelled name may mean. A lookup takes the same time however many there are."""

    def __init__(self, names: Iterable[str]) -> None:
        self._order = {name: number for number, name in enumerate(names)}
        self._by_case: dict[str, str] = {}
        # By length and first letter, and by length and last letter: one error leaves one of the two as it was.
        self._by_end: dict[tuple[int, bool, str], list[str]] = {}
        for name in self._order:
            self._by_case.setdefault(name.casefold(), name)
            for length in range(len(name) - 1, len(name) + 2):
                self._by_end.setdefault((length, True, name[0]), []).append(name)
                self._by_end.setdefault((length, False, name[-1]), []).append(name)

    def similar(self, written: str) -> str:
        """The first name that differs by case alone, else the first that is one typing error apart, else ``""``."""
        return next(iter(self._similar(written)), "")

    def only(self, written: str) -> str:
        """The same, if no other name comes as close; else ``""``."""
        found = self._similar(written)
        return found[0] if len(found) == 1 else ""

    def _similar(self, written: str) -> list[str]:
        if not written:
            return []
        same = self._by_case.get(written.casefold())
        if same is not None:
            return [same]
        length = len(written)
        ends = ((length, True, written[0]), (length, False, written[-1]))
        candidates = {name for end in ends for name in self._by_end.get(end, ())}
        close = (name for name in candidates if one_typo_apart(written, name))
        return sorted(close, key=self._order.__getitem__)


def meant(written: str, known: Iterable[str]) -> str:
    """The one name that was meant: it differs by case, by the prefix of all names, or by one error; or ``""``."""
    if not written or len(written) > _LONGEST:
        return ""
    prefix, names, similar = _known(tuple(known))
    whole = f"{prefix}{written.upper()}"
    return whole if prefix and whole in names else similar.only(written)


@functools.cache
def _known(known: tuple[str, ...]) -> tuple[str, frozenset[str], Names]:
    """The prefix of all names, up to an underscore, and the names."""
    start = functools.reduce(lambda one, other: one[: _common_prefix(one, other)], known)
    return start[: start.rfind("_") + 1], frozenset(known), Names(known)


def nearest(written: str, known: Iterable[str], *, most: int = 3, cutoff: float = 0.6) -> list[str]:
    """The names that look most like what was written, the best first; none where nothing does.

    ``cutoff``: how much alike they have to be, from 0 to 1.
    """
    import difflib

    # What a hostile text may cost is bounded, and no name of ours is so long.
    names = [*known]
    return difflib.get_close_matches(written, names, n=most, cutoff=cutoff) if len(written) <= _LONGEST else []


def same_but_for_case(written: str, known: str) -> bool:
    """Whether readers that ignore case, such as those written in Go, read one name as the other."""
    return written.casefold() == known.casefold()


def one_typo_apart(written: str, known: str) -> bool:
    """Whether ``written`` becomes ``known`` by one insertion, deletion, replacement or swap of neighbours.

    Names of up to three letters never count: too many are one letter apart by chance.
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
