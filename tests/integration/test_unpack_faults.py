"""Whatever ends an unpacking early: never a bundle that looks complete and is not, and the next run works."""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.layouts import Entry, Layout, tars
from ocivalidate.errors import UnpackError
from ocivalidate.unpack import UnpackOptions, unpack_image
from tests.integration.enclosure import why_not_enclosed
from tests.trees import differences
from tests.unit.unpacking import image

pytestmark = pytest.mark.integration

KILLS = 50
OCIVALIDATE = [sys.executable, "-m", "ocivalidate"]


def sample() -> Layout:
    chance = random.Random(1)  # noqa: S311  # sample data
    lower = [Entry(f"d{number % 20}/e{number % 7}/f{number}", chance.randbytes(4000)) for number in range(400)]
    return image(lower, [tars.whiteout("d3"), Entry("d4/.wh..wh..opq"), Entry("d4/big", chance.randbytes(6_000_000))])


def killed_after(seconds: float, source: str, bundle: Path, *, force: bool) -> None:
    """Unpack in a process that is killed."""
    child = os.fork()
    if child == 0:
        try:
            unpack_image(source, str(bundle), UnpackOptions(force=force))
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.parametrize(("force", "kills"), [(False, KILLS), (True, KILLS // 3)], ids=["new", "force"])
def test_killed_at_any_moment(tmp_path: Path, *, force: bool, kills: int) -> None:
    source = str(sample().write(tmp_path / "image"))
    work, whole = tmp_path / "work", tmp_path / "whole"
    work.mkdir()
    start = time.monotonic()
    unpack_image(source, str(whole))
    longest = 1.3 * (time.monotonic() - start)
    chance = random.Random()  # noqa: S311  # moments
    bundle, left = work / "bundle", 0
    if force:
        unpack_image(source, str(bundle))
    for _kill in range(kills):
        killed_after(chance.random() * longest, source, bundle, force=force)
        left += bool(list(work.glob(".ocivalidate-unpack-*")))
        if bundle.exists() or force:
            assert differences(whole / "rootfs", bundle / "rootfs") == []
            assert (bundle / "config.json").read_bytes() == (whole / "config.json").read_bytes()
        if not force:
            subprocess.run(["rm", "-rf", str(bundle)], check=True)
    assert left
    unpack_image(source, str(bundle), UnpackOptions(force=force))
    assert differences(whole / "rootfs", bundle / "rootfs") == []
    assert os.listdir(work) == ["bundle"]


def test_the_leftovers_of_a_running_one_are_not_swept(tmp_path: Path) -> None:
    source = str(sample().write(tmp_path / "image"))
    work = tmp_path / "work"
    work.mkdir()
    inner: list[bool] = []

    def other(done: int, _total: int) -> None:
        if done and not inner:
            inner.append(True)
            unpack_image(source, str(work / "other"))

    unpack_image(source, str(work / "bundle"), progress=other)
    assert sorted(os.listdir(work)) == ["bundle", "other"]
    assert differences(work / "bundle" / "rootfs", work / "other" / "rootfs") == []


def test_folders_that_are_not_ours_are_not_swept(tmp_path: Path) -> None:
    source = str(sample().write(tmp_path / "image"))
    (tmp_path / ".ocivalidate-unpack-mine").write_text("a file")
    (tmp_path / ".ocivalidate-unpack-link").symlink_to(tmp_path / "image")
    unpack_image(source, str(tmp_path / "bundle"))
    assert (tmp_path / ".ocivalidate-unpack-mine").read_text() == "a file"
    assert (tmp_path / "image" / "index.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_nothing(tmp_path: Path, number: signal.Signals) -> None:
    chance = random.Random(1)  # noqa: S311  # sample data
    large = image([Entry(f"d{part}/f", chance.randbytes(1 << 20)) for part in range(96)])
    source = large.write(tmp_path / "image")
    work = tmp_path / "work"
    work.mkdir()
    # Whoever started the tests (nohup, &) may ignore some signals, and a child would too.
    heedful = ["env", "--default-signal", *OCIVALIDATE, "unpack", str(source), str(work / "b")]
    process = subprocess.Popen(heedful, stderr=subprocess.PIPE)
    while not list(work.glob(".ocivalidate-unpack-*/bundle/rootfs/d*")) and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(number)
    _out, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert os.listdir(work) == []


def test_a_source_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311  # sample data
    layout = image([Entry("f", chance.randbytes(16 << 20))])
    source = layout.write(tmp_path / "image")
    _path, manifest = layout.manifest()
    blob = source / "blobs" / manifest["layers"][0]["digest"].replace(":", "/")

    def shrink(done: int, _total: int) -> None:
        if done:
            os.truncate(blob, 3 << 20)

    with pytest.raises(UnpackError):
        unpack_image(str(source), str(tmp_path / "bundle"), progress=shrink)
    assert os.listdir(tmp_path) == ["image"]


def test_what_progress_raises_ends_it(tmp_path: Path) -> None:
    source = sample().write(tmp_path / "image")

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack_image(str(source), str(tmp_path / "bundle"), progress=stop)
    assert os.listdir(tmp_path) == ["image"]


# What is mounted at the folder of the bundle, and what the one line about it says.
PLACES = {
    "full": ("mount -n -t tmpfs -o size=3m tmpfs work", "no space left on device"),
    "no inodes": ("mount -n -t tmpfs -o nr_inodes=60 tmpfs work", "no space left on device"),
    "read-only": ("mount -n -t tmpfs tmpfs work && mount -n -o remount,ro work", "read-only file system"),
}


@pytest.mark.parametrize(("prepare", "reason"), PLACES.values(), ids=PLACES)
def test_places_that_take_nothing(tmp_path: Path, prepare: str, reason: str) -> None:
    if why_not_enclosed():
        pytest.skip(str(why_not_enclosed()))
    sample().write(tmp_path / "image")
    (tmp_path / "work").mkdir()
    command = f"{shlex.quote(sys.executable)} -m ocivalidate unpack image work/b"
    again = f"mount -n -o remount,rw,size=99m,nr_inodes=9k work; {command}; ls work"
    script = f"{prepare} && {{ {command}; echo $?; ls -A work; {again}; }}"
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2\nb\n"
    assert reason in done.stderr.splitlines()[0]


# How `b`, a bundle, comes to be one with the image or to have something mounted; what the one line says.
MOUNTED = {
    "the image by another name": ("mkdir m && mount -n --bind image m", "m", "m/b", "inside the image"),
    "the bundle itself": ("mount -n --bind b b", "image", "b", "mounted there"),
    "another file system": ("mount -n -t tmpfs tmpfs b", "image", "b", "mounted there"),
    "a folder in it": ("mount -n --bind keep b/rootfs/etc", "image", "b", "mounted at"),
    "a file in it": ("mount -n --bind keep/f b/config.json", "image", "b", "mounted at"),
    "an image inside it": ("mv image b/rootfs/i && mkdir m && mount -n --bind b/rootfs/i m", "m", "b", "the image"),
    "an archive inside it": (
        "mv i.tar b/rootfs/ && touch m && mount -n --bind b/rootfs/i.tar m",
        "m",
        "b",
        "the image",
    ),
    "the image above it": ("mkdir m image/in && mount -n --bind image/in m", "image", "m/b", "inside the image"),
    "the root": (
        "mkdir m && mount -n --bind / m",
        "image",
        "m",
        "it is or contains",
    ),
}


@pytest.mark.parametrize(("prepare", "source", "bundle", "reason"), MOUNTED.values(), ids=MOUNTED)
def test_mounts_hide_nothing(tmp_path: Path, prepare: str, source: str, bundle: str, reason: str) -> None:
    if why_not_enclosed():
        pytest.skip(str(why_not_enclosed()))
    layout = image([Entry("etc/motd", b"hello\n")])
    (tmp_path / "i.tar").write_bytes(layout.archive())
    unpack_image(str(layout.write(tmp_path / "image")), str(tmp_path / "b"))
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep/f").write_text("mine")
    everything = "find . -path ./m -prune -o -print | sort | md5sum"
    command = f"{shlex.quote(sys.executable)} -m ocivalidate unpack {source} {bundle} --force"
    script = f"{prepare} && {{ {everything}; {command}; echo $?; {everything}; cat keep/f; }}"
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    before, status, after, kept = done.stdout.splitlines()
    assert (status, before, kept) == ("2", after, "mine")
    assert re.search(reason, done.stderr), done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("form", ["folder", "archive", "gzip"])
def test_few_open_files(tmp_path: Path, form: str) -> None:
    """It works, or says in one line what is too low; never anything else, and nothing is left."""
    deep = Entry("x", b"x", pax={"path": "/".join("d" * 300)})
    layout = image([deep, *(Entry(f"{at}/{at}/f", b"x") for at in range(90))], [tars.whiteout("7"), Entry("8/g")])
    source = tmp_path / "image"
    if form == "folder":
        layout.write(source)
    else:
        data = layout.archive()
        source.write_bytes(data if form == "archive" else tars.gzip(data))
    (tmp_path / "work").mkdir()
    worked = []
    for limit in (8, 12, 14, 16, 20, 24, 32):
        command = ["prlimit", f"--nofile={limit}:{limit}", *OCIVALIDATE, "unpack", "-q", str(source), "work/b"]
        environment = os.environ | {"PYTHONPATH": os.getcwd()}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            worked.append(limit)
            assert os.listdir(tmp_path / "work") == ["b"]
            subprocess.run(["rm", "-rf", str(tmp_path / "work/b")], check=True)
            continue
        assert done.returncode == 2, done.stderr
        assert "the limit on open files is too low" in done.stderr
        assert done.stderr.count("\n") == 1
        assert os.listdir(tmp_path / "work") == []
    assert min(worked) <= 24
