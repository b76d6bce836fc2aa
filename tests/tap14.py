"""A strict reader of TAP, for tests: it refuses what TAP 14 allows a producer but discourages, and every stray line.

Rests on https://testanything.org/tap-version-14-specification.html. Diagnostics are read as what we write: a mapping of
names to JSON strings and integers, which is YAML too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

_POINT = re.compile(r"(?P<not>not )?ok (?P<number>[1-9][0-9]*) - (?P<rest>\S.*)")
_DIRECTIVE = re.compile(r"(?P<description>.*?\S) # (?P<name>SKIP|TODO)(?: (?P<reason>\S.*))?")
_PLAN = re.compile(r"1\.\.([1-9][0-9]*)")
_PAIR = re.compile(r"  ([a-z_]+): (\".*\"|[0-9]+(?:\.[0-9]+)?)")


class TapError(Exception):
    """The stream is not the TAP that we want to write."""


@dataclass(slots=True)
class Point:
    ok: bool
    description: str
    directive: str = ""
    reason: str = ""
    diagnostics: dict[str, str | int | float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether a harness counts it as a pass: a directive forgives."""
        return self.ok or bool(self.directive)


@dataclass(slots=True)
class Stream:
    version: int
    plan: int | None = None
    points: list[Point] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    bail_out: str | None = None

    @property
    def passed(self) -> bool:
        return self.bail_out is None and bool(self.points) and all(point.passed for point in self.points)


def parse(text: str) -> Stream:
    """Read a whole stream. Raises :class:`TapError`."""
    lines = text.split("\n")
    match = re.fullmatch(r"TAP version (13|14)", lines[0])
    if not match or lines.pop():
        raise TapError("no version line, or no end of the last line")
    if not all(map(str.isprintable, lines)):
        raise TapError("a line that does something to a terminal")
    stream = Stream(int(match[1]))
    del lines[0]
    while lines:
        _read(lines.pop(0), lines, stream)
    if stream.bail_out is None and stream.plan != len(stream.points):
        raise TapError(f"a plan of {stream.plan}, and {len(stream.points)} test points")
    return stream


def _read(line: str, rest: list[str], stream: Stream) -> None:
    """Add what a line says to the stream; a block is taken off ``rest``."""
    if line.startswith("# ") and not line.startswith("# Subtest"):
        stream.comments.append(line[2:])
    elif line.startswith("Bail out!"):
        stream.bail_out = line.removeprefix("Bail out!").strip()
    elif stream.plan is None and not stream.points and (match := _PLAN.fullmatch(line)):
        stream.plan = int(match[1])
    elif match := _POINT.fullmatch(line):
        stream.points.append(_point(match, len(stream.points) + 1, stream.version))
    elif line == "  ---" and stream.points and not stream.points[-1].diagnostics:
        stream.points[-1].diagnostics = _diagnostics(rest)
    else:
        raise TapError(f"a stray line: {line!r}")


def _point(match: re.Match[str], number: int, version: int) -> Point:
    if int(match["number"]) != number:
        raise TapError(f"number {match['number']} where {number} is due")
    ok, rest = not match["not"], match["rest"]
    directive = _DIRECTIVE.fullmatch(rest)
    if not directive:
        return Point(ok, _unescaped(rest, version))
    reason = _unescaped(directive["reason"] or "", version)
    return Point(ok, _unescaped(directive["description"], version), directive["name"], reason)


def _unescaped(text: str, version: int) -> str:
    if version == 13:
        if "#" in text:
            raise TapError(f"TAP 13 cannot tell this # from a directive: {text!r}")
        return text
    if re.fullmatch(r"(?:[^\\#]|\\[\\#])*", text) is None:
        raise TapError(f"a # or a backslash that is not escaped: {text!r}")
    return re.sub(r"\\([\\#])", r"\1", text)


def _diagnostics(rest: list[str]) -> dict[str, str | int | float]:
    """The block up to its end line, which is taken off ``rest``."""
    pairs: dict[str, str | int | float] = {}
    while rest:
        line = rest.pop(0)
        if line == "  ...":
            return pairs
        match = _PAIR.fullmatch(line)
        if not match or match[1] in pairs:
            raise TapError(f"no pair of a name and a value, or one of the name before: {line!r}")
        pairs[match[1]] = json.loads(match[2])
    raise TapError("a block that does not end")
