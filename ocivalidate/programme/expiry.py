"""When a record says too little of today: the one table of how results expire as the suite moves on.

What counts is how much of what this suite asks a runtime of that release nobody has asked this one yet, and how long
ago it was judged. A new revision that asks the same makes no record old.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from ocivalidate.programme.record import Record
from ocivalidate.programme.revisions import current

CURRENT, STALE, EXPIRED = "current", "stale", "expired"


class Rule(NamedTuple):
    """From when on a record is in a state: more than this share of the results is new, or so many days have passed."""

    state: str
    share: float
    days: int


RULES = (Rule(EXPIRED, 0.25, 730), Rule(STALE, 0.05, 365))
"""The first that fits counts; a record that none fits is current."""


class Age(NamedTuple):
    """A state and the reason for it, which is empty for a record that is current."""

    state: str
    reason: str = ""


def age(record: Record, today: dt.date) -> Age:
    """How much a record still says. One whose suite or date is not known is stale at least."""
    asked = current().results.get(record.release, frozenset())
    new = len(asked - {(one.case, one.clause) for one in record.outcomes})
    share = new / len(asked) if asked else 1.0
    days = _days(record.date, today)
    for rule in RULES:
        if share > rule.share:
            what = f"{new} of {len(asked)} results" if asked else f"all results of release {record.release}"
            return Age(rule.state, f"{what} that this suite asks for are not in it")
        if days is not None and days > rule.days:
            return Age(rule.state, f"it is {days} days old")
    if days is None:
        return Age(STALE, "nobody knows when it was judged")
    return Age(CURRENT) if record.suite.revision else Age(STALE, "nobody knows which revision of the suite judged it")


def _days(date: str, today: dt.date) -> int | None:
    try:
        return (today - dt.date.fromisoformat(date)).days
    except ValueError:
        return None
