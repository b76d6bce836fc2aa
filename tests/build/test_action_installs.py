"""The action installs itself and judges, with nothing prepared. Needs an index: ``pytest --install``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.pipelines import ROOT, Runner

pytestmark = pytest.mark.install


def test_every_step_of_the_action(tmp_path: Path) -> None:
    workspace = tmp_path / "checkout"
    shutil.copytree(ROOT / "fixtures" / "demo", workspace)
    (workspace / "pip.py").write_text("open('stolen', 'w')", encoding="utf-8")
    runner = Runner(tmp_path, workspace)
    done = runner.run({"python": sys.executable, "path": "bundle-broken\nbundle-good", "upload-sarif": "true"})
    assert (done.code, done.outputs["judge"]["exit-code"]) == (1, "1"), done.log
    assert set(done.used) == {"github/codeql-action/upload-sarif", "actions/upload-artifact"}
    assert done.outputs["install"]["command"].startswith(str(tmp_path / "temp"))
    # A second step of the same job finds it installed.
    program = Path(done.outputs["install"]["command"])
    before = program.stat().st_mtime_ns
    again = runner.run({"python": sys.executable, "kind": "image", "path": "image-good"})
    assert (again.code, program.stat().st_mtime_ns) == (0, before), again.log
    assert not list(tmp_path.rglob("stolen"))
