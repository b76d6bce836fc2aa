"""Our own distributions, built once per run with the backend of ``pyproject.toml`` and without any download."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


def build(target: str, source: Path, folder: Path) -> Path:
    """Build an ``sdist`` or a ``wheel`` of the project in ``source``; the only file in ``folder`` is the result."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of the checkout."""
    return build("sdist", CHECKOUT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def source(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution: a checkout in all but history. Tests must not change it."""
    folder = tmp_path_factory.mktemp("source")
    # Not tarfile: Python 3.11.2 has no extraction filters, and newer ones warn without.
    subprocess.run(["tar", "-xzf", str(sdist), "-C", str(folder)], check=True)
    return folder / sdist.name.removesuffix(".tar.gz")


@pytest.fixture(scope="session")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the source distribution gives."""
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))
