"""Completions in the shells themselves."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("shtab", reason="shtab, which makes completions, is not installed")

from ocivalidate.cli.completing import SHELLS, script

pytestmark = pytest.mark.integration

# A line with the cursor at its end, and what it may become there.
ROWS = [
    ("ocivalidate bun", "bundle"),
    ("ocivalidate bundle --document", "--document-only"),
    ("ocivalidate bundle --format sar", "sarif"),
    ("ocivalidate bundle --select runtime/config.process.cwd.abs", "runtime/config.process.cwd.absolute"),
    ("ocivalidate explain lint/members.missp", "lint/members.misspelled"),
    ("ocivalidate runtime --select signals.running-container-gets-s", "signals.running-container-gets-signals"),
    ("ocivalidate bundle con", "config.json"),
    ("ocivalidate schema runtime-con", "runtime-config"),
    ("ocivalidate completions fi", "fish"),
    ("oci-gen --hostn", "--hostname"),
]
BASH = r"""
source _ocivalidate; source _oci-gen
for line; do
  COMP_WORDS=($line) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
  by=$(complete -p "${COMP_WORDS[0]}"); by=${by#* -F }; by=${by%% *}
  "$by" "${COMP_WORDS[0]}" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
  echo "${COMPREPLY[*]}"
done
"""
FISH = "source _ocivalidate; source _oci-gen; for line in $argv; echo (complete -C $line | string split -f 1 \\t); end"
_SHOW = (
    r"unset zle_bracketed_paste; show() { print -r -- '<''<'$BUFFER'>''>'; BUFFER= }; zle -N show; bindkey '^X' show"
)
_SECONDS = 20


@pytest.fixture(scope="module", params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A shell that is here, and a folder with the scripts for it and a config.json."""
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param}")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "config.json").touch()
    for program in ("ocivalidate", "oci-gen"):
        (folder / f"_{program}").write_text(script(program, request.param), encoding="utf-8")
    return request.param, folder


def run(*arguments: str, folder: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=_SECONDS
    )
    assert done.stderr == ""
    return done.stdout


def test_shell_completes_the_line(shell: tuple[str, Path]) -> None:
    name, folder = shell
    complete = {"bash": by_bash, "zsh": by_zsh, "fish": by_fish}[name]
    lines = [line for line, _whole in ROWS]
    found = complete(lines, folder)
    missing = [line for (line, whole), said in zip(ROWS, found, strict=True) if whole not in said]
    assert missing == []


def by_bash(lines: list[str], folder: Path) -> list[list[str]]:
    return [row.split() for row in run("bash", "--norc", "-c", BASH, "bash", *lines, folder=folder).splitlines()]


def by_fish(lines: list[str], folder: Path) -> list[list[str]]:
    return [row.split() for row in run("fish", "-N", "-c", FISH, *lines, folder=folder).splitlines()]


def by_zsh(lines: list[str], folder: Path) -> list[list[str]]:
    """It completes only where somebody types."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment)  # noqa: S606  # the child of a fork
    try:
        said(terminal, f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u; {_SHOW}; echo rea''dy\n", "ready")
        # A key prints the line that it has become, and clears it.
        return [said(terminal, f"{line}\t\x18", ">>").rpartition("<<")[2].partition(">>")[0].split() for line in lines]
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def said(terminal: int, text: str, until: str) -> str:
    """What comes after a text was typed."""
    os.write(terminal, text.encode())
    seen, patience = "", time.monotonic() + _SECONDS
    while until not in seen.replace("\r", ""):
        ready = select.select([terminal], [], [], 0.2)[0]
        assert time.monotonic() < patience, seen
        if ready:
            seen += os.read(terminal, 4096).decode(errors="replace")
    return seen
