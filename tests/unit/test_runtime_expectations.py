"""Known deviations: which of them apply, what becomes of results, and what is refused."""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ocivalidate import resources
from ocivalidate.errors import UsageError
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.distinct import hint_of
from ocivalidate.runtime.expectations import Expectation, Expectations, drafted, read, reject_unmatched, satisfies
from ocivalidate.runtime.running.loading import load_cases
from ocivalidate.tomltext import MAX_SIZE
from tests.reports import CWD, KILL, NO_PID, STATE

SCHEMA = resources.read_json("schemas", "output/expectations.json")
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ENTRY = """
runtime = "runc"
[[expect]]
case = "kill.stopped"
clause = "runtime/runtime.kill.stopped"
reason = "it kills what is dead: runc kill a; runc kill a"
"""


def written(folder: Path, text: str) -> str:
    file = folder / "known.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def result(outcome: Outcome, case: str = "kill.stopped") -> Result:
    return Result(KILL, outcome, case=case, findings=(NO_PID,) if outcome is Outcome.FAIL else ())


def known(**fields: Any) -> Expectation:
    defaults = {"runtime": "runc", "case": "kill.*", "clause": KILL.id, "reason": "it does not", "origin": "a, entry 1"}
    return Expectation(**{**defaults, **fields})


@pytest.mark.parametrize(
    ("version", "comparisons", "wanted"),
    [
        ("1.1.5", "", True),
        ("", "", True),
        ("", "<2", False),
        ("strange", ">=0", False),
        ("1.1.5", "<1.2", True),
        ("1.2", "<1.2", False),
        ("1.2.0", "==1.2", True),
        ("1.1.5+ds1", "==1.1.5", True),
        ("v1.8.1-dirty", "<1.8.1", True),
        ("1.10.0", ">1.9", True),
        ("1.2.0-rc.1", "<1.2", True),
        ("1.2.0-rc.1", ">=1.2.0-rc.1, <1.2", True),
        ("1.1.5", ">=1.1.5,<1.1.6", True),
        ("1.1.5", ">=1.1.5,!=1.1.5", False),
        ("1.1.5", "<=1.1.4", False),
        ("0.0~20240729.0", ">=20240729", True),
        ("0.0~20221219.0", ">=20240729", False),
        ("release-20240729.0", "<20250101, >=20240729.0", True),
        ("0.0~rc1", "<20240729", True),
    ],
)
def test_versions_are_compared(version: str, comparisons: str, *, wanted: bool) -> None:
    assert satisfies(version, comparisons) is wanted


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        (Outcome.FAIL, Outcome.XFAIL),
        (Outcome.PASS, Outcome.XPASS),
        (Outcome.SKIP, Outcome.SKIP),
        (Outcome.ERROR, Outcome.ERROR),
    ],
)
def test_it_is_strict(outcome: Outcome, wanted: Outcome) -> None:
    expectations = Expectations([known()], "runc", "1.1.5", "1.0.2")
    seen = expectations.judge(result(outcome))
    assert seen.outcome is wanted
    assert seen.findings == result(outcome).findings
    if wanted is Outcome.XFAIL:
        assert seen.reason == "it does not"
    if wanted is Outcome.XPASS:
        assert seen.reason == "a, entry 1: it does not"


@pytest.mark.parametrize(
    "fields",
    [
        {"runtime": "crun"},
        {"versions": "<1.1"},
        {"spec": ">=1.3.0"},
        {"case": "kill.running"},
        {"clause": STATE.id},
        {"cgroups": "v2"},
    ],
)
def test_one_that_does_not_apply_changes_nothing(fields: dict[str, str]) -> None:
    expectations = Expectations([known(**fields)], "runc", "1.1.5", "1.0.2", "hybrid")
    assert expectations.judge(result(Outcome.FAIL)) == result(Outcome.FAIL)
    assert expectations.judge(result(Outcome.PASS)) == result(Outcome.PASS)


def test_several_may_speak_of_one_result() -> None:
    other = replace(NO_PID, message="something else")
    both = replace(result(Outcome.FAIL), findings=(NO_PID, other))
    pair = [known(messages=(NO_PID.message,), reason="one"), known(messages=("something *",), reason="two")]
    assert Expectations(pair, "runc", "1.1.5", "1.0.2").judge(both).outcome is Outcome.XFAIL
    alone = replace(both, findings=(other,))
    assert Expectations(pair, "runc", "1.1.5", "1.0.2").judge(alone).reason == "two"


