"""What the tests of long work share: a small registry with faults, and commands on it."""

from __future__ import annotations

import contextlib
import io
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures.layouts import Entry, Image, Layer, tar
from fixtures.layouts.storage import Tree
from ocivalidate.cli import main

COMMAND = [sys.executable, "-m", "ocivalidate", "audit"]
SLOW = "400K"
"""So many bytes a second: the registry takes two seconds."""


def write_registry(root: Path) -> Path:
    """Images that share a layer; one layer has a bit flipped, and one is absent."""
    tree, dice = Tree(), random.Random(5)  # noqa: S311  # drawn, not secret
    base = Layer(tar([Entry("base", dice.randbytes(60_000))]), "gzip")
    for number in range(12):
        own = Layer(tar([Entry(f"etc/{number}", dice.randbytes(60_000))]), "gzip")
        tree.push(f"team/app{number % 3}", Image((base, own)), f"v{number}")
    layers = sorted(tree.files, key=lambda path: -len(tree.files[path]))
    data = bytearray(tree.files[layers[1]])
    data[5000] ^= 1
    tree.files[layers[1]] = bytes(data)
    del tree.files[layers[2]]
    for path, content in tree.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def told(*arguments: str) -> tuple[int, str]:
    """The exit code and the output of an audit that needs no process of its own."""
    raw, err = io.BytesIO(), io.StringIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(raw, "utf-8")) as out, contextlib.redirect_stderr(err):
        code = main(["audit", *arguments])
        out.flush()
        return code, raw.getvalue().decode() or err.getvalue()


def audited(registry: Path, *options: str) -> tuple[int, str]:
    """The exit code, and the report as JSON, or what is said instead of one."""
    return told(str(registry), "--format", "json", *options)


def report(text: str) -> Any:
    """The report that a text in JSON holds."""
    return json.loads(text)["reports"][0]


def begun(registry: Path, *options: str, until: Callable[[], bool]) -> subprocess.Popen[str]:
    """A process of its own that has come so far."""
    command = [*COMMAND, str(registry), "--format", "json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not until():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    return process


def lines(path: Path) -> int:
    """How many lines of a journal were written to their end."""
    return path.read_bytes().count(b"\n") if path.exists() else 0
