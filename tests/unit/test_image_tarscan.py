"""The scan of a layer's tar: what it reads in each form, and where problems are."""

from __future__ import annotations

import pytest

from fixtures.layouts import Entry, folder, gnu, hardlink, symlink, tar, tars, whiteout
from ocivalidate.image.layers.keys import keyed
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.paths import normalise
from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.layers.scan import TarScanner
from tests.blobs import kinds, scan

MOTD = Entry("etc/motd", b"hello\n")
LONG = "long/" * 40 + "name"


@pytest.mark.parametrize("size", [1, 7, 511, 512, 513, 4096])
def test_entries_sizes_and_types_are_counted_in_chunks_of_any_size(size: int) -> None:
    archive = tar(
        [
            folder("etc/"),
            MOTD,
            symlink("s", "t"),
            hardlink("h", "etc/motd"),
            gnu(Entry(LONG, b"x" * 700)),
            whiteout("w"),
        ]
    )
    facts = scan(archive, size)
    assert (facts.entries, facts.content, facts.size) == (6, 706, len(archive))
    assert facts.types == {"0": 3, "1": 1, "2": 1, "5": 1}
    assert (facts.whiteouts, facts.opaque_whiteouts, facts.hardlinks_unknown) == (1, 0, 0)
    assert facts.ended
    assert kinds(facts) == [Kind.WHITEOUT_LATE]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(Entry(LONG, magic=tars.GNU), id="gnu"),
        pytest.param(Entry("short", pax={"path": LONG}), id="pax"),
        pytest.param(Entry(LONG[-99:], fields={345: LONG[:-100].encode()}), id="ustar prefix"),
        pytest.param(
            Entry(
                "x",
                pax={
                    "GNU.sparse.name": LONG,
                    "GNU.sparse.numblocks": "0",
                    "GNU.sparse.minor": "1",
                    "GNU.sparse.major": "0",
                },
            ),
            id="sparse name",
        ),
    ],
)
def test_long_names_of_every_form_are_the_same_path(entry: Entry) -> None:
    facts = scan(tar([Entry("first", pax={"path": LONG}), entry]))
    found = [problem for problem in facts.problems if problem.kind is Kind.DUPLICATE_PATH]
    assert [problem.member for problem in found] == [LONG]


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(Entry("link", type="1", link=LONG, magic=tars.GNU), id="gnu"),
        pytest.param(Entry("link", type="1", pax={"linkpath": LONG}), id="pax"),
    ],
)
def test_long_link_targets_are_read(link: Entry) -> None:
    assert [found.target for found in scan(tar([link])).hardlinks] == [LONG]
    assert scan(tar([Entry("x", pax={"path": LONG}), link])).hardlinks == ()


def test_a_prefix_counts_in_posix_headers_only() -> None:
    dates = {345: b"14365411600\0"}
    # CPython alone takes the times in a GNU header for a prefix.
    found = kinds(scan(tar([MOTD, Entry("etc/motd", magic=tars.GNU, fields=dates)])))
    assert found == [Kind.READERS_DIFFER, Kind.DUPLICATE_PATH]
    assert kinds(scan(tar([MOTD, Entry("etc/motd", magic=tars.USTAR, fields={345: b"other"})]))) == []


def test_a_directory_of_v7_ends_in_a_slash() -> None:
    assert scan(tar([Entry("etc/", type="\0", magic=tars.V7)])).types == {"5": 1}


def test_numbers_may_be_padded_and_in_base_256() -> None:
    spaces = Entry("spaces", b"x" * 600, fields={124: b"       1130 "})
    binary = Entry("binary", b"x" * 600, fields={124: tars.base256(600, 12), 136: tars.base256(-5, 12)})
    nuls = Entry("nuls", b"x" * 600, fields={124: b"1130\0\0\0\0\0\0\0\0"})
    facts = scan(tar([spaces, binary, nuls]))
    assert (facts.entries, facts.content, kinds(facts)) == (3, 1800, [])


def test_a_sum_of_signed_bytes_is_a_checksum_too() -> None:
    name = b"caf\xc3\xa9"
    block = Entry(name).header(name, b"")
    signed = sum(block[:148]) + sum(block[156:]) + 256 - 2 * 256
    assert kinds(scan(tar([Entry(name, checksum=b"%06o\0 " % signed)]))) == []
    assert kinds(scan(tar([MOTD, Entry(name, checksum=b"%06o\0 " % (signed + 1))]))) == [Kind.HEADER_CHECKSUM]


@pytest.mark.parametrize("byte", range(512))
def test_no_change_of_a_byte_of_a_header_goes_unseen(byte: int) -> None:
    header = bytearray(MOTD.to_bytes()[:512])
    header[byte] ^= 0x80
    assert scan(bytes(header) + tar([])).problems != ()


def test_the_size_of_a_pax_header_counts() -> None:
    facts = scan(tar([Entry("big", b"x" * 2000, size=0, pax={"size": "2000"}), MOTD]))
    assert (facts.entries, facts.content, kinds(facts)) == (2, 2006, [])


