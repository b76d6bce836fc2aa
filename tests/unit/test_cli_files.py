"""Files that the user names for reports: whole or not at all, and nobody waits for ever, whatever stands there."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocivalidate.cli import files
from ocivalidate.cli.files import write_file
from ocivalidate.errors import UsageError
from tests.unit.command_line import GOOD, Command, complaint

COMMAND = [sys.executable, "-m", "ocivalidate", "bundle", "--no-config", GOOD]
BIG = "x" * 1_000_000
HANGS_AFTER = 30


def refusal(file: Path | str, text: str = "report") -> str:
    with pytest.raises(UsageError) as refused:
        write_file(str(file), text)
    message = str(refused.value)
    assert message.startswith(f"cannot write {file}: ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"cannot write {file}: ")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder. Nothing of ours is left in it."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not list(tmp_path.glob(".ocivalidate-*"))


def test_a_fifo_that_nobody_reads_is_told(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    assert refusal("fifo") == "this FIFO has no reader"


def test_a_reader_that_comes_in_a_moment_is_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    read: list[str] = []
    reader = threading.Timer(0.2, lambda: read.append((folder / "fifo").read_text(encoding="utf-8")))
    reader.start()
    write_file("fifo", BIG)
    reader.join(HANGS_AFTER)
    assert read == [BIG]


def test_a_reader_that_takes_nothing_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_READER_READS", 0.2)
    os.mkfifo(folder / "fifo")
    reader = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert refusal("fifo", BIG) == "Its reader has stopped reading"
    finally:
        os.close(reader)


def test_a_reader_that_goes_away_is_told(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    reader = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    timer = threading.Timer(0.2, os.close, [reader])
    timer.start()
    assert refusal("fifo", BIG) == "Broken pipe"
    timer.join(HANGS_AFTER)


def test_a_full_device_is_told(folder: Path) -> None:
    assert folder.is_dir()
    assert refusal("/dev/full") == "No space left on device"
    write_file("/dev/null", BIG)


def test_what_is_no_file_is_told(folder: Path) -> None:
    (folder / "folder").mkdir()
    (folder / "to-folder").symlink_to("folder")
    (folder / "file").write_text("old", encoding="utf-8")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("not-there")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("socket")
        assert refusal("socket") == "Not a file"
    assert refusal("folder") == refusal("to-folder") == refusal(".") == "Is a directory"
    assert refusal("file/x") == "Not a directory"
    assert refusal("loop") == "Too many levels of symbolic links"
    assert refusal("nowhere") == "it is a link that leads nowhere"
    assert refusal("gone/x") == "No such file or directory"
    assert refusal("x" * 300) == "File name too long"
    assert refusal("a\0b") == "embedded null byte"
    assert not (folder / "not-there").exists()
    assert (folder / "file").read_text(encoding="utf-8") == "old"


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/loop0"), reason="needs root and a block device")
def test_no_disk_is_written_to() -> None:
    assert refusal("/dev/loop0") == "Not a file"


def test_a_folder_that_vanished_is_told(folder: Path) -> None:
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert refusal("x") == "No such file or directory"
    os.chdir(folder)


def test_a_disk_that_fills_up_leaves_the_old_file(folder: Path) -> None:
    (folder / "report").write_text("old", encoding="utf-8")
    # A limit for files stands in for the disk: it too strikes in the midst of writing.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        assert refusal("report", BIG) == "File too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert (folder / "report").read_text(encoding="utf-8") == "old"


def test_a_file_is_replaced_and_a_link_to_it_kept(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "report").write_text("old", encoding="utf-8")
    (folder / "link").symlink_to("sub/report")
    kept = os.open(folder / "sub" / "report", os.O_RDONLY)
    write_file("link", "new ü\n")
    assert (folder / "sub" / "report").read_bytes() == "new ü\n".encode()
    assert (folder / "link").is_symlink()
    assert os.read(kept, 100) == b"old"
    os.close(kept)
    assert [*(folder / "sub").iterdir()] == [folder / "sub" / "report"]


def test_the_other_files_are_written_all_the_same(say: Command, tmp_path: Path) -> None:
    line = complaint(
        say("bundle", GOOD, "--output", "json=a.json", "--output", "tap=gone/x", "--output", "junit=b.xml")
    )
    assert line == "cannot write gone/x: No such file or directory"
    assert json.loads((tmp_path / "a.json").read_bytes())["complete"]
    assert (tmp_path / "b.xml").read_text(encoding="utf-8").endswith("</testsuites>\n")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_a_report_goes_where_standard_output_goes(folder: Path, name: str) -> None:
    (folder / "link").symlink_to("/dev/stdout")
    (folder / "out").write_text("before\n", encoding="utf-8")
    with (folder / "out").open("a", encoding="utf-8") as out:
        run = subprocess.run(
            [*COMMAND, "--output", f"tap={name}"], stdout=out, stderr=subprocess.PIPE, timeout=HANGS_AFTER, check=True
        )
    assert run.stderr == b""
    first, second, *_, last = (folder / "out").read_text(encoding="utf-8").splitlines()
    assert (first, second) == ("before", "TAP version 14")
    assert last.startswith(f"{GOOD}: conforms")


def test_a_report_goes_to_a_process(folder: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this machine")
    script = f"{shlex.join(COMMAND)} --output json=>(cat > got) && wait $! && while [ ! -s got ]; do sleep 0.1; done"
    run = subprocess.run([bash, "-c", script], capture_output=True, timeout=HANGS_AFTER, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    assert json.loads((folder / "got").read_bytes())["complete"]


def test_an_open_file_that_is_none_is_told(folder: Path) -> None:
    assert folder.is_dir()
    assert refusal("/dev/fd/987") == "Bad file descriptor"


def test_output_that_does_not_wait_is_written_whole(tmp_path: Path) -> None:
    # Node makes the pipes of its children so.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    command = [sys.executable, "-m", "ocivalidate", "rules", "--format", "json"]
    with subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        os.close(writing)
        threading.Event().wait(0.5)
        with os.fdopen(reading, "rb") as stream:
            text = stream.read()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(HANGS_AFTER) == 0
    assert len(text) > 200_000
    assert json.loads(text)["clauses"]


@pytest.mark.parametrize("behind", [">&-", "> /dev/full"])
def test_output_that_takes_nothing_is_told(folder: Path, behind: str) -> None:
    command = shlex.join([*COMMAND, "--format", "json", "--output", "tap=r.tap"])
    run = subprocess.run(["sh", "-c", f"{command} {behind}"], capture_output=True, timeout=HANGS_AFTER, check=False)
    assert (run.returncode, run.stdout) == (2, b"")
    assert len(run.stderr.splitlines()) == 1
    assert folder.is_dir()


OTHER = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")


@pytest.fixture
def shared(folder: Path) -> Path:
    """A folder as /tmp is."""
    made = folder / "shared"
    made.mkdir()
    made.chmod(0o1777)
    return made


@only_root
@pytest.mark.parametrize("name", ["out", "in/out"])
def test_nothing_is_written_through_a_link_that_another_user_left_in_a_shared_folder(shared: Path, name: str) -> None:
    (shared.parent / "kept").mkdir()
    kept = shared.parent / "kept" / "out"
    kept.write_text("precious", encoding="utf-8")
    first = shared / name.partition("/")[0]
    first.symlink_to(kept if name == "out" else kept.parent)
    os.lchown(first, OTHER, OTHER)
    assert refusal(shared / name) == f"{first} is a link of another user ({OTHER})"
    # By way of a link of ours it is the same.
    (shared.parent / "way").symlink_to(f"shared/{name}")
    assert refusal("way") == f"./{first.relative_to(shared.parent)} is a link of another user ({OTHER})"
    assert kept.read_text(encoding="utf-8") == "precious"
    os.lchown(first, 0, 0)
    write_file(str(shared / name), "mine")
    assert kept.read_text(encoding="utf-8") == "mine"


@only_root
def test_no_report_goes_into_a_fifo_that_another_user_left_in_a_shared_folder(shared: Path) -> None:
    os.mkfifo(shared / "out")
    os.chown(shared / "out", OTHER, OTHER)
    assert refusal(shared / "out") == f"{shared / 'out'} is a FIFO of another user ({OTHER})"


def test_links_of_others_count_where_not_everybody_may_put_things(folder: Path) -> None:
    (folder / "out").symlink_to("there")
    (folder / "there").touch()
    if os.geteuid() == 0:
        os.lchown(folder / "out", OTHER, OTHER)
    write_file("out", "report")
    assert (folder / "there").read_text(encoding="utf-8") == "report"


def test_what_takes_the_place_of_a_file_half_written_is_not_touched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns the folder may put a link there at any moment: its target must not become readable to all."""
    secret = folder / "secret"
    secret.touch(0o600)
    real = os.fdopen

    def swapped(descriptor: int, *rest: object, **more: object) -> object:
        [beside] = folder.glob(".ocivalidate-*")
        beside.unlink()
        beside.symlink_to(secret)
        return real(descriptor, *rest, **more)  # type: ignore[call-overload]  # handed on as they came

    monkeypatch.setattr(os, "fdopen", swapped)
    write_file("out", "report")
    assert secret.stat().st_mode & 0o777 == 0o600
