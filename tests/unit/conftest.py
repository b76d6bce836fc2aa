"""Fixtures of the unit tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ocivalidate.cli import main
from tests.unit.command_line import Command, Said


@pytest.fixture
def say(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", *(name for name in os.environ if name.startswith("OCIVALIDATE_"))):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Said:
        code = main(list(arguments))
        out, err = capfdbinary.readouterr()
        return Said(code, out.decode(), err.decode())

    return run
