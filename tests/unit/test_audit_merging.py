"""The reports of all shards come to the report of the whole, and nothing else is merged."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ocivalidate.audit.merging import merged
from ocivalidate.errors import UsageError
from ocivalidate.report import json_report, text
from ocivalidate.report.options import Options
from ocivalidate.rules.clauses import Selection, load
from ocivalidate.rules.findings import Location, Outcome, Report
from ocivalidate.rules.ledger import Ledger

CONTENT, SIZE, FORM = "image/descriptor.digest.matches", "image/descriptor.size.matches", "image/layer.gzip.payload"


@pytest.fixture(scope="module")
def clauses() -> list[str]:
    """Three clauses whose violations are errors."""
    known = [clause.id for clause in load("image").values() if clause.severity == "error" and not clause.later]
    return known[:3]


def shard(
    number: int, clauses: list[str], count: int = 3, *, most: int = 20, findings: tuple[tuple[str, str, int], ...] = ()
) -> Report:
    """``findings``: a clause, a file, and how many there are of it."""
    ledger = Ledger({name: load()[name] for name in clauses}, Selection(most=most))
    for clause, file, times in findings:
        for each in range(times):
            ledger.add(clause, Location(f"{file}{each:03}", digest="sha256:x"), "wrong", got="a", want="b")
    facts = {
        "shard": f"{number}/{count}",
        "not_sound": [{"repository": "r", "name": "t", "digest": "d", "state": "broken"}],
        "sound": [{"repository": "s", "name": name, "digest": "d", "state": "sound"} for name in "ab"],
        "mend": [
            {"do": "collect", "what": "collect garbage"},
            {"do": "push", "what": f"push {number}"},
            {"do": "push", "what": "push all"},
        ],
        "blobs": 40,
        "verified": {"blobs": 10 + number, "bytes": 100},
    }
    return Report("audit", "./registry", "image-spec", "1.1.1", "", (), "", *ledger.verdicts(), facts=facts)


def document(*reports: Report) -> Any:
    return json.loads("".join(json_report.pieces(reports, Options(tool_version="1.2.3"))))


def documents(*reports: Report) -> list[tuple[str, Any]]:
    return [(f"{number}.json", document(report)) for number, report in enumerate(reports, 1)]


def told(report: Report) -> list[tuple[str, str, int]]:
    return [(one.clause.id, one.location.file, one.more) for one in report.findings]


def test_what_all_say_counts_once_and_what_each_says_adds_up(clauses: list[str]) -> None:
    first, second, third = clauses
    everywhere = (first, "document", 2)
    reports = [shard(number, clauses, findings=(everywhere, (second, f"blob{number}-", 1))) for number in (1, 2, 3)]
    (whole,) = merged(documents(*reports))
    assert told(whole) == [
        *((second, f"blob{number}-000", 0) for number in (1, 2, 3)),
        *((first, f"document{number:03}", 0) for number in (0, 1)),
    ]
    assert {result.clause.id: result.outcome for result in whole.results} == {
        first: Outcome.FAIL,
        second: Outcome.FAIL,
        third: Outcome.SKIP,
    }
    assert whole.facts["verified"] == {"blobs": 36, "bytes": 300}
    assert whole.facts["images"] == {"sound": 2, "broken": 1, "incomplete": 0, "unjudged": 0}
    assert whole.facts["repositories"] == {"count": 2, "sound": 1, "broken": 1, "incomplete": 0, "unjudged": 0}
    assert whole.facts["digests"] == [{"name": name, "digest": "d"} for name in ("s:a", "s:b", "r:t")]
    told_to_do = [one["what"] for one in whole.facts["mend"]]
    assert told_to_do == ["push 1", "push all", "push 2", "push 3", "collect garbage"]
    assert whole.complete
    assert whole.subject == "./registry"


@pytest.mark.parametrize("of_blobs", [True, False])
def test_a_million_of_a_kind_are_counted_as_the_whole_would(clauses: list[str], of_blobs: bool) -> None:  # noqa: FBT001
    names = ["a", "b", "c"] if of_blobs else ["a", "a", "a"]
    reports = [shard(number, clauses, findings=((clauses[0], name, 50),)) for number, name in enumerate(names, 1)]
    (whole,) = merged(documents(*reports))
    assert len(whole.findings) == 20
    assert sum(1 + one.more for one in whole.findings) == (150 if of_blobs else 50)


def test_the_order_of_reports_changes_nothing(clauses: list[str]) -> None:
    reports = [shard(number, clauses, findings=((clauses[0], f"blob{number}-", 9),)) for number in (1, 2, 3)]
    assert merged(documents(*reports)) == merged(documents(*reversed(reports)))


def outcome(clauses: list[str], *said: Callable[[Ledger], object]) -> tuple[Outcome, str]:
    reports = []
    for number, say in enumerate(said, 1):
        ledger = Ledger({clauses[0]: load()[clauses[0]]}, Selection())
        say(ledger)
        facts = {"shard": f"{number}/{len(said)}", "sound": [], "not_sound": [], "mend": []}
        reports.append(Report("audit", "r", "image-spec", "", "", (), "", *ledger.verdicts(), facts=facts))
    (whole,) = merged(documents(*reports))
    return whole.results[0].outcome, whole.results[0].reason


def test_a_clause_comes_to_the_worst_that_a_shard_says(clauses: list[str]) -> None:
    clause = clauses[0]

    def passed(ledger: Ledger) -> None:
        ledger.judged(clause)

    def nothing(_ledger: Ledger) -> None:
        pass

    def left_open(ledger: Ledger) -> None:
        ledger.leave_open(clause, "other shards have it")

    def error(ledger: Ledger) -> None:
        ledger.error(clause, "cannot be read")

    def failed(ledger: Ledger) -> None:
        ledger.add(clause, Location("x"), "m")

    assert outcome(clauses, passed, nothing) == (Outcome.PASS, "")
    assert outcome(clauses, nothing, nothing) == (Outcome.SKIP, "not present")
    assert outcome(clauses, passed, left_open) == (Outcome.SKIP, "other shards have it")
    assert outcome(clauses, error, passed) == (Outcome.ERROR, "cannot be read")
    assert outcome(clauses, passed, failed, error) == (Outcome.FAIL, "")


def test_an_image_comes_to_the_worst_that_a_shard_says(clauses: list[str]) -> None:
    one, other = shard(1, clauses, 2), shard(2, clauses, 2)
    one.facts["not_sound"][0]["state"] = "incomplete"
    other.facts["not_sound"].append({"repository": "a", "name": "t", "digest": "d", "state": "unjudged"})
    (whole,) = merged(documents(one, other))
    assert [image["state"] for image in whole.facts["not_sound"]] == ["unjudged", "broken"]
    assert whole.facts["images"] == {"sound": 2, "incomplete": 0, "unjudged": 1, "broken": 1}


def test_a_shard_that_was_stopped_leaves_the_whole_unfinished(clauses: list[str]) -> None:
    from dataclasses import replace

    one, other = shard(1, clauses, 2), shard(2, clauses, 2)
    other.facts["stopped"] = "interrupted"
    (whole,) = merged(documents(one, replace(other, complete=False)))
    assert not whole.complete
    assert whole.facts["stopped"] == "shard 2/2: interrupted"


def test_a_shard_that_judged_nothing_leaves_the_whole_unjudged(clauses: list[str]) -> None:
    problem = Report("audit", "./registry", "image-spec", "1.1.1", problem="no such file", facts={"shard": "2/2"})
    (whole,) = merged(documents(shard(1, clauses, 2), problem))
    assert whole.problem == "shard 2/2: no such file"


def test_a_registry_that_changed_between_shards_is_told(clauses: list[str]) -> None:
    one, other = shard(1, clauses, 2), shard(2, clauses, 2)
    other.facts["blobs"] = 41
    (whole,) = merged(documents(one, other))
    assert "changed between the shards" in whole.facts["incomplete"]


def change(path: str, value: Any) -> Callable[[Any], None]:
    """Sets a member of the first report of a document."""

    def changed(document: Any) -> None:
        *above, last = path.split("/")
        for name in above:
            document = document[int(name) if name.isdigit() else name]
        document[int(last) if last.isdigit() else last] = value

    return changed


REFUSED: dict[str, tuple[Callable[[Any], None], str]] = {
    "another schema": (change("schema", "urn:x"), "not a JSON report"),
    "a report that was cut": (change("complete", None), "not a JSON report"),
    "no reports": (change("reports", []), "not a whole JSON report"),
    "reports that are none": (change("reports", [7]), "not the report of an audit"),
    "no tool": (change("tool", None), "not a whole JSON report"),
    "another release of ours": (change("tool/version", "9"), "different releases of ocivalidate: 9 and 1.2.3"),
    "another kind": (change("reports/0/kind", "image"), "not the report of an audit"),
    "another target": (change("reports/0/subject", "./other"), "2.json: of another target"),
    "another release": (change("reports/0/release", "1.0.0"), "different releases of image-spec: 1.0.0 and 1.1.1"),
    "another selection": (change("reports/0/facts/selected", {"tags": ["v*"]}), "different selections"),
    "a doubled shard": (change("reports/0/facts/shard", "1/3"), "2.json and 1.json are both shard 1/3"),
    "another number of shards": (
        change("reports/0/facts/shard", "2/4"),
        "2.json is shard 2/4, and 1.json is shard 1/3",
    ),
    "a whole audit": (change("reports/0/facts", {}), "of a whole audit, not of a shard"),
    "a shard that is none": (change("reports/0/facts/shard", "4/3"), "not a shard: 4/3"),
    "results that are none": (change("reports/0/results", [{"clause": "x"}]), "a result in it"),
    "an outcome that is none": (change("reports/0/results/0/outcome", "fine"), "a result in it"),
    "findings that are none": (change("reports/0/findings", {}), "not a whole report"),
    "a finding of an unknown clause": (change("reports/0/findings/0/clause", "image/x"), "a finding in it"),
    "a clause that is a list": (change("reports/0/findings/0/clause", []), "a finding in it"),
    "a number that is none": (change("reports/0/findings/0/more", -1), "a finding in it"),
    "a place that is none": (change("reports/0/findings/0/location/line", "7"), "a finding in it"),
    "a severity that is none": (change("reports/0/findings/0/severity", "fatal"), "a finding in it"),
    "a state that is none": (change("reports/0/facts/not_sound/0/state", "odd"), "its facts"),
    "images that are none": (change("reports/0/facts/sound", {"sound": "all"}), "its facts"),
    "an image without a name": (change("reports/0/facts/sound/0/name", None), "its facts"),
    "remedies that are none": (change("reports/0/facts/mend", [7]), "its facts"),
    "verified that is none": (change("reports/0/facts/verified", 7), "its facts"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_part_of_the_audit_is_refused_in_one_line(clauses: list[str], case: str) -> None:
    make, wanted = REFUSED[case]
    given = documents(*(shard(number, clauses, findings=((clauses[0], "f", 1),)) for number in (1, 2, 3)))
    make(given[1][1])
    with pytest.raises(UsageError, match=re.escape(wanted)) as refused:
        merged(given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("given", [None, [], 7, "x", {}, {"schema": "urn:ocivalidate:report-1", "complete": True}])
def test_any_json_is_refused_in_one_line(given: Any) -> None:
    with pytest.raises(UsageError, match=r"a\.json: not a"):
        merged([("a.json", given)])


def test_missing_shards_are_named(clauses: list[str]) -> None:
    with pytest.raises(UsageError, match="shards are missing: 1/9, 3/9, 4/9, 5/9, 6/9 and 3 more"):
        merged(documents(shard(2, clauses, 9)))


def test_a_report_for_each_of_several_targets(clauses: list[str]) -> None:
    from dataclasses import replace

    one = [replace(shard(number, clauses, 2), subject="one") for number in (1, 2)]
    two = [replace(shard(number, clauses, 2), subject="two") for number in (1, 2)]
    given = [(f"{name}.json", document(*pair)) for name, pair in zip("ab", zip(one, two, strict=True), strict=True)]
    assert [report.subject for report in merged(given)] == ["one", "two"]
    twice = copy.deepcopy(given)
    twice[0][1]["reports"][1] = twice[0][1]["reports"][0]
    with pytest.raises(UsageError, match="a target is in it twice"):
        merged(twice)


_LIES: list[Any] = [None, -1, 1.5, "x\x1bc", [], {}, True, 10**400, [{}], {"a": "b"}, "absent"]


@pytest.mark.parametrize("lie", _LIES, ids=lambda lie: str(lie)[:8])
@pytest.mark.parametrize("member", ["facts", "finding", "unreferenced"])
def test_a_report_that_lies_is_refused_or_shown_and_never_breaks_off(clauses: list[str], member: str, lie: Any) -> None:
    given = documents(*(shard(number, clauses, findings=((clauses[0], "a", 1),)) for number in (1, 2, 3)))
    names = {
        "facts": ["blobs", "bytes", "unreferenced", "verified", "shard", "form", "images"],
        "finding": ["severity", "message", "location", "more"],
        "unreferenced": ["blobs", "bytes", "certain"],
    }
    for name in names[member]:
        told = copy.deepcopy(given)
        for _file, one in told:
            facts = one["reports"][0]["facts"]
            facts |= {"bytes": 1, "unreferenced": {"blobs": 1, "bytes": 2, "certain": True}}
            there = {"facts": facts, "finding": one["reports"][0]["findings"][0]}.get(member, facts["unreferenced"])
            there[name] = lie
            if lie == "absent":
                del there[name]
        try:
            shown = "".join(text.pieces(merged(told), Options(tool_version="1")))
        except UsageError as problem:
            shown = str(problem)
        assert "\x1b" not in shown
