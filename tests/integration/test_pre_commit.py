"""The hooks for pre-commit: they judge what is committed, whatever it is called, and pass over files of others."""

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
SAMPLES = ROOT / "fixtures" / "demo"
GOOD, BROKEN = (SAMPLES / name / "config.json" for name in ("bundle-good", "bundle-broken"))
# Folders that look like options, and one that pre-commit would split if a shell came in between.
NAMES = ("--output=json=stolen", "--help", "-q", "--config=x", "--", "-", "a b; touch stolen", "--version")


def hook(name: str) -> dict[str, str]:
    """A hook as it is written, its values as texts."""
    (found,) = re.findall(rf"^- id: {name}\n((?:  .*\n)*)", HOOKS, re.MULTILINE)
    return dict(re.findall(r"^  (\w+): (.*)$", found, re.MULTILINE))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a sound config.json in a folder of each name, and those of others, all to be committed."""
    if shutil.which("git") is None:
        pytest.skip("not installed: git")
    folder = tmp_path / "repository"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        shutil.copy(GOOD, folder / name / "config.json")
    (folder / "site").mkdir()
    (folder / "site" / "config.json").write_text('{"port": 80}', encoding="utf-8")
    (folder / "site" / "index.json").write_text('{"pages": []}', encoding="utf-8")
    shutil.copytree(SAMPLES / "image-good", folder / "an image; touch stolen")
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


def committed(folder: Path, name: str) -> list[str]:
    """The files that pre-commit gives to a hook."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=folder, check=True, capture_output=True, text=True)
    wanted = re.compile(hook(name)["files"])
    return [file for file in done.stdout.split("\0") if wanted.search(file)]


def test_a_file_named_like_an_option_is_a_file(repository: Path) -> None:
    # As pre-commit runs a hook: the words of the entry, then the files.
    names = committed(repository, "ocivalidate-bundle")
    assert len(names) == len(NAMES) + 1
    done = subprocess.run(
        [*shlex.split(hook("ocivalidate-bundle")["entry"]), *names],
        cwd=repository,
        env=environment(repository),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"total: {len(NAMES)} subjects: {len(NAMES)} passed" in done.stdout
    assert not list(repository.rglob("stolen"))


def test_every_file_of_an_image_leads_to_it(repository: Path) -> None:
    names = committed(repository, "ocivalidate-image")
    assert len(names) == 1 + sum(path.is_file() for path in (SAMPLES / "image-good").rglob("*"))
    done = subprocess.run(
        [*shlex.split(hook("ocivalidate-image")["entry"]), *names],
        cwd=repository,
        env=environment(repository),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert done.stdout.startswith("an image; touch stolen: conforms to image-spec")


@pytest.mark.integration
@pytest.mark.skipif(importlib.util.find_spec("pre_commit") is None, reason="not installed: pre-commit")
@pytest.mark.parametrize("broken", [False, True])
def test_pre_commit_runs_them(repository: Path, broken: bool) -> None:  # noqa: FBT001  # a parameter
    # The hooks as they are, but for where the program comes from: to install it, pre-commit would ask an index, which
    # tests/build does.
    hooks = "\n".join(f"    {line}" for line in HOOKS.splitlines() if not line.startswith("#"))
    configuration = f"repos:\n- repo: local\n  hooks:\n{hooks.replace('language: python', 'language: system')}\n"
    (repository / ".pre-commit-config.yaml").write_text(configuration, encoding="utf-8")
    if broken:
        shutil.copy(BROKEN, repository / "-q" / "config.json")
        shutil.copytree(SAMPLES / "image-broken", repository / "-q" / "app")
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
    assert done.returncode == broken, said
    assert re.findall(r"^OCI (bundle|image).*\.(\w+)\n", said, re.MULTILINE) == [
        ("bundle", "Failed" if broken else "Passed"),
        ("image", "Failed" if broken else "Passed"),
    ]
    assert ("runtime/config.process.cwd.absolute" in said) == broken
    assert not list(repository.rglob("stolen"))
