"""What a feature of a config is: a row of the tables in this room. Pure data.

A feature has values; each is a list of settings, ``(place, value)``. A place is a JSON pointer into the config (``-``
as an index appends), or one of the words in :class:`Place` for what is no single member. In texts, ``{sources}`` stands
for a folder with what can be bound, ``{group}`` for the control group of the run, ``{id}`` for the id of the container,
``{name}`` for a name that nothing else on the host has, and ``{joined:TYPE}`` for the file of a namespace to join.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from ocivalidate.runtime.properties import by_pointer

ABSENT = ""
"""The level of a feature that a config does not have."""


class Place(StrEnum):
    """Where settings go that are no single member of a config."""

    NAMESPACE = "namespace:"  # and a type; the value is a path, "" for a new one, None for none
    HOOK = "hook:"  # and a kind; the value has the members of a hook beside its program
    SAY = "say"  # words for the program of the container


class Setting(NamedTuple):
    """One thing that a config gets."""

    place: str
    value: Any

    @property
    def pointer(self) -> str:
        """The place as a pointer with ``*``, as properties have."""
        if self.place.startswith(Place.NAMESPACE):
            return "/linux/namespaces"
        if self.place.startswith(Place.HOOK):
            return f"/hooks/{self.place.removeprefix(Place.HOOK)}/*"
        if self.place == Place.SAY:
            return "/process/args"
        return f"{self.place[:-1]}*" if self.place.endswith("/-") else self.place


class Value(NamedTuple):
    """One value of a feature. ``needs`` and ``clauses``: as of the feature, and beside those."""

    name: str
    settings: tuple[Setting, ...]
    needs: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()

    def pointers(self) -> Iterable[str]:
        """The properties that it sets, as far as they are leaves or hold some."""
        for setting in self.settings:
            yield from _leaves(setting.pointer, setting.value)


class Feature(NamedTuple):
    """One thing that configs can have.

    ``clauses``: what a config with it gives occasion to judge, beside that it is applied. ``needs``: as of cases.
    """

    name: str
    values: tuple[Value, ...]
    clauses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("root", "isolation")


def _leaves(pointer: str, value: Any) -> Iterable[str]:
    """The pointers of what is set, with ``*`` for entries and free names."""
    if isinstance(value, dict) and value and pointer not in by_pointer():
        for name, member in value.items():
            named = f"{pointer}/{name}"
            yield from _leaves(named if named in _known() else f"{pointer}/*", member)
    elif isinstance(value, list) and pointer not in by_pointer():
        for entry in value:
            yield from _leaves(f"{pointer}/*", entry)
    else:
        yield pointer


@functools.cache
def _known() -> frozenset[str]:
    """The pointers of all properties and of what holds them."""
    parts = (pointer.split("/") for pointer in by_pointer())
    return frozenset("/".join(part[:length]) for part in parts for length in range(1, len(part) + 1))


def value(name: str, *settings: tuple[str, Any], needs: Iterable[str] = (), clauses: Iterable[str] = ()) -> Value:
    """A value, from its settings."""
    return Value(name, tuple(Setting(*one) for one in settings), tuple(needs), tuple(clauses))


def single(pointer: str, **values: Any) -> tuple[Value, ...]:
    """Values that each set one member."""
    return tuple(value(name.replace("_", "-"), (pointer, what)) for name, what in values.items())
