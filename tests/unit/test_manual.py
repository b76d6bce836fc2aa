"""The manual pages say what ``--help`` says, and programs that read such pages take them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ocivalidate.cli.completing import PROGRAMS, commands_of, parser_of
from ocivalidate.cli.entry import COMMANDS
from ocivalidate.cli.manual import pages


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages("2026-01-31")


@pytest.fixture(scope="module")
def files(made: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("man1")
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def test_there_is_a_page_for_every_program_and_command(made: dict[str, str]) -> None:
    named = {f"ocivalidate-{name}.1" for name in COMMANDS if name != "generate"}
    assert set(made) == named | {f"{program}.1" for program in PROGRAMS}


def test_pages_tell_every_option(made: dict[str, str]) -> None:
    for program in PROGRAMS:
        parser = parser_of(program)
        for name, one in {program: parser, **commands_of(parser)}.items():
            page = made.get(f"ocivalidate-{name}.1", made[f"{'oci-gen' if name == 'generate' else program}.1"])
            plain = page.replace("\\-", "-")
            flags = [flag for action in one._actions if action.help != "==SUPPRESS==" for flag in action.option_strings]
            assert [flag for flag in flags if f"\\fB{flag}\\fR" not in plain] == []


def test_pages_are_ascii_and_have_no_stray_request(made: dict[str, str]) -> None:
    requests = {"TH", "SH", "TP", "PP", "RS", "RE", "EX", "EE", "BR", "ad"}
    for text in made.values():
        assert text.isascii()
        assert {line[1:].split()[0] for line in text.splitlines() if line.startswith(".")} <= requests


@pytest.mark.integration
def test_mandoc_finds_nothing_wrong(files: list[Path]) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("there is no mandoc")
    done = subprocess.run(["mandoc", "-Tlint", *files], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


@pytest.mark.integration
@pytest.mark.parametrize("name", ["ocivalidate.1", "ocivalidate-bundle.1", "oci-gen.1"])
def test_man_shows_the_page_without_a_warning(name: str, files: list[Path]) -> None:
    if shutil.which("man") is None:
        pytest.skip("there is no man")
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    (file,) = (file for file in files if file.name == name)
    done = subprocess.run(
        ["man", "--warnings", "-l", file], capture_output=True, text=True, check=True, env=environment, timeout=20
    )
    assert done.stderr == ""
    assert "EXIT STATUS" in done.stdout
