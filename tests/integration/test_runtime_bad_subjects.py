"""Programs that are no runtime: a clear end within half a minute, and nothing kept of what they print."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tap14 import parse

pytestmark = pytest.mark.integration

PATIENCE = 30.0
MOST_MEMORY = 300 * 1024  # KiB
# The command line, which says at last how many seconds it took and how much memory its largest process had.
WEIGHED = """
import resource, sys, time
from ocivalidate.cli import main
start = time.monotonic()
status = main(sys.argv[1:])
# Not ru_maxrss of this process: it starts with what pytest, which it was forked from, ever had.
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
memory = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(time.monotonic() - start, memory, file=sys.stderr)
sys.exit(status)
"""
ELSEWHERE = {"true": "/bin/true", "false": "/bin/false", "cat": "/bin/cat"}
SAYS_WHO = 'case "$*" in *--version*) echo "runc version 1.1.5"; echo "spec: 1.0.2"; exit 0;; esac'
FLOOD = 'head -c 1000000000 /dev/zero && touch "{mark}"'
# Name of the script → what it does.
SCRIPTS = {
    "sleeps": "exec sleep 1000",
    "sleeps-after-version": f"{SAYS_WHO}\nexec sleep 1000",
    "floods": FLOOD,
    "floods-after-version": f"{SAYS_WHO}\n{FLOOD}",
    "floods-errors": f"({FLOOD}) >&2",
    "leaves-a-process": 'sleep 1000 &\necho "runc version 1.1.5"',
    "talks-rubbish": 'printf "\\377\\033[2J\\nok 1 - runc version 1.1.5\\nBail out!\\n"',
    "of-no-interpreter": "",
    "not-executable": "",
}
WORDS = {
    "sleeps": "--version did not end within",
    "sleeps-after-version": "did not end within",
    "floods": "printed too much output",
    "floods-after-version": "printed too much output",
    "floods-errors": "printed too much output",
    "of-no-interpreter": "cannot run",
    "not-executable": "there is no program",
    "missing": "there is no program",
    "a-folder": "there is no program",
}


@dataclass(slots=True)
class Subjects:
    """The programs, and those of them that are being judged already: they take long, and wait most of it."""

    folder: Path
    begun: dict[str, subprocess.Popen[str]]

    def judged(self, name: str) -> tuple[int, str, list[str]]:
        """Exit code, standard output and the lines of standard error."""
        process = self.begun.pop(name, None) or self.begin(name)
        output, errors = process.communicate(timeout=4 * PATIENCE)
        return process.returncode, output, errors.splitlines()

    def begin(self, name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", WEIGHED, "runtime", "--runtime", ELSEWHERE.get(name, str(self.folder / name))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subjects]:
    folder = tmp_path_factory.mktemp("subjects")
    (folder / "a-folder").mkdir()
    for name, script in SCRIPTS.items():
        first = "#!/no/such/interpreter" if name == "of-no-interpreter" else "#!/bin/sh"
        (folder / name).write_text(f"{first}\n{script.replace('{mark}', str(folder / 'flooded'))}\n")
        (folder / name).chmod(0o644 if name == "not-executable" else 0o755)
    subjects = Subjects(folder, {})
    subjects.begun = {name: subjects.begin(name) for name in SCRIPTS if name.startswith("sleeps")}
    yield subjects
    for process in subjects.begun.values():
        process.kill()
        process.communicate()
    # Nobody has let a flood come to its end.
    assert not (folder / "flooded").exists()


@pytest.mark.parametrize("name", [*SCRIPTS, "missing", "a-folder", *ELSEWHERE])
def test_it_is_given_up_in_time(name: str, subjects: Subjects) -> None:
    status, output, (*said, last) = subjects.judged(name)
    stream = parse(output)
    seconds, memory = last.split()
    assert status == 2
    assert stream.bail_out
    assert WORDS.get(name, "no container can be run") in stream.bail_out
    assert stream.points == []
    assert float(seconds) < PATIENCE
    assert int(memory) < MOST_MEMORY
    # One line, which says no more than the stream.
    assert len(said) == 1
    assert "could not be judged" in said[0]
