from __future__ import annotations

from pathlib import Path

import pytest

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.driving import subject
from ocivalidate.runtime.driving.subject import dialects, identify


def program(folder: Path, text: str) -> str:
    file = folder / "runtime"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


VERSION = 'case "$*" in --version) printf "{}" ;; *features) printf \'{}\' ;; *) exit 1 ;; esac'


def test_a_runtime_is_known_by_what_it_says(tmp_path: Path) -> None:
    found = identify(program(tmp_path, VERSION.format("runc version 1.1.5+ds1\\nspec: 1.0.2-dev\\n", "no")))
    assert (found.name, found.version, found.claim) == ("runc", "1.1.5+ds1", "1.0.2-dev")
    assert (found.release, found.oci_version, found.features) == ("1.0.2", "1.0.2", None)
    assert found.argv("/r", "/l", "state", "x")[1:] == ["--root", "/r", "--log", "/l", "state", "x"]


def test_features_say_more_than_the_version(tmp_path: Path) -> None:
    features = '{"ociVersionMax": "1.2.0"}'
    found = identify(program(tmp_path, VERSION.format("youki version 0.5\\nspec: 1.0.0\\n", features)))
    assert (found.claim, found.release) == ("1.2.0", "1.2.0")


def test_the_caller_chooses_the_release(tmp_path: Path) -> None:
    found = identify(program(tmp_path, VERSION.format("runc version 1\\nspec: 1.0.2\\n", "")), ("--x",), "1.1.0")
    assert (found.claim, found.release) == ("1.0.2", "1.1.0")
    assert found.argv("/r", "/l", "start")[-2:] == ["--x", "start"]


def test_one_that_says_nothing_is_spoken_to_in_the_plain_way(tmp_path: Path) -> None:
    found = identify(program(tmp_path, "exit 1"))
    assert (found.name, found.claim) == ("", "")
    assert found.argv("/r", "/l", "start")[1:] == ["--root", "/r", "start"]


def test_what_features_prints_may_be_anything(tmp_path: Path) -> None:
    for text in ("[]", "null", "{", "{{{", ""):
        assert identify(program(tmp_path, VERSION.format("x version 1", text))).features is None


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="there is no program"):
        identify(str(tmp_path / "absent"))


def test_the_dialects_are_well_formed() -> None:
    names = [dialect.name for dialect in dialects()]
    assert {"runc", "crun", "youki", "runsc"} <= set(names)
    assert len(names) == len(set(names))


def test_a_program_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_PATIENCE", 0.2)
    with pytest.raises(CannotJudge, match="--version did not end"):
        identify(program(tmp_path, "exec sleep 600"))
