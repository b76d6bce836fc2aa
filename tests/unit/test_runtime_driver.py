from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.driving import driver
from ocivalidate.runtime.driving.driver import call

PYTHON = [sys.executable, "-I", "-S", "-c"]


def test_a_call_that_succeeds() -> None:
    done = call([*PYTHON, "import sys; print('out'); print('err', file=sys.stderr)"], timeout=10)
    assert (done.ok, done.refused, done.status) == (True, False, 0)
    assert (done.stdout, done.stderr, done.last_error_line) == ("out\n", "err\n", "err")


def test_a_call_that_fails() -> None:
    done = call([*PYTHON, "raise SystemExit(3)"], timeout=10)
    assert (done.ok, done.refused, done.status) == (False, True, 3)
    assert done.last_error_line == "exit status 3, no output"


def test_a_backtrace_is_no_words() -> None:
    said = "Error: no such group\n\nStack backtrace:\n   0: <unknown>\n   1: main\n"
    assert call([sys.executable, "-c", f"import sys; sys.stderr.write({said!r})"], timeout=10).last_error_line == (
        "Error: no such group"
    )


def test_a_call_that_a_signal_ends_neither_succeeded_nor_refused() -> None:
    done = call([*PYTHON, "import os; os.kill(os.getpid(), 9)"], timeout=10)
    assert (done.ok, done.refused, done.status) == (False, False, -9)


def test_a_call_without_end_is_killed_with_what_it_started() -> None:
    start = time.monotonic()
    code = "import os, time; print(os.fork(), flush=True); time.sleep(600)"
    done = call([*PYTHON, code], timeout=0.5)
    assert time.monotonic() - start < 10
    assert (done.ended, done.ok, done.refused) == ("timeout", False, False)
    child = next(int(line) for line in done.stdout.splitlines() if line != "0")
    assert _is_gone(child)


def _is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def test_a_call_that_prints_without_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "MOST_OUTPUT", 100_000)
    done = call([*PYTHON, "while True: print('x' * 10000)"], timeout=30)
    assert done.ended == "flood"
    assert len(done.stdout) <= 100_000


def test_output_goes_to_files_and_only_new_words_are_told(tmp_path: Path) -> None:
    out, err = tmp_path / "out", tmp_path / "err"
    err.write_text("of yesterday\n")
    done = call(["sh", "-c", "echo to out; echo to err >&2"], timeout=10, stdout=str(out), stderr=str(err))
    assert (out.read_text(), done.stdout, done.stderr) == ("to out\n", "", "to err\n")
    assert err.read_text() == "of yesterday\nto err\n"


def test_a_child_that_keeps_the_output_open_hangs_nobody() -> None:
    start = time.monotonic()
    assert call(["sh", "-c", "sleep 5 & echo done"], timeout=20).stdout == "done\n"
    assert time.monotonic() - start < 4


def test_what_cannot_be_run(tmp_path: Path) -> None:
    for path in ("/nonexistent/runtime", str(tmp_path)):
        with pytest.raises(CannotJudge, match=path):
            call([path], timeout=1)
    text = tmp_path / "text"
    text.write_text("no program")
    text.chmod(text.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(CannotJudge, match="Exec format error"):
        call([str(text)], timeout=1)


def test_environment_is_that_of_the_caller_but_for_what_changes_runtimes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_A_WRAPPER", "kept")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    done = call([sys.executable, "-c", "import os; print(sorted(os.environ))"], timeout=10)
    assert "'OF_A_WRAPPER'" in done.stdout
    assert "NOTIFY_SOCKET" not in done.stdout


def test_only_the_descriptors_asked_for_are_passed() -> None:
    inside, outside = os.pipe()
    os.set_inheritable(outside, True)
    list_them = "import os; print(sorted(int(fd) for fd in os.listdir('/proc/self/fd')))"
    try:
        passed = call([*PYTHON, list_them], timeout=10, pass_fds=[inside]).stdout
    finally:
        os.close(inside)
        os.close(outside)
    assert str(inside) in passed
    assert f"{outside}," not in passed
