"""A refusal of a valid config is no failure where the specification demands no support: config.md, valid values."""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ocivalidate import resources
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime import refusing
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving import configs, operations
from ocivalidate.runtime.driving.configs import changed
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.subject import identify
from ocivalidate.runtime.properties import APPLIES_CONFIG, by_pointer
from ocivalidate.runtime.running.attempt import attempt
from tests.unit import faking
from tests.unit.faking import Faked

BASE = configs.base("1.2.0", "wait")
SYSCTL = ("/linux/sysctl", {"kernel.msgmax": "8192"})
TABLE = "runtime/config.mounts.options.linux-table"
Tried = Callable[[CaseContext], None]


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faked]:
    yield from faking.faked(tmp_path_factory.mktemp("fake"))


def tried(fake: Faked, function: Tried, *clauses: str, fault: str = "", strict: bool = False) -> list[Result]:
    subject = fake.stage.subject
    if fault:
        subject = identify(str(fake.stage.folder.parent / "fake"), ("--fault", fault))
    folder = Path(tempfile.mkdtemp(dir=fake.stage.folder))
    stage = replace(fake.stage, subject=subject, folder=folder, accepted=set(), strict=strict)
    named = clauses or (APPLIES_CONFIG,)
    case = Case("a.case", function, named, timeout=10.0)
    return list(attempt(stage, case, [load("runtime")[clause] for clause in named]).results)


def runs(pointer: str, value: Any) -> Tried:
    def creates(trial: CaseContext) -> None:
        trial.container(changed(trial.config("wait"), pointer, value)).must_create()
        for clause in trial.case.clauses:
            trial.expect(clause, "it is created", got=True)

    return creates


def test_a_refused_value_is_a_skip_that_says_what_the_runtime_said(fake: Faked) -> None:
    [result] = tried(fake, runs(*SYSCTL))
    assert (result.outcome, result.reason) == (
        Outcome.SKIP,
        "refused: cannot apply linux.sysctl: this runtime does not isolate",
    )


def test_strict_makes_it_a_failure(fake: Faked) -> None:
    [result] = tried(fake, runs(*SYSCTL), strict=True)
    assert result.outcome is Outcome.FAIL
    assert result.findings[0].message.startswith("create failed: cannot apply linux.sysctl")


@pytest.mark.parametrize(
    "fault",
    [
        "makes-a-container-of-a-refused-create",
        "denies-the-container-of-a-refused-create",
        "crashes-on-what-it-cannot-apply",
    ],
)
def test_what_leaves_a_container_or_crashes_is_no_refusal(fake: Faked, fault: str) -> None:
    [result] = tried(fake, runs(*SYSCTL), fault=fault)
    assert result.outcome is Outcome.FAIL


def test_what_the_features_claim_is_not_refused(fake: Faked) -> None:
    uts = runs("/linux/namespaces/-", {"type": "uts"})
    assert tried(fake, uts)[0].outcome is Outcome.SKIP
    assert tried(fake, uts, fault="claims-a-namespace-that-it-refuses")[0].outcome is Outcome.FAIL


def test_a_clause_that_asks_for_support_fails(fake: Faked) -> None:
    both = tried(fake, runs(*SYSCTL), APPLIES_CONFIG, TABLE)
    assert [result.outcome for result in both] == [Outcome.SKIP, Outcome.FAIL]


def test_a_config_that_asks_for_nothing_is_not_refused(fake: Faked) -> None:
    def creates(trial: CaseContext) -> None:
        trial.container(bundle=trial.bundle(trial.config("wait")), container_id="..").must_create()

    [result] = tried(fake, creates)
    assert result.outcome is Outcome.FAIL


def test_what_was_judged_before_a_refusal_is_not_passed(fake: Faked) -> None:
    def two(trial: CaseContext) -> None:
        trial.expect(APPLIES_CONFIG, "the first does not work", got=True)
        runs(*SYSCTL)(trial)

    assert tried(fake, two)[0].outcome is Outcome.SKIP


def test_a_refused_control_is_a_skip(fake: Faked) -> None:
    def refuses(trial: CaseContext) -> None:
        valid = changed(trial.config("wait"), *SYSCTL)
        trial.refused(APPLIES_CONFIG, changed(valid, *SYSCTL), "it is accepted", control=valid)

    [result] = tried(fake, refuses)
    assert (result.outcome, result.reason.partition(":")[0]) == (Outcome.SKIP, "refused")


