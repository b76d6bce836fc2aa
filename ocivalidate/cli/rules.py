"""``ocivalidate rules``: the clauses, filtered, and how far they are covered."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ocivalidate.cli import rules_changes
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.lines import print_lines
from ocivalidate.cli.screen import Screen, screen
from ocivalidate.cli.settings_table import BY_NAME, PRINTED
from ocivalidate.cli.streams import print_text
from ocivalidate.errors import UsageError
from ocivalidate.report.painting import Line
from ocivalidate.rules.clauses import (
    LEVEL_NAMES,
    PLATFORMS,
    RELEASES,
    Clause,
    Level,
    containing,
    load,
    matches,
    unmatched,
)
from ocivalidate.rules.references import page
from ocivalidate.vocabulary.versions import NEXT, order

JUDGED = ("static", "static-host", "dynamic", "none")


_EXAMPLES = (
    ("Those of one member, or with a word in them:", "ocivalidate rules runtime/config.process.cwd"),
    ("", "ocivalidate rules umask"),
    ("What each MUST of a release is judged by:", "ocivalidate rules --spec-version 1.3.0 --level must -v"),
    ("What a release changed:", "ocivalidate rules --diff 1.2.1..1.3.0"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.add_argument(
        "patterns",
        nargs="*",
        metavar="CLAUSES",
        help="ids, prefixes of ids, globs, or words that ids and summaries have (default: all)",
    )
    which = parser.group("Which clauses")
    which.add_argument(
        "--level",
        choices=LEVEL_NAMES,
        metavar="LEVEL",
        help=f"only clauses of this level or above: {', '.join(LEVEL_NAMES)}",
    )
    which.add_argument("--spec-version", metavar="RELEASE", help="only clauses of this release, or of next, the draft")
    which.add_argument(
        "--os", choices=PLATFORMS, metavar="OS", help=f"only clauses for this platform: {', '.join(PLATFORMS)}"
    )
    which.add_argument(
        "--judged", choices=JUDGED, metavar="HOW", help=f"only clauses judged this way: {', '.join(JUDGED)}"
    )
    rules_changes.add_options(parser)
    shown = parser.group(PRINTED)
    shown.add_argument(
        "--coverage", action="store_true", help="count what is checked and witnessed instead of listing it"
    )
    shown.add_argument("-v", "--verbose", action="store_true", help="name what judges each clause, and its file")
    add_format(shown)
    add_color(shown)


def add_color(group: argparse._ActionsContainer) -> None:
    """The option that says when to colour."""
    color = BY_NAME["color"]
    group.add_argument("--color", choices=color.choices, default=color.default, metavar=color.metavar, help=color.help)


def add_format(group: argparse._ActionsContainer) -> None:
    """The option that chooses between text and JSON."""
    group.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        metavar="FORMAT",
        help="what is printed: text, json (default: text)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the clauses, their coverage, or what changes between releases."""
    seen = screen(options.color)
    if rules_changes.asked_for(options):
        options.patterns = _with_words(options.patterns)
        chosen_ids = {clause.id for clause in _choose(options)}
        rules_changes.show(options, lambda clause: clause.id in chosen_ids, seen)
        return 0
    if options.coverage:
        if options.patterns or options.level or options.spec_version or options.os or options.judged:
            raise UsageError("--coverage counts all clauses and takes no filter")
        print_text(_coverage_json()) if options.format == "json" else print_lines(_coverage(seen.width), seen)
        return 0
    options.patterns = _with_words(options.patterns)
    chosen = _choose(options)
    if not chosen:
        raise UsageError("no clause matches these filters")
    if options.format == "json":
        print_text(_list_json(chosen))
    else:
        print_lines(_list(chosen, seen, verbose=options.verbose), seen)
    return 0


def _with_words(patterns: list[str]) -> list[str]:
    """The patterns; one that means no clause is a word, and means all that have it. Raises :class:`UsageError`."""
    found: list[str] = []
    strays: list[str] = []
    for pattern in patterns:
        known = pattern and not unmatched([pattern], load())
        named = [] if known or "/" in pattern or not pattern.strip() else containing(pattern, load().values())
        if not known and not named:
            strays.append(pattern)
        # The glob is for members, of which --diff tells, and which have no summary.
        found += [f"*{pattern}*", *(clause.id for clause in named)] if named else [pattern]
    if strays:
        from ocivalidate.cli import mistakes

        raise UsageError(f"no clause matches {', '.join(strays)}; {mistakes.clause(strays[0], [*load()])}")
    return found


