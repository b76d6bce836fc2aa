"""The site, built once in a run, whichever process asks for it first."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


class Site(NamedTuple):
    """The folder of the site; how its build ended and what it said."""

    folder: Path
    code: int
    said: str

    def pages(self) -> list[Path]:
        """Every page."""
        return sorted(self.folder.rglob("*.html"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Site:
    """The site of this checkout."""
    for name in ("sphinx", "furo", "myst_parser"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed (pip install -e '.[docs]')")
    base = tmp_path_factory.getbasetemp()
    # Processes of one run share the folder above their own.
    folder = (base if worker_id == "master" else base.parent) / "site"
    try:
        folder.mkdir()
    except FileExistsError:
        _wait_for(folder / "code")
    else:
        _build(folder)
    code = int((folder / "code").read_text(encoding="utf-8"))
    return Site(folder / "html", code, (folder / "said").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The name of this process among those of pytest-xdist, or ``master``."""
    given = getattr(request.config, "workerinput", {})
    return str(given.get("workerid", "master"))


def _build(folder: Path) -> None:
    command = [sys.executable, "-m", "fixtures.site", str(folder / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    (folder / "said").write_text(done.stdout + done.stderr, encoding="utf-8")
    staged = folder / "code.new"
    staged.write_text(str(done.returncode), encoding="utf-8")
    staged.rename(folder / "code")


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 1800
    while not file.exists():
        assert time.monotonic() < deadline, "the process that builds the site does not end"
        time.sleep(0.2)