def test_a_control_that_has_to_be_accepted_leaves_the_rest_not_reached(fake: Faked) -> None:
    def controls(trial: CaseContext) -> None:
        trial.control({**trial.config("wait"), "root": {"path": "nowhere"}})

    [result] = tried(fake, controls)
    assert (result.outcome, result.reason.partition(":")[0]) == (Outcome.SKIP, "not reached")


def test_what_stands_behind_a_failed_comparison_is_not_reached(fake: Faked) -> None:
    def stops(trial: CaseContext) -> None:
        trial.expect(APPLIES_CONFIG, "nothing there", got=False)

    results = tried(fake, stops, APPLIES_CONFIG, TABLE)
    assert [(result.outcome, result.reason) for result in results] == [
        (Outcome.FAIL, ""),
        (Outcome.SKIP, "not reached: nothing there"),
    ]


@pytest.mark.parametrize(
    ("pointer", "value", "may"),
    [
        ("/process/args/-", "more", False),
        ("/process/cwd", "/var", False),
        ("/annotations/org.example", "any", False),
        ("/hooks/prestart/-", {"path": "/bin/true"}, False),
        ("/nosuch", {"a": 1}, False),
        ("/mounts/-", {"destination": "/m", "type": "none", "source": "/srv", "options": ["bind", "ro"]}, False),
        ("/mounts/-", {"destination": "/m", "type": "tmpfs", "options": ["idmap"]}, True),
        ("/mounts/-", {"destination": "/m", "type": "ext4", "source": "/dev/sda"}, True),
        ("/linux/namespaces/-", {"type": "network"}, False),
        ("/linux/namespaces/-", {"type": "time"}, True),
        ("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW"}, False),
        ("/linux/seccomp", {"defaultAction": "SCMP_ACT_LOG"}, True),
        ("/linux/sysctl", {"kernel.msgmax": "1"}, True),
        ("/hostname", "h", True),
        ("/linux/namespaces", [{"type": "mount"}], False),
    ],
)
def test_what_may_be_refused(pointer: str, value: Any, *, may: bool) -> None:
    features = {"linux": {"namespaces": ["network"], "seccomp": {"actions": ["SCMP_ACT_ALLOW"]}}}
    assert refusing.may_refuse(changed(BASE, pointer, value), BASE, features, "1.2.0") is may


def test_options_of_mounts_are_demanded_from_the_release_on_that_lists_them() -> None:
    config = changed(BASE, "/mounts/-", {"destination": "/m", "type": "tmpfs", "options": ["iversion"]})
    assert refusing.may_refuse(config, BASE, None, "1.0.2")
    assert not refusing.may_refuse(config, BASE, None, "1.1.0")


def test_the_tables_speak_of_what_there_is() -> None:
    for name in ("demanded", "claimed"):
        for row in refusing._table(name):
            assert any(known == row.pointer or known.startswith(f"{row.pointer}/") for known in by_pointer()), row
            assert not row.clause or "{value}" in row.clause or row.clause in load("runtime"), row
    for entry in refusing._file()["clause"]:
        assert any(refusing.demands(clause) for clause in load("runtime")), entry


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("cannot apply linux.sysctl\n", True),
        ("", True),
        ("panic: runtime error: index out of range\n\ngoroutine 1 [running]:\n", False),
        ("thread 'main' panicked at src/main.rs:4:5:\nno\n", False),
    ],
)
def test_a_crash_is_no_error_of_its_own(said: str, *, error: bool) -> None:
    assert Call(("runtime", "create"), 1, "", said, 0.1).generates_error is error


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/process/capabilities/bounding", []),
        ("/process/capabilities/bounding", ["CAP_KILL"]),
        ("/process/user/additionalGids", []),
        ("/linux/maskedPaths", []),
    ],
)
def test_an_array_with_fewer_entries_is_another_value(pointer: str, value: Any) -> None:
    assert configs.base("1.2.0", "wait")["process"]["capabilities"]["bounding"] != value
    assert refusing.may_refuse(changed(BASE, pointer, value), BASE, None, "1.2.0")


