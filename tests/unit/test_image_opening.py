"""What a stream of bytes is: an archive, compressed or not, or a document; whoever gives them, and in what portions."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import GOOD, docker_save
from ocivalidate.errors import Unreadable
from ocivalidate.image.api import check_image
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources.opening import open_source, open_stream
from ocivalidate.image.sources.source import FolderSource, Source, Stream

DATA = {
    **{f"a layout, {form}": GOOD["gzip"]().archive(compression=form) for form in ("none", "gzip", "zstd")},
    "docker save": docker_save(GOOD["uncompressed"](), old=True),
}


class Portions:
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int, *, seekable: bool = False) -> None:
        self._data = data
        self._size = size
        self._at = 0
        self._seekable = seekable
        self.closed = False

    def readinto(self, buffer: memoryview, /) -> int:
        part = self._data[self._at : self._at + min(self._size, len(buffer))]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seekable(self) -> bool:
        return self._seekable

    def seek(self, offset: int, whence: int = 0, /) -> int:
        assert self._seekable
        self._at = offset + (0, self._at, len(self._data))[whence]
        return self._at

    def close(self) -> None:
        self.closed = True


def seen(source: Source) -> Any:
    report = check_image(source)
    findings = [(found.clause.id, found.location.pointer, found.message) for found in report.findings]
    return report.problem, findings, report.results, report.facts


@pytest.mark.parametrize("seekable", [False, True])
@pytest.mark.parametrize("size", [1 << 16, 100])
@pytest.mark.parametrize("name", DATA)
def test_an_archive_may_come_in_a_stream(name: str, size: int, seekable: bool, tmp_path: Path) -> None:  # noqa: FBT001
    (tmp_path / "image").write_bytes(DATA[name])
    stream = Portions(DATA[name], size, seekable=seekable)
    with open_stream("s3://image", stream, Limits()) as source:
        assert stream.closed
        with open_source(str(tmp_path / "image"), Limits()) as file:
            assert seen(source) == seen(file)


@pytest.mark.parametrize("name", DATA)
def test_a_pipe_may_give_the_first_bytes_one_by_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "image").write_bytes(DATA[name])
    reading, writing = os.pipe()

    def write() -> None:
        for part in (DATA[name][:1], DATA[name][1:3], DATA[name][3:]):
            with open(writing, "wb", closefd=False) as pipe:
                pipe.write(part)
            time.sleep(0.05)
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    with open(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        report = check_image("-")
    thread.join()
    assert (report.problem, report.findings) == ("", ())
    assert report.facts == check_image(str(tmp_path / "image")).facts


def test_a_document_may_come_in_a_stream() -> None:
    with open_stream("s3://index.json", Portions(b' {"schemaVersion": 2}', 1), Limits()) as source:
        assert source.alone is not None
        assert source.alone.data == b' {"schemaVersion": 2}'
        with pytest.raises(Unreadable):
            source.open("index.json")


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", DATA["a layout, gzip"][:-20], b"nothing", b"\x7fELF"])
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        open_stream("s3://image", Portions(data, 1), Limits())


def test_a_stream_of_more_than_the_limit_is_refused() -> None:
    with pytest.raises(Unreadable, match="--max-archive"):
        open_stream("s3://image", Portions(DATA["docker save"], 1000), Limits(archive=2000))


def test_a_stream_that_breaks_off_is_told() -> None:
    class Broken(Portions):
        def readinto(self, buffer: memoryview, /) -> int:
            if self._at > 1000:
                raise ConnectionResetError(104, "Connection reset by peer")
            return super().readinto(buffer)

    with pytest.raises(Unreadable, match="connection reset by peer"):
        open_stream("s3://image", Broken(DATA["docker save"], 100), Limits())


def read_from(stream: Stream, offset: int, whence: int) -> tuple[int, bytes]:
    at = stream.seek(offset, whence)
    buffer = bytearray(4)
    return at, bytes(buffer[: stream.readinto(memoryview(buffer)) or 0])


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_files_can_be_read_from_any_place(form: str, tmp_path: Path) -> None:
    layout = GOOD["plain"]()
    layout.files["oci-layout"] = b"0123456789"
    target = tmp_path / "image"
    if form == "folder":
        source: Source = FolderSource(str(layout.write(target)))
    else:
        target.write_bytes(layout.archive())
        source = open_source(str(target), Limits())
    with source:
        stream = source.open("oci-layout")
        assert stream.seekable()
        assert read_from(stream, 4, os.SEEK_SET) == (4, b"4567")
        assert read_from(stream, -2, os.SEEK_CUR) == (6, b"6789")
        assert read_from(stream, -3, os.SEEK_END) == (7, b"789")
        assert read_from(stream, 3, os.SEEK_END) == (13, b"")
        with pytest.raises(ValueError, match="before the first byte"):
            stream.seek(-1)
        stream.close()
