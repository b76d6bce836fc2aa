"""What ``ocivalidate runtime --explore N --against OTHER`` says of two runtimes, of which one skips some hooks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures import fake_runtime

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runtimes are driven on Linux"),
]


def named(path: Path, name: str, fault: str = "") -> str:
    """A fake runtime of another name."""
    program = fake_runtime.write(path.with_suffix(".fake"), fault)
    path.write_text(
        f'#!/bin/sh\n[ "$*" != --version ] || exec printf "{name} version 2.0\\nspec: 1.3.0\\n"\nexec {program} "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return str(path)


def test_two_runtimes(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    one = named(tmp_path / "one", "first-runtime")
    other = named(tmp_path / "other", "second-runtime", "skips-createRuntime")
    command = [sys.executable, "-m", "ocivalidate", "runtime", "--no-config", "--runtime", one, "--against", other]
    done = subprocess.run(
        [*command, "--explore", "3", "--select", "parts.hooks-createRuntime*,explore.00001", "--jobs", "2"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout.replace(str(tmp_path), "/tmp/fakes")  # noqa: S108  # nothing is there
    golden("against.txt", f"{said[said.index('# found:') :]}exit {done.returncode}\n{done.stderr}")
