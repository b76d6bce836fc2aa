"""``ocivalidate explain``: what a clause says, where it stands, and what breaks and keeps it."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator

from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.rules import add_format
from ocivalidate.cli.streams import print_text
from ocivalidate.errors import UsageError
from ocivalidate.report.verdicts import url
from ocivalidate.rules.clauses import Clause, Level, likely, load
from ocivalidate.rules.witnesses import Witness, example, witness_for

_HOW = {
    "static": "from the document alone",
    "static-host": "from the document and this host (--host)",
    "dynamic": "by driving a runtime",
    "none": "not judged",
}


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


def run(options: argparse.Namespace) -> int:
    """Explain every clause that is asked for."""
    found = [_find(clause_id) for clause_id in options.clauses]
    if options.format == "json":
        print_text(json.dumps({"clauses": [_as_json(clause) for clause in found]}, indent=1, ensure_ascii=False) + "\n")
    else:
        print_text("\n".join("\n".join(_as_text(clause)) + "\n" for clause in found))
    return 0


def _find(clause_id: str) -> Clause:
    clause = load().get(clause_id)
    if clause is not None:
        return clause
    raise UsageError(f"no clause {clause_id}; {_of_case(clause_id) or likely(clause_id, [*load()])}")


def _of_case(name: str) -> str:
    """One line on the id of a case; ``""`` for what is none."""
    if "/" in name or "." not in name:
        return ""
    from ocivalidate.judges import cases

    known = any(case.id == name for case in cases())
    return f"it is a case: ocivalidate runtime --list -v --select {name} shows its clauses" if known else ""


def _as_json(clause: Clause) -> dict[str, object]:
    from ocivalidate.cli.rules import clause_json

    content: dict[str, object] = clause_json(clause) | {"reference": _reference(clause)}
    witness = witness_for(clause.same_as or clause.id)
    if witness:
        content["bad"], content["good"] = example(witness, "violates"), example(witness, "satisfies")
    return content


def _as_text(clause: Clause) -> Iterator[str]:
    yield clause.id
    yield f"  {clause.summary}."
    yield ""
    for name, value in _facts(clause):
        yield from textwrap.wrap(value, 110, initial_indent=f"  {name:<10} ", subsequent_indent=" " * 13)
    witness = witness_for(clause.same_as or clause.id)
    if witness:
        yield from _examples(witness)
    elif clause.family in ("image", "safety"):
        yield from _image_example(clause)


def _relations(clause: Clause) -> Iterator[tuple[str, str]]:
    """How it stands to other clauses."""
    if clause.same_as:
        yield "told as", clause.same_as
    if clause.replaces:
        yield "replaces", clause.replaces
    if clause.later:
        yield "later", f"a part of it is a clause of its own: {', '.join(clause.later)}"


def _facts(clause: Clause) -> Iterator[tuple[str, str]]:
    if clause.level is Level.NONE:
        origin = "hazard that no specification forbids" if clause.family == "safety" else "opinion"
        yield "level", origin
    else:
        yield "level", clause.level.value
    yield "severity", clause.severity.value
    yield "judged", _HOW[clause.judged] + (f": {clause.reason}" if clause.reason else "")
    yield from _judges(clause)
    if clause.since:
        yield "versions", f"from {clause.since}" + (f" to {clause.until}" if clause.until else " on")
    yield "platform", clause.platform
    if clause.document:
        yield "where", _reference(clause)
    if clause.contested:
        yield "contested", clause.contested
    if clause.open_list:
        yield "open list", "kernels and libraries know more values: one that only they know is a warning"
    yield from _relations(clause)
    if not clause.default:
        yield "default", f"off; --lint or --select {clause.id} turns it on"
    if clause.note:
        yield "note", clause.note


def _judges(clause: Clause) -> Iterator[tuple[str, str]]:
    """What judges the clause, a line each, or why no case does."""
    from ocivalidate.judges import judges_of

    name = "by"
    for judge in judges_of(clause):
        yield name, str(judge)
        name = ""
    if not name or clause.judged == "none":
        return
    if clause.level is Level.MAY:
        yield name, "nothing: what is allowed cannot be broken"
    elif clause.judged == "dynamic":
        from ocivalidate.coverage import unjudged

        yield name, f"no case: {unjudged().get(clause.same_as or clause.id) or _why_no_case(clause)}"


def _why_no_case(clause: Clause) -> str:
    if clause.family == "image":
        return f"it binds the {clause.subject} of an image, and cases drive runtimes"
    return f"it is about {clause.platform}, and cases run on Linux"


def _reference(clause: Clause) -> str:
    return url(clause)


def _examples(witness: Witness) -> Iterator[str]:
    examples = {"breaks it": example(witness, "violates"), "keeps it": example(witness, "satisfies")}
    for title, text in examples.items():
        yield ""
        yield f"  {title}:"
        yield from textwrap.indent(text, "    ").splitlines()


def _image_example(clause: Clause) -> Iterator[str]:
    from ocivalidate.image.documents.witnesses import image_witness

    witness = image_witness(clause.same_as or clause.id)
    if witness:
        yield from ("", "  breaks it:", f"    {witness.text}")
