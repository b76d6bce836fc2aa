"""Many inputs in several processes: the same as in one, in the same order, and an end when something goes wrong."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocivalidate.bundle.api import check_bundle
from ocivalidate.errors import CannotJudge
from ocivalidate.image.api import check_image
from ocivalidate.many import workers
from ocivalidate.many.packed import Packer, Results, Unpacker
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Report
from tests.unit.command_line import BROKEN, GOOD, SAMPLES

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="takes /proc and signals of Linux")


def bundles(folder: Path, number: int) -> Path:
    for one in range(number):
        target = folder / f"b{one:03}"
        target.mkdir()
        shutil.copy(f"{BROKEN if one % 5 == 2 else GOOD}/config.json", target)
        (target / "rootfs").mkdir()
    return folder


def command(folder: Path, *arguments: str, code: str = "") -> subprocess.Popen[str]:
    """The command line in a process of its own, after ``code``."""
    program = f"{code}\nimport sys\nfrom ocivalidate.cli import main\nsys.exit(main({list(arguments)!r}))"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OCIVALIDATE_NO_CONFIG": "1"},
        start_new_session=True,
    )


def test_reports_survive_their_journey() -> None:
    results = Results()
    packer, unpacker = Packer(), Unpacker(results)
    images = [check_image(SAMPLES / name) for name in ("image-good", "image-broken")]
    bundles = [check_bundle(path) for path in (GOOD, BROKEN, "nope", GOOD)]
    for report in [*images, *bundles, check_bundle(BROKEN, Selection(ignore=("lint",)))]:
        again = unpacker.unpack(packer.pack(report))
        assert again == report
    # The findings of a result are those of the report, not copies.
    broken = unpacker.unpack(packer.pack(check_bundle(BROKEN)))
    held = [one for result in broken.results for one in result.findings]
    assert {id(one) for one in held} == {id(one) for one in broken.findings}


def test_what_reports_share_is_held_once() -> None:
    packer, unpacker = Packer(), Unpacker(Results())
    first, second = (unpacker.unpack(packer.pack(check_bundle(GOOD))) for _ in range(2))
    assert first.results is second.results
    assert len(packer.pack(check_bundle(GOOD))) < 1000


@pytest.mark.parametrize("format_name", ["text", "json"])
def test_as_in_one_process(tmp_path: Path, format_name: str) -> None:
    bundles(tmp_path, 70)
    said = [command(tmp_path, "bundle", ".", "--format", format_name, "--jobs", jobs) for jobs in ("1", "3")]
    (one, _), (many, errors) = (process.communicate(timeout=60) for process in said)
    assert one == many
    assert (said[0].returncode, said[1].returncode, errors) == (1, 1, "")
    assert one.count("process.cwd is not an absolute path") == 14


@LINUX
def test_a_process_that_dies_is_one_line(tmp_path: Path) -> None:
    bundles(tmp_path, 40)
    dying = (
        "import os, signal\nimport ocivalidate.cli.bundle as command\njudge = command.check_bundle\n"
        "def check(path, selection, options):\n"
        "    if path == 'b020': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return judge(path, selection, options)\n"
        "command.check_bundle = check"
    )
    process = command(tmp_path, "bundle", ".", "--jobs", "2", code=dying)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert errors == (
        "ocivalidate: error: a process was killed by signal 9 while it judged b016 to b031 (--jobs 1 needs no other)\n"
    )


@LINUX
def test_an_interrupt_ends_all(tmp_path: Path) -> None:
    bundles(tmp_path, 40)
    slow = (
        "import time\nimport ocivalidate.cli.bundle as command\njudge = command.check_bundle\n"
        "def check(path, selection, options):\n    open('begun', 'w').close(); time.sleep(30)\n"
        "command.check_bundle = check"
    )
    process = command(tmp_path, "bundle", ".", "--jobs", "2", code=slow)
    end = time.monotonic() + 30
    while not (tmp_path / "begun").exists() and time.monotonic() < end:
        time.sleep(0.02)
    # As a terminal does it: to all of them.
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


@LINUX
def test_no_process_is_left_when_the_first_is_killed(tmp_path: Path) -> None:
    bundles(tmp_path, 40)
    slow = (
        "import time\nimport ocivalidate.cli.bundle as command\n"
        "def check(path, selection, options):\n    open('begun', 'w').close(); time.sleep(0.3)\n"
        "command.check_bundle = check"
    )
    process = command(tmp_path, "bundle", ".", "--jobs", "2", code=slow)
    end = time.monotonic() + 30
    while not (tmp_path / "begun").exists() and time.monotonic() < end:
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    while time.monotonic() < end:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("a process is left")


@LINUX
def test_a_new_python_imports_nothing_of_strangers(tmp_path: Path) -> None:
    bundles(tmp_path, 6)
    for name in ("multiprocessing", "pickle", "json", "ocivalidate", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("open('owned', 'w').close()", encoding="utf-8")
    # As where processes do not begin as copies.
    code = (
        "import sys\nsys.path.pop(0)\nimport ocivalidate.many.workers as workers\nworkers._forks = lambda: False\n"
        "import os\nos.environ['PYTHONPATH'] = os.getcwd()"
    )
    process = command(tmp_path, "bundle", ".", "--jobs", "2", code=code)
    out, errors = process.communicate(timeout=100)
    assert (process.returncode, errors) == (1, "")
    assert out.splitlines()[-1] == "total: 6 subjects: 5 passed, 1 failed, 0 could not be judged"
    assert not (tmp_path / "owned").exists()


def test_a_fault_is_raised_here(tmp_path: Path) -> None:
    faulty = (
        "import ocivalidate.cli.bundle as command\ndef check(path, selection, options):\n    raise RuntimeError(path)\n"
    )
    process = command(bundles(tmp_path, 4), "bundle", ".", "--jobs", "2", code=f"{faulty}command.check_bundle = check")
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert errors.startswith("ocivalidate: error: internal error, please report it (RuntimeError: b00")


def test_what_was_found_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_BYTES", 60_000)
    judge = functools.partial(check_bundle, selection=None, options=None)
    assert len(workers.judged_here(judge, [GOOD] * 3)) == 3
    with pytest.raises(CannotJudge, match="judge fewer inputs at once"):
        workers.judged_here(judge, [BROKEN] * 100)


def test_bad_numbers_are_refused() -> None:
    from ocivalidate.cli import main

    assert main(["bundle", GOOD, "--jobs", "0"]) == 2
    assert isinstance(check_bundle(GOOD), Report)
