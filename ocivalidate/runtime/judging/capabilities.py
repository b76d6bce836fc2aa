"""Rules on ``process.capabilities``: the five sets as the kernel computes them when the program is executed.

A runtime sets them, and then execve(2) recomputes them by the rules of capabilities(7): a program that root executes
gets everything in the bounding and the inheritable set; a program of another user gets the ambient set.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set as AbstractSet
from typing import Any

from ocivalidate.rules.declared import judges
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, compare, unseen
from ocivalidate.runtime.kernel import kernelnames
from ocivalidate.runtime.properties import CREATES_ENVIRONMENT

SETS = {
    "bounding": "CapBnd",
    "effective": "CapEff",
    "inheritable": "CapInh",
    "permitted": "CapPrm",
    "ambient": "CapAmb",
}
Sets = dict[str, frozenset[str]]


def after_exec(asked: Mapping[str, Collection[str]], *, root: bool, no_new_privileges: bool) -> Sets:
    """The sets after a process with the sets ``asked`` executes a file without set-user-ID and file capabilities."""
    given = {name: frozenset(asked.get(name, ())) for name in SETS}
    ambient = given["ambient"] & given["permitted"] & given["inheritable"]
    permitted = ambient
    if root:
        permitted = ambient | given["bounding"] | given["inheritable"]
        if no_new_privileges:
            permitted &= given["permitted"]
    return given | {"ambient": ambient, "permitted": permitted, "effective": permitted}


def in_status(status: Mapping[str, str]) -> Sets:
    """Those of the five sets that are in /proc/PID/status, with ``CAP_``."""
    return {
        name: frozenset(f"CAP_{word}" for word in kernelnames.capabilities(int(status[key], 16)))
        for name, key in SETS.items()
        if key in status
    }


@judges(CREATES_ENVIRONMENT)
def capabilities(context: FactContext) -> Iterator[Judgement]:
    """Every set in the config."""
    process, status = context.section("process"), context.facts.get("status")
    asked: Mapping[str, Any] | None = process.get("capabilities")
    if asked is None or status is None or "ids" not in context.facts:
        return
    got = in_status(status)
    there = {name: _grantable(asked.get(name) or (), context) for name in SETS}
    want = after_exec(
        there,
        root=(process.get("user") or {}).get("uid") == 0,
        no_new_privileges=bool(process.get("noNewPrivileges")),
    )
    # A capability missing from the bounding set may be one that the runtime could not grant.
    held = got.get("bounding", want["bounding"])
    doubtful = frozenset() if context.grantable is not None else want["bounding"] - held
    for name, line in SETS.items():
        if name in asked and name not in got:
            yield unseen(f"/process/capabilities/{name}", f"the status of the process has no {line}")
        elif name in asked:
            yield from _judge_set(name, got[name], want[name], doubtful, may_lack=context.holds("1.1.0"))


def _grantable(names: Collection[str], context: FactContext) -> list[str]:
    """The names without those that the kernel does not know, or no process there can have."""
    known = [name for name in names if name.removeprefix("CAP_") in kernelnames.CAPABILITIES]
    return [name for name in known if context.grantable is None or name.removeprefix("CAP_") in context.grantable]


def _judge_set(
    name: str, got: AbstractSet[str], want: AbstractSet[str], doubtful: AbstractSet[str], *, may_lack: bool
) -> Iterator[Judgement]:
    pointer = f"/process/capabilities/{name}"
    if may_lack and doubtful & (want - got):
        lacking = ", ".join(sorted(doubtful & (want - got)))
        yield unseen(pointer, f"{lacking} is missing, but a runtime may leave out capabilities that it cannot grant")
        got, want = got - doubtful, want - doubtful
    message = f"the {name} set is not the one that follows from process.capabilities after execve"
    yield compare(pointer, sorted(got), sorted(want), message=message)


RULES = (capabilities,)
