"""A matrix as the data of the page: each text once, an outcome a letter, and never more than a page should weigh.

``page/data.js`` is the other half. Where there is too much, messages are shortened first, then what is no failure is
left out, then more of them; what was cut is said on the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ocivalidate.matrix.benches import Bench
from ocivalidate.matrix.changes import CHANGES, GROUPS, WORDS, Difference
from ocivalidate.matrix.model import Matrix, Row, Sheet
from ocivalidate.matrix.subjects import FAILED, RUNTIME, WORST, Point, Said, Subject
from ocivalidate.rules.clauses import RELEASES
from ocivalidate.rules.references import SITE, page_path, url
from ocivalidate.vocabulary.versions import order

MOST_LETTERS = 1_600_000
"""How long the data may be; what is around it on the page has less than 300,000."""

_LETTERS = {"fail": "f", "xfail": "k", "error": "e", "xpass": "u", "pass": "p", "skip": "s"}


class _Limits(NamedTuple):
    """What is kept: letters of a message, results of a sheet, its runs."""

    letters: int
    results: int
    runs: int


# The first row that is light enough counts.
_LIMITS = (
    _Limits(300, 40_000, 600),
    _Limits(160, 40_000, 400),
    _Limits(80, 20_000, 400),
    _Limits(40, 10_000, 200),
    _Limits(20, 4_000, 200),
    _Limits(0, 1_000, 100),
    _Limits(0, 200, 40),
)
_MOST_LETTERS_OF_A_NAME = 120


class Pair(NamedTuple):
    """A clause, and a case that judges it."""

    clause: str
    case: str


def packed(matrix: Matrix, version: str, found: Difference | None = None) -> str:
    """The data as JSON that may stand in a script element: only ASCII, and nothing in it begins a tag."""
    text = ""
    for limits in _LIMITS:
        data = _data(matrix, version, found, limits)
        text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
        for sign in "&<>":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        if len(text) <= MOST_LETTERS:
            break
    return text


def _data(matrix: Matrix, version: str, found: Difference | None, limits: _Limits) -> dict[str, Any]:
    texts = _Texts(limits.letters)
    sheets = [_sheet(sheet, texts, limits) for sheet in matrix.sheets]
    cut = [f"Messages are cut to {limits.letters} letters."] * (limits.letters < _LIMITS[0].letters)
    cut += ["Results are left out, failures last: there are too many."] * any(one["left"] for one in sheets)
    cut += ["Runs are left out: there are too many."] * any(len(one.subjects) > limits.runs for one in matrix.sheets)
    return {
        "tool": version,
        "site": SITE,
        "title": title(matrix),
        "start": "#/changes" if found else "#/matrix" if sheets else "#/times",
        "worst": [*WORST, "absent"],
        "changes": {f"{old} {new}": change for (old, new), change in CHANGES.items() if change},
        "changeWords": dict(WORDS),
        "changeGroups": [*GROUPS.items()],
        "compared": [*_compared(matrix, found)] if found else [],
        "told": [*found.unjudged, *found.added] if found else [],
        "cut": " ".join(cut),
        "strings": texts.all,
        "sheets": sheets or [_sheet(Sheet(RUNTIME, (), ()), texts, limits)],
        "benches": [_bench(one) for one in matrix.benches],
    }


def _bench(one: Bench) -> dict[str, Any]:
    return {
        "title": one.title,
        "labels": one.labels,
        "notes": one.notes,
        "measurements": [
            [each.phase, each.operation, each.unit, each.runtimes, [[*ratio] for ratio in each.ratios]]
            for each in one.measurements
        ],
    }


def title(matrix: Matrix) -> str:
    """What the page is about: the names of the subjects, the first of many."""
    names = list(dict.fromkeys(one.name for one in matrix.subjects))
    if not names:
        return "Performance of runtimes"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"Conformance of {', '.join(names[:5])}{more}"


def _compared(matrix: Matrix, found: Difference) -> Iterator[dict[str, Any]]:
    for sheet in matrix.sheets:
        places = {repr(_unlabelled(one)): number for number, one in enumerate(sheet.subjects)}
        for one in found.compared:
            if one.old.kind == sheet.kind:
                old, new = (places[repr(_unlabelled(each))] for each in (one.old, one.new))
                yield {"kind": sheet.kind, "old": old, "new": new}


def _unlabelled(one: Subject) -> Subject:
    return replace(one, label="")


class _Texts:
    """Texts by number, each once; 0 is the empty one."""

    def __init__(self, letters: int) -> None:
        self.all: list[str] = [""]
        self._numbers = {"": 0}
        self._letters = letters

    def number(self, text: str, letters: int | None = None) -> int:
        """The number of a text, which is cut to what is kept."""
        most = self._letters if letters is None else letters
        kept = text if len(text) <= most else f"{text[:most]}…" if most else ""
        if kept not in self._numbers:
            self._numbers[kept] = len(self.all)
            self.all.append(kept)
        return self._numbers[kept]


def _sheet(sheet: Sheet, texts: _Texts, limits: _Limits) -> dict[str, Any]:
    rows, kept_subjects = sheet.rows, sheet.subjects[: limits.runs]
    points = [{Pair(point.clause, point.case): point for point in one.points} for one in kept_subjects]
    pairs, left = _pairs(points, limits.results)
    kept = {pair.clause for pair in pairs}
    if left:
        rows = [row for row in rows if row.id in kept]
    releases = _releases(sheet, rows)
    clauses = {row.id: number for number, row in enumerate(rows)}
    cases = {case: number for number, case in enumerate(sorted({pair.case for pair in pairs}))}
    areas = {area: number for number, area in enumerate(dict.fromkeys(row.area for row in rows))}
    details: dict[tuple[Any, ...], int] = {((), 0, 0): 0}
    subjects = [_subject(one, own, pairs, details, texts) for one, own in zip(kept_subjects, points, strict=True)]
    for number, one in enumerate(subjects):
        one["absent"] = _absent(rows, number, texts)
    return {
        "kind": sheet.kind,
        "releases": releases,
        "areas": [*areas],
        "clauses": [_clause(row, areas[row.area], releases) for row in rows],
        "cases": [*cases],
        "pairs": [[clauses[pair.clause], cases[pair.case]] for pair in pairs],
        "subjects": subjects,
        "details": [*details],
        "left": left,
    }


def _pairs(points: Sequence[Mapping[Pair, Point]], most: int) -> tuple[list[Pair], int]:
    """The clauses and cases that are kept, those in which something fails before others, and how many are not."""
    every = sorted({pair for own in points for pair in own})
    if len(every) <= most:
        return every, 0
    failing = {pair for own in points for pair, point in own.items() if point.outcome in FAILED}
    kept = sorted(every, key=lambda pair: (pair not in failing, pair))[:most]
    return sorted(kept), len(every) - most


def _releases(sheet: Sheet, rows: Sequence[Row]) -> list[str]:
    """The releases by which clauses of the sheet can be told apart."""
    named = {one.specification.partition("-")[0] for one in sheet.subjects}
    named |= {row.clause.family for row in rows if row.clause}
    return sorted({release for name in named for release in RELEASES.get(name, ())}, key=order)


def _clause(row: Row, area: int, releases: Sequence[str]) -> list[Any]:
    if row.clause is None:
        return [row.id, area, "none", "", "any", 0, len(releases), "", ""]
    holding = [number for number, release in enumerate(releases) if row.clause.holds_in(release)]
    first, last = (holding[0], holding[-1]) if holding else (len(releases), -1)
    return [
        row.id,
        area,
        str(row.clause.level),
        row.clause.summary,
        row.clause.platform,
        first,
        last,
        url(row.clause),
        page_path(row.clause),
    ]


def _subject(
    one: Subject,
    points: Mapping[Pair, Point],
    pairs: Sequence[Pair],
    details: dict[tuple[Any, ...], int],
    texts: _Texts,
) -> dict[str, Any]:
    outcomes, said = [], []
    for pair in pairs:
        point = points.get(pair)
        letter = _LETTERS[point.outcome] if point else "."
        if point and (detail := _detail(point, texts)) != ((), 0, 0):
            said.append(details.setdefault(detail, len(details)))
            letter = letter.upper()
        outcomes.append(letter)
    facts = {"mode": one.host.get("cgroup_mode", ""), "machine": one.host.get("machine", "")}
    named = ("program", "release", "claim", "digest", "source", "suite", "date", "submitter", "command", "stale")
    return {
        "kind": one.kind,
        "label": one.label,
        "name": one.name,
        "short": one.label[len(one.name) :].strip(" ,") if one.label.startswith(one.name) else "",
        "kernel": one.host.get("kernel", ""),
        **facts,
        **{name: getattr(one, name) for name in named},
        "problem": one.problem,
        "clipped": one.clipped,
        "timings": [[*each] for each in one.timings],
        "outcomes": "".join(outcomes),
        "said": said,
    }


def _detail(point: Point, texts: _Texts) -> tuple[Any, ...]:
    said = tuple(_numbers(one, texts) for one in point.said)
    return tuple(each for each in said if any(each)), point.more, texts.number(point.dump, _MOST_LETTERS_OF_A_NAME)


def _numbers(one: Said, texts: _Texts) -> tuple[int, ...]:
    numbers = [texts.number(text) for text in one]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _absent(rows: Sequence[Row], column: int, texts: _Texts) -> list[list[int]]:
    """Why clauses that no case judged were not: the number of a text, and the first and last row that have it."""
    found: list[list[int]] = []
    for number, row in enumerate(rows):
        if row.cells[column].points:
            continue
        text = texts.number(row.cells[column].reason, _LIMITS[0].letters)
        if found and found[-1][0] == text and found[-1][2] == number - 1:
            found[-1][2] = number
        else:
            found.append([text, number, number])
    return found
