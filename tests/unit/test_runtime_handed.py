"""What a runtime hands over: read without links, without waiting, up to a limit; and whose process a number names."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocivalidate.errors import Unreadable

if sys.platform != "linux":
    pytest.skip("runtimes are driven on Linux", allow_module_level=True)

from ocivalidate.runtime.kernel import handed, kin, processes


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


MAKERS: dict[str, Callable[[Path], object]] = {
    "a FIFO": os.mkfifo,
    "a symbolic link": lambda path: path.symlink_to("/dev/zero"),
    "a directory": lambda path: path.mkdir(),
    "a socket": bound,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_no_regular_file_is_not_read(kind: str, tmp_path: Path) -> None:
    MAKERS[kind](tmp_path / "f")
    with pytest.raises(Unreadable, match=rf"^is {kind}, not a regular file$"):
        handed.content(tmp_path / "f")
    with pytest.raises(Unreadable, match=rf"^is {kind}, not a regular file$"):
        handed.pid_in(tmp_path / "f")
    assert handed.text_of(tmp_path / "f") == ""
    assert handed.Growing(tmp_path / "f").content() == b""


def test_a_device_is_not_read() -> None:
    with pytest.raises(Unreadable, match=r"^is a character device, not a regular file$"):
        handed.content("/dev/zero")


def test_no_more_is_read_than_the_limit(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 3000)
    os.truncate(tmp_path / "f", 1 << 40)
    assert handed.content(tmp_path / "f", 4000) == b"x" * 3000 + b"\0" * 1000


@pytest.mark.parametrize(
    ("text", "pid"),
    [("17", 17), (" 17\n", 17), ("", 0), ("\n", 0), ("0017", 17), ("4194304", 4194304)],
)
def test_pid_files(text: str, pid: int, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text)
    assert handed.pid_in(tmp_path / "f") == pid


@pytest.mark.parametrize("text", ["0", "-1", "4194305", "9" * 23, "9" * 5000, "1 2", "1_0", "0x1", "¹", "+1", "\0"])
def test_what_is_no_process_id(text: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text)
    with pytest.raises(Unreadable, match=r"not a process id$"):
        handed.pid_in(tmp_path / "f")
    assert handed.pid_of(text) == 0


def test_no_pid_file(tmp_path: Path) -> None:
    assert handed.pid_in(tmp_path / "f") == 0


@pytest.mark.parametrize("value", [None, True, 1.0, float("inf"), -1, 0, 10**23, [1], {}])
def test_values_that_are_no_process_id(value: object) -> None:
    assert handed.pid_of(value) == 0


def test_what_grows_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, asked = tmp_path / "f", 0
    read = os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        nonlocal asked
        got = read(descriptor, size, offset)
        asked += len(got)
        return got

    monkeypatch.setattr(os, "pread", counted)
    growing = handed.Growing(file, most=10_000)
    assert growing.content() == b""
    for number in range(1, 101):
        with file.open("ab") as opened:
            opened.write(b"0123456789" * 10)
        assert len(growing.content()) == number * 100
    assert not growing.too_much
    with file.open("ab") as opened:
        opened.write(b"!")
    assert len(growing.content()) == asked == 10_000
    assert growing.too_much


@pytest.fixture
def orphan() -> Iterator[int]:
    """A process of a process of ours, which has lost its parent, in a session of its own."""
    kin.gather()
    command = ["sh", "-c", "setsid sh -c 'echo $$; exec sleep 1000' &"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        # Its standard output is what the pipe waits for.
        parent.stdout.close()
    yield pid
    kin.kill(pid)


def test_an_orphan_of_ours_is_ours(orphan: int) -> None:
    assert kin.descends(orphan)
    descriptor = kin.own(orphan, kin.now() - 1000)
    assert descriptor >= 0
    os.close(descriptor)
    with pytest.raises(kin.Foreign, match=f"^process {orphan} was not created by the runtime"):
        kin.own(orphan, kin.now() + 1000)


def test_an_orphan_is_buried(orphan: int) -> None:
    kin.kill(orphan)
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{orphan}") and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not os.path.exists(f"/proc/{orphan}")


@pytest.mark.parametrize("whose", [lambda: 1, os.getpid, os.getppid], ids=["first", "own", "parent"])
def test_these_are_never_ours(whose: Callable[[], int]) -> None:
    pid = whose()
    assert not kin.descends(pid)
    with pytest.raises(kin.Foreign):
        kin.own(pid)
    kin.kill(pid)
    assert processes.began(pid)


@pytest.mark.parametrize("pid", [1 << 22, 10**23])
def test_no_process(pid: int) -> None:
    assert kin.own(pid) == -1
    kin.kill(pid)
