"""What a failed comparison rests on, of what was seen before it, and how a script sees whether it is so again. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.journal import Called, Judged, Looked, Saw, Step
from ocivalidate.runtime.judging.rules import needed, seen_from_host
from ocivalidate.runtime.reproducing.marking import Marks, compact, digits_masked, key_of, line_of, masked, plain
from ocivalidate.runtime.verdicts import shown

_COMMON = ("true", "false", "null", "0", "1", "[]")
_SHORTEST = 6  # characters that tell a value from others by themselves
_LONGEST_SAID = 100  # characters of what a call said that a comparison may have cut
_LONGEST = 16 * 1024  # characters of what was seen that are compared as a whole


@dataclass(frozen=True, slots=True)
class Seen:
    """A command of the script that looks again. In ``arguments`` a container id follows a NUL."""

    command: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a comparison rests on.

    ``sure``: if it is so again, the failure shows. ``files``: the list of files counts.
    ``decided``: it is told by what was seen, and by nothing else.
    """

    seen: tuple[Seen, ...]
    sure: bool
    files: bool = False
    decided: bool = False


class Evidence:
    """What was seen since the comparison before."""

    def __init__(self, steps: Sequence[Step], marks: Marks) -> None:
        self._marks = marks
        self._records = {
            (step.container, key_of(step.record)): step.record
            for step in steps
            if isinstance(step, Saw) and _is_record(step.record)
        }
        self._calls = [step for step in steps if isinstance(step, Called) and step.words[:1] != ("state",)]
        self._states = [step.call.stdout for step in steps if isinstance(step, Called) and step.words[:1] == ("state",)]
        self._looks = [step for step in steps if isinstance(step, Looked)]
        self._peeked = any(look.what == "peeked" for look in self._looks)

    def of(self, judged: Judged) -> Found:
        """What one comparison rests on."""
        decisive = [
            *self._refusals(judged),
            *self._values(judged),
            *self._holding(judged),
            *self._left(judged),
            *self._alive(judged),
            *self._names(judged),
        ][:1]
        if decisive:
            return Found(tuple(decisive), sure=True, decided=True)
        records = self._concerning(judged)
        seen = [*self._wholes(records), *self._told()]
        bare = not records and not self._looks
        # What hooks noted and what stands in groups is not looked at again as a whole.
        sure = bool(records) or not (self._peeked or seen_from_host(judged.pointer))
        return Found(tuple(seen), sure=sure, files=bare)

    def _concerning(self, judged: Judged) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """The records that a comparison can rest on: by its pointer, or all."""
        if judged.pointer and seen_from_host(judged.pointer):
            return {}
        steps = needed(judged.pointer) if judged.pointer else ()
        said = {*judged.message.split()}
        named = {key: one for key, one in self._records.items() if said & {str(word) for word in one["args"]}}
        some = {key: one for key, one in self._records.items() if one["step"] in steps}
        return some or named or self._records

    def _refusals(self, judged: Judged) -> Iterator[Seen]:
        """The last call, where the comparison is about what it said when it failed."""
        for step in self._calls[-1:] if not self._records else ():
            said = step.call.last_error_line[:_LONGEST_SAID]
            if not step.call.ok and said and (said in judged.got or said in judged.message):
                came = f"{class_of(step.call)}: {digits_masked(self._marks.text(_complaint(step.call)))}"
                yield Seen("came_to", (step.words[0], came))

    def _holding(self, judged: Judged) -> Iterator[Seen]:
        """The records, and the last state, that have in them what the comparison got."""
        texts = _texts(judged.got)
        concerning = self._concerning(judged)
        # Of a value that many steps give, nobody can tell which one it was.
        common = len(concerning) > 1 and judged.got in _COMMON
        for (container, key), record in concerning.items():
            line = self._marks.text(line_of(record))
            if not common and any(line.endswith(f'":{text}}}') for text in texts):
                yield Seen("fact", (f"\0{container}", self._marks.text(key), masked(line), "decisive"))
                continue
            for text in map(self._marks.text, texts):
                if len(text) >= _SHORTEST and text in line and masked(text) == text:
                    yield Seen("fact_holds", (f"\0{container}", self._marks.text(key), text))
        for said in self._states[-1:]:
            for text in (plain(self._marks.text(one)) for one in texts):
                if len(text) >= _SHORTEST and text in plain(self._marks.text(said)):
                    yield Seen("holds", (text,))

    def _wholes(self, records: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[Seen]:
        for (container, key), record in records.items():
            line = masked(self._marks.text(line_of(record)))
            if len(line) <= _LONGEST:
                yield Seen("fact", (f"\0{container}", self._marks.text(key), line))

    def _told(self) -> Iterator[Seen]:
        for said in self._states[-1:]:
            text = plain(self._marks.text(said))
            if len(text) <= _LONGEST and "\N{REPLACEMENT CHARACTER}" not in text:
                yield Seen("told", (text,))

    def _values(self, judged: Judged) -> Iterator[Seen]:
        for look in self._looks:
            if look.what == "value" and judged.got == look.found[0]:
                controller, _, file = look.subject.partition("/")
                yield Seen("value", (f"\0{look.container}", controller, file, look.found[1].rstrip("\n")))

    def _left(self, judged: Judged) -> Iterator[Seen]:
        for look in reversed(self._looks):
            if look.what == "left" and shown(look.found) == judged.got:
                words = ("process", "control group", "mount", "state")
                kinds = [word for word in words if any(one.startswith(word) for one in look.found)]
                state, container = self._marks.text(look.container), f"\0{look.container}"
                places = (f"\0bundle {look.container}", f"\0group {look.container}")
                yield Seen("left", (container, state, *places, ", ".join(kinds) or "nothing"))

    def _alive(self, judged: Judged) -> Iterator[Seen]:
        for look in self._looks[-1:]:
            if look.what == "alive" and judged.got in ("true", "false") and look.found is (judged.got == "true"):
                yield Seen("is_alive", (f"\0{look.container}", "yes" if look.found else "no"))

    def _names(self, judged: Judged) -> Iterator[Seen]:
        """Who left a trace, of the kinds that the comparison is about."""
        kinds = sorted({name.partition("/")[0] for text in (judged.got, judged.want) for name in _list_of(text)})
        for look in [one for one in self._looks if one.what == "names"][-1:] if kinds else ():
            path = self._marks.text(look.subject).removeprefix("@WORK@/")
            ran = [name for name in look.found if name.partition("/")[0] in kinds]
            if all(name in ran for name in _list_of(judged.got)):
                yield Seen("names", (path, "|".join(kinds), "".join(f"{name} " for name in ran) or "nothing"))


def _complaint(call: Call) -> str:
    """The last line of what a call said on standard error, where the script looks for it."""
    return call.last_error_line if call.ended == "exit" and call.stderr.strip() else ""


def class_of(call: Call) -> str:
    """How a call ended, as the script says it."""
    if call.ended != "exit":
        return "none, it hangs"
    return {0: "0"}.get(call.status, "a signal" if call.status < 0 else "an error")


def _list_of(text: str) -> list[str]:
    """The names of a list such as ``["poststop/0"]``."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    names = value if isinstance(value, list) else []
    return [name for name in names if isinstance(name, str) and re.fullmatch("[A-Za-z]+/[0-9]+", name)]


def _texts(got: str) -> list[str]:
    """What a comparison got, as the probe would print it."""
    found = [compact(got)]
    try:
        value = json.loads(got)
    except (ValueError, RecursionError):
        return found
    return [compact(value), *found]


def _is_record(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("step"), str) and isinstance(record.get("args"), list)
