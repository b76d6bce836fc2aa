"""What counts as worse, what does not, and what cannot be said: the table, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ocivalidate import resources
from ocivalidate.matrix.changes import CHANGES, GROUPS, WORDS, compare, difference
from ocivalidate.matrix.model import matrix
from ocivalidate.matrix.subjects import OUTCOMES, Point, Said, Subject
from ocivalidate.report import render
from tests.reports import OPTIONS, RUNTIME
from tests.unit.command_line import Command

CREATES = "runtime/runtime.create.creates"
STEADY = Point("runtime/runtime.state.query", "state.one", "pass")
VALIDATOR = jsonschema.Draft202012Validator(resources.read_json("schemas", "output/diff.json"))


def run(*outcomes: str | Point, name: str = "runc", version: str = "1.0.0", **members: Any) -> Subject:
    points = [STEADY]
    for number, one in enumerate(outcomes):
        if isinstance(one, Point):
            points.append(one)
        elif one != "absent":
            said = (Said("it does not"),) if one != "pass" else ()
            points.append(Point(CREATES, f"create.{number}", one, said))
    return Subject("runtime", name, version, name, "runtime-spec", points=tuple(points), **members)


def failing(*messages: str) -> Point:
    return Point(CREATES, "create.one", "fail", tuple(map(Said, messages)))


def code(old: Subject | list[Subject], new: Subject | list[Subject]) -> int:
    sides = [matrix(side if isinstance(side, list) else [side]) for side in (old, new)]
    return int(difference(*sides).exit_code)


# What each change comes to: a row is the outcome before, a column the one now.
KINDS = {
    #         fail     xfail    error     xpass     pass     skip    absent
    "fail": (" same   same     lost      better    better   lost    lost"),
    "xfail": ("same   same     lost      better    better   lost    lost"),
    "error": ("found  found    same      gained    gained   same    same"),
    "xpass": ("worse  worse    unsure    same      same     lost    lost"),
    "pass": (" worse  worse    unsure    same      same     lost    lost"),
    "skip": (" found  found    same      gained    gained   same    same"),
    "absent": ("found found    same      gained    gained   same    same"),
}


@pytest.mark.parametrize("old", OUTCOMES)
@pytest.mark.parametrize("new", OUTCOMES)
def test_every_change_of_an_outcome(old: str, new: str) -> None:
    wanted = KINDS[old].split()[OUTCOMES.index(new)]
    found = [one.kind for one in compare(run(old), run(new)).changes]
    assert found == ([] if wanted == "same" else [wanted])
    assert code(run(old), run(new)) == {"worse": 1, "unsure": 2}.get(wanted, 0)


def test_the_table_is_whole() -> None:
    assert set(CHANGES) == {(old, new) for old in GROUPS for new in GROUPS}
    assert set(CHANGES.values()) - {"", "ways"} <= set(WORDS)


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        (["no cwd"], ["no cwd"], [], ""),
        (["waits 12 s"], ["waits 13 s"], [], ""),
        (["no cwd"], ["no cwd", "no env"], ["worse"], "no env"),
        (["no cwd", "no env"], ["no env"], ["better"], "no cwd"),
        (["no cwd"], ["no env"], ["other"], "no env"),
    ],
)
def test_a_failure_that_fails_in_more_ways_is_worse(old: list[str], new: list[str], kind: list[str], said: str) -> None:
    found = compare(run(failing(*old)), run(failing(*new))).changes
    assert [one.kind for one in found] == kind
    assert [one.said for one in found] == [said] * len(found)


def test_versions_of_one_runtime_are_compared_and_two_runtimes_are_not() -> None:
    assert code(run("pass"), run("fail", version="1.2.0")) == 1
    found = difference(matrix([run("pass")]), matrix([run("pass", name="crun")]))
    assert found.unjudged == ("runc 1.0.0 and crun 1.0.0 are not the same: nothing can be compared",)
    assert found.exit_code == 2


def test_each_run_is_compared_with_the_closest() -> None:
    hosts: list[dict[str, Any]] = [{"host": {"cgroup_mode": mode}} for mode in ("hybrid", "v2")]
    old = [run("pass", **host) for host in hosts]
    new = [run("fail", version="1.2.0", **hosts[0]), run("pass", **hosts[1])]
    found = difference(matrix(old), matrix(new))
    assert [(one.old.host["cgroup_mode"], one.new.version, one.counts["worse"]) for one in found.compared] == [
        ("hybrid", "1.2.0", 1),
        ("v2", "1.0.0", 0),
    ]


def test_what_is_gone_cannot_be_judged_and_what_is_new_is_told() -> None:
    both = [run("pass"), run("pass", name="crun")]
    assert code(both, both[:1]) == 2
    found = difference(matrix(both[:1]), matrix(both))
    assert (found.exit_code, found.added) == (0, ("crun 1.0.0 is new",))


@pytest.mark.parametrize("new", [run(problem="there is no program"), Subject("runtime", "runc", "1.0.0")])
def test_a_run_without_results_is_no_improvement(new: Subject) -> None:
    assert code(run("fail"), new) == 2


def test_nothing_in_common_is_no_verdict() -> None:
    other = Subject("runtime", "runc", "1.0.0", points=(Point(CREATES, "create.one", "pass"),))
    assert code(run(), other) == 2


@pytest.mark.parametrize("form", ["text", "markdown", "json", "html"])
def test_the_command_says_it_in_every_form(tmp_path: Path, say: Command, form: str) -> None:
    text = render("json", [RUNTIME], OPTIONS)
    data = json.loads(text)
    first = next(one for one in data["reports"][0]["results"] if one["outcome"] == "pass")
    first |= {"outcome": "fail", "reason": "it does <no> such thing"}
    (tmp_path / "old.json").write_text(text, encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(data), encoding="utf-8")
    done = say("report", "--diff", "old.json", "new.json", "--format", form)
    assert (done.code, done.err) == (1, "")
    assert first["clause"] in done.out or form == "html"
    if form == "json":
        VALIDATOR.validate(done.json)
        assert [one["change"] for one in done.json["compared"][0]["changes"]] == ["worse"]
    assert say("report", "--diff", "old.json", "old.json", "--format", form).code == 0


def test_what_cannot_be_compared_is_told(tmp_path: Path, say: Command) -> None:
    text = render("json", [RUNTIME], OPTIONS)
    (tmp_path / "old.json").write_text(text, encoding="utf-8")
    (tmp_path / "new.json").write_text(text.replace('"subject": "runc"', '"subject": "else"'), encoding="utf-8")
    done = say("report", "--diff", "old.json", "new.json")
    assert done.code == 2
    assert "are not the same" in done.out
    assert "are not the same" in say("report", "--diff", "old.json", "new.json", "--format", "json").err
    assert say("report", "--diff", "old.json", "absent.json").code == 2
    assert say("report", "old.json", "--diff", "old.json", "new.json").code == 2
    assert say("report").code == 2


@pytest.mark.parametrize("format_name", ["markdown", "json", "html"])
def test_what_could_not_be_read_stands_in_what_is_written(tmp_path: Path, say: Command, format_name: str) -> None:
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "b.json").write_text(render("json", [RUNTIME], OPTIONS), encoding="utf-8")
    (tmp_path / "new" / "a.json").write_text("{", encoding="utf-8")
    done = say("report", "--diff", str(tmp_path / "old"), str(tmp_path / "new"), "--format", format_name)
    assert done.code == 2
    assert "nothing got worse" not in done.out
    assert "a.json" in done.out
    assert done.err.count("a.json") == 1
