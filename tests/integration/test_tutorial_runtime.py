"""The commands of the tutorial for authors of runtimes, run in order beside a runtime with the fault it speaks of."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import fake_runtime
from tests.unit.test_docs_commands import commands_in

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="runtimes are judged on Linux"),
]
PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "runtime-author.md"
COMMANDS = [command for command in commands_in(PAGE) if "my-runtime" in command.line or command.line.startswith("sh ")]
OURS = {"ocivalidate": [sys.executable, "-m", "ocivalidate"], "sh": ["sh"]}


def test_the_tutorial_is_as_it_says(tmp_path: Path) -> None:
    fake_runtime.write(tmp_path / "my-runtime", "starts-what-runs")
    assert len(COMMANDS) > 4
    for command in COMMANDS:
        program, *words = shlex.split(command.line)
        done = subprocess.run(
            [*OURS[program], *words],
            cwd=tmp_path,
            env={**os.environ, "OCIVALIDATE_NO_CONFIG": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 1, (command, done.stdout, done.stderr)
        pattern = ".*?".join(re.escape(part) for part in "\n".join(command.shown).split("…"))
        assert not command.shown or re.fullmatch(pattern, done.stdout.rstrip("\n"), re.DOTALL), done.stdout
    assert "FILL IN" in (tmp_path / "known.toml").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["exit_code"] == 1
    assert "<testsuite" in (tmp_path / "results.xml").read_text(encoding="utf-8")
