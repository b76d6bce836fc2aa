"""Members of a document that anybody may have written, each asked for by name and type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from ocivalidate.errors import Unreadable
from ocivalidate.report.escape import visible
from ocivalidate.vocabulary.wording import excerpt

_LONGEST = 4000  # characters of a text
_MOST_TEXTS = 200  # in one array


class Members:
    """An object of a document, of which every member is asked for by name and type."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self._data = data
        self._where = where
        self._asked: set[str] = set()

    def _take(self, name: str, kind: type | tuple[type, ...], wanted: str, default: Any = None) -> Any:
        self._asked.add(name)
        value = self._data.get(name, default)
        # True is no number here.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.refuse(name, wanted, value)
        return value

    def refuse(self, name: str, wanted: str, value: Any) -> NoReturn:
        """Raise what is told of a member."""
        place = visible(".".join(filter(None, (self._where, name))), 200)
        what = f"wanted {wanted}, got {excerpt(value)}" if name in self._data else "it is missing"
        raise Unreadable(f"not a record of a run: {place}: {what}")

    def text(self, name: str, pattern: re.Pattern[str] | None = None, default: str | None = None) -> str:
        """A text, of limited length, that matches a pattern."""
        value: str = self._take(name, str, "text", default)
        if len(value) > _LONGEST:
            self.refuse(name, f"at most {_LONGEST} characters", value[:20])
        if pattern is not None and not pattern.fullmatch(value):
            self.refuse(name, f"text that matches {pattern.pattern}", value)
        return value

    def texts(self, name: str, default: Iterable[str] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        given: list[Any] = self._take(name, list, "an array", default)
        if len(given) > _MOST_TEXTS or not all(isinstance(one, str) and len(one) <= _LONGEST for one in given):
            self.refuse(name, "an array of texts", given)
        return tuple(given)

    def flag(self, name: str) -> bool:
        """True or false."""
        value: bool = self._take(name, bool, "true or false")
        return value

    def count(self, name: str) -> int:
        """A number of things."""
        value: int = self._take(name, int, "a number of things")
        if not 0 <= value < 1 << 31:
            self.refuse(name, "a number of things", value)
        return value

    def seconds(self, name: str) -> float:
        """A time."""
        value = self._take(name, (int, float), "seconds")
        if not 0 <= value < 1e6:
            self.refuse(name, "seconds", value)
        return float(value)

    def inner(self, name: str) -> Members:
        """An object in it."""
        return Members(self._take(name, dict, "an object"), ".".join(filter(None, (self._where, name))))

    def names(self) -> Iterator[str]:
        """The names of its members, each of which is asked for by it."""
        return iter(self._data)

    def each(self) -> Iterator[tuple[str, Members]]:
        """Its members, all of them objects."""
        return ((name, self.inner(name)) for name in self._data)

    def done(self) -> None:
        """Refuse members that nobody asked for."""
        for name in self._data:
            if name not in self._asked:
                self.refuse(name, "no such member", self._data[name])
