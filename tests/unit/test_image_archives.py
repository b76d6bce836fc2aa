"""Archives around layouts: what they hold, and what no archive can make us do."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, strategies

from benchmarks.growth_samples import BOMBS
from fixtures.layouts import GOOD, Entry, Image, Index, Layer, Layout, folder, gnu, hardlink, symlink, tar
from fixtures.layouts.build import DEFAULT_TAR
from fixtures.layouts.tars import GNU, pax_header
from ocivalidate.cli import main
from ocivalidate.errors import Unreadable
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.sources.archives import ArchiveSource, normal_path, read_index
from ocivalidate.image.sources.source import FILE, FOLDER, LINK, OTHER
from ocivalidate.rules.findings import ExitCode, exit_code


def opened(data: bytes, limits: LayerLimits = DEFAULT) -> ArchiveSource:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        descriptor = os.dup(file.fileno())
    try:
        return ArchiveSource("archive", descriptor, read_index(descriptor, limits))
    except BaseException:
        os.close(descriptor)
        raise


def kinds(*entries: Entry | bytes) -> dict[str, str]:
    with opened(tar(entries)) as source:
        return {path: entry.kind for path in source.children("") if (entry := source.entry(path)) is not None}


def test_files_are_found_where_they_stand() -> None:
    with opened(
        tar([folder("a/"), Entry("a/b", b"1" * 700), Entry("./c//d", b"2"), gnu(Entry("e" * 300, b"3"))])
    ) as source:
        assert source.read("a/b", 1000) == b"1" * 700
        assert source.read("c/d", 1000) == b"2"
        assert source.read("e" * 300, 1000) == b"3"
        assert source.children("") == ["a", "c", "e" * 300]
        assert source.children("c") == ["d"]
        assert source.children("a/b") == source.children("nothing") == []
        assert [source.entry(path).kind for path in ("a", "c", "a/b")] == [FOLDER, FOLDER, FILE]  # type: ignore[union-attr]  # they are there
        assert source.entry("a/") is source.entry("b") is None


def test_names_that_begin_alike_are_no_folders() -> None:
    with opened(tar([Entry("a-b/x"), Entry("a/x"), Entry("a.b"), Entry("a0/y"), Entry("a/y")])) as source:
        assert source.children("a") == ["x", "y"]
        assert source.children("") == ["a", "a-b", "a.b", "a0"]


THREE = {"a": LINK, "b": LINK, "c": LINK, "f": FILE}
LINKS: dict[str, tuple[tuple[Entry, ...], dict[str, str]]] = {
    "hard link": ((Entry("f"), hardlink("l", "f")), {"f": FILE, "l": LINK}),
    "before its target": ((symlink("l", "f"), Entry("f")), {"f": FILE, "l": LINK}),
    "chain": ((symlink("a", "b"), hardlink("b", "c"), symlink("c", "f"), Entry("f")), THREE),
    "two to one": ((symlink("a", "c"), symlink("b", "c"), symlink("c", "f"), Entry("f")), THREE),
    "loop": ((symlink("a", "b"), symlink("b", "a")), {"a": OTHER, "b": OTHER}),
    "into a loop": ((symlink("c", "a"), symlink("a", "b"), symlink("b", "a")), {"a": OTHER, "b": OTHER, "c": OTHER}),
    "itself": ((symlink("a", "a"),), {"a": OTHER}),
    "nothing": ((symlink("a", "f"),), {"a": OTHER}),
    "outside": ((symlink("a", "../f"), symlink("b", "/f"), Entry("f")), {"a": OTHER, "b": OTHER, "f": FILE}),
    "a folder": ((symlink("a", "d"), folder("d/")), {"a": OTHER, "d": FOLDER}),
    "replaced": ((symlink("a", "f"), Entry("f"), Entry("a")), {"a": FILE, "f": FILE}),
}  # fmt: skip


@pytest.mark.parametrize(("entries", "wanted"), LINKS.values(), ids=LINKS.keys())
def test_links_lead_to_files_of_the_archive(entries: tuple[Entry, ...], wanted: dict[str, str]) -> None:
    assert kinds(*entries) == wanted


def test_links_are_relative_to_their_folder() -> None:
    with opened(tar([symlink("a/b", "../c/f"), Entry("c/f", b"content")])) as source:
        assert source.read("a/b", 100) == b"content"


def test_what_is_no_file_is_known() -> None:
    entries = [Entry("fifo", type="6"), Entry("null", type="3"), Entry("odd", type="Z"), Entry("old", type="\0")]
    entries += [
        Entry("sparse", type="S", magic=GNU),
        Entry("s", pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.size": "1"}),
    ]
    with opened(tar(entries)) as source:
        told = {path: entry.what for path in source.children("") if (entry := source.entry(path)) is not None}
    sparse = "a sparse file"
    assert told == {"fifo": "a FIFO", "null": "a device", "odd": "a device", "old": "", "s": sparse, "sparse": sparse}


def test_a_path_that_stands_thrice_is_told_once() -> None:
    with opened(tar([Entry("a", b"1"), Entry("./a", b"2"), folder("d/"), folder("d/"), Entry("a", b"3")])) as source:
        assert [path for path, _alike in source.repeats()] == ["a"]
        assert source.read("a", 9) == b"3"


def header(**fields: object) -> bytes:
    return Entry("file", **fields).to_bytes()  # type: ignore[arg-type]  # whatever an entry can have


START = Entry("first", b"x").to_bytes()
BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the file is empty"),
    "text": (b"no tar at all" * 100, "do not begin with a tar header"),
    "half a header": (START[:300], "ends inside a header"),
    "half a header later": (START + START[:300], "ends inside a header"),
    "content that is cut off": (START + Entry("second", bytes(2000)).to_bytes()[:1024], "ends inside second"),
    "a size beyond the end": (header(size=1 << 40) + bytes(5000), "the archive ends inside file"),
    "a long name that is cut off": (gnu(Entry("n" * 3000)).to_bytes()[:2048], "ends inside an extension header"),
    "a wrong checksum": (START + header(checksum=b"000001\0 "), "checksum"),
    "a size that is none": (header(fields={124: b"zzzzzzzzzzz\0"}), "the size field is not an octal number"),
    "a negative size": (header(fields={124: b"\xff" * 12}), "a size of -1 bytes"),
    "a size that no file has": (header(fields={124: b"\x80" + b"\xff" * 11}), "more than any file can have"),
    "a pax size of no digits": (header(pax={"size": "12x"}), "the value of size is not a number"),
    "a pax size of many digits": (header(pax={"size": "9" * 31}), "the value of size is not a number"),
    "pax records that are none": (pax_header(b"nothing") + START, "a record does not begin with its length"),
    "a long path": (gnu(Entry("n" * 5000)).to_bytes(), "more than 4096 (--max-path)"),
    "a long target": (gnu(symlink("l", "n" * 5000)).to_bytes(), "more than 4096 (--max-path)"),
    "long headers": (header(pax={"comment": "x" * (2 << 20)}), "more than 1048576 bytes (--max-extension)"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_what_leaves_it_open_what_the_archive_has_is_one_line(data: bytes, problem: str) -> None:
    with pytest.raises(Unreadable) as told:
        opened(data)
    assert problem in str(told.value)
    assert "\n" not in str(told.value)


def test_the_number_of_entries_is_limited() -> None:
    data = tar(Entry(str(number)) for number in range(11))
    with pytest.raises(Unreadable, match=r"more than 10 entries \(--max-entries\)"):
        opened(data, LayerLimits(entries=10))
    assert len(opened(data, LayerLimits(entries=11)).children("")) == 11


def test_limits_of_the_archive_are_those_of_layers(tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(GOOD["gzip"]().archive())
    assert exit_code([check_image(str(file))]) is ExitCode.CONFORMS
    report = check_image(str(file), options=ImageOptions(layer_limits=LayerLimits(entries=3)))
    assert "--max-entries" in report.problem


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1024), bytes(512) + b"x" * 512, bytes(20_000)], ids=len)
def test_an_archive_needs_no_end(end: bytes) -> None:
    with opened(tar([Entry("a", b"1")], end=end)) as source:
        assert source.children("") == ["a"]


LETTERS = strategies.characters(exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = strategies.lists(
    strategies.text(LETTERS, min_size=1, max_size=150)
    .filter(lambda name: name not in (".", "..")),
    min_size=1,
    max_size=4,
).map("/".join)  # fmt: skip


@given(
    files=strategies.dictionaries(NAMES, strategies.binary(max_size=3000), max_size=6),
    form=strategies.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_files_are_those_that_tarfile_finds(files: dict[str, bytes], form: int) -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=form) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with opened(written.getvalue()) as source:
        for name, content in files.items():
            path = normal_path(name)
            assert path is not None
            assert source.read(path, 4000) == content


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS.keys())
def test_small_archives_cost_little(make: Callable[[], bytes], tmp_path: Path) -> None:
    file = tmp_path / "image.tar.gz"
    file.write_bytes(make())

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
        resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))

    done = subprocess.run(
        [sys.executable, "-m", "ocivalidate", "image", "-q", "--no-config", file],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,  # nothing else runs beside the test
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stdout + done.stderr
    if done.returncode == ExitCode.COULD_NOT_JUDGE:
        assert len((done.stdout + done.stderr).splitlines()) == 1


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_an_archive_is_decompressed_up_to_a_limit(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(GOOD["gzip"]().archive(compression=kind))
    assert main(["image", "--no-config", "--max-archive", "1M", str(file)]) == ExitCode.CONFORMS
    capsys.readouterr()
    assert main(["image", "--no-config", "--max-archive", "4K", str(file)]) == ExitCode.COULD_NOT_JUDGE
    told = capsys.readouterr()
    assert "more than 4096 bytes once it is decompressed (--max-archive)" in told.out + told.err


def wide(data: bytes) -> bytes:
    """Data as a stream of zstd that needs a window of 4 MiB."""
    parameters = zstandard.ZstdCompressionParameters(window_log=22, write_content_size=False)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return stream.compress(data) + stream.flush()


def test_the_window_of_zstd_is_limited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = Layout(Index((Image((Layer(DEFAULT_TAR, "zstd", blob=wide(DEFAULT_TAR)),)),)))
    layout, archive = image.write(tmp_path / "layout"), tmp_path / "image.tar.zst"
    archive.write_bytes(wide(image.archive()))
    for source, code in ((layout, ExitCode.FINDINGS), (archive, ExitCode.COULD_NOT_JUDGE)):
        assert main(["image", "--no-config", str(source)]) == ExitCode.CONFORMS
        capsys.readouterr()
        assert main(["image", "--no-config", "--max-window", "1M", str(source)]) == code
        told = capsys.readouterr()
        assert "window" in told.out + told.err


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@pytest.mark.parametrize("cut", [1, 3, 6, 60])
def test_an_archive_whose_compressed_stream_does_not_end_is_none(kind: str, cut: int, tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(GOOD["gzip"]().archive(compression=kind)[:-cut])
    assert "the archive cannot be decompressed" in check_image(str(file)).problem
