"""Whether a runtime may refuse a valid config, with an error and without a container.

"Unless support for a valid value is explicitly required, runtimes MAY choose which subset of the valid values it will
support" (config.md, valid values). So a refusal counts against a runtime only where nothing in the config is a matter
of choice: what differs from a config that it accepted is demanded by the specification, or claimed by its own features.
Which that is stands in ``conformance/support.toml``. Pure: everything is looked up in plain data.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ocivalidate import resources
from ocivalidate.rules.clauses import load
from ocivalidate.runtime.properties import by_pointer
from ocivalidate.vocabulary.versions import holds

REFUSED = "refused"
"""Begins the reason of a skip: the runtime refused, as it may. ``refused: what it said``."""
NOT_REACHED = "not reached"
"""Begins the reason of a skip: an earlier step of the case came to nothing. ``not reached: why``."""


class Difference(NamedTuple):
    """A value that a config has and the one beside it has not. ``pointer`` is that of a property, with ``*``."""

    pointer: str
    value: Any


def differences(config: Mapping[str, Any], beside: Mapping[str, Any]) -> list[Difference]:
    """What a config sets that another one does not: properties that the specification has, and their values.

    What is left out is no value, and what nobody knows is none that a runtime could support. An array with fewer
    entries is another value: its difference has the entries that it still has.
    """
    known = _values(beside)
    return [one for one in _values(config) if one not in known] + [*_shorter(config, beside, "")]


def _shorter(config: Mapping[str, Any], beside: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
    """The arrays of plain values, none of them in another array, that have lost entries, or begin empty."""
    for name, member in config.items():
        place, other = f"{pointer}/{name}", beside.get(name)
        if isinstance(member, dict):
            yield from _shorter(member, other if isinstance(other, dict) else {}, place)
        elif isinstance(member, list) and place in by_pointer() and f"{place}/*" not in _prefixes():
            lost = isinstance(other, list) and any(entry not in member for entry in other)
            if lost or (not member and other != member):
                yield Difference(place, tuple(member))


def _values(config: Mapping[str, Any]) -> list[Difference]:
    return list(_leaves(config, "", frozenset(_prefixes())))


@functools.cache
def _prefixes() -> frozenset[str]:
    """The pointers of all properties and of what holds them."""
    parts = (pointer.split("/") for pointer in by_pointer())
    return frozenset("/".join(part[:length]) for part in parts for length in range(1, len(part) + 1))


def _leaves(value: Any, pointer: str, known: frozenset[str]) -> Iterator[Difference]:
    if isinstance(value, list):
        # An array of plain values is one property; of one of objects each entry has some.
        entries = f"{pointer}/*" if f"{pointer}/*" in known else pointer
        for entry in value:
            yield from _leaves(entry, entries, known)
    elif isinstance(value, dict) and pointer not in by_pointer():
        for name, member in value.items():
            place = next((place for place in (f"{pointer}/{name}", f"{pointer}/*") if place in known), "")
            if place:
                yield from _leaves(member, place, known)
    else:
        yield Difference(pointer, value)


class _Row(NamedTuple):
    """A row of the tables on properties."""

    pointer: str
    clause: str = ""
    features: str = ""
    value: str = ""
    reason: str = ""

    def speaks_of(self, one: Difference) -> bool:
        """Whether it is about this property, or about what holds it."""
        return one.pointer == self.pointer or one.pointer.startswith(f"{self.pointer}/")


@functools.cache
def _table(name: str) -> tuple[_Row, ...]:
    return tuple(_Row(**entry) for entry in _file()[name])


@functools.cache
def _file() -> Mapping[str, Sequence[Mapping[str, str]]]:
    text = (resources.folder("conformance") / "support.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def demands(clause: str) -> bool:
    """Whether a clause itself asks for support, so that every refusal breaks it."""
    return any(fnmatchcase(clause, entry["id"]) for entry in _file()["clause"])


def may_refuse(
    config: Mapping[str, Any], beside: Mapping[str, Any], features: Mapping[str, Any] | None, release: str
) -> bool:
    """Whether a runtime may refuse ``config``, a valid one, when it accepts the config ``beside``.

    It may if at least one value in which they differ is neither demanded by the ``release`` nor claimed in the
    ``features`` of the runtime.
    """
    return any(not _demanded(one, release) and not _claimed(one, features or {}) for one in differences(config, beside))


def _demanded(one: Difference, release: str) -> bool:
    rows = [row for row in _table("demanded") if row.speaks_of(one)]
    return any(
        _must(row.clause.format(value=one.value), release) if "{value}" in row.clause else row.value in ("", one.value)
        for row in rows
    )


def _must(clause: str, release: str) -> bool:
    entry = load("runtime").get(clause)
    return entry is not None and entry.level == "MUST" and holds(release, entry.since, entry.until)


def _claimed(one: Difference, features: Mapping[str, Any]) -> bool:
    rows = [row for row in _table("claimed") if row.speaks_of(one)]
    return any(_has(features, row.features, row.value or one.value) for row in rows)


def _has(features: Mapping[str, Any], path: str, wanted: Any) -> bool:
    value: Any = features
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(wanted, tuple):
        return value is True or (isinstance(value, list) and all(entry in value for entry in wanted))
    return value is True or (isinstance(value, list) and wanted in value)
