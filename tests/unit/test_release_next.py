"""The release name ``next``: it comes after every release, is taken wherever a release is, and is never chosen."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle.api import check_config
from ocivalidate.errors import CannotJudge
from ocivalidate.image.api import check_image
from ocivalidate.printed import limits, standalone
from ocivalidate.rules import schema
from ocivalidate.rules.clauses import Selection, load
from ocivalidate.runtime.driving.subject import identify
from ocivalidate.runtime.expectations import satisfies
from ocivalidate.runtime.judging.documents import check_facts
from ocivalidate.vocabulary.versions import (
    IMAGE_CHOICES,
    IMAGE_RELEASES,
    NEXT,
    RUNTIME_CHOICES,
    RUNTIME_RELEASES,
    holds,
    judged_by,
    order,
    version_for,
)
from tests.unit.command_line import GOOD, SAMPLES, Command, complaint
from tests.unit.generating import run as oci_gen

IMAGE = str(SAMPLES / "image-good")
DRAFT = "a draft: the main branch as of August 2026"
STATE = {"ociVersion": "1.3.0", "id": "c", "status": "stopped", "bundle": "/b"}
FEATURES = {"ociVersionMin": "1.0.0", "ociVersionMax": "1.3.0"}


def test_it_comes_after_every_release() -> None:
    for release in (*RUNTIME_RELEASES, *IMAGE_RELEASES, "1.4.0", "99.0.0"):
        assert holds(NEXT, release, None)
        assert not holds(release, NEXT, None)
        assert not holds(NEXT, None, release)
        assert order(release) < order(NEXT)
    assert holds(NEXT, NEXT, NEXT)


@pytest.mark.parametrize("releases", [RUNTIME_RELEASES, IMAGE_RELEASES], ids=["runtime", "image"])
@pytest.mark.parametrize("written", [None, "", NEXT, "1.4.0", "1.3.0+dev", "2.0.0-next", "99.0.0", "0.1.0"])
def test_no_document_is_judged_by_it_on_its_own(written: str | None, releases: tuple[str, ...]) -> None:
    assert judged_by(written, releases).release in releases


def test_releases_are_in_order() -> None:
    for choices in (RUNTIME_CHOICES, IMAGE_CHOICES):
        assert list(choices) == sorted(choices, key=order)


def test_documents_of_it_say_the_newest_release() -> None:
    assert version_for(NEXT, RUNTIME_RELEASES) == RUNTIME_RELEASES[-1]
    assert version_for("1.0.2", RUNTIME_RELEASES) == "1.0.2"


def _document(folder: Path, value: Any) -> str:
    file = folder / "document.json"
    file.write_text(json.dumps(value))
    return str(file)


@pytest.mark.parametrize("command", ["bundle", "state", "features", "image", "image-document"])
def test_every_command_that_judges_documents_takes_it(say: Command, tmp_path: Path, command: str) -> None:
    subjects = {
        "bundle": GOOD,
        "state": _document(tmp_path, STATE),
        "features": _document(tmp_path, FEATURES),
        "image": IMAGE,
        "image-document": f"{IMAGE}/index.json",
    }
    if command == "features":
        _document(tmp_path, FEATURES)
    if command == "state":
        _document(tmp_path, STATE)
    words = (command.partition("-")[0], subjects[command], "--spec-version", NEXT)
    said = say(*words)
    assert said.code == 0, said
    assert f"-spec {NEXT} ({DRAFT}" in said.out
    (report,) = say(*words, "--format", "json").json["reports"]
    assert report["release"] == NEXT
    assert report["release_note"].startswith(DRAFT)
    for name in ("sarif", "junit"):
        assert DRAFT in say(*words, "--format", name).out
    assert DRAFT not in say(*words[:2]).out


def test_a_settings_file_may_name_it(say: Command, tmp_path: Path) -> None:
    (tmp_path / "ocivalidate.toml").write_text(f'spec-version = "{NEXT}"\n')
    assert f"runtime-spec {NEXT} ({DRAFT}; the document says" in say("bundle", GOOD, "--config", "ocivalidate.toml").out


@pytest.mark.parametrize("command", ["bundle", "image", "schema", "rules", "oci-gen"])
def test_a_slip_is_one_line_that_names_it(say: Command, command: str) -> None:
    words = {"bundle": (GOOD,), "image": (IMAGE,), "schema": ("image-index",), "rules": (), "oci-gen": ()}[command]
    if command == "oci-gen":
        ran = oci_gen("--spec-version", "nxet")
        assert (ran.code, ran.out) == (2, b"")
        line = ran.err
    else:
        line = complaint(say(command, *words, "--spec-version", "nxet"))
    assert "nxet" in line
    assert NEXT in line


def test_the_library_refuses_what_is_no_release(tmp_path: Path) -> None:
    for wrong in ("nxet", "NEXT", "", "1.4"):
        calls: list[Callable[[], object]] = [
            partial(check_config, b"{}", Selection(spec_version=wrong)),
            partial(check_image, IMAGE, Selection(spec_version=wrong)),
            partial(check_facts, GOOD, tmp_path, Selection(spec_version=wrong)),
        ]
        for call in calls:
            with pytest.raises(ValueError, match=r"unknown release of (runtime|image)-spec: .*next$"):
                call()
        with pytest.raises(CannotJudge, match=r"unknown release of runtime-spec"):
            identify("true", spec_version=wrong)


def test_a_config_that_says_a_future_version_is_judged_as_ever() -> None:
    config = json.loads(Path(GOOD, "config.json").read_text()) | {"ociVersion": "1.99.0"}
    report = check_config(json.dumps(config).encode())
    assert report.release == RUNTIME_RELEASES[-1]
    assert [finding.clause.id for finding in report.findings] == ["lint/ociVersion.newer"]


@pytest.mark.parametrize("kind", schema.KINDS)
def test_schemas_of_it_are_printed_and_say_that_it_is_a_draft(say: Command, kind: str) -> None:
    printed = say("schema", kind, "--spec-version", NEXT).json
    assert printed["title"].endswith(f"-spec {NEXT} ({DRAFT})")
    assert printed == standalone(kind, NEXT)
    assert "draft:" not in say("schema", kind).json["title"]
    assert limits(kind, NEXT)


def test_oci_gen_writes_for_it_and_says_so() -> None:
    ran = oci_gen("--spec-version", NEXT, "--set", "linux.memoryPolicy.mode=MPOL_LOCAL")
    assert ran.config["ociVersion"] == RUNTIME_RELEASES[-1]
    assert ran.err == f"oci-gen: note: judged by runtime-spec {NEXT}, {DRAFT}\n"
    assert oci_gen("--set", "linux.memoryPolicy.mode=MPOL_LOCAL").err == ""


def test_oci_gen_takes_a_template_to_it(tmp_path: Path) -> None:
    template = _document(tmp_path, json.loads(Path(GOOD, "config.json").read_text()))
    assert oci_gen("--template", template, "--spec-version", NEXT).config["ociVersion"] == RUNTIME_RELEASES[-1]
    removed = oci_gen("--spec-version", NEXT, "--set", "linux.intelRdt.enableCMT=true")
    assert "removed after runtime-spec 1.2.1, but this config is for next" in removed.err


def test_cases_for_it_are_listed(say: Command) -> None:
    newest = say("runtime", "--list", "--spec-version", RUNTIME_RELEASES[-1]).out
    assert say("runtime", "--list", "--spec-version", NEXT).out == newest


def test_a_runtime_is_asked_by_the_newest_version_and_judged_by_it() -> None:
    subject = identify("true", spec_version=NEXT)
    assert (subject.release, subject.oci_version) == (NEXT, RUNTIME_RELEASES[-1])


def test_expectations_compare_it_as_a_version() -> None:
    assert satisfies(NEXT, ">=1.3.0")
    assert satisfies(NEXT, ">1.2,!=1.3")
    assert not satisfies(NEXT, "<=1.3")


def test_rules_of_it(say: Command) -> None:
    wanted = [clause.id for clause in load().values() if clause.holds_in(NEXT)]
    listed = say("rules", "--spec-version", NEXT, "--format", "json").json["clauses"]
    assert [clause["id"] for clause in listed] == wanted
