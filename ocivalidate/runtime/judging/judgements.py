"""The judgements on facts, and the context that the rules get."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.vocabulary.versions import holds

# Maps with free member names: in a property these are ``*``, as are array indexes.
_MAPS = ("/linux/sysctl", "/annotations")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One comparison of what a config asks for with what was seen.

    ``pointer``: the place in the config, ``""`` for what every container must have. ``clause``: the clause that it
    judges, ``""`` for the one that properties are applied. ``held``: whether it is as asked; ``None`` if that cannot be
    seen, for ``reason``.
    """

    pointer: str
    clause: str
    message: str
    held: bool | None
    got: Any = None
    want: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FactContext:
    """What rules judge by.

    ``facts``: step of the probe → its value, all of the right shape. ``grantable``: the capabilities that a process
    there can have at all; ``None`` if unknown.
    """

    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    release: str
    grantable: Collection[str] | None = None

    def section(self, name: str) -> Mapping[str, Any]:
        """A member of the config that is an object; empty if absent."""
        return self.config.get(name) or {}

    def holds(self, since: str) -> bool:
        """Whether the release judged is ``since`` or later."""
        return holds(self.release, since, None)

    def path(self, path: str) -> Mapping[str, Any] | None:
        """What the probe reported on a path; ``None`` if it did not look."""
        found: Mapping[str, Any] | None = self.facts["paths"].get(path)
        return found


def compare(pointer: str, got: Any, want: Any, *, clause: str = "", message: str = "") -> Judgement:
    """A judgement that holds if two values are equal."""
    said = message or f"{name_of(pointer)} is not applied"
    return Judgement(pointer, clause, said, bool(got == want), got, want)


def unseen(pointer: str, reason: str, *, clause: str = "") -> Judgement:
    """A judgement that cannot be made, and why."""
    return Judgement(pointer, clause, "", None, reason=reason)


def not_looked(pointer: str, path: str, *, clause: str = "") -> Judgement:
    """A judgement that cannot be made because the probe did not look at a path."""
    return unseen(pointer, f"the probe did not look at {path}", clause=clause)


def name_of(pointer: str) -> str:
    """``/process/rlimits/0/soft`` for readers: ``process.rlimits[0].soft``."""
    words = [f"[{token}]" if token.isdigit() else f".{token}" for token in parse_pointer(pointer)]
    return "".join(words).removeprefix(".")


def property_of(pointer: str) -> str:
    """The property of a place in a config: ``/process/rlimits/*/soft``."""
    tokens = parse_pointer(pointer)
    for place in _MAPS:
        if pointer.startswith(f"{place}/"):
            return f"{place}/*"
    return "".join(f"/{'*' if token.isdigit() else token}" for token in tokens)
