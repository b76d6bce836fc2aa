"""The hook for pre-commit: it judges the files that are committed, whatever they are called."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
GOOD, BROKEN = (ROOT / "fixtures" / "demo" / name / "config.json" for name in ("bundle-good", "bundle-broken"))
# Folders that look like options, and one that pre-commit would split if a shell came in between.
NAMES = ("--output=json=stolen", "--help", "-q", "--config=x", "--", "-", "a b; touch stolen", "--version")


def entry() -> str:
    (found,) = re.findall(r"^  entry: (.*)$", HOOKS, re.MULTILINE)
    return str(found)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a sound config.json in a folder of each name, all to be committed."""
    if shutil.which("git") is None:
        pytest.skip("not installed: git")
    folder = tmp_path / "repository"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        shutil.copy(GOOD, folder / name / "config.json")
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    subprocess.run(["git", "add", "--", "."], cwd=folder, check=True)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """One in which ocivalidate is this one, and pre-commit keeps to itself."""
    programs = folder.parent / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "ocivalidate"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ocivalidate "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    own = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": f"{folder.parent}/home",
    }
    return {**os.environ, **own, "OCIVALIDATE_NO_CONFIG": "1"}


def files(folder: Path) -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=folder, check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split("\0") if name.endswith("config.json")]


def test_a_file_named_like_an_option_is_a_file(repository: Path) -> None:
    # As pre-commit runs a hook: the words of the entry, then the files.
    names = files(repository)
    assert len(names) == len(NAMES)
    done = subprocess.run(
        [*shlex.split(entry()), *names],
        cwd=repository,
        env=environment(repository),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"total: {len(NAMES)} subjects: {len(NAMES)} passed" in done.stdout
    assert not list(repository.rglob("stolen"))


@pytest.mark.integration
@pytest.mark.skipif(importlib.util.find_spec("pre_commit") is None, reason="not installed: pre-commit")
@pytest.mark.parametrize("broken", [False, True])
def test_pre_commit_runs_it(repository: Path, broken: bool) -> None:  # noqa: FBT001  # a parameter
    # The hook as it is, but for where the program comes from: to install it, pre-commit would ask an index.
    hook = "\n".join(f"    {line}" for line in HOOKS.splitlines() if not line.startswith("#"))
    configuration = f"repos:\n- repo: local\n  hooks:\n{hook.replace('language: python', 'language: system')}\n"
    (repository / ".pre-commit-config.yaml").write_text(configuration, encoding="utf-8")
    if broken:
        shutil.copy(BROKEN, repository / "-q" / "config.json")
    subprocess.run(["git", "add", "--", "."], cwd=repository, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose", "--color", "never"],
        cwd=repository,
        env=environment(repository),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.returncode == int(broken), said
    assert f"{len(NAMES)} subjects" in said or said.count("conforms to") + said.count("errors, ") >= len(NAMES), said
    assert ("runtime/config.process.cwd.absolute" in said) == broken
    assert not list(repository.rglob("stolen"))
