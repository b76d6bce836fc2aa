"""Which findings carry a fix, and what it makes of the document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from ocivalidate import resources
from ocivalidate.bundle.api import check_bundle, check_config
from ocivalidate.bundle.mending import mend_bundle
from ocivalidate.bundle.options import BundleOptions
from ocivalidate.fixes.changing import changed, overlapping
from ocivalidate.report import Options, render
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Change, Finding, Fix, Report
from tests.unit.command_line import SAMPLES

DATA = Path(__file__).parents[1] / "data" / "schemas"
WHOLE = '{"ociVersion": "1.2.0", "root": {"path": "rootfs"}, %s}'
PROCESS = WHOLE % '"process": {"args": ["sh"], "cwd": "/", "user": {"uid": 0, "gid": 0}, %s}'
USER = '"user": {"uid": 0, "gid": 0}'
NAMED = (
    '{"ociVersion": "1.2.0", "root": {"path": "rootfs"}, "process": {"args": ["sh"], "cwd": "/", ' + USER + "}, "
    '"linux": {"namespaces": [{"type": "uts"}]}, %s}'
)
LINUX = WHOLE % '"linux": {%s}'
BOUNDING = PROCESS % '"capabilities": {"bounding": ["%s"]}'
RLIMIT = '{"type": "%s", "soft": 1, "hard": 2}'
SEED = PROCESS % '"rlimits": [%s]'
CPU, MIXED = RLIMIT % "RLIMIT_CPU", '{"hard":2,"type":"RLIMIT_CPU","soft":1}'
EXACT = '{"type": "RLIMIT_CPU", "soft": 1, "hard": 9007199254740993}'
DEVICE = '{"type": "c", "path": "/dev/a", "major": 1, "minor": 2}'


def report_of(text: str, *, lint: bool = False, **more: Any) -> Report:
    return check_config(text.encode(), Selection(lint=lint, **more), fixes=True)


def mended(text: str, *, lint: bool = False) -> str:
    """The document with all fixes."""
    fixes = [finding.fix for finding in report_of(text, lint=lint).findings if finding.fix]
    return changed(text.encode(), fixes).decode()


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        # Members: misspelled, by case, in an odd layout.
        (NAMED % '"hostnme": "a"', NAMED % '"hostname": "a"'),
        (NAMED % '"hostName" :\t"a"\r\n ', NAMED % '"hostname" :\t"a"\r\n '),
        (NAMED % '"host\\u006eme": "a"', NAMED % '"hostname": "a"'),
        ('{"ociVersion": "1.2.0", "root": {"path": "é😀", "readOnly": true}}',
         '{"ociVersion": "1.2.0", "root": {"path": "é😀", "readonly": true}}'),
        # Capabilities: by case, without the prefix, misspelled; in all sets at once.
        (BOUNDING % "cap_kill", BOUNDING % "CAP_KILL"),
        (BOUNDING % "KILL", BOUNDING % "CAP_KILL"),
        (BOUNDING % "CAP_KIL", BOUNDING % "CAP_KILL"),
        (
            PROCESS % '"capabilities": {"effective": ["kill"], "permitted": ["KILL"]}',
            PROCESS % '"capabilities": {"effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}',
        ),
        # Open lists and enumerations.
        (SEED % RLIMIT % "RLIMIT_NOFLE", SEED % RLIMIT % "RLIMIT_NOFILE"),
        (SEED % RLIMIT % "rlimit_nofile", SEED % RLIMIT % "RLIMIT_NOFILE"),
        (SEED % RLIMIT % "nofile", SEED % RLIMIT % "RLIMIT_NOFILE"),
        (LINUX % '"namespaces": [{"type": "PID"}]', LINUX % '"namespaces": [{"type": "pid"}]'),
        (LINUX % '"namespaces": [{"type": "netwrok"}]', LINUX % '"namespaces": [{"type": "network"}]'),
        (LINUX % '"namespaces": [{"type": "net"}]', LINUX % '"namespaces": [{"type": "network"}]'),
        (LINUX % f'"devices": [{DEVICE.replace("c", "C", 1)}]', LINUX % f'"devices": [{DEVICE}]'),
        (LINUX % '"seccomp": {"defaultAction": "allow"}', LINUX % '"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}'),
        (LINUX % '"personality": {"domain": "linux"}', LINUX % '"personality": {"domain": "LINUX"}'),
        # Scalars in quotes.
        (PROCESS % '"oomScoreAdj": "-500"', PROCESS % '"oomScoreAdj": -500'),
        (PROCESS % '"terminal": "true"', PROCESS % '"terminal": true'),
        # Integers in another notation. The double is another number than what is written: that counts.
        (PROCESS % '"oomScoreAdj": 5e2', PROCESS % '"oomScoreAdj": 500'),
        (PROCESS % '"oomScoreAdj": 1.0', PROCESS % '"oomScoreAdj": 1'),
        (SEED % EXACT.replace("}", ".0}"), SEED % EXACT),
        # What is there twice.
        (SEED % ",\n  ".join([RLIMIT % "RLIMIT_CPU"] * 3), SEED % RLIMIT % "RLIMIT_CPU"),
        (SEED % f"{CPU} , {MIXED}\n", SEED % f"{CPU}\n"),
        (LINUX % '"namespaces": [{"type": "ipc"}, {"type": "ipc"}]', LINUX % '"namespaces": [{"type": "ipc"}]'),
        (LINUX % f'"devices": [{DEVICE}, {DEVICE}]', LINUX % f'"devices": [{DEVICE}]'),
        (NAMED % '"hostname": "a", "hostname" : "a"', NAMED % '"hostname": "a"'),
        (WHOLE % '"annotations": {"a": "b"},\n\t"annotations":{"a":\t"b"}', WHOLE % '"annotations": {"a": "b"}'),
    ],
)  # fmt: skip
def test_one_safe_answer_is_given(bad: str, good: str) -> None:
    assert mended(bad) == good
    assert mended(good) == good


@pytest.mark.parametrize(
    "text",
    [
        # The right member is there already, or two mean it.
        NAMED % '"hostname": "a", "hostnme": "b"',
        NAMED % '"hostnme": "a", "hostnam": "b"',
        # Two are as near, or none.
        SEED % RLIMIT % "RLIMIT_SS",
        SEED % RLIMIT % "RLIMIT_OPEN_FILES",
        PROCESS % '"capabilities": {"bounding": ["CAP_EVERYTHING"]}',
        LINUX % '"namespaces": [{"type": "nets"}]',
        # What stands there would be wrong in the right place.
        NAMED % '"hostnme": 5',
        PROCESS.replace('"cwd"', '"umsk": "022", "cwd"') % '"x": 1',
        # Octal digits, or a number that the member cannot have.
        LINUX % f'"devices": [{DEVICE[:-1]}, "fileMode": "666"}}]',
        PROCESS.replace('"uid": 0', '"uid": "4294967296"') % '"terminal": false',
        PROCESS.replace('"uid": 0', '"uid": "007"') % '"terminal": false',
        PROCESS.replace('"uid": 0', '"uid": " 7"') % '"terminal": false',
        # Not the same: which one is meant?
        SEED % f'{RLIMIT % "RLIMIT_CPU"}, {{"type": "RLIMIT_CPU", "soft": 1, "hard": 3}}',
        NAMED % '"hostname": "a", "hostname": "b"',
        WHOLE % '"process": {"terminal": 1, "terminal": 1.0}',
        # A version is nobody's to guess.
        '{"ociVersion": "v1.2.0", "root": {"path": "rootfs"}}',
        '{"ociVersion": "1.2", "root": {"path": "rootfs"}}',
        '{"root": {"path": "rootfs"}}',
        # No JSON.
        '{"ociVersion": "1.2.0", "hostnme": "a"',
        "\ufeff{}",
    ],
)
def test_no_answer_is_given_where_there_may_be_another(text: str) -> None:
    assert mended(text) == text
    assert report_of(text).findings


def test_the_others_are_mended_where_some_cannot_be() -> None:
    names = ["hostnme", "domainnme", "procss", "hoks"]
    bad = ", ".join(f'"{name}": "a"' for name in names)
    assert mended(NAMED % bad) == NAMED % bad.replace("hostnme", "hostname").replace("domainnme", "domainname")


def test_fix_breaks_nothing_that_was_not_asked_for() -> None:
    text = NAMED % '"hostnme": 5'
    report = report_of(text, select=("lint/members.misspelled",))
    assert [finding.fix for finding in report.findings] == [None]


def test_what_is_found_says_what_is_meant() -> None:
    (finding,) = report_of(SEED % RLIMIT % "RLIMIT_NOFLE").findings
    assert finding.hint == "did you mean RLIMIT_NOFILE?"
    (finding,) = report_of(PROCESS % '"oomScoreAdj": "1"').findings
    assert finding.hint == "write it without the quotes"
    assert finding.fix
    assert finding.fix.title == "write 1 for process.oomScoreAdj"


def test_without_being_asked_no_finding_has_a_fix() -> None:
    text = (NAMED % '"hostnme": "a"').encode()
    assert [finding.fix for finding in check_config(text).findings] == [None]
    assert [finding.fix for result in check_config(text).results for finding in result.findings] == [None]


def test_fix_in_json_and_sarif() -> None:
    text = (NAMED % '"hostnme": "a"').replace("rootfs", "é").replace(' "hostnme', '\n "hostnme')
    start = text.encode().index(b'"hostnme')
    report = report_of(text)
    findings = json.loads(render("json", [report], Options()))["reports"][0]["findings"]
    assert [finding["fix"] for finding in findings if "fix" in finding] == [
        {
            "title": 'rename hostnme to "hostname"',
            "changes": [
                {
                    "start": start,
                    "end": start + 9,
                    "line": 2,
                    "column": 2,
                    "end_line": 2,
                    "end_column": 11,
                    "text": '"hostname"',
                }
            ],
        }
    ]
    (run,) = json.loads(render("sarif", [report], Options()))["runs"]
    (fix,) = next(result["fixes"] for result in run["results"] if "fixes" in result)
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"] == run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 2, "endLine": 2, "endColumn": 11},
            "insertedContent": {"text": '"hostname"'},
        }
    ]


def test_formats_with_fixes_are_what_their_schemas_say() -> None:
    report = report_of(SEED % ",\n ".join([RLIMIT % "RLIMIT_CPU", CPU, RLIMIT % "é😀"]) + "\n")
    assert with_fixes(report)
    log = json.loads(render("sarif", [report], Options()))
    sarif = json.loads((DATA / "sarif-schema-2.1.0.json").read_bytes())
    assert list(Draft7Validator(sarif).iter_errors(log)) == []
    data = json.loads(render("json", [report], Options()))
    assert list(Draft202012Validator(resources.read_json("schemas", "output/report.json")).iter_errors(data)) == []


def test_text_says_how_many_findings_can_be_mended() -> None:
    report = report_of(NAMED % '"hostnme": "a", "domainnme": "b", "x": 1')
    assert "fixes: --fix mends 2 findings, --diff shows how\n" in render("text", [report], Options())
    assert "--fix" not in render("text", [report], Options(quiet=True))


def test_fixes_of_one_place_overlap() -> None:
    def fix(start: int, end: int, text: str) -> Fix:
        return Fix("", (Change(start, end, 1, 1, 1, 1, text),))

    assert not overlapping([fix(0, 2, "a"), fix(2, 4, "b"), fix(0, 2, "a")])
    assert overlapping([fix(0, 2, "a"), fix(0, 2, "b")])
    assert overlapping([fix(0, 3, "a"), fix(2, 4, "b")])
    with pytest.raises(ValueError, match="two fixes change byte"):
        changed(b"abcdef", [fix(0, 3, "a"), fix(2, 4, "b")])


def test_overlapping_fixes_come_one_after_the_other(tmp_path: Any) -> None:
    file = tmp_path / "c.json"
    file.write_text(LINUX % '"seccomp": {"defaultAction": "allow", "defaultAction": "allow"}', encoding="utf-8")
    mended = mend_bundle(str(file), Selection(), BundleOptions())
    assert mended.document.data.decode() == LINUX % '"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}'
    assert "seccomp" not in "".join(finding.message for finding in mended.report.findings)


def test_document_with_many_errors_is_mended_in_time() -> None:
    """What a hostile document can ask for is bounded: thousands of errors, half of which cannot be mended."""
    names = ", ".join(f'"{"no" * (number % 2)}file{number}"' for number in range(4_000))
    report = report_of(PROCESS % f'"capabilities": {{"bounding": ["kil", {names}]}}')
    assert len(with_fixes(report)) <= 20
    limits = ", ".join([RLIMIT % "RLIMIT_CPU"] * 2_000)
    assert len(with_fixes(report_of(SEED % limits))) == 20


def with_fixes(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.fix]


def test_sample_of_the_demo_can_be_mended() -> None:
    report = check_bundle(SAMPLES / "bundle-broken", options=BundleOptions(fixes=True))
    assert [finding.clause.id for finding in with_fixes(report)]