def test_what_fails_sometimes_may_pass() -> None:
    expectations = Expectations([known(sometimes=True)], "runc", "1.1.5", "1.0.2")
    assert expectations.judge(result(Outcome.FAIL)).outcome is Outcome.XFAIL
    assert expectations.judge(result(Outcome.PASS)) == result(Outcome.PASS)


@pytest.mark.parametrize(("cgroups", "mode"), [("v1", "v1"), ("v1", "hybrid"), ("v2", "v2"), ("", "none")])
def test_one_for_some_control_groups_applies_there(cgroups: str, mode: str) -> None:
    expectations = Expectations([known(cgroups=cgroups)], "runc", "1.1.5", "1.0.2", mode)
    assert expectations.judge(result(Outcome.FAIL)).outcome is Outcome.XFAIL


@pytest.mark.parametrize(("linux", "outcome"), [("6.1", Outcome.PASS), ("6.2", Outcome.XPASS), ("6.18", Outcome.XPASS)])
def test_one_for_some_kernels_applies_there(linux: str, outcome: Outcome) -> None:
    expectations = Expectations([known(linux=">=6.2")], "runc", "1.1.5", "1.0.2", "v2", linux)
    assert expectations.judge(result(Outcome.PASS)).outcome is outcome


def test_what_goes_wrong_besides_is_a_failure() -> None:
    failed = result(Outcome.FAIL)
    other = replace(NO_PID, message="something else")
    both = replace(failed, findings=(NO_PID, other))
    for messages in ((NO_PID.message,), ("nothing", f"{NO_PID.message[:3]}*")):
        expectations = Expectations([known(messages=messages)], "runc", "1.1.5", "1.0.2")
        assert expectations.judge(failed).outcome is Outcome.XFAIL
        seen = expectations.judge(both)
        assert (seen.outcome, seen.findings) == (Outcome.FAIL, (other,))
        assert expectations.judge(result(Outcome.PASS)).outcome is Outcome.XPASS


def test_the_link_is_shown() -> None:
    expectations = Expectations([known(link="https://example.org/1")], "runc", "1", "1.0.2")
    assert expectations.judge(result(Outcome.FAIL)).reason == "it does not (https://example.org/1)"


def test_a_file_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, ENTRY + 'versions = "<1.2"\nspec = ">=1.0.1"\nexpires = 2030-01-31\n')
    (one,) = read(file, dt.date(2030, 1, 31))
    assert one.messages == ()
    assert (one.runtime, one.versions, one.spec, one.expires) == ("runc", "<1.2", ">=1.0.1", dt.date(2030, 1, 31))
    assert one.origin == f"{file}, entry 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("runtime = ", "is not TOML"),
        ("", "runtime must be the name"),
        ("runtime = 3", "runtime must be the name"),
        ('runtime = "runc"\nexpects = []', "unknown expects"),
        ('runtime = "runc"\nexpect = [1]', "array of tables"),
        (ENTRY + 'version = "<1.2"', "entry 1: unknown version"),
        (ENTRY + 'versions = "1.2"', "entry 1: versions: 1.2 is not a valid comparison"),
        (ENTRY + 'spec = ""', "entry 1: spec: "),
        (ENTRY + "link = 1", "entry 1: link must be a string"),
        (ENTRY + 'cgroups = "hybrid"', "entry 1: cgroups must be v1 or v2"),
        (ENTRY + 'sometimes = "often"', "entry 1: sometimes must be true or false"),
        (ENTRY + 'messages = "all"', "entry 1: messages must be an array of strings"),
        (ENTRY + 'messages = [""]', "entry 1: messages must be an array of strings"),
        (ENTRY + 'expires = "2030-01-31"', "expires must be a date"),
        (ENTRY + "expires = 2030-01-31T00:00:00", "expires must be a date"),
        (ENTRY + "expires = 2030-01-30", "expired on 2030-01-30: kill.stopped, runtime/runtime.kill.stopped"),
        (ENTRY.replace("reason", "link"), "entry 1: reason is missing"),
        (ENTRY.replace("it kills", "FILL IN: it kills"), "entry 1: reason is missing"),
        (ENTRY.replace("case", "link"), "entry 1: case is missing"),
        (ENTRY.replace("clause", "link"), "entry 1: clause is missing"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, words: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(UsageError, match=r"^[^\n]+\Z") as problem:
        read(file, dt.date(2030, 1, 31))
    assert str(problem.value).startswith(file)
    assert words in str(problem.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"case": "kil.*"}, "there is no case kil."), ({"clause": STATE.id}, "does not judge runtime/runtime.state.pid")],
)
def test_one_of_no_case_or_clause_is_refused(fields: dict[str, str], words: str) -> None:
    cases = [Case("kill.stopped", lambda _trial: None, (KILL.id,)), Case("a.b", lambda _trial: None, (STATE.id,))]
    reject_unmatched([known()], cases)
    with pytest.raises(UsageError, match=r"^a, entry 1: ") as problem:
        reject_unmatched([known(**fields)], cases)
    assert words in str(problem.value)


