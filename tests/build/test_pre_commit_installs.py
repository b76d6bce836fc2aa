"""pre-commit installs our hooks from a repository, and runs them. Needs an index: ``pytest --install``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.install

SAMPLES = Path(__file__).parents[2] / "fixtures" / "demo"


def git(folder: Path, *command: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def offered(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a repository of its own."""
    if shutil.which("git") is None:
        pytest.skip("not installed: git")
    folder = tmp_path_factory.mktemp("offered") / "ocivalidate"
    shutil.copytree(source, folder)
    git(folder, "init", "-q", ".")
    git(folder, "add", "-f", "--", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def test_try_repo(offered: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path / "repository"
    shutil.copytree(SAMPLES / "bundle-broken", folder / "b")
    shutil.copytree(SAMPLES / "image-good", folder / "app")
    (folder / "site").mkdir()
    (folder / "site" / "config.json").write_text('{"port": 80}', encoding="utf-8")
    git(folder, "init", "-q", ".")
    git(folder, "add", "--", ".")
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "try-repo", str(offered), "--all-files", "--color", "never", "--verbose"],
        cwd=folder,
        env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("home")), "OCIVALIDATE_NO_CONFIG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    outcomes = re.findall(r"^OCI (bundle|image).*\.(\w+)\n", said, re.MULTILINE)
    assert outcomes == [("bundle", "Failed"), ("image", "Passed")], said
    assert "error[runtime/config.process.cwd.absolute]" in said
    assert "site/config.json" not in said
    assert "app: conforms to image-spec" in said
