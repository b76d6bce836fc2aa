"""Commands of the pages that need other programs, as they stand there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


@pytest.mark.skipif(not shutil.which("runc"), reason="no runc on this machine")
def test_the_features_of_a_runtime_are_judged(tmp_path: Path) -> None:
    command = "runc features | ocivalidate features -"
    assert f"$ {command}\n" in (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert " conforms to runtime-spec " in done.stdout