def test_pax_headers_speak_for_one_entry_and_give_attributes() -> None:
    blank = {136: bytes(12)}
    facts = scan(tar([Entry("a", pax={"mtime": "1.5"}, fields=blank), Entry("b", fields=blank)]))
    assert [(problem.kind, problem.member) for problem in facts.problems] == [(Kind.ATTRIBUTE_BLANK, "b")]


def test_extended_attributes_are_counted() -> None:
    pax: dict[str, str | bytes] = {"SCHILY.xattr.user.a": b"\n=\xff", "LIBARCHIVE.xattr.user.b": "eA=="}
    assert scan(tar([Entry("x", pax=pax)])).xattrs == 2


def test_a_sparse_map_goes_on_in_further_blocks() -> None:
    def region(offset: int, length: int) -> bytes:
        return tars.octal(offset, 12) + tars.octal(length, 12)

    first = {386: b"".join(region(4096 * step, 512) for step in range(4)), 482: b"\1", 483: tars.octal(1 << 20, 12)}
    further = (region(4096 * 4, 512) + region(1 << 20, 0)).ljust(512, b"\0")
    entry = Entry("s", type="S", magic=tars.GNU, size=5 * 512, fields=first).to_bytes()
    facts = scan(tar([entry, further, b"x" * 5 * 512, MOTD]))
    assert (facts.entries, kinds(facts)) == (2, [Kind.SPARSE])


def test_a_hard_link_to_an_earlier_entry_is_known_and_others_are_told() -> None:
    facts = scan(
        tar([MOTD, hardlink("a", "./etc/motd"), hardlink("b", "later"), Entry("later"), hardlink("c", "lower")])
    )
    assert [(link.member, link.target, link.later) for link in facts.hardlinks] == [
        ("b", "later", True),
        ("c", "lower", False),
    ]
    assert facts.hardlinks_unknown == 2
    assert facts.problems == ()


def test_what_other_layers_have_to_know_of_the_paths() -> None:
    key = bytes(16)
    hashed = keyed(key).of
    scanner = TarScanner(key=key)
    scanner.feed(tar([MOTD, folder("var/"), symlink("var/run", "/run"), whiteout("usr/bin/sh")]))
    used = scanner.finish(used=True).used
    assert used is not None
    assert {hashed(b"etc/motd"), hashed(b"var/run")} <= set(used.solid)
    assert set(used.above) == {hashed(b"etc"), hashed(b"var")}
    assert (used.folders, used.key) == (2, key)


def test_symbolic_links_may_lead_anywhere_as_long_as_nothing_is_written_through_them() -> None:
    links = [
        symlink("a", "/etc"),
        symlink("b", "../../.."),
        symlink("lib64", "usr/lib"),
        Entry("usr/lib/x"),
        Entry("ab/x"),
    ]
    assert kinds(scan(tar(links))) == []


def test_a_whiteout_before_its_siblings_and_beside_what_it_hides_is_as_it_should_be() -> None:
    entries = [folder("etc/"), whiteout("etc/motd"), whiteout("etc/issue"), MOTD, Entry("usr/x"), whiteout("gone/x")]
    assert kinds(scan(tar(entries))) == []


def test_problems_name_their_entry_and_its_header() -> None:
    first, second = folder("etc/").to_bytes(), Entry("/etc/motd", b"x").to_bytes()
    (problem,) = scan(tar([first, second])).problems
    assert (problem.member, problem.offset) == ("/etc/motd", 512)


def test_of_one_kind_only_the_first_problems_are_kept_and_all_are_counted() -> None:
    facts = scan(tar(Entry(f"/{number}") for number in range(100)), limits=LayerLimits(problems=3))
    assert [problem.member for problem in facts.problems] == ["/0", "/1", "/2"]
    assert facts.counts == {Kind.PATH_ABSOLUTE: 100}


def test_zeros_after_the_end_are_padding() -> None:
    assert kinds(scan(tar([MOTD]) + bytes(100_000), 777)) == []


def test_nothing_after_a_header_that_cannot_be_read_is_taken_for_an_entry() -> None:
    facts = scan(tar([MOTD, b"\x01" * 512, Entry("/hidden")]))
    assert (facts.entries, kinds(facts), facts.ended) == (1, [Kind.HEADER_CHECKSUM], False)


@pytest.mark.parametrize(
    ("path", "text", "dots", "escapes"),
    [
        (b"a/b", b"a/b", False, False),
        (b"./a//b/./c/", b"a/b/c", False, False),
        (b"/", b"", False, False),
        (b".", b"", False, False),
        (b"a/../b", b"b", True, False),
        (b"a/../../b", b"b", True, True),
        (b"..", b"", True, True),
        (b"...", b"...", False, False),
        (b"a/..b", b"a/..b", False, False),
    ],
)
def test_paths_are_normalised(path: bytes, text: bytes, *, dots: bool, escapes: bool) -> None:
    found = normalise(path)
    assert (found.text, found.dots, found.escapes) == (text, dots, escapes)
