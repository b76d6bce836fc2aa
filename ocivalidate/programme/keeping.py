"""What is kept of a run for others: nothing of the machine but its kernel and control groups.

Paths, the tokens of a run, the name of the host and of who ran it are replaced. Known deviations count as what they
are: failures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ocivalidate.programme.record import Outcome, Record

_TOKEN = re.compile(r"ocivalidate-[a-z0-9]{16}")
_FOLDER = re.compile(
    r"/[^\s'\":,)]*ocivalidate-[a-z0-9]{16}[^\s'\":,)]*|(?<![\w./])/(?:root|home|work|Users)/[^\s'\":,)]*"
)
_LONGEST = 300  # characters of a text that are kept
# What a run with known deviations has in place of a failure and a pass.
_BARE = {"xfail": "fail", "xpass": "pass"}


def anonymous(record: Record, program: str, names: Mapping[str, str] | None = None) -> Record:
    """A record without what only this machine and this run have in it, in the one order.

    ``program``: the path of the runtime, which is replaced by its name. ``names``: words to replace, and by what.
    """

    def without(text: str) -> str:
        return normal(text, program, record.name, names or {})

    outcomes = (
        Outcome(
            one.case,
            one.clause,
            (bare := _BARE.get(one.outcome, one.outcome)),
            tuple(filter(None, map(without, one.said))) if bare != "pass" else (),
            without(one.got) if bare != "pass" else "",
            without(one.want) if bare != "pass" else "",
        )
        for one in record.outcomes
    )
    return replace(record, outcomes=tuple(sorted(outcomes, key=lambda one: (one.case, one.clause))))


def normal(text: str, program: str, name: str, names: Mapping[str, str]) -> str:
    """A text without what only this machine and this run have in it."""
    if "/" in program:
        text = text.replace(program, name)
    text = _TOKEN.sub("ocivalidate-RUN", _FOLDER.sub("PATH", text))
    for word, instead in names.items():
        text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", instead, text)
    return text[:_LONGEST]
