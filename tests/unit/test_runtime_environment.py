"""The environment of the runtime under test is what PROTOCOL.md promises; programs are those that are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import fake_runtime
from ocivalidate import resources
from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.driving import driver
from ocivalidate.runtime.driving.callers import caller
from ocivalidate.runtime.driving.subject import identify
from ocivalidate.runtime.kernel import interpreter, programs
from ocivalidate.system import importing

COMMAND = [
    sys.executable,
    "-c",
    f"import sys; sys.path.append({importing.HOME!r}); from ocivalidate.cli import main; main()",
    "runtime",
    "--select",
    "refusals.stopped-container",
    "--runtime",
]
OTHER_PYTHON = Path("/usr/bin/python3")


def environ(text: bytes) -> dict[str, str]:
    return dict(entry.decode().split("=", 1) for entry in text.split(b"\0") if entry)


def noting(folder: Path) -> Path:
    """A fake runtime that notes the environment of every call."""
    program = folder / "noting"
    fake = fake_runtime.write(folder / "fake")
    program.write_text(f'#!/bin/sh\ncat /proc/$$/environ > {folder}/call.$$\nexec {fake} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("more", [{}, {"LC_ALL": "C"}, {"LC_CTYPE": "C.UTF-8"}, {"PYTHONPATH": "/nosuch:/other"}])
def test_every_call_gets_what_we_were_given(more: dict[str, str], tmp_path: Path) -> None:
    given = {"PATH": os.environ["PATH"], "FOR_A_WRAPPER": "a b\nc", "PYTHONDONTWRITEBYTECODE": "1"} | more
    unwanted = dict.fromkeys(driver.UNWANTED, "") | {"NOTIFY_SOCKET": "/run/notify", "LISTEN_FDS": "3"}
    del unwanted["LD_PRELOAD"]
    done = subprocess.run(
        [*COMMAND, str(noting(tmp_path))], env=given | unwanted, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "\nok 1 " in done.stdout, done.stdout + done.stderr
    seen = [environ(file.read_bytes()) for file in tmp_path.glob("call.*")]
    assert len(seen) > 5
    assert [one for one in seen if one != given] == []


def test_the_protocol_names_what_is_taken_out() -> None:
    text = (resources.folder("conformance") / "PROTOCOL.md").read_text(encoding="utf-8")
    assert [name for name in driver.UNWANTED if not name.startswith("PYTEST_") and f"`{name}`" not in text] == []


def test_our_own_folder_is_no_part_of_pythonpath(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"/its-own:{importing.HOME}:")
    assert driver.environment()["PYTHONPATH"] == "/its-own:"
    monkeypatch.setenv("PYTHONPATH", importing.HOME)
    assert "PYTHONPATH" not in driver.environment()


def test_a_caller_hands_on_what_it_was_given() -> None:
    given = {"PATH": "/usr/bin:/bin", "MARK": "1"}
    with_it = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in given.items())]
    done = driver.call([*with_it, *caller(umask=0o27), "/usr/bin/env", "-0"], timeout=20)
    assert environ(done.stdout.encode()) == given


@pytest.mark.skipif(not OTHER_PYTHON.exists(), reason="needs another Python in /usr/bin")
def test_a_runtime_in_another_python(tmp_path: Path) -> None:
    program = tmp_path / "other"
    line = fake_runtime.command()
    text = f"#!{OTHER_PYTHON}\nimport json, os, re, subprocess, sys, tempfile\nline = {line!r} + sys.argv[1:]\n"
    program.write_text(f"{text}os.execv(line[0], line)\n", encoding="utf-8")
    program.chmod(0o755)
    done = subprocess.run(
        [*COMMAND, str(program)],
        env={**os.environ, "PYTHONPATH": importing.HOME},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "\nok 1 " in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("path", ["", ":", "::/nosuch", ".", ":/nosuch:", "bin:."])
def test_no_program_is_taken_from_the_working_directory(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (tmp_path / "mount", tmp_path / "bin" / "mount"):
        place.parent.mkdir(exist_ok=True)
        place.write_text("#!/bin/sh\n", encoding="utf-8")
        place.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path)
    assert programs.find("mount") is None
    with pytest.raises(FileNotFoundError):
        programs.command("mount")
    with pytest.raises(CannotJudge):
        identify("mount")
    # Who says where it is means it.
    assert programs.find("./mount") == str(tmp_path / "mount")
    monkeypatch.setenv("PATH", f"{path}:{tmp_path}/bin")
    assert programs.command("mount", "-a") == [f"{tmp_path}/bin/mount", "-a"]


@pytest.mark.parametrize(
    ("path", "pythonpath", "cwd", "wanted"),
    [
        (["/bin", "/lib", importing.HOME], "", "/here", ["/bin", "/lib", importing.HOME]),
        (["", "/lib"], "", "/here", ["/lib"]),
        (["/here", "/lib"], "", "/here", ["/lib"]),
        (["/bin", "/strange", "/lib"], "/strange", "/here", ["/bin", "/lib"]),
        (["/bin", "/here", "/lib"], ":/lib2", "/here", ["/bin", "/lib"]),
        (["/bin", "relative", "/lib"], "", "/here", ["/bin", "/lib"]),
        ([importing.HOME, "/lib"], "", importing.HOME, [importing.HOME, "/lib"]),
        (["", "/lib"], "", importing.HOME, [importing.HOME, "/lib"]),
        (["/x", importing.HOME, "/y"], f"{importing.HOME}:/y", "/here", ["/x", importing.HOME, "/y"]),
        (["/bin", os.path.dirname(os.__file__)], os.path.dirname(os.__file__), "/here", None),
    ],
)
def test_what_counts_of_a_search_path(path: list[str], pythonpath: str, cwd: str, wanted: list[str] | None) -> None:
    assert importing.trusted(path, pythonpath, cwd) == (path if wanted is None else wanted)


def test_the_command_line_of_a_python_of_ours_names_no_folder_but_those_that_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    line = interpreter.ours("ocivalidate.runtime.running.engine")
    assert line[1:3] == ("-I", "-S")
    assert str(tmp_path) not in line[-1]
