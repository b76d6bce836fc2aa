"""Where findings stand in a checkout, and by what they are known again."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.bundle.api import check_bundle
from ocivalidate.image.api import check_image
from ocivalidate.report.fingerprints import Fingerprints
from ocivalidate.report.options import Options
from ocivalidate.report.places import Spot, in_checkout, spot
from ocivalidate.rules.findings import Finding, Location, Report
from tests.reports import BROKEN, ESCAPES, NOT_ABSOLUTE, RUN
from tests.unit.command_line import BROKEN as BROKEN_BUNDLE

INSIDE = Options(root="/w/repo", within="deploy")


@pytest.mark.parametrize(
    ("file", "options", "expected"),
    [
        ("b/config.json", Options(), "b/config.json"),
        ("./b//config.json", Options(), "b/config.json"),
        ("../b", Options(), "../b"),
        ("b/config.json", INSIDE, "deploy/b/config.json"),
        ("../b", INSIDE, "b"),
        ("../../b", INSIDE, "/w/b"),
        ("/w/repo/x", INSIDE, "x"),
        ("/w/repo/../other", INSIDE, "/w/other"),
        ("/w/repository", INSIDE, "/w/repository"),
        ("-", Options(), "-"),
    ],
)
def test_paths_are_those_of_the_checkout(file: str, options: Options, expected: str) -> None:
    assert in_checkout(file, options) == expected


def test_what_names_no_file_stands_in_that_of_its_case_or_of_the_report() -> None:
    assert spot(RUN, Options(), Location(case="state.started")) == Spot("mine/state.py", line=7)
    assert spot(RUN, Options(), Location(case="unknown")) == Spot("runc")
    assert spot(replace(BROKEN, file="b/config.json"), Options()) == Spot("b/config.json")
    assert spot(BROKEN, Options(), NOT_ABSOLUTE.location) == Spot("b/config.json", "", 14, 12, 17)


@pytest.mark.parametrize("known", [None, [], {"a": 1}, {"a": "x"}, {"a": "x:"}, {"a": "x:0"}, {"a": "x:²"}])
def test_facts_of_any_shape_name_no_file(known: object) -> None:
    assert spot(replace(RUN, facts={"places": known}), Options(), Location(case="a")) == Spot("runc")


def test_what_stands_in_an_archive_stands_in_its_file() -> None:
    report = Report("image", "app.tar", "image-spec", file="app.tar")
    found = spot(report, Options(), Location("app.tar:blobs/sha256/ab", "/layers", 3, 4, 5))
    assert found == Spot("app.tar", "blobs/sha256/ab")


def test_reports_name_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    demo = Path(BROKEN_BUNDLE).parent
    layout = demo / "image-broken"
    subprocess.run(["tar", "-C", str(layout), "-cf", "img.tar", "."], check=True)
    assert check_bundle(BROKEN_BUNDLE).file == f"{BROKEN_BUNDLE}/config.json"
    assert check_image(str(layout)).file == f"{layout}/index.json"
    report = check_image("img.tar")
    assert report.file == "img.tar"
    inside = [spot(report, Options(), finding.location) for finding in report.findings]
    assert {place.file for place in inside} == {"img.tar"}
    assert {place.inner.split("/")[0] for place in inside} <= {"blobs", "index.json"}


def test_the_command_line_knows_the_checkout(tmp_path: Path) -> None:
    folder = tmp_path / "repo" / "deploy" / "b"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"ociVersion": "1.0.2"}')

    def uris(**environment: str) -> set[str]:
        command = [sys.executable, "-m", "ocivalidate", "bundle", "b", "--format", "sarif"]
        done = subprocess.run(
            command, cwd=folder.parent, capture_output=True, check=False, env={**environment, "PATH": "/usr/bin:/bin"}
        )
        (run,) = json.loads(done.stdout)["runs"]
        places = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in run["results"]]
        return {f"{place['uriBaseId']}/{place['uri']}" for place in places}

    assert uris() == {"%SRCROOT%/b/config.json"}
    assert uris(GITHUB_WORKSPACE=str(tmp_path / "repo")) == {"%SRCROOT%/deploy/b/config.json"}
    assert uris(CI_PROJECT_DIR=f"{tmp_path}/repo/") == {"%SRCROOT%/deploy/b/config.json"}
    assert uris(GITHUB_WORKSPACE=str(tmp_path / "rep")) == {"%SRCROOT%/b/config.json"}


def prints(*findings: Finding) -> list[str]:
    made = Fingerprints()
    return [made.of(one.clause.id, spot(BROKEN, Options(), one.location), one) for one in findings]


def moved(finding: Finding, **changes: object) -> Finding:
    return replace(finding, location=replace(finding.location, **changes))  # type: ignore[arg-type]  # of a test


def test_fingerprints_survive_what_moves() -> None:
    third = moved(ESCAPES, pointer="/mounts/2", line=40, column=7, text="x")
    assert prints(ESCAPES) == prints(third)
    assert prints(ESCAPES) == prints(moved(ESCAPES, file="./b/config.json"))
    assert prints(ESCAPES) != prints(replace(third, got='"elsewhere"'))
    assert prints(ESCAPES) != prints(moved(ESCAPES, pointer="/hooks/0"))
    blobs = [
        moved(NOT_ABSOLUTE, file=f"app/blobs/sha256/{digit * 64}", digest=f"sha256:{digit * 64}") for digit in "ab"
    ]
    assert prints(blobs[0]) == prints(blobs[1]) != prints(NOT_ABSOLUTE)
    assert prints(NOT_ABSOLUTE) == prints(replace(NOT_ABSOLUTE, got='"other"', message="said otherwise"))


def test_no_two_of_a_run_are_the_same() -> None:
    made = prints(ESCAPES, ESCAPES, moved(ESCAPES, pointer="/mounts/9"), NOT_ABSOLUTE)
    assert len(set(made)) == 4
    assert [name.rpartition(":")[2] for name in made] == ["1", "2", "3", "1"]
