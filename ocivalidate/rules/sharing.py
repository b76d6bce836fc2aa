"""What follows from a row of results is worked out once for all reports that share it (``many/packed.py``)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

_Found = TypeVar("_Found")
# Rows of failed results are not shared, and hold their findings: they are soon let go.
_MOST = 8


def of_results(function: Callable[[Iterable[Any]], _Found]) -> Callable[[Iterable[Any]], _Found]:
    """Remember what a function says of the last few tuples. Nobody may change what it says."""
    known: dict[int, tuple[object, _Found]] = {}

    @functools.wraps(function)
    def remembering(results: Iterable[Any]) -> _Found:
        if not isinstance(results, tuple):
            return function(results)
        held = known.get(id(results))
        if held is not None and held[0] is results:
            return held[1]
        found = function(results)
        if len(known) >= _MOST:
            known.pop(next(iter(known)), None)
        known[id(results)] = (results, found)
        return found

    return remembering
