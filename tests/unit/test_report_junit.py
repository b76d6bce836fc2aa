from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
import xmlschema

from ocivalidate.report import render
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Report
from tests.reports import (
    ALL,
    ALL_SKIPPED,
    BROKEN,
    CONFORMING,
    CUT_OFF,
    HOSTILE,
    HOSTILE_PROBLEM,
    OPTIONS,
    RUNTIME,
    UNREADABLE,
)

XSD = xmlschema.XMLSchema(Path(__file__).parent.parent / "data" / "schemas" / "junit-10.xsd")
RUNS: dict[str, list[Report]] = {
    "none": [],
    "conforming": [CONFORMING],
    "all": [*ALL],
    "hostile": [HOSTILE, HOSTILE_PROBLEM],
}
REMOVE = (
    "passed, but is expected to fail: remove the expectation for runtime/runtime.state.pid"
    " (expectations/runc.toml, entry 3)"
)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own output


def junit(*reports: Report, verbose: int = 0, fail_on: Severity = Severity.ERROR) -> ET.Element:
    return parsed(render("junit", reports, replace(OPTIONS, verbose=verbose, fail_on=fail_on)))


def case(root: ET.Element, name: str) -> ET.Element:
    (found,) = [each for each in root.iter("testcase") if each.get("name") == name]
    return found


@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("name", RUNS)
def test_it_is_what_jenkins_reads(name: str, verbose: int) -> None:
    root = junit(*RUNS[name], verbose=verbose)
    for case in root.iter("testcase"):
        # What GitLab and annotators read besides.
        assert case.attrib.pop("file")
        case.attrib.pop("line", None)
    XSD.validate(ET.tostring(root, encoding="unicode"))


@pytest.mark.parametrize("name", RUNS)
def test_counts_are_those_of_the_elements(name: str) -> None:
    root = junit(*RUNS[name])
    for node in root.iter():
        if node.tag in ("testsuites", "testsuite"):
            assert node.get("tests") == str(sum(1 for _ in node.iter("testcase")))
            assert node.get("failures") == str(sum(1 for _ in node.iter("failure")))
            assert node.get("errors") == str(sum(1 for _ in node.iter("error")))
        if node.tag == "testsuite":
            assert node.get("skipped") == str(sum(1 for _ in node.iter("skipped")))


def test_a_failure() -> None:
    found = case(junit(BROKEN), "runtime/config.process.cwd.absolute")
    failure = found.find("failure")
    assert (found.get("classname"), found.get("file"), found.get("line")) == ("b", "b/config.json", "14")
    assert failure is not None
    assert failure.attrib == {"message": "process.cwd is not an absolute path", "type": "error"}
    assert failure.text == (
        "b/config.json:14:12: error[runtime/config.process.cwd.absolute]: process.cwd is not an absolute path\n"
        "  pointer: /process/cwd\n"
        '  got: "app"\n'
        "  want: a path that starts with /\n"
        "  MUST, runtime-spec 1.2.0 config.md#process"
    )


def test_a_failure_below_the_failing_severity_passes_and_is_told() -> None:
    name = "runtime/config.root.path.rootfs"
    lenient, strict = (case(junit(BROKEN, fail_on=level), name) for level in (Severity.ERROR, Severity.WARNING))
    assert [child.tag for child in lenient] == ["system-out"]
    assert "root.path is not the conventional rootfs" in (lenient.findtext("system-out") or "")
    assert [(child.tag, child.get("type")) for child in strict] == [("failure", "warning")]


def test_skips_and_what_is_absent() -> None:
    name = "runtime/config.vm.kernel.path.absolute"
    skipped = case(junit(CONFORMING), "runtime/runtime.state.pid").find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "needs --host"
    assert name not in [each.get("name") for each in junit(CONFORMING).iter("testcase")]
    assert case(junit(CONFORMING, verbose=1), name).find("skipped") is not None
    assert junit(CONFORMING).find(".//property[@name='not_present'][@value='1']") is not None


@pytest.mark.parametrize(
    ("name", "tag", "kind", "message"),
    [
        ("runtime/runtime.kill.stopped", "skipped", None, "expected failure: runc#1234, fixed in 1.3"),
        (
            "runtime/runtime.state.pid",
            "failure",
            "xpass",
            REMOVE,
        ),
        ("runtime/runtime.create.unique-id", "error", "error", "no answer within 20 s"),
    ],
)
def test_the_outcomes_of_a_runtime(name: str, tag: str, kind: str | None, message: str) -> None:
    (child,) = case(junit(RUNTIME), name)
    assert (child.tag, child.get("type"), child.get("message")) == (tag, kind, message)


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (UNREADABLE, "c: no such file or folder"),
        (CUT_OFF, "the report is incomplete"),
        (ALL_SKIPPED, "nothing was judged"),
    ],
)
def test_a_subject_that_could_not_be_judged_is_an_error(report: Report, message: str) -> None:
    error = case(junit(report), report.subject).find("error")
    assert error is not None
    assert error.get("message") == message


def test_no_subject_is_an_error() -> None:
    assert junit().get("errors") == "1"


def test_the_header_is_in_the_properties() -> None:
    properties = {each.get("name"): each.get("value") for each in junit(BROKEN).iter("property")}
    assert properties == {
        "tool": "ocivalidate 1.2.3",
        "kind": "bundle",
        "specification": "runtime-spec",
        "release": "1.2.0",
        "platforms": "linux",
        "platform_note": "no platform member, taken as linux",
        "fail_on": "error",
        "suppressed": "2",
        "not_present": "1",
    }


def test_a_hostile_report_adds_no_element_and_no_line() -> None:
    text = render("junit", [HOSTILE, HOSTILE_PROBLEM], OPTIONS)
    root = parsed(text)
    assert all(line.isprintable() for line in text.split("\n"))
    assert [len(list(suite.iter("testcase"))) for suite in root] == [5, 1]
    assert "<b>" not in text
    assert "]]>" not in text
    assert r"\x1b[31m\x9b2J\u202etxt.exe" in root[0].attrib["name"]
