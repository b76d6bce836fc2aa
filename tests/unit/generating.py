"""Running oci-gen inside the test's own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocivalidate.cli import generate

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command line gave."""

    code: int
    out: bytes
    err: str

    @property
    def config(self) -> Any:
        """The config that was printed."""
        assert self.code == 0, self.err
        return json.loads(self.out)


def run(*arguments: str) -> Ran:
    """Run oci-gen with its output in files, as the command writes bytes to the stream below ``sys.stdout``."""
    with ExitStack() as stack:
        out = stack.enter_context(tempfile.TemporaryFile())
        err = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        stream = stack.enter_context(open(out.fileno(), "w", encoding="utf-8", closefd=False))
        with redirect_stdout(stream), redirect_stderr(err):
            code = generate(list(arguments))
        stream.flush()
        out.seek(0)
        err.seek(0)
        return Ran(code, out.read(), err.read())


def refused(*arguments: str) -> str:
    """The one line with which oci-gen refuses a command line."""
    ran = run(*arguments)
    assert ran.code == 2, ran
    assert ran.out == b""
    assert ran.err.startswith("oci-gen: error: ")
    assert ran.err.count("\n") == 1
    assert "internal error" not in ran.err
    return ran.err.removeprefix("oci-gen: error: ").rstrip("\n")


def process(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run oci-gen as a process of its own."""
    code = "import sys; from ocivalidate.cli import generate; sys.exit(generate())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, env=environment, timeout=30)