def test_a_draft_is_refused_until_it_is_filled_in(tmp_path: Path) -> None:
    nasty = Result(STATE, Outcome.FAIL, findings=(NO_PID,), case='a "quoted" \\ case\n\x1b\udcff')
    text = drafted("runc", "1.1.5+ds1", [result(Outcome.PASS), result(Outcome.FAIL), nasty])
    file = written(tmp_path, text)
    with pytest.raises(UsageError, match="entry 1: reason is missing"):
        read(file)
    VALIDATOR.validate(tomllib.loads(text))
    filled = written(tmp_path, text.replace("FILL IN", "It does not"))
    assert [(one.case, one.clause, one.versions) for one in read(filled)] == [
        ("kill.stopped", KILL.id, "==1.1.5+ds1"),
        ('a "quoted" \\ case\n\x1b\ufffd', STATE.id, "==1.1.5+ds1"),
    ]
    assert read(filled)[0].applies("runc", "1.1.5", "1.0.2")


def test_a_draft_of_nothing_has_no_entry(tmp_path: Path) -> None:
    assert read(written(tmp_path, drafted("", "", [result(Outcome.PASS)]).replace('""', '"x"'))) == []


@pytest.mark.parametrize("file", sorted((resources.folder("conformance") / "expectations").glob("*.toml")), ids=str)
def test_ours_are_in_order(file: Path) -> None:
    VALIDATOR.validate(tomllib.loads(file.read_text(encoding="utf-8")))
    expectations = read(str(file))
    assert expectations
    assert {one.runtime for one in expectations} == {file.stem}
    reject_unmatched(expectations, load_cases(resources.folder("conformance")))


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    good = tomllib.loads(ENTRY)
    VALIDATOR.validate(good)
    for name in ("case", "clause", "reason"):
        entry = {key: value for key, value in good["expect"][0].items() if key != name}
        assert not VALIDATOR.is_valid({**good, "expect": [entry]})
    for name, value in (
        ("versions", "1.2"),
        ("spec", ""),
        ("version", "<1"),
        ("clause", CWD.summary),
        ("messages", "*"),
        ("cgroups", "1"),
        ("sometimes", "often"),
    ):
        assert not VALIDATOR.is_valid({**good, "expect": [{**good["expect"][0], name: value}]})
    assert not VALIDATOR.is_valid({"expect": []})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" + ".a" * 100_000 + "=1", "has a dotted key with more than 16 parts"),
        ("a=" + "[" * 100_000, "has values nested more than 32 deep"),
        ("#" * (MAX_SIZE + 1), f": More than {MAX_SIZE} bytes$"),
    ],
)
def test_a_file_that_would_eat_the_machine_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=reason):
        read(str(tmp_path / "x.toml"))


