"""Rules on what a seccomp filter does: which of the calls that were tried pass, and with which errno the others end.

Only calls that fail or succeed harmlessly, whatever their arguments, are tried.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ocivalidate.rules.declared import judges
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, compare, unseen
from ocivalidate.runtime.kernel.kernelnames import HARMLESS_CALLS
from ocivalidate.runtime.properties import APPLIES_CONFIG

_PLACE = "/linux/seccomp/syscalls"
_MOST_TRIES = 64
_X86 = ("x86_64", "i686")
# Operator → whether an argument meets it. seccomp_rule_add(3).
_OPERATORS: Mapping[str, Callable[[int, int, int], bool]] = {
    "SCMP_CMP_NE": lambda got, want, _mask: got != want,
    "SCMP_CMP_LT": lambda got, want, _mask: got < want,
    "SCMP_CMP_LE": lambda got, want, _mask: got <= want,
    "SCMP_CMP_EQ": lambda got, want, _mask: got == want,
    "SCMP_CMP_GE": lambda got, want, _mask: got >= want,
    "SCMP_CMP_GT": lambda got, want, _mask: got > want,
    "SCMP_CMP_MASKED_EQ": lambda got, want, mask: got & want == mask,
}
_PASSING = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG")
# With which the calls never end by themselves.
_MARKS = {errno.EPERM, errno.ENOANO}

Call = tuple[int, tuple[int, ...]]


def number(name: str, machine: str) -> int:
    """The number of a harmless call."""
    return HARMLESS_CALLS[name][machine not in _X86]


def tries(config: Mapping[str, Any], machine: str = "") -> list[Call]:
    """The calls by which a filter shows: each harmless one that a rule names, with arguments on both sides of it."""
    found: dict[Call, None] = {}
    asked = (config.get("linux") or {}).get("seccomp") or {}
    for rule in asked.get("syscalls") or ():
        for name in rule.get("names") or ():
            if name in HARMLESS_CALLS:
                for arguments in _sides(rule.get("args") or ()):
                    found[number(name, machine or os.uname().machine), arguments] = None
    return [*found][:_MOST_TRIES]


def _sides(conditions: Sequence[Mapping[str, Any]]) -> list[tuple[int, ...]]:
    values = sorted({int(one.get("value", 0)) + step for one in conditions for step in (-1, 0, 1)} | {0})
    small = [value for value in values if 0 <= value < 1 << 31]
    return [(first, second) for first in small for second in (small if len(conditions) > 1 else (0,))]


@judges(APPLIES_CONFIG)
def calls(context: FactContext) -> Iterator[Judgement]:
    """``linux.seccomp.syscalls``: what became of the calls that were tried."""
    asked, seen = context.section("linux").get("seccomp"), context.facts.get("calls")
    if not asked or seen is None:
        return
    machine = context.facts.get("uname", {}).get("machine") or os.uname().machine
    names = {number(name, machine): name for name in HARMLESS_CALLS}
    for entry in seen:
        name = names.get(entry["number"])
        arguments = tuple(entry["arguments"])
        decided = _decided(asked, name, arguments) if name else None
        if decided is None:
            yield unseen(_PLACE, f"what the filter does to call {entry['number']} is not known")
            continue
        yield _judged(f"{name}({', '.join(map(str, arguments))})", entry["outcome"], *decided)


def _decided(asked: Mapping[str, Any], name: str, arguments: tuple[int, ...]) -> tuple[str, int | None] | None:
    """The action and the errno by which a call ends; ``None`` where several rules with different ones speak of it."""
    found = {
        (str(rule.get("action")), rule.get("errnoRet"))
        for rule in asked.get("syscalls") or ()
        if name in (rule.get("names") or ()) and _meets(rule.get("args") or (), arguments)
    }
    if not found:
        return str(asked.get("defaultAction")), asked.get("defaultErrnoRet")
    return found.pop() if len(found) == 1 else None


def _meets(conditions: Sequence[Mapping[str, Any]], arguments: tuple[int, ...]) -> bool:
    return all(
        _OPERATORS[str(one.get("op"))](
            arguments[one["index"]] if one["index"] < len(arguments) else 0, one.get("value", 0), one.get("valueTwo", 0)
        )
        for one in conditions
    )


def _judged(shown: str, outcome: Any, action: str, errno_asked: int | None) -> Judgement:
    if action == "SCMP_ACT_ERRNO":
        want = errno.errorcode.get(errno.EPERM if errno_asked is None else errno_asked, str(errno_asked))
        message = "a call that the filter refuses does not end with its errno"
        return compare(_PLACE, f"{shown}: {outcome}", f"{shown}: {want}", message=message)
    if action in _PASSING:
        marks = [errno.errorcode[mark] for mark in _MARKS]
        got = f"{shown}: {outcome}" if outcome in marks else "passes"
        return compare(_PLACE, got, "passes", message="a call that the filter lets pass does not")
    return unseen(_PLACE, f"what {action} does is not looked at")


RULES = (calls,)
