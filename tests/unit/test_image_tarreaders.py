"""Headers that readers of tar take differently: what Go reads counts, and a hazard in any other reading is told.

``tests/integration/test_tar_readers.py`` holds the rules to the readers themselves.
"""

from __future__ import annotations

import pytest

from fixtures.layouts import Entry, folder, symlink, tar, tars
from fixtures.layouts.tars import pax_header
from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.layers.readers import Header, go_name
from tests.blobs import scan
from tests.tarforms import FORMS, NUL_VERSION, OLD_DOCKER, archive, long_name, pax

PLAIN = Entry("plain")


def members(kind: Kind, entries: list[Entry | bytes]) -> list[str | None]:
    return [problem.member for problem in scan(tar(entries)).problems if problem.kind is kind]


@pytest.mark.parametrize("magic", [tars.USTAR, OLD_DOCKER, NUL_VERSION])
def test_the_prefix_counts_under_every_posix_magic(magic: bytes) -> None:
    twice = [Entry("n", magic=magic, fields={345: b"a"}), Entry("n", magic=magic, fields={345: b"b"})]
    assert not scan(tar(twice)).problems
    escaping = Entry("passwd", magic=magic, fields={345: b"../../etc"})
    assert members(Kind.PATH_ESCAPES, [escaping]) == ["../../etc/passwd"]
    hiding = Entry(".wh.x", magic=magic, fields={345: b"a"})
    assert members(Kind.WHITEOUT_LATE, [Entry("a/y"), hiding]) == ["a/.wh.x"]


def test_a_prefix_in_a_gnu_header_counts_where_no_times_stand() -> None:
    prefix, times = b"dir/sub".ljust(155, b"\0"), (b"00000000123\0" * 2).ljust(155, b"\0")
    assert go_name(Header(b"n", prefix, tars.GNU, b"")) == b"dir/sub/n"
    assert go_name(Header(b"n", times, tars.GNU, b"")) == b"n"
    assert go_name(Header(b"n", b"d\xc3".ljust(155, b"\0"), tars.GNU, b"")) == b"n"


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([pax(path="good"), pax(mtime="5"), Entry("../../evil")], id="the last pax header counts alone"),
        pytest.param([pax(path="../../evil"), pax(mtime="5"), PLAIN], id="to CPython the first"),
        pytest.param([long_name(b"../../evil\0"), pax(path="fine"), PLAIN], id="the long name counts"),
        pytest.param([long_name(b"fine\0"), pax(path="../../evil"), PLAIN], id="to GNU tar the pax path"),
        pytest.param([pax("X", path="../../evil"), PLAIN], id="of Solaris"),
        pytest.param([pax(path="../../evil"), pax("g", comment="c"), PLAIN], id="before a global header"),
        pytest.param([Entry("evil", magic=tars.V7, fields={345: b"../.."})], id="a prefix without magic"),
        pytest.param([Entry("evil", magic=tars.GNU, fields={345: b"../.."})], id="a prefix of GNU"),
        pytest.param([pax(GNU__sparse__name="fine"), Entry("../../evil")], id="a sparse name without a map"),
        pytest.param([pax(GNU__sparse__name="../../evil"), PLAIN], id="a sparse name to others than Go"),
        pytest.param([pax_header(b"20  path=../../evil\n"), PLAIN], id="a blank before a pax key"),
    ],
)
def test_a_path_that_leaves_the_root_is_told_whoever_reads_it(entries: list[Entry | bytes]) -> None:
    counts = scan(tar(entries)).counts
    assert counts[Kind.PATH_ESCAPES] == 1
    assert {Kind.READERS_DIFFER, Kind.TYPE_UNKNOWN} & counts.keys()


def test_a_link_that_only_some_readers_make_is_not_written_through() -> None:
    link: list[Entry | bytes] = [pax(path="a"), pax(mtime="5"), symlink("b", "/etc")]
    assert members(Kind.THROUGH_SYMLINK, [*link, Entry("a/passwd")]) == ["a/passwd"]
    target: list[Entry | bytes] = [pax(linkpath="../../etc/passwd"), pax(mtime="5"), Entry("h", type="1", link="plain")]
    assert members(Kind.HARDLINK_ESCAPES, [PLAIN, *target]) == ["h"]


def test_a_time_that_has_no_room_in_64_bits_is_no_number() -> None:
    wrong = ["pax time of more than 64 bits", "pax access time of more than 64 bits"]
    assert all(scan(archive(FORMS[form])).counts == {Kind.PAX_MALFORMED: 1} for form in wrong)
    assert not scan(archive([pax(mtime="9223372036854775807"), PLAIN])).problems


def test_what_every_reader_takes_alike_is_no_finding() -> None:
    alike = ["pax path", "long name, then other pax", "long target", "path in binary", "prefix of star", "pax size"]
    for form in alike:
        assert not scan(archive(FORMS[form])).problems, form
    usual: list[Entry | bytes] = [
        folder("d/"),
        long_name(b"d/" + b"n" * 120 + b"\0"),
        long_name(b"t" * 120 + b"\0", "K"),
        symlink("s", "t"),
    ]
    assert not scan(tar(usual)).problems


def test_two_differences_are_told_in_words() -> None:
    (problem,) = scan(archive(FORMS["prefix, GNU magic"])).problems
    assert problem.message == "Go reads its path as 'p/n', GNU tar as 'n'"


@pytest.mark.parametrize("key", ["SCHILY.xattr.user.a\0b", "LIBARCHIVE.xattr.user.a%00b", "comment\0b"])
def test_no_name_of_an_attribute_has_a_nul(key: str) -> None:
    entry = Entry("n", pax={key: "v"})
    assert [problem.kind for problem in scan(tar([entry])).problems] == [Kind.NAME_NUL]