def test_a_fifo_is_no_file_of_expectations(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.toml")
    with pytest.raises(UsageError, match="A FIFO, not a file"):
        read(str(tmp_path / "x.toml"))


# --- drawn configs


def test_what_is_known_of_a_case_is_known_of_drawn_configs_by_its_messages() -> None:
    """Which deviations a drawn config meets is chance: a pass contradicts nothing."""
    by_message = known(messages=(NO_PID.message,))
    for case in ("explore.00007", "parts.user.somebody"):
        drawn = Expectations([by_message], "runc", "1.0", "1.0.2")
        assert drawn.judge(result(Outcome.FAIL, case)).outcome is Outcome.XFAIL
        assert drawn.judge(result(Outcome.PASS, case)).outcome is Outcome.PASS
        other = Expectations([known(messages=("something else",))], "runc", "1.0", "1.0.2")
        assert other.judge(result(Outcome.FAIL, case)).outcome is Outcome.FAIL
        # Whatever the case it is on: one without messages would hide all that is news.
        assert Expectations([known()], "runc", "1.0", "1.0.2").judge(result(Outcome.FAIL, case)).outcome is Outcome.FAIL


def test_an_entry_may_be_on_drawn_configs_alone() -> None:
    entry = known(case="parts.*", clause="runtime/runtime.kill.sends-signal", messages=("x*",))
    reject_unmatched([entry], [])
    with pytest.raises(UsageError, match="there is no clause runtime/nothing"):
        reject_unmatched([replace(entry, clause="runtime/nothing")], [])


def drawn_result(case: str, message: str, *parts: str) -> Result:
    found = replace(NO_PID, message=message, hint=hint_of(parts) if parts else "")
    return replace(result(Outcome.FAIL, case), findings=(found,))


TMPFS = "the tmpfs at /m/again has another mode"


@pytest.mark.parametrize(
    ("fields", "case", "message", "parts", "outcome"),
    [
        # Of one feature alone, by what is said to be explored; of others, and of another message, it is news.
        ({}, "parts.mount-tmpfs.data", TMPFS, (), Outcome.XFAIL),
        ({}, "parts.mount-tmpfs-again.small", TMPFS, (), Outcome.XFAIL),
        ({}, "parts.mount-bind.plain", TMPFS, (), Outcome.FAIL),
        ({}, "parts.mount-tmpfs.data", "the tmpfs at /m/again lacks noexec", (), Outcome.FAIL),
        ({}, "explore.00001", TMPFS, ("parts.mount-tmpfs.data",), Outcome.XFAIL),
        ({}, "explore.00001", TMPFS, ("parts.mount-tmpfs.data", "parts.umask.all"), Outcome.FAIL),
        ({"explored": ("mount-tmpfs.data: *",)}, "parts.mount-tmpfs.data", TMPFS, (), Outcome.XFAIL),
        ({"explored": ("mount-tmpfs.data: *",)}, "parts.mount-tmpfs.plain", TMPFS, (), Outcome.FAIL),
        ({"clause": "runtime/config.process.cwd.absolute"}, "parts.mount-tmpfs.data", TMPFS, (), Outcome.XFAIL),
        # What takes two features is known where they are named.
        (
            {"explored": ("namespace-user, root-propagation: the root *",)},
            "explore.00002",
            "the root filesystem is not slave",
            ("parts.namespace-user.new", "parts.root-propagation.slave"),
            Outcome.XFAIL,
        ),
        # By its messages alone an entry speaks of one feature, and of no meeting.
        ({"explored": (), "messages": (TMPFS,)}, "explore.00001", TMPFS, ("parts.mount-tmpfs.data",), Outcome.XFAIL),
        ({"explored": (), "messages": (TMPFS,)}, "explore.00001", TMPFS, ("parts.a.b", "parts.c.d"), Outcome.FAIL),
        ({"explored": (), "messages": ("create *",)}, "parts.a.b", "create failed: no", (), Outcome.FAIL),
        # One on drawn cases speaks of these, and of no others.
        (
            {"explored": (), "messages": (), "case": "explore.*"},
            "explore.1",
            TMPFS,
            ("parts.a.b", "parts.c.d"),
            Outcome.XFAIL,
        ),
        ({"explored": (), "messages": (), "case": "parts.*"}, "explore.00001", TMPFS, ("parts.a.b",), Outcome.FAIL),
        ({"case": "lives.*", "explored": ("create, kill: *",)}, "lives.00001", "x", ("create", "kill"), Outcome.XFAIL),
        ({"case": "lives.*", "explored": ("create, kill: *",)}, "lives.00001", "x", ("create", "start"), Outcome.FAIL),
    ],
)
def test_a_known_deviation_is_known_where_it_is_met_and_hides_no_other(
    fields: dict[str, Any], case: str, message: str, parts: tuple[str, ...], outcome: Outcome
) -> None:
    entry = known(**{"explored": ("mount-tmpfs*: the tmpfs at * has another mode",), "messages": ("x",), **fields})
    judged = Expectations([entry], "runc", "1.0", "1.0.2").judge(drawn_result(case, message, *parts))
    assert judged.outcome is outcome


def test_of_several_findings_on_a_drawn_config_only_what_is_news_is_left() -> None:
    entry = known(messages=("x",), explored=("mount-tmpfs: *",))
    old, new = (
        drawn_result("explore.00001", message, part).findings[0]
        for message, part in (("old", "parts.mount-tmpfs.data"), ("new", "parts.umask.all"))
    )
    both = replace(result(Outcome.FAIL, "explore.00001"), findings=(old, new))
    judged = Expectations([entry], "runc", "1.0", "1.0.2").judge(both)
    assert (judged.outcome, [one.message for one in judged.findings]) == (Outcome.FAIL, ["new"])


def test_what_is_explored_names_features_and_a_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="explored: the mount is wrong is not FEATURES: MESSAGE"):
        read(written(tmp_path, f'{ENTRY}explored = ["the mount is wrong"]'))
    assert read(written(tmp_path, f'{ENTRY}explored = ["mount-bind: *"]'))[0].explored == ("mount-bind: *",)
