"""``ocivalidate rules --diff`` and ``--since``/``--until``: what changes between releases of a specification."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from typing import Any

from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.lines import print_lines
from ocivalidate.cli.screen import Screen
from ocivalidate.cli.streams import print_text
from ocivalidate.errors import UsageError
from ocivalidate.report.painting import Line
from ocivalidate.rules.changes import Changes, Member, changes, choices, steps
from ocivalidate.rules.clauses import RELEASES, Clause, Level, matches
from ocivalidate.rules.references import page
from ocivalidate.vocabulary.versions import draft_note, order
from ocivalidate.vocabulary.wording import shortened

Wanted = Callable[[Clause], bool]


def add_options(parser: DashParser) -> None:
    """The options that ask for changes."""
    group = parser.group("What changes between releases (or next, the draft)")
    group.add_argument("--diff", metavar="OLD..NEW", help="what the second release changes from the first")
    group.add_argument(
        "--since", metavar="RELEASE", help="what each release after this one changed (default: the first)"
    )
    group.add_argument("--until", metavar="RELEASE", help="up to this one (default: the newest release)")
    group.add_argument(
        "--spec",
        choices=tuple(RELEASES),
        metavar="NAME",
        help=f"the specification, where both have such releases: {', '.join(RELEASES)}",
    )


def asked_for(options: argparse.Namespace) -> bool:
    """Whether changes are asked for. Raises :class:`UsageError` for options that do not go together."""
    if options.diff is None and options.since is None and options.until is None:
        if options.spec:
            raise UsageError("--spec needs --diff, --since or --until")
        return False
    if options.diff is not None and (options.since is not None or options.until is not None):
        raise UsageError("--diff names both releases and cannot be combined with --since or --until")
    if options.coverage or options.spec_version:
        other = "--coverage" if options.coverage else "--spec-version"
        raise UsageError(f"{other} cannot be combined with --diff, --since or --until")
    return True


def show(options: argparse.Namespace, wanted: Wanted, seen: Screen) -> None:
    """Print the changes; ``wanted`` says which clauses. Raises :class:`UsageError`."""
    found = [_filtered(one, options, wanted) for one in _found(options)]
    if options.format == "json":
        content = {"specification": found[0].specification, "changes": [_as_json(one) for one in found]}
        print_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return
    for number, one in enumerate(found):
        print_lines([*([Line()] if number else []), *_as_lines(one, below=bool(seen.width))], seen, hang=6)


# --- Which releases


def _found(options: argparse.Namespace) -> list[Changes]:
    if options.diff is not None:
        older, dots, newer = options.diff.partition("..")
        if not (older and dots and newer):
            raise UsageError(f"--diff needs OLD..NEW, such as 1.2.0..1.3.0, not {shortened(options.diff, 80)}")
        of = _specification(options.spec, older, newer)
    else:
        of = _specification(options.spec, *(one for one in (options.since, options.until) if one is not None))
        older, newer = _ends(of, options.since, options.until)
    if order(older) >= order(newer):
        raise UsageError(f"{older} is not before {newer}: write the older release of {of}-spec first")
    return [changes(of, older, newer)] if options.diff is not None else steps(of, older, newer)


def _ends(of: str, since: str | None, until: str | None) -> tuple[str, str]:
    """The first and the last release, where only one is named too. Raises :class:`UsageError` if that leaves none."""
    first, *_between, newest, draft = choices(of)
    if until is None and since == newest:
        raise UsageError(f"{newest} is the newest release of {of}-spec: add --until {draft}")
    if until is None and since == draft:
        raise UsageError(f"{draft} is the draft of {of}-spec: nothing comes after it")
    if since is None and until == first:
        raise UsageError(f"{first} is the first release of {of}-spec: nothing comes before it")
    return since if since is not None else first, until if until is not None else newest


def _specification(asked: str | None, *named: str) -> str:
    """The specification that has all of these releases. Raises :class:`UsageError` unless it is exactly one."""
    for release in named:
        if not any(release in choices(of) for of in ([asked] if asked else RELEASES)):
            whose = "; ".join(f"{of}-spec has {', '.join(choices(of))}" for of in ([asked] if asked else RELEASES))
            raise UsageError(f"unknown release {shortened(release, 80)}; {whose}")
    having = [of for of in RELEASES if all(release in choices(of) for release in named)]
    if asked:
        return asked
    if not having:
        raise UsageError(f"{' and '.join(named)} are releases of different specifications")
    if len(having) > 1:
        said = " and ".join(dict.fromkeys(named))
        raise UsageError(f"both specifications have {said}: add --spec {' or --spec '.join(having)}")
    return having[0]


def _filtered(found: Changes, options: argparse.Namespace, wanted: Wanted) -> Changes:
    """Without the clauses that filters leave out; members have an id alone, so that other filters leave them out."""
    others = options.level or options.os or options.judged

    def members(listed: tuple[Member, ...]) -> tuple[Member, ...]:
        return () if others else tuple(one for one in listed if _is_meant(one, options.patterns))

    return found._replace(
        added=tuple(filter(wanted, found.added)),
        removed=tuple(filter(wanted, found.removed)),
        replaced=tuple(pair for pair in found.replaced if wanted(pair.old) or wanted(pair.new)),
        members_added=members(found.members_added),
        members_removed=members(found.members_removed),
        members_changed=members(found.members_changed),
    )


def _is_meant(member: Member, patterns: list[str]) -> bool:
    return not patterns or any(matches(f"{member.clause}.type", pattern) for pattern in patterns)


# --- How they are shown


def _as_lines(found: Changes, *, below: bool) -> Iterator[Line]:
    """The changes; ``below``: the summary of a clause has a line of its own."""
    draft = draft_note(found.newer)
    said = f"{found.specification} {found.older} to {found.newer}{f' ({draft})' if draft else ''}: {_counts(found)}"
    yield [(said, "strong")]
    told = [("  + ", "good", one) for one in found.added] + [("  - ", "bad", one) for one in found.removed]
    for old, new in found.replaced:
        told += [("  ~ ", "warning", old), ("    now ", "", new)]
    for sign, style, clause in told:
        yield from _clause(sign, style, clause, below=below)
    yield from (_member("  + ", "good", one) for one in found.members_added)
    yield from (_member("  - ", "bad", one) for one in found.members_removed)
    yield from (_member("  ~ ", "warning", one) for one in found.members_changed)


def _counts(found: Changes) -> str:
    clauses = (("added", found.added), ("removed", found.removed), ("changed", found.replaced))
    members = (
        ("added", found.members_added),
        ("removed", found.members_removed),
        ("changed", found.members_changed),
    )
    parts = []
    for noun, counted in (("clauses", clauses), ("members", members)):
        parts.append(f"{noun} {', '.join(f'{len(listed)} {what}' for what, listed in counted)}")
    return "; ".join(parts)


def _clause(sign: str, style: str, clause: Clause, *, below: bool) -> Iterator[Line]:
    level = clause.level.value if clause.level is not Level.NONE else clause.severity.value
    weight = f", {clause.severity}" if clause.contested else ""
    head: Line = [(sign, style), (clause.id, f"name {page(clause)}"), (f"  [{level}{weight}, {clause.judged}]", "")]
    if below:
        yield head
        yield [("      ", ""), (clause.summary, "")]
    else:
        yield [*head, (f"  {clause.summary}", "")]


def _member(sign: str, style: str, member: Member) -> Line:
    how = f": {member.how}" if member.how else ""
    return [(sign, style), (f"{member.document} {member.pointer or '(the whole document)'}", "name"), (how, "")]


def _as_json(found: Changes) -> dict[str, Any]:
    return {
        "from": found.older,
        "to": found.newer,
        "draft": bool(draft_note(found.newer)),
        "clauses": {
            "added": [_clause_json(one) for one in found.added],
            "removed": [_clause_json(one) for one in found.removed],
            "changed": [{"old": _clause_json(pair.old), "new": _clause_json(pair.new)} for pair in found.replaced],
        },
        "members": {
            "added": [_member_json(one) for one in found.members_added],
            "removed": [_member_json(one) for one in found.members_removed],
            "changed": [_member_json(one) for one in found.members_changed],
        },
    }


def _clause_json(clause: Clause) -> dict[str, str]:
    return {
        "id": clause.id,
        "level": clause.level.value,
        "severity": clause.severity.value,
        "judged": clause.judged,
        "summary": clause.summary,
    }


def _member_json(member: Member) -> dict[str, str]:
    return {name: value for name, value in member._asdict().items() if value or name == "pointer"}
