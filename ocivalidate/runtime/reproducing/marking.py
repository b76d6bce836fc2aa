"""What differs each time a case is tried: its folder, the names of the run, numbers of the kernel. Pure.

In a script they are marks, which the script fills with its own; ``machinery.sh`` does the same to what it sees.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_KEYS = re.compile(
    r'"(pid|ppid|sid|id|parent|device|inode|links|size|[acm]time|created'
    # What /proc/self/status tells of memory and luck is never twice the same.
    r'|FDSize|(?:Vm|Rss)[A-Za-z]+|SigQ|(?:non)?voluntary_ctxt_switches)":("[^"]*"|[0-9]+)',
    re.ASCII,
)
_GROUPS = re.compile(r'"(shared|master|propagate_from):[0-9]+', re.ASCII)
_NUMBERS = re.compile(r"[0-9]{5,}", re.ASCII)
_STEP = '{"step":'


class Marks:
    """Puts marks in the place of what a run is called: the longest texts first, as one may begin like another."""

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._marks = sorted(((text, mark) for text, mark in marks.items() if text), key=lambda one: -len(one[0]))

    def add(self, text: str, mark: str) -> None:
        """One more."""
        self._marks = sorted([*self._marks, (text, mark)], key=lambda one: -len(one[0]))

    def text(self, text: str) -> str:
        """A text with marks."""
        for real, mark in self._marks:
            text = text.replace(real, mark)
        return text

    def data(self, data: bytes) -> bytes:
        """Bytes with marks."""
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def compact(value: Any) -> str:
    """A value as the probe prints it."""
    return json.dumps(value, separators=(",", ":"))


def masked(text: str) -> str:
    """A text without numbers that the kernel gives."""
    return _NUMBERS.sub("#", _GROUPS.sub(r'"\1:#', _KEYS.sub(r'"\1":#', text)))


def digits_masked(text: str) -> str:
    """What a runtime complains of, without numbers: descriptors, processes, times."""
    return re.sub("[0-9]+", "#", text, flags=re.ASCII)


def plain(text: str) -> str:
    """The output of ``state``, without spaces and without numbers that the kernel gives."""
    return masked(re.sub("[ \n\t]", "", text))


def line_of(record: Mapping[str, Any]) -> str:
    """The record of a step as the script finds it: what one inside of it says is a line of its own."""
    return re.split(r',?(?=\{"step":)', compact(record)[len(_STEP) :])[0].join((_STEP, ""))


def key_of(record: Mapping[str, Any]) -> str:
    """How the line of a record begins, without what the step saw."""
    return f'{_STEP}{compact(record["step"])},"args":{compact(record["args"])}'
