"""What is kept of a run for others: nothing of the machine but its kernel and control groups.

Paths, the tokens of a run, the name of the host and of who ran it are replaced. Known deviations count as what they
are: failures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from ocivalidate.programme.personal import without
from ocivalidate.programme.record import Outcome, Record

_LONGEST = 300  # characters of a text that are kept
_UNSAID = "nothing was said"
# What a run with known deviations has in place of a failure and a pass.
_BARE = {"xfail": "fail", "xpass": "pass"}


def anonymous(record: Record, program: str, names: Mapping[str, str] | None = None) -> Record:
    """A record without what only this machine and this run have in it, in the one order.

    ``program``: the path of the runtime, which is replaced by its name. ``names``: words to replace, and by what.
    """
    outcomes = (_kept(one, lambda text: normal(text, program, record.name, names or {})) for one in record.outcomes)
    return replace(record, outcomes=tuple(sorted(outcomes, key=lambda one: (one.case, one.clause))))


def _kept(one: Outcome, plain: Callable[[str], str]) -> Outcome:
    outcome = _BARE.get(one.outcome, one.outcome)
    if outcome == "pass":
        return Outcome(one.case, one.clause, outcome)
    said = tuple(filter(None, map(plain, one.said)))
    return Outcome(one.case, one.clause, outcome, said or (_UNSAID,), plain(one.got), plain(one.want))


def normal(text: str, program: str, name: str, names: Mapping[str, str]) -> str:
    """A text without what only this machine and this run have in it."""
    if "/" in program:
        text = text.replace(program, name)
    # The longest first: the name of a host begins that with its domain.
    for word in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?i)(?<![\w-]){re.escape(word)}(?![\w-])", names[word].replace("\\", r"\\"), text)
    # Half a pair of surrogates is no Unicode, and a runtime may print one.
    return without(text).encode(errors="replace").decode()[:_LONGEST]
