"""Badges: how many clauses a runtime keeps, as an image (SVG) and as JSON for shields.io.

No network and no font of ours: the width of a text is estimated from a table, and the image says how wide it is to be.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import NamedTuple

from ocivalidate.programme.expiry import CURRENT, EXPIRED, age
from ocivalidate.programme.record import Record, folder_of, order
from ocivalidate.report.escape import visible

_LONGEST = 60
# Share of the clauses that are kept → colour. White on each of them has a contrast of 4.5 or more.
_COLOURS = ((1.0, "#1a7f37"), (0.9, "#4d7c0f"), (0.75, "#946200"), (0.0, "#b42318"))
_GREY = "#57606a"
_LABEL = "#32383f"
# Widths in a sans-serif font of 11 pixels; all others are 7.
_WIDTHS = {
    letter: width
    for width, letters in ((3.3, "ijlI.,:;'|! "), (4.6, 'frt()[]/-"'), (9.5, "mwMW%@"), (8.1, "ABCDGHKNOQRUVXY&"))
    for letter in letters
}
_USUAL, _WIDE = 7.0, 12.0


class Badge(NamedTuple):
    """What a badge says, and in which colour."""

    label: str
    message: str
    colour: str


def badge(record: Record, today: dt.date) -> Badge:
    """The badge of a record: the clauses that no case saw broken, of those that some case judged."""
    label = f"runtime-spec {record.release}"
    state = age(record, today).state
    kept, judged = kept_and_judged(record)
    if state == EXPIRED:
        return Badge(label, "results expired", _GREY)
    if not judged:
        return Badge(label, "not judged", _GREY)
    colour = next(colour for share, colour in _COLOURS if kept >= share * judged)
    message = f"{kept} of {judged} clauses"
    return Badge(label, message, colour) if state == CURRENT else Badge(label, f"{message} (stale)", _GREY)


def kept_and_judged(record: Record) -> tuple[int, int]:
    """How many clauses passed wherever they were judged, and how many passed or failed at all."""
    passed = {one.clause for one in record.outcomes if one.outcome in ("pass", "xpass")}
    return len(passed - record.failed - _unjudged(record)), len(passed | record.failed)


def _unjudged(record: Record) -> set[str]:
    return {one.clause for one in record.outcomes if one.outcome == "error"}


def badges(records: Iterable[Record], today: dt.date) -> Iterator[tuple[str, str]]:
    """The files of all badges, and their content: for each record, and for the newest version of each runtime."""
    newest: dict[str, Record] = {}
    for record in sorted(records, key=order):
        yield from _files(folder_of(record), badge(record, today))
        newest[folder_of(record).partition("/")[0]] = record
    for name, record in newest.items():
        yield from _files(name, badge(record, today))


def _files(path: str, made: Badge) -> Iterator[tuple[str, str]]:
    yield f"{path}.svg", svg(made)
    yield f"{path}.json", endpoint(made)


def endpoint(made: Badge) -> str:
    """The document that https://shields.io/badges/endpoint-badge reads."""
    data = {"schemaVersion": 1, "label": _shown(made.label), "message": _shown(made.message), "color": made.colour}
    return json.dumps(data, ensure_ascii=False) + "\n"


def svg(made: Badge) -> str:
    """An image of its own, with a title that is read aloud."""
    label, message = _shown(made.label), _shown(made.message)
    left, right = _width(label) + 12, _width(message) + 12
    title = escape(f"{label}: {message}")
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">
<title>{title}</title>
<clipPath id="round"><rect width="{left + right}" height="20" rx="3"/></clipPath>
<g clip-path="url(#round)">
<rect width="{left}" height="20" fill="{_LABEL}"/>
<rect x="{left}" width="{right}" height="20" fill="{made.colour}"/>
</g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{left / 2:g}" y="14" textLength="{left - 12}">{escape(label)}</text>
<text x="{left + right / 2:g}" y="14" textLength="{right - 12}">{escape(message)}</text>
</g>
</svg>
"""


def _shown(text: str) -> str:
    return visible(text, _LONGEST)


def _width(text: str) -> int:
    wide = (_WIDTHS.get(letter, _USUAL if letter.isascii() else _WIDE) for letter in text)
    return max(1, round(sum(wide)))