def test_what_claims_every_capability_takes_fewer() -> None:
    fewer = changed(BASE, "/process/capabilities/bounding", ["CAP_KILL"])
    claims = {"linux": {"capabilities": ["CAP_KILL"]}}
    assert not refusing.may_refuse(fewer, BASE, claims, "1.2.0")


def test_a_refused_control_breaks_no_clause_that_asks_for_support(fake: Faked) -> None:
    def controls(trial: CaseContext) -> None:
        trial.control(changed(trial.config("wait"), *SYSCTL))

    [result] = tried(fake, controls, TABLE)
    assert (result.outcome, result.reason.partition(":")[0]) == (Outcome.SKIP, refusing.REFUSED)


def test_a_case_that_lets_a_runtime_refuse_has_a_skip_that_counts(fake: Faked) -> None:
    def lets(trial: CaseContext) -> None:
        trial.expect(APPLIES_CONFIG, "it is not there", got=True)
        trial.skip_refused("no such thing", TABLE)

    assert [result.outcome for result in tried(fake, lets, APPLIES_CONFIG, TABLE)] == [Outcome.PASS, Outcome.SKIP]
    assert tried(fake, lets, APPLIES_CONFIG, TABLE)[1].reason == "refused: no such thing"
    applied, table = tried(fake, lets, APPLIES_CONFIG, TABLE, strict=True)
    assert (applied.outcome, table.outcome) == (Outcome.PASS, Outcome.FAIL)
    assert table.findings[0].message == "create failed: no such thing"


def test_what_is_odd_beside_a_config_may_be_refused_with_strict(fake: Faked) -> None:
    [result] = tried(fake, lambda trial: trial.skip_refused("a link", APPLIES_CONFIG, odd=True), strict=True)
    assert (result.outcome, result.reason) == (Outcome.SKIP, "refused: a link")


def test_the_rest_of_a_case_that_lets_a_runtime_refuse_fails_with_strict(fake: Faked) -> None:
    def lets(trial: CaseContext) -> None:
        trial.skip_refused("no such thing")

    assert [result.reason for result in tried(fake, lets)] == ["refused: no such thing"]
    assert [result.outcome for result in tried(fake, lets, strict=True)] == [Outcome.FAIL]


# What a case says of a refusal that it has already judged.
JUDGED = {
    "the runtime refuses the container, as it should not, for ",
}


def test_no_case_hides_a_refusal_in_a_skip_of_its_own() -> None:
    """Such a skip is not counted, and passes with ``--strict``: a runtime could refuse what it gets wrong."""
    hidden = []
    for file in sorted((resources.folder("conformance")).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "skip":
                texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
                text = str(texts[0]) if texts else ""
                if (
                    re.search("the runtime (refuses (?!to )|rejects|does not (take|accept|support))", text)
                    and text not in JUDGED
                ):
                    hidden.append(f"{file.name}:{node.lineno}: {text}")
    assert hidden == []


def test_who_refuses_by_start_has_created_what_it_does_not_support(
    fake: Faked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``create`` has to apply what the config says, or to generate an error: later is too late."""

    def late(argv: Any, **named: Any) -> Call:
        return Call(tuple(argv), 1, "", "no such thing", 0.0) if "start" in argv else faking.forked(argv, **named)

    monkeypatch.setattr(operations, "call", late)
    [result] = tried(fake, lambda trial: cast(None, trial.container(trial.config("wait")).must_create().must_start()))
    assert result.outcome is Outcome.FAIL
    assert result.findings[0].message == "start failed: no such thing"


def test_who_refuses_what_every_config_has_fails(fake: Faked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime that knows our probe by its arguments, environment or working directory cannot refuse it."""
    for pointer, value in (
        ("/process/args", ["/usr/bin/python3", "-c", ""]),
        ("/process/env", ["A=b"]),
        ("/process/cwd", "/var"),
        ("/annotations", {"a": "b"}),
        ("/hooks", {"poststop": [{"path": "/bin/true"}]}),
    ):

        def refused(argv: Any, **named: Any) -> Call:
            return Call(tuple(argv), 1, "", "no", 0.0) if "create" in argv else faking.forked(argv, **named)

        monkeypatch.setattr(operations, "call", refused)
        assert tried(fake, runs(pointer, value))[0].outcome is Outcome.FAIL, pointer
