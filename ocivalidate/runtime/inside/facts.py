"""What a probe reported, as plain data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ocivalidate.errors import NotShown, RuntimeFailed
from ocivalidate.runtime.inside.probe import LOOKS, MARK


@dataclass(frozen=True, slots=True)
class Facts:
    """The records of one probe: ``{"step": name, "args": [...], "value" or "error": ...}``.

    ``lookout`` is told of each record that somebody looks at.
    """

    records: tuple[Mapping[str, Any], ...]
    lookout: Callable[[Mapping[str, Any]], None] = field(default=lambda _record: None, compare=False, repr=False)

    def __contains__(self, step: object) -> bool:
        return any(record["step"] == step for record in self.records)

    def record(self, step: str, *arguments: str) -> Mapping[str, Any]:
        """The record of the first step of this name whose arguments begin with these.

        Raises :class:`RuntimeFailed`.
        """
        for record in self.records:
            if record["step"] == step and tuple(record["args"][: len(arguments)]) == arguments:
                self.lookout(record)
                return record
        raise RuntimeFailed(f"the probe did not report the step {' '.join((step, *arguments))}")

    def value(self, step: str, *arguments: str) -> Any:
        """The value of a step.

        Raises :class:`NotShown` if it looks at what the kernel there does not show, :class:`RuntimeFailed` if it failed
        otherwise.
        """
        record = self.record(step, *arguments)
        if "value" not in record:
            words, error = " ".join((step, *arguments)), record.get("error")
            if _is_not_shown(record):
                raise NotShown(f"the kernel in the container does not show {words}: {error}")
            raise RuntimeFailed(f"in the container, {words} failed: {error}")
        return _Status(record["value"]) if step == "status" else record["value"]

    def not_shown(self) -> list[str]:
        """What the kernel in the container does not show, of what steps looked at."""
        records = (record for record in self.records if _is_record(record) and _is_not_shown(record))
        return [f"{' '.join((record['step'], *record['args']))}: {record['error']}" for record in records]

    def error(self, step: str, *arguments: str) -> str | None:
        """The name of the errno with which a step failed; ``None`` if it did not fail."""
        error = self.record(step, *arguments).get("error")
        return None if error is None else str(error)

    def outcome(self, step: str, *arguments: str) -> Any:
        """The value of a step, or the name of the errno with which it failed."""
        record = self.record(step, *arguments)
        return record["value"] if "value" in record else record.get("error")

    def looks(self) -> dict[str, Any]:
        """The facts in the form that :mod:`ocivalidate.runtime.judging` takes.

        The values of steps without arguments, including those of ``everything``, by name. ``paths`` holds what ``look``
        reported, by path, ``calls`` the system calls that were tried, and ``opens`` what was to be opened. A step that
        failed is absent.
        """
        found: dict[str, Any] = {}
        paths: dict[str, Any] = {}
        calls: list[dict[str, Any]] = []
        opens: list[dict[str, Any]] = []
        for record in filter(_is_record, self.records):
            step, arguments, value = record["step"], record["args"], record.get("value")
            if step == "syscall":
                calls += _tried(arguments, record.get("error", value))
            if step == "open" and len(arguments) == 2:
                opens.append(dict(zip(("path", "how"), arguments, strict=True)) | {"outcome": record.get("error")})
            if value is None:
                continue
            self.lookout(record)
            if step == "everything" and isinstance(value, dict):
                found |= value
                paths |= value["paths"] if isinstance(value.get("paths"), dict) else {}
            elif step == "look" and arguments:
                paths[arguments[0]] = value
            elif not arguments:
                found[step] = value
        tried = {name: some for name, some in (("calls", calls), ("opens", opens)) if some}
        return found | {"paths": paths} | tried


def _tried(words: list[str], outcome: Any) -> list[dict[str, Any]]:
    """A system call that was tried: its number, its arguments if these are numbers, and what it came to."""
    if not words or not all(word.isdecimal() and len(word) < 20 for word in words):
        return []
    numbers = [int(word) for word in words]
    return [{"number": numbers[0], "arguments": numbers[1:], "outcome": outcome}]


class _Status(dict[str, Any]):
    """The lines of ``/proc/self/status``. A kernel may lack any: one that is asked for and absent is not shown."""

    def __missing__(self, line: str) -> NoReturn:
        raise NotShown(f"the kernel in the container does not show the line {line} of /proc/self/status")


# What a kernel says that lacks a file of /proc, or a system call.
_ABSENT = ("EINVAL", "ENOENT", "ENOSYS", "EOPNOTSUPP")
# Looks at what the runtime made, where the same errors are its fault: a working directory outside of the root.
_OF_RUNTIME = ("cwd", "ids", "tty")


def _is_not_shown(record: Mapping[str, Any]) -> bool:
    """Whether a step failed because the kernel has nothing to answer with, and not for what it looked at."""
    words = record["args"]
    of_kernel = record["step"] in LOOKS and record["step"] not in _OF_RUNTIME
    file_of_kernel = record["step"] == "read" and str(words[0] if words else "").startswith("/proc/self/")
    error = record.get("error")
    # A call may also be forbidden there: no process may ask for a priority of its own.
    return (of_kernel and error in (*_ABSENT, "EPERM")) or (file_of_kernel and error in _ABSENT)


def _is_record(data: object) -> bool:
    """Whether this is the record of a step: facts may come from any file."""
    if not isinstance(data, dict) or not isinstance(data.get("step"), str):
        return False
    arguments = data.get("args")
    return isinstance(arguments, list) and all(isinstance(word, str) for word in arguments)


def find_facts(text: str) -> Facts | None:
    """The facts in the output of a container; ``None`` if there are none yet.

    Any other text may surround them, such as output of the runtime.
    """
    for data in lines(text):
        if isinstance(data, dict) and isinstance(data.get(MARK), list):
            return Facts(tuple(data[MARK]))
    return None


def without_facts(text: str) -> str:
    """The whole lines of the output of a container in which its probe reports nothing."""
    return "".join(f"{line}\n" for line in text.split("\n")[:-1] if MARK not in line)


def lines(text: str) -> Iterable[Any]:
    """Every complete line of ``text`` that is JSON."""
    for line in text.split("\n")[:-1]:
        start = line.find("{")
        if start >= 0:
            try:
                yield json.loads(line[start:])
            except (ValueError, RecursionError):
                continue
