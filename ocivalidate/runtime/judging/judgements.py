"""What judging facts gives, and the context that the rules see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.vocabulary.versions import holds

# Maps whose names are free: in a property they are ``*``, as are the numbers of entries.
_MAPS = ("/linux/sysctl", "/annotations")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One comparison of what a config asks with what was seen.

    ``pointer``: the place in the config, ``""`` for what is asked of every container. ``clause``: the clause that it
    bears on, ``""`` for that on properties being applied. ``held``: whether it is as asked, ``None`` when nobody can
    see that, for ``reason``.
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

    ``facts``: look of the probe → what it gave, all of the right shape. ``grantable``: the capabilities that a process
    there can have at all, ``None`` where nobody knows.
    """

    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    release: str
    grantable: Collection[str] | None = None

    def section(self, name: str) -> Mapping[str, Any]:
        """A member of the config that is an object, empty when it is not there."""
        return self.config.get(name) or {}

    def holds(self, since: str) -> bool:
        """Whether the release is this one or a later one."""
        return holds(self.release, since, None)

    def path(self, path: str) -> Mapping[str, Any] | None:
        """What the probe said of a path; ``None`` when it did not look."""
        found: Mapping[str, Any] | None = self.facts["paths"].get(path)
        return found


def compare(pointer: str, got: Any, want: Any, *, clause: str = "", message: str = "") -> Judgement:
    """A judgement on two values that are to be equal."""
    said = message or f"{name_of(pointer)} is not applied"
    return Judgement(pointer, clause, said, bool(got == want), got, want)


def unseen(pointer: str, reason: str, *, clause: str = "") -> Judgement:
    """A judgement that nobody can come to, and why."""
    return Judgement(pointer, clause, "", None, reason=reason)


def not_looked(pointer: str, path: str, *, clause: str = "") -> Judgement:
    """The probe was not asked about a path."""
    return unseen(pointer, f"the probe did not look at {path}", clause=clause)


def name_of(pointer: str) -> str:
    """``/process/rlimits/0/soft`` as people say it: ``process.rlimits[0].soft``."""
    words = [f"[{token}]" if token.isdigit() else f".{token}" for token in parse_pointer(pointer)]
    return "".join(words).removeprefix(".")


def property_of(pointer: str) -> str:
    """The property to which a place in a config belongs: ``/process/rlimits/*/soft``."""
    tokens = parse_pointer(pointer)
    for place in _MAPS:
        if pointer.startswith(f"{place}/"):
            return f"{place}/*"
    return "".join(f"/{'*' if token.isdigit() else token}" for token in tokens)
