"""Making sure of what was seen once: tried again unchanged, and shrunk so that chance is not taken for a cause. Pure.

What always shows is tried again a few times and shrunk with one try for each part that might be left out. What shows
now and then is shrunk with so many tries that one which never shows in them is hardly an accident.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

_FEWEST, _MOST = 3, 6  # tries: so many at least, and so many until what was seen shows once more
_ACCIDENT = 0.03  # how likely it may be that what shows now and then is missed in all tries
_MOST_PATIENCE = 12
_ROUNDS = 3

Thing = TypeVar("Thing")
Shows = Callable[[Thing], bool]
Fewest = Callable[[Thing, Shows[Thing]], Thing]
"""What shrinks a thing of which the predicate is true, to something of which it was true when it was asked last."""


class Rate(NamedTuple):
    """How often something showed, of how many tries."""

    shown: int
    tried: int

    @property
    def steady(self) -> bool:
        """Whether it showed every time."""
        return self.shown == self.tried

    @property
    def confirmed(self) -> bool:
        """Whether it showed more than once."""
        return self.shown > 1

    @property
    def patience(self) -> int:
        """How often something has to be tried before one believes that it does not show."""
        if self.steady:
            return 1
        missed = 1 - max(self.shown, 1) / self.tried
        return min(_MOST_PATIENCE, math.ceil(math.log(_ACCIDENT) / math.log(missed)))

    def __str__(self) -> str:
        return "" if self.steady else f"shows in {self.shown} of {self.tried} tries"


ALWAYS = Rate(1, 1)


def confirm(shows: Callable[[], bool], shown: int = 0) -> Rate:
    """Try again what was ``shown`` so often: until it is clear that it shows, or that it does not soon."""
    tried = shown
    while tried < _FEWEST or (shown < min(tried, 2) and tried < _MOST):
        tried += 1
        shown += shows()
    return Rate(shown, tried)


def often(shows: Shows[Thing], patience: int) -> Shows[Thing]:
    """Whether a thing shows in one of so many tries."""
    return lambda thing: any(shows(thing) for _ in range(patience))


def settled(whole: Thing, shows: Shows[Thing], fewest: Fewest[Thing]) -> tuple[Thing, Rate]:
    """The least of ``whole``, in which it was seen once, that shows it, and how often that does.

    ``whole`` itself, with a rate that is not confirmed, if it never shows again.
    """
    first = rate = confirm(lambda: shows(whole), 1)
    if not first.confirmed:
        return whole, first
    found, patience = whole, first.patience
    for _ in range(_ROUNDS):
        found = fewest(found, often(shows, patience))
        rate = confirm(lambda: shows(found))  # noqa: B023  # asked at once
        if not rate.shown or rate.patience <= patience:
            break
        patience = rate.patience
    if patience > 1:
        more = confirm(lambda: shows(found))
        rate = Rate(rate.shown + more.shown, rate.tried + more.tried)
    # What it was shrunk to showed it once, and that was an accident.
    return (found, rate) if rate.confirmed else (whole, first)
