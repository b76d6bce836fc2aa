"""What changes between releases: clauses and members, and which releases are meant."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ocivalidate.rules import schema
from ocivalidate.rules.changes import Changes, changes, choices, steps
from ocivalidate.rules.clauses import RELEASES, load
from ocivalidate.vocabulary.versions import NEXT, order
from tests.unit.command_line import Command, complaint

PAIRS = [(of, *pair) for of in RELEASES for pair in pairwise(choices(of))]


def ids(found: Changes) -> tuple[set[str], set[str]]:
    """The clauses that came and went, those that replace each other among them."""
    came = {clause.id for clause in found.added} | {pair.new.id for pair in found.replaced}
    went = {clause.id for clause in found.removed} | {pair.old.id for pair in found.replaced}
    return came, went


@pytest.mark.parametrize(("of", "older", "newer"), PAIRS)
def test_a_release_is_the_one_before_with_its_changes(of: str, older: str, newer: str) -> None:
    def held(release: str) -> set[str]:
        return {clause.id for clause in load(of).values() if clause.holds_in(release)}

    came, went = ids(changes(of, older, newer))
    assert (held(older) - went) | came == held(newer)
    assert came.isdisjoint(held(older))
    assert went <= held(older)


@pytest.mark.parametrize(("of", "older", "newer"), PAIRS)
def test_members_that_came_and_went(of: str, older: str, newer: str) -> None:
    found = changes(of, older, newer)

    def has(document: str, release: str, pointer: str) -> bool:
        node = schema.derive(document, release)
        for name in pointer.split("/")[1:]:
            inner = node.get("properties", {}).get(name)
            node = inner or (name == "*" and (node.get("items") or node.get("additionalProperties"))) or {}
        return bool(node)

    for member in found.members_added:
        assert not member.pointer or not has(member.document, older, member.pointer)
        assert has(member.document, newer, member.pointer)
    for member in found.members_removed:
        assert has(member.document, older, member.pointer)
        assert not has(member.document, newer, member.pointer)
    for member in found.members_changed:
        assert has(member.document, older, member.pointer)
        assert has(member.document, newer, member.pointer)
        assert member.how


@pytest.mark.parametrize("of", RELEASES)
def test_steps_lead_where_the_difference_does(of: str) -> None:
    known = choices(of)
    came: set[str] = set()
    for step in steps(of, known[0], NEXT):
        new, gone = ids(step)
        came = (came - gone) | new
    assert came == ids(changes(of, known[0], NEXT))[0]
    assert [(step.older, step.newer) for step in steps(of, known[0], NEXT)] == list(pairwise(known))


@pytest.mark.parametrize("clause", [one for one in load().values() if one.replaces], ids=lambda one: one.id)
def test_a_clause_begins_where_the_one_ends_that_it_replaces(clause: object) -> None:
    from ocivalidate.rules.clauses import Clause

    assert isinstance(clause, Clause)
    old = load()[clause.replaces or ""]
    known = choices(clause.family)
    assert known.index(old.until or "") + 1 == known.index(clause.since or "")


def test_later_clauses_come_later() -> None:
    for clause in load().values():
        for later in clause.later:
            assert clause.since is None or order(load()[later].since or "") > order(clause.since)


def test_what_1_3_0_brought() -> None:
    found = changes("runtime", "1.2.1", "1.3.0")
    assert "/linux/netDevices" in {member.pointer for member in found.members_added}
    assert "/linux/intelRdt/enableCMT" in {member.pointer for member in found.members_removed}
    (changed,) = found.members_changed
    assert (changed.pointer, changed.how) == ("/linux/resources/pids/limit", "no longer required")
    assert "runtime/runtime.lifecycle.poststart-failure" in {pair.new.id for pair in found.replaced}


def test_features_came_as_a_whole() -> None:
    whole = [member for member in changes("runtime", "1.0.2", "1.1.0").members_added if not member.pointer]
    assert [member.document for member in whole] == ["runtime-features"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--diff", "1.0.0..1.1.0"), "both specifications have 1.0.0 and 1.1.0: add --spec runtime or --spec image"),
        (("--since", "1.1.0"), "both specifications have 1.1.0: add --spec runtime or --spec image"),
        (("--until", "next"), "both specifications have next: add --spec"),
        (("--diff", "1.2.0"), "--diff needs OLD..NEW, such as 1.2.0..1.3.0, not 1.2.0"),
        (("--diff", "..1.2.0"), "--diff needs OLD..NEW"),
        (("--diff", ""), "--diff needs OLD..NEW"),
        (("--diff", "1.2.0...1.3.0"), "unknown release .1.3.0"),
        (("--diff", "1.2.0..9.9.9"), "unknown release 9.9.9; runtime-spec has 1.0.0"),
        (("--diff", "1.2.0..1.1.1"), "1.2.0 and 1.1.1 are releases of different specifications"),
        (("--diff", "1.2.0..1.3.0", "--spec", "image"), "unknown release 1.2.0; image-spec has 1.0.0"),
        (("--diff", "1.3.0..1.2.0"), "1.3.0 is not before 1.2.0"),
        (("--diff", "1.3.0..1.3.0"), "1.3.0 is not before 1.3.0"),
        (("--since", "1.3.0"), "1.3.0 is the newest release of runtime-spec: add --until next"),
        (("--since", "next", "--spec", "image"), "next is the draft of image-spec: nothing comes after it"),
        (("--until", "1.0.0", "--spec", "image"), "1.0.0 is the first release of image-spec: nothing comes before it"),
        (("--since", ""), "unknown release ;"),
        (("--diff", "1.2.0..1.3.0", "--since", "1.2.0"), "cannot be combined with --since or --until"),
        (("--diff", "1.2.0..1.3.0", "--coverage"), "--coverage cannot be combined with"),
        (("--diff", "1.2.0..1.3.0", "--spec-version", "1.2.0"), "--spec-version cannot be combined with"),
        (("--spec", "image"), "--spec needs --diff, --since or --until"),
        (("--diff", "1.2.0..1.3.0", "no-such-clause"), "no clause matches no-such-clause"),
    ],
)
def test_ranges_that_make_no_sense(say: Command, options: tuple[str, ...], problem: str) -> None:
    assert problem in complaint(say("rules", *options))


def test_filters(say: Command) -> None:
    said = say("rules", "runtime/config-linux.netDevices", "--diff", "1.2.1..1.3.0", "--format", "json").json
    (one,) = said["changes"]
    assert {member["pointer"] for member in one["members"]["added"]} == {"/linux/netDevices"}
    assert {clause["id"].split(".")[1] for clause in one["clauses"]["added"]} == {"netDevices"}
    assert one["clauses"]["removed"] == one["clauses"]["changed"] == []
    must = say("rules", "--level", "must", "--diff", "1.2.1..1.3.0", "--format", "json").json["changes"][0]
    assert {clause["level"] for clause in must["clauses"]["added"]} == {"MUST", "MUST NOT"}
    assert must["members"]["added"] == []


def test_a_draft_is_called_one(say: Command) -> None:
    asked = ("rules", "--diff", "1.1.1..next")
    assert "image-spec 1.1.1 to next (a draft: the main branch as of August 2026):" in say(*asked).out
    assert say(*asked, "--format", "json").json["changes"][0]["draft"] is True