def _choose(options: argparse.Namespace) -> list[Clause]:
    known = sorted({NEXT, *(release for releases in RELEASES.values() for release in releases)}, key=order)
    if options.spec_version and options.spec_version not in known:
        from ocivalidate.cli import mistakes

        guess = mistakes.value(options.spec_version, known) or f"; known are {', '.join(known)}"
        raise UsageError(f"unknown release {options.spec_version}{guess}")
    levels = LEVEL_NAMES[options.level] if options.level else frozenset(Level)
    return [
        clause
        for clause in load().values()
        if (not options.patterns or any(matches(clause.id, pattern) for pattern in options.patterns))
        and clause.level in levels
        and (not options.spec_version or clause.holds_in(options.spec_version))
        and (not options.os or clause.concerns({options.os}))
        and (not options.judged or clause.judged == options.judged)
    ]


def clause_json(clause: Clause) -> dict[str, Any]:
    """A clause as plain JSON, with what judges it, and without the fields that say nothing."""
    fields = {key: value for key, value in asdict(clause).items() if value not in ("", None, False, ())}
    from ocivalidate.judges import judges_of

    judged_by = [judge._asdict() for judge in judges_of(clause)]
    return fields | {"default": clause.default} | ({"judged_by": judged_by} if judged_by else {})


def _list_json(clauses: list[Clause]) -> str:
    return json.dumps({"clauses": [clause_json(clause) for clause in clauses]}, indent=1, ensure_ascii=False) + "\n"


def _list(clauses: list[Clause], seen: Screen, *, verbose: bool) -> Iterator[Line]:
    """A line for each clause, which a search finds; on a terminal its summary stands below, in a line of its own."""
    for clause in clauses:
        head: Line = [(clause.id, f"name {page(clause)}"), (f"  {_label(clause)}", "")]
        if seen.width:
            yield head
            yield [("    ", ""), (clause.summary, "")]
        else:
            yield [*head, (f"  {clause.summary}", "")]
        if verbose:
            yield from _judges(clause)
    yield [(f"{len(clauses)} clauses", "")]


def _judges(clause: Clause) -> Iterator[Line]:
    from ocivalidate.judges import judges_of

    return ([(f"    {judge}", "frame")] for judge in judges_of(clause))


def _label(clause: Clause) -> str:
    level = clause.level.value if clause.level is not Level.NONE else clause.severity.value
    return f"[{level}, {clause.judged}{'' if clause.default else ', off by default'}]"


def _coverage_json() -> str:
    from ocivalidate.coverage import dynamic_table, property_table, table, unjudged

    inventory = load().values()
    content = {
        "coverage": [asdict(row) for row in table()],
        "none": [{"id": clause.id, "reason": clause.reason} for clause in inventory if clause.judged == "none"],
        "contested": [{"id": clause.id, "reason": clause.contested} for clause in inventory if clause.contested],
        "dynamic": [asdict(row) for row in dynamic_table()],
        "unjudged": [{"id": clause_id, "reason": reason} for clause_id, reason in unjudged().items()],
        "properties": [
            {**asdict(row.property), "cases": list(row.cases), "reason": row.reason} for row in property_table()
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _coverage(width: int) -> Iterator[Line]:
    from ocivalidate.coverage import dynamic_table, property_table, table

    yield from _columns([asdict(row) for row in table()], width)
    yield from ([], [("Dynamic clauses on Linux, and properties of config.json, by release:", "strong")])
    yield from _columns([asdict(row) for row in dynamic_table()], width)
    yield from ([], [("Properties of config.json on Linux:", "strong")])
    for row in property_table():
        yield [(row.property.pointer, "name"), (f"  {', '.join(row.cases) or row.reason or 'NOT OBSERVED'}", "")]


def _columns(rows: list[dict[str, Any]], width: int) -> Iterator[Line]:
    """Rows as lines with aligned columns, below their names.

    On a terminal that is too narrow the first columns are titles, each above the rows that have it.
    """
    cells = [tuple(rows[0]), *(tuple(str(value) for value in row.values()) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    titles = 0
    while width and sum(widths[titles:]) + 2 * len(widths[titles:]) > width and titles < len(widths) - 1:
        titles += 1
    above: tuple[str, ...] = ()
    for number, row in enumerate(cells):
        if row[:titles] != above:
            above = row[:titles]
            yield [(" ".join(above), "strong")]
        parts = zip(row[titles:], widths[titles:], strict=True)
        text = "  ".join(cell.ljust(size) for cell, size in parts)
        yield [("  " if titles else "", ""), (text, "" if number else "strong")]
