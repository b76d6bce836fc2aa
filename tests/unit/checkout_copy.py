"""A copy of the checkout in a folder of its own: tests change it as a contributor would, and run what he would run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).parents[2]
COPIED = ("conformance", "docs", "fixtures", "ocivalidate", "schemas", "tests")


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Copy:
    """A copy of the checkout, in which commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        leave_out = shutil.ignore_patterns("__pycache__", "data", ".*")
        for name in COPIED:
            shutil.copytree(CHECKOUT / name, folder / name, ignore=leave_out)
        for path in CHECKOUT.iterdir():
            if path.is_file():
                shutil.copy(path, folder / path.name)

    def python(self, *words: str) -> Done:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def scaffold(self, *words: str) -> Done:
        return self.python("-m", "fixtures.scaffold", *words)

    def failing(self, *words: str) -> list[str]:
        """The tests of the copy that fail, by their names."""
        done = self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *words)
        assert done.code in (0, 1), done.out + done.err
        return re.findall(r"^FAILED \S+::(\S+)", done.out, re.MULTILINE)

    def files(self) -> dict[str, bytes]:
        """All that stands in the copy."""
        found = (path for path in self.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}

    def changed(self, before: dict[str, bytes]) -> list[str]:
        """What is new or another than it was, of what :meth:`files` gave before."""
        return sorted(name for name, content in self.files().items() if content != before.get(name))

    def lint(self) -> None:
        """What ruff says of the package and its data, where there is a ruff."""
        if shutil.which("ruff", path=os.path.dirname(sys.executable)):
            for words in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
                done = self.python("-m", "ruff", *words, "conformance", "fixtures", "ocivalidate")
                assert done.code == 0, done.out + done.err

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        before = path.read_text(encoding="utf-8")
        assert before.count(old) == 1, f"{old!r} is {before.count(old)} times in {file}"
        path.write_text(before.replace(old, new), encoding="utf-8")
