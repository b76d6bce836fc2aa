"""What changed, for programs. ``schemas/output/diff.json`` describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ocivalidate.matrix.changes import Change, Compared, Difference
from ocivalidate.matrix.json_matrix import point, subject
from ocivalidate.matrix.subjects import ABSENT, Point
from ocivalidate.matrix.text_changes import level_of
from ocivalidate.report.json_pieces import Opened, written

SCHEMA = "urn:ocivalidate:diff-1"


def pieces(found: Difference, version: str) -> Iterator[str]:
    """One JSON document, only ASCII. ``version``: that of the tool."""
    data = Opened(
        schema=SCHEMA,
        tool={"name": "ocivalidate", "version": version},
        compared=map(_compared, found.compared),
        unjudged=list(found.unjudged),
        added=list(found.added),
        exit_code=int(found.exit_code),
        complete=True,  # last: a document that was cut off does not have it
    )
    yield from written(data)
    yield "\n"


def _compared(one: Compared) -> Opened:
    return Opened(
        old=subject(one.old),
        new=subject(one.new),
        both=one.both,
        counts=dict(sorted(one.counts.items())),
        notes=list(one.notes),
        changes=map(_change, one.changes),
    )


def _change(change: Change) -> dict[str, Any]:
    data = {"change": change.kind, "clause": change.clause, "case": change.case, "level": level_of(change)}
    return {name: value for name, value in data.items() if value} | {"old": _side(change.old), "new": _side(change.new)}


def _side(one: Point | None) -> dict[str, Any]:
    return point(one) if one is not None else {"outcome": ABSENT}
