"""A few mutants of a real runtime are killed by the cases that name them, and one that is none survives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.enclosure import why_not_root
from tests.integration.host import snapshot

RUNTIME = os.environ.get("OCIVALIDATE_RUNTIME", "runc")
NAMES = ("swallows kill", "loses /hostname", "skips poststop hooks", "starts at create", "tells another id")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
    pytest.mark.skipif(shutil.which(RUNTIME) is None, reason=f"{RUNTIME} is not installed"),
]
CHECKOUT = Path(__file__).parents[2]


def test_mutants_are_killed() -> None:
    before = snapshot()
    command = [sys.executable, "-m", "fixtures.mutants.score", *NAMES]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    killed = [line for line in done.stdout.splitlines() if line.startswith("killed")]
    assert len(killed) == len(NAMES), done.stdout
    # Another run of ours on this host has things of its own.
    mine = done.stdout.split()[-1]
    assert mine.startswith("ocivalidate-")
    left = [thing for thing in snapshot() - before if mine in thing]
    assert left == []
