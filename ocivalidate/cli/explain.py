"""``ocivalidate explain``: what a clause says, where it stands, and what breaks and keeps it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.lines import clipped, print_lines
from ocivalidate.cli.rules import add_color, add_format
from ocivalidate.cli.screen import screen
from ocivalidate.cli.streams import print_text
from ocivalidate.errors import UsageError
from ocivalidate.explained import explained
from ocivalidate.report.escape import visible
from ocivalidate.report.fitting import fitted, together
from ocivalidate.report.painting import Line
from ocivalidate.report.summary import counted
from ocivalidate.rules.clauses import Clause, containing, load, matches
from ocivalidate.rules.references import page, url

if TYPE_CHECKING:
    from ocivalidate.runtime.cases import Case

_WIDEST = 110
_INDENT = 13

# Addresses are to be copied.
_ADDRESSES = ("where", "page")

_EXAMPLES = (
    ("A clause, as findings name it:", "ocivalidate explain runtime/config.process.cwd.absolute"),
    ("A case, as runs of a runtime name it:", "ocivalidate explain signals.running-container-gets-signals"),
    ("All that have a word in them, a line each:", "ocivalidate explain cwd"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.add_argument(
        "clauses",
        nargs="+",
        metavar="CLAUSE",
        help="the id of a clause or of a case, or a word that ids and summaries have",
    )
    add_format(parser)
    add_color(parser)


def run(options: argparse.Namespace) -> int:
    """Explain every clause and case that is asked for, and list what has the words that are asked for."""
    if options.format == "json":
        print_text(json.dumps(_content(options.clauses), indent=1, ensure_ascii=False) + "\n")
        return 0
    seen = screen(options.color)
    # Lines of text that are too long cannot be read.
    width = min(seen.width or _WIDEST, _WIDEST)
    found = [_meant(name) for name in options.clauses]
    for number, (name, clauses, cases) in enumerate(found):
        lines = [] if number == 0 else [Line()]
        if len(clauses) + len(cases) > 1:
            lines += _listed(name, clauses, cases, seen.width)
        else:
            lines += [line for clause in clauses for line in _as_lines(clause, width)]
            lines += [line for case in cases for line in _case_lines(case, width)]
        print_lines(lines, seen._replace(width=0))
    return 0


def _content(names: list[str]) -> dict[str, object]:
    """The clauses and cases with these very ids, as JSON. Raises :class:`UsageError`."""
    found = [_named(name) or _refuse(name) for name in names]
    content: dict[str, object] = {"clauses": [_as_json(one) for one in found if isinstance(one, Clause)]}
    if cases := [one for one in found if not isinstance(one, Clause)]:
        from ocivalidate.cli import explain_case

        content["cases"] = [explain_case.as_json(case) for case in cases]
    return content


def _named(name: str) -> Clause | Case | None:
    """The clause or the case with this id."""
    clause = load().get(name)
    if clause is not None or "/" in name or "." not in name:
        return clause
    from ocivalidate.cli import explain_case

    return explain_case.find(name)


def _meant(name: str) -> tuple[str, list[Clause], list[Case]]:
    """What a name means: what has it for its id, else what begins so, or has the word. Raises :class:`UsageError`."""
    found = _named(name)
    if found is not None:
        return (name, [found], []) if isinstance(found, Clause) else (name, [], [found])
    clauses = [clause for clause in load().values() if matches(clause.id, name)]
    cases: list[Case] = []
    if "/" not in name and name.strip():
        from ocivalidate.cli import explain_case

        clauses = clauses or containing(name, load().values())
        cases = explain_case.containing(name)
    if not clauses and not cases:
        _refuse(name)
    return name, clauses, cases


def _refuse(name: str) -> NoReturn:
    from ocivalidate.cli import mistakes

    cases: list[str] = []
    if "." in name and "/" not in name:
        from ocivalidate.judges import cases as known

        cases = [case.id for case in known()]
    raise UsageError(f"no clause {name}; {mistakes.clause(name, [*load()], cases)}")


def _case_lines(case: Case, width: int) -> Iterator[Line]:
    from ocivalidate.cli import explain_case

    return explain_case.as_lines(case, width)


def _listed(name: str, clauses: list[Clause], cases: list[Case], width: int) -> Iterator[Line]:
    """A line for each, as wide as the terminal at the most."""
    for clause in clauses:
        yield clipped([(clause.id, f"name {page(clause)}"), (f"  {clause.summary}", "")], width)
    for case in cases:
        yield clipped([("case ", ""), (case.id, "name"), (f"  {case.summary}", "")], width)
    counts = [counted(len(clauses), "clause")] * bool(clauses) + [counted(len(cases), "case")] * bool(cases)
    one = clauses[0].id if clauses else cases[0].id
    said = f"{' and '.join(counts)} for {visible(name)}; explain one by its id: "
    yield from fitted([(said, ""), (together(f"ocivalidate explain {one}"), "")], width)


def _as_json(clause: Clause) -> dict[str, object]:
    from ocivalidate.cli.rules import clause_json

    content: dict[str, object] = clause_json(clause) | {"reference": url(clause), "page": page(clause)}
    told = explained(clause)
    if told.keeps:
        content["bad"], content["good"] = told.breaks, told.keeps
    return content


def _as_lines(clause: Clause, width: int) -> Iterator[Line]:
    told = explained(clause)
    yield [(clause.id, f"strong {page(clause)}")]
    yield from fitted([("  ", ""), (f"{clause.summary}.", "")], width, 2)
    yield []
    for name, value in told.facts:
        link = f" {value}" if name in _ADDRESSES else ""
        if link and width < len(value) + _INDENT:
            # It gets a line of its own.
            yield [(f"  {name}", "frame")]
            yield [("    ", ""), (value, link)]
        else:
            yield from fitted([(f"  {name:<10} ", "frame"), (value, link)], width, _INDENT)
    yield from _example("breaks it", "bad", told.breaks)
    yield from _example("keeps it", "good", told.keeps)


def _example(title: str, style: str, text: str) -> Iterator[Line]:
    if text:
        yield from ([], [(f"  {title}:", style)])
        yield from ([(f"    {line}", "")] for line in text.splitlines())
