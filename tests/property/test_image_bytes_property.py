"""Whatever the bytes of a layer are: no accident, no growth, and the same facts however they are cut.

The standard library is the oracle: tarfile for what is in sound archives, gzip and zlib for streams.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import Literal

import pytest
import zstandard
from hypothesis import given, strategies as st

from fixtures.layouts import BROKEN, LIMITS, RICH_TAR, Entry, tar, tars
from ocivalidate.image.layers.blob import BlobRequest, verify
from ocivalidate.image.layers.compression import Compression, detect
from ocivalidate.image.layers.facts import TarFacts
from ocivalidate.image.layers.keys import keyed
from ocivalidate.image.layers.limits import MIB, LayerLimits
from ocivalidate.image.layers.paths import Paths
from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.layers.scan import TarScanner
from ocivalidate.vocabulary import digests
from tests.blobs import check_layer, inflated, opener, scan

SMALL = LayerLimits(inflated=8 * MIB, ratio_floor=MIB, entries=1000, extension=64 * 1024, window=8 * MIB)
BROKEN_BLOBS = [make().to_bytes() for name, make in BROKEN.items() if name not in LIMITS]
BROKEN_TARS = [make().data for name, make in BROKEN.items() if name not in LIMITS]
SEEDS = [RICH_TAR, *BROKEN_TARS]

NAMES = st.one_of(
    st.sampled_from(["a", "a/b", "./a", "/a", "../a", "a/../b", "a//b", "", ".wh.a", "a/.wh..wh..opq", "a/.wh.", "é"]),
    st.text("ab./", max_size=12),
    st.binary(max_size=120),
)
ENTRIES = st.builds(
    Entry,
    name=NAMES,
    content=st.binary(max_size=1500),
    type=st.sampled_from("0123456789SLKxgV\0"),
    link=NAMES,
    magic=st.sampled_from([tars.USTAR, tars.GNU, tars.V7]),
    pax=st.none()
    | st.dictionaries(st.sampled_from(["path", "linkpath", "size", "uid", "GNU.sparse.size"]), st.text(max_size=9)),
    size=st.none() | st.integers(-9, 1 << 70),
)
ARCHIVES = st.lists(ENTRIES | st.binary(max_size=600), max_size=8).map(tar)


@st.composite
def damaged(draw: st.DrawFn, blobs: list[bytes]) -> bytes:
    """A blob in which bytes were changed, taken out, or doubled."""
    data = bytearray(draw(st.sampled_from(blobs)))
    for _change in range(draw(st.integers(0, 4))):
        if not data:
            break
        start = draw(st.integers(0, len(data) - 1))
        end = min(len(data), start + draw(st.integers(0, 20)))
        new = draw(st.one_of(st.binary(max_size=20), st.just(bytes(data[start:end])), st.just(b"")))
        data[start:end] = new
    return bytes(data)


def in_pieces(data: bytes, cuts: list[int]) -> TarFacts:
    scanner = TarScanner(SMALL)
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        scanner.feed(memoryview(data)[start:cut])
        start = max(start, cut)
    return scanner.finish()


@given(st.one_of(ARCHIVES, damaged(SEEDS)), st.data())
def test_a_scan_gives_the_same_facts_however_the_tar_is_cut(data: bytes, draw: st.DataObject) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=12))
    assert in_pieces(data, cuts) == scan(data, limits=SMALL)


@given(st.one_of(ARCHIVES, damaged(SEEDS), st.binary(max_size=3000)))
def test_a_scan_never_fails_and_says_what_it_did_not_read(data: bytes) -> None:
    facts = scan(data, limits=SMALL)
    assert facts.entries <= len(data) // 512
    assert facts.size == len(data)
    assert facts.ended or facts.problems


@given(damaged(BROKEN_BLOBS))
def test_a_damaged_blob_is_hashed_and_never_fails(blob: bytes) -> None:
    facts = check_layer(blob, SMALL)
    assert facts.digests == (digests.of(blob),)
    assert facts.inflated <= SMALL.inflated + MIB
    assert not facts.failure
    assert bool(facts.diff_ids) == all("trailing" in problem.kind for problem in facts.problems)


GZIP_BLOBS = [blob for blob in (*BROKEN_BLOBS, tars.gzip(RICH_TAR, members=3)) if detect(blob) is Compression.GZIP]
ZSTD_BLOBS = [tars.zstd(RICH_TAR, frames=3, skippable=True), tars.zstd(RICH_TAR), tars.zstd(RICH_TAR, checksum=False)]


def exact_gzip(blob: bytes) -> bytes | None:
    """What zlib makes of whole members; ``None`` when it finds any fault, or bytes after them."""
    out = b""
    while blob:
        member = zlib.decompressobj(31)
        try:
            out += member.decompress(blob)
        except zlib.error:
            return None
        if not member.eof:
            return None
        blob = member.unused_data
    return out


@given(damaged(GZIP_BLOBS), st.sampled_from([1, 100, MIB]))
def test_gzip_is_judged_as_zlib_judges_it(blob: bytes, size: int) -> None:
    want = exact_gzip(blob)
    if detect(blob) is Compression.GZIP:
        for exact in (True, False):
            out, problems = inflated(blob, size, exact=exact)
            if not problems:
                assert out == want
        assert (want is not None) == (not inflated(blob, size)[1])


@given(damaged(ZSTD_BLOBS), st.sampled_from([1, 100, MIB]))
def test_zstd_without_problems_is_what_the_library_inflates_frame_by_frame(blob: bytes, size: int) -> None:
    if detect(blob) is not Compression.ZSTD:
        return
    out, problems = inflated(blob, size)
    if not problems:
        library = zstandard.ZstdDecompressor().stream_reader(blob, read_across_frames=True)
        assert out == library.read()


@given(damaged([BROKEN["stream-trailing-bytes"]().to_bytes(), tars.gzip(RICH_TAR)]))
def test_the_fast_library_changes_no_fact(blob: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ocivalidate.image.layers.gzip_stream.fast_library", lambda: None)
        patch.setattr("ocivalidate.image.layers.blob.fast_library", lambda: None)
        want = verify(BlobRequest(opener(blob), layer=True, limits=SMALL))
    assert verify(BlobRequest(opener(blob), layer=True, limits=SMALL)) == want


@given(
    st.lists(st.binary(min_size=1, max_size=9).map(lambda name: name.replace(b"/", b"_")), min_size=1),
    st.binary(max_size=64),
)
def test_the_hashes_on_a_way_are_those_of_its_directories(names: list[bytes], key: bytes) -> None:
    hashed = keyed(key)
    ways = [b"/".join(names[: number + 1]) for number in range(len(names))]
    assert hashed.way(ways[-1]) == [hashed.of(way) for way in ways]
    assert hashed.way(b"") == []


class Recorder(Paths):
    """Keeps what it is told."""

    seen: list[tuple[bytes, bytes, bytes]]

    def add(self, name: bytes, kind: bytes, link: bytes, size: int, offset: int) -> None:
        self.seen.append((name, kind, link))
        super().add(name, kind, link, size, offset)


COMPONENTS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=30)
MEMBERS = st.tuples(
    st.lists(COMPONENTS, min_size=1, max_size=12).map("/".join),
    st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]),
    st.lists(COMPONENTS, min_size=1, max_size=12).map("/".join),
    st.binary(max_size=2000),
    st.integers(0, 1 << 34),
    st.integers(0, 1 << 40).map(lambda number: number / 64),
)


@given(st.lists(MEMBERS, max_size=6), st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
def test_sound_archives_are_read_as_tarfile_reads_them(
    members: list[tuple[str, bytes, str, bytes, int, float]], form: Literal[1, 2]
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, kind, link, content, number, mtime in members:
            info = tarfile.TarInfo(name)
            info.type, info.uid, info.mtime = kind, number, mtime
            info.linkname = link if kind in {tarfile.SYMTYPE, tarfile.LNKTYPE} else ""
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    scanner = TarScanner()
    recorder = Recorder(scanner._problems)
    recorder.seen = []
    scanner._paths = recorder
    scanner.feed(buffer.getvalue())
    facts = scanner.finish()
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as archive:
        want = [(member.name, member.type, member.linkname) for member in archive]
        total = sum(member.size for member in archive)
    found = [(name.decode().rstrip("/"), kind, link.decode()) for name, kind, link in recorder.seen]
    assert found == [(name.rstrip("/"), kind, link) for name, kind, link in want]
    assert (facts.entries, facts.content, facts.ended) == (len(members), total, True)
    assert not set(facts.counts) & {Kind.HEADER_CHECKSUM, Kind.HEADER_NUMBER, Kind.PAX_MALFORMED, Kind.TRUNCATED}


@given(st.one_of(st.text(max_size=40), st.from_regex(r"\A[a-z0-9+._-]{1,9}:[a-zA-Z0-9=_-]{0,70}\Z")))
def test_a_digest_is_either_read_as_it_is_or_told_why_not(text: str) -> None:
    found = digests.parse(text)
    assert (str(found) == text) if found else digests.problem(text)
