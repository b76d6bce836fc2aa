"""What is written of a layer, and of one upon another."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from fixtures.layouts import Entry, Layer, Layout, tars
from fixtures.layouts.build import Image, Index
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.refusals import Refused
from tests.unit.unpacking import image, rootfs, unpack

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away and make devices")


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_files_have_content_mode_and_time(tmp_path: Path, compression: str) -> None:
    entries = [
        Entry("a/", type="5", mode=0o750, mtime=5),
        Entry("a/f", b"x" * 3_000_000, mode=0o4711, mtime=7),
        Entry("a/e", pax={"mtime": "8.123456789", "atime": "9.5"}, mode=0),
    ]
    unpack(image(entries, compression=compression), tmp_path)
    root = rootfs(tmp_path)
    assert (root / "a/f").read_bytes() == b"x" * 3_000_000
    status = (root / "a/f").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o4711, 7_000_000_000)
    empty = (root / "a/e").stat()
    assert (empty.st_mtime_ns, empty.st_atime_ns, stat.S_IMODE(empty.st_mode)) == (8_123_456_789, 9_500_000_000, 0)
    folder = (root / "a").stat()
    assert (stat.S_IMODE(folder.st_mode), folder.st_mtime_ns) == (0o750, 5_000_000_000)


@pytest.mark.parametrize(("text", "expected"), [("-1.25", -1_250_000_000), ("1.0000000009", 1_000_000_000)])
def test_fractions_of_a_second_are_exact(tmp_path: Path, text: str, expected: int) -> None:
    unpack(image([Entry("f", pax={"mtime": text})]), tmp_path)
    assert (rootfs(tmp_path) / "f").stat().st_mtime_ns == expected


@ROOT
def test_root_gives_owners_devices_and_attributes(tmp_path: Path) -> None:
    entries = [
        Entry("d/", type="5", uid=10, gid=20, mode=0o2775),
        Entry("d/f", b"x", uid=11, gid=21, mode=0o6755),
        Entry("big", pax={"uid": "3000000", "gid": "3000001"}),
        tars.symlink("d/l", "f"),
        Entry("null", type="3", device=(1, 3), mode=0o666),
        Entry("loop", type="4", device=(7, 1), mode=0o640),
        Entry("x", pax={"SCHILY.xattr.user.one": b"1\0", "LIBARCHIVE.xattr.user.t%77o": base64.b64encode(b"2")}),
    ]
    unpack(image(entries), tmp_path)
    root = rootfs(tmp_path)
    found = {name: (root / name).lstat() for name in ("d", "d/f", "big", "d/l", "null", "loop")}
    owners = {name: (status.st_uid, status.st_gid) for name, status in found.items()}
    assert owners["d"] == (10, 20)
    assert owners["d/f"] == (11, 21)
    assert owners["big"] == (3_000_000, 3_000_001)
    assert stat.S_IMODE(found["d"].st_mode) == 0o2775
    assert stat.S_IMODE(found["d/f"].st_mode) == 0o6755
    assert stat.S_ISCHR(found["null"].st_mode)
    assert found["null"].st_rdev == os.makedev(1, 3)
    assert stat.S_IMODE(found["null"].st_mode) == 0o666
    assert stat.S_ISBLK(found["loop"].st_mode)
    assert os.getxattr(root / "x", "user.one") == b"1\0"
    assert os.getxattr(root / "x", "user.two") == b"2"


def test_links_and_fifos(tmp_path: Path) -> None:
    entries = [
        Entry("a/f", b"x"),
        tars.hardlink("b/g", "a/f"),
        tars.hardlink("b/h", "/a/f"),
        tars.symlink("s", "/etc/nothing"),
        tars.hardlink("t", "s"),
        Entry("p", type="6", mode=0o622, mtime=3),
    ]
    unpack(image(entries), tmp_path)
    root = rootfs(tmp_path)
    assert os.path.samefile(root / "a/f", root / "b/g")
    assert os.path.samefile(root / "a/f", root / "b/h")
    assert os.readlink(root / "t") == "/etc/nothing"
    assert (root / "s").lstat().st_ino == (root / "t").lstat().st_ino
    pipe = (root / "p").stat()
    assert stat.S_ISFIFO(pipe.st_mode)
    assert stat.S_IMODE(pipe.st_mode) == 0o622


def test_a_restrictive_folder_takes_files_of_later_layers(tmp_path: Path) -> None:
    layout = image([tars.folder("a/", mode=0o555, mtime=5), Entry("a/f")], [Entry("a/g")])
    unpack(layout, tmp_path)
    status = (rootfs(tmp_path) / "a").stat()
    assert names(rootfs(tmp_path)) == ["a", "a/f", "a/g"]
    assert (stat.S_IMODE(status.st_mode), status.st_mtime) == (0o555, 5)


SPARSE = b"one" + b"two"
HOLES = b"one" + bytes(4093) + b"two" + bytes(4093)


def sparse_gnu() -> Entry:
    region = b"".join(tars.octal(number, 12) for number in (0, 3, 4096, 3))
    return Entry("f", SPARSE, type="S", magic=tars.GNU, fields={386: region, 483: tars.octal(8192, 12)})


def sparse_pax(form: str) -> Entry:
    common = {"GNU.sparse.name": "f"}
    if form == "0.1":
        more = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.size": "8192",
            "GNU.sparse.numblocks": "2",
        }
        return Entry("x", SPARSE, pax={**common, **more, "GNU.sparse.map": "0,3,4096,3"})
    more = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "8192"}
    return Entry("x", tars.padded(b"2\n0\n3\n4096\n3\n") + SPARSE, pax={**common, **more})


@pytest.mark.parametrize("entry", [sparse_gnu(), sparse_pax("0.1"), sparse_pax("1.0")], ids=["gnu", "pax0", "pax1"])
def test_sparse_files_are_whole_and_have_holes(tmp_path: Path, entry: Entry) -> None:
    unpack(image([entry]), tmp_path)
    file = rootfs(tmp_path) / "f"
    assert file.read_bytes() == HOLES
    assert file.stat().st_blocks * 512 <= 8192


@pytest.mark.parametrize("text", ["9\n", "x\n", "1\n0\n9999\n", "2\n5\n3\n0\n3\n"])
def test_a_sparse_map_that_lies_is_refused(tmp_path: Path, text: str) -> None:
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "16", "GNU.sparse.name": "f"}
    with pytest.raises(Refused) as caught:
        unpack(image([Entry("x", tars.padded(text.encode()) + bytes(6), pax=pax)]), tmp_path)
    assert [finding.clause.id for finding in caught.value.findings if finding.severity is Severity.ERROR] == [
        "image/layer.tar-packaged"
    ]
    assert not (tmp_path / "bundle").exists()


# Layers from the lowest, and all that is there in the end.
WHITEOUTS = {
    "file": ([[Entry("a/f"), Entry("a/g")], [tars.whiteout("a/f")]], ["a", "a/g"]),
    "folder": ([[Entry("a/b/c/f"), Entry("g")], [tars.whiteout("a")]], ["g"]),
    "what is not there": ([[Entry("f")], [tars.whiteout("g"), tars.whiteout("x/y")]], ["f"]),
    "opaque": ([[Entry("a/f"), Entry("a/b/g")], [Entry("a/.wh..wh..opq"), Entry("a/h")]], ["a", "a/h"]),
    "opaque after its own": (
        [[Entry("a/b/x"), Entry("a/c")], [Entry("a/b/y"), Entry("a/.wh..wh..opq")]],
        ["a", "a/b", "a/b/y"],
    ),
    "opaque root": ([[Entry("a/f"), Entry("g")], [Entry("a/h"), Entry(".wh..wh..opq")]], ["a", "a/h"]),
    "not of its own layer": ([[Entry("a")], [Entry("b"), tars.whiteout("b"), tars.whiteout("a")]], ["b"]),
    "its own folder": ([[Entry("a/old")], [Entry("a/new"), tars.whiteout("a")]], ["a", "a/new"]),
    "its own folder, deep": (
        [[Entry("a/b/c/old")], [Entry("a/b/c/new"), tars.whiteout("a")]],
        ["a", "a/b", "a/b/c", "a/b/c/new"],
    ),
    "in the lowest layer": ([[Entry("a"), tars.whiteout("a")]], ["a"]),
    "made again": ([[Entry("a")], [tars.whiteout("a")], [Entry("a")]], ["a"]),
    "gone twice": ([[Entry("a/x")], [tars.whiteout("a")], [Entry("a/y")], [tars.whiteout("a")]], []),
    "of what a link leads to": (
        [[Entry("real/x"), Entry("real/y"), tars.symlink("l", "real")], [tars.whiteout("l/x")]],
        ["l", "real", "real/y"],
    ),
    "of a link": ([[Entry("real/x"), tars.symlink("l", "real")], [tars.whiteout("l")]], ["real", "real/x"]),
    "of a name like a whiteout": ([[Entry("a")], [Entry(".wh..wh.plnk")]], ["a"]),
}


@pytest.mark.parametrize(("layers", "left"), WHITEOUTS.values(), ids=WHITEOUTS)
def test_whiteouts_hide_lower_layers_only(tmp_path: Path, layers: list[list[Entry]], left: list[str]) -> None:
    unpack(image(*layers), tmp_path, ignore=("image/layer.no-duplicate-paths",))
    assert names(rootfs(tmp_path)) == left


TYPES = {
    "file": Entry("a", b"new"),
    "folder": tars.folder("a/"),
    "symlink": tars.symlink("a", "elsewhere"),
    "fifo": Entry("a", type="6"),
    "hardlink": tars.hardlink("a", "other"),
}
TESTS = {
    "file": Path.is_file,
    "folder": Path.is_dir,
    "symlink": Path.is_symlink,
    "fifo": Path.is_fifo,
    "hardlink": Path.is_file,
}


@pytest.mark.parametrize("after", TYPES)
@pytest.mark.parametrize("before", TYPES)
def test_types_change_between_layers(tmp_path: Path, before: str, after: str) -> None:
    lower = [Entry("other", b"other"), TYPES[before]]
    if before == "folder":
        lower.append(Entry("a/inside"))
    unpack(image(lower, [TYPES[after]]), tmp_path)
    path = rootfs(tmp_path) / "a"
    assert TESTS[after](path)
    assert path.is_symlink() == (after == "symlink")
    # A folder over a folder keeps what is in it.
    assert (path / "inside").exists() == (before == after == "folder")
    assert (rootfs(tmp_path) / "other").read_bytes() == b"other"


def test_a_file_written_over_a_hard_link_leaves_the_other_name_alone(tmp_path: Path) -> None:
    unpack(image([Entry("a", b"old"), tars.hardlink("b", "a")], [Entry("b", b"new")]), tmp_path)
    assert (rootfs(tmp_path) / "a").read_bytes() == b"old"
    assert (rootfs(tmp_path) / "b").read_bytes() == b"new"


def test_a_folder_over_a_folder_gets_new_attributes(tmp_path: Path) -> None:
    layers = [tars.folder("a/", mode=0o700, pax={"SCHILY.xattr.user.x": "1"})], [tars.folder("a/", mode=0o711)]
    unpack(image(*layers), tmp_path)
    status = (rootfs(tmp_path) / "a").stat()
    assert stat.S_IMODE(status.st_mode) == 0o711
    assert "user.x" not in os.listxattr(rootfs(tmp_path) / "a")


def test_links_of_lower_layers_are_followed_inside_the_root(tmp_path: Path) -> None:
    lower = [tars.folder("usr/lib/"), tars.symlink("lib", "usr/lib"), tars.symlink("up", "/../../usr")]
    unpack(image(lower, [Entry("lib/x", b"1"), Entry("up/lib/y", b"2")]), tmp_path)
    assert (rootfs(tmp_path) / "usr/lib/x").read_bytes() == b"1"
    assert (rootfs(tmp_path) / "usr/lib/y").read_bytes() == b"2"


def test_a_link_to_nothing_becomes_a_folder_where_it_leads(tmp_path: Path) -> None:
    unpack(image([tars.symlink("var", "data/var")], [Entry("var/x", b"1")]), tmp_path)
    assert (rootfs(tmp_path) / "data/var/x").read_bytes() == b"1"


def test_the_same_image_gives_the_same_tree(tmp_path: Path) -> None:
    from tests.trees import differences

    layout = image([Entry("a/b/f", b"x", mtime=3)])
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        unpack(layout, tmp_path / name)
    assert differences(rootfs(tmp_path / "one"), rootfs(tmp_path / "two")) == []


def test_many_open_folders_are_no_trouble(tmp_path: Path) -> None:
    folders = [Entry(f"{number}/f", str(number).encode()) for number in range(200)]
    links = [tars.hardlink(f"{number}/g", f"{(number * 7 + 100) % 200}/f") for number in range(200)]
    unpack(image(folders + links), tmp_path)
    assert (rootfs(tmp_path) / "3/g").read_bytes() == b"121"


def test_three_hundred_levels(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 300)
    unpack(image([Entry(f"{deep}/f", b"x", pax={"path": f"{deep}/f"})], [tars.whiteout("d/d/d")]), tmp_path)
    assert names(rootfs(tmp_path)) == ["d", "d/d"]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_layer_that_is_not_what_the_image_says_leaves_nothing(tmp_path: Path, compression: str) -> None:
    other = tars.tar([Entry("f", b"other")])
    for layer in (
        Layer(compression=compression, diff_id=f"sha256:{'0' * 64}"),
        Layer(compression=compression, edit_descriptor=lambda found: found.update(size=found["size"] + 1)),
    ):
        with pytest.raises(Refused) as caught:
            unpack(Layout(Index((Image((layer,)),))), tmp_path)
        assert caught.value.findings
    layout = image([Entry("f", b"right")], compression=compression)
    _path, manifest = layout.manifest()
    layout.files["blobs/" + manifest["layers"][0]["digest"].replace(":", "/")] = tars.compress(other, compression)
    with pytest.raises(Refused):
        unpack(layout, tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["image"]


def test_a_digest_is_verified_whatever_is_ignored(tmp_path: Path) -> None:
    layer = Layer(diff_id=f"sha256:{'0' * 64}")
    with pytest.raises(Refused):
        unpack(Layout(Index((Image((layer,)),))), tmp_path, ignore=("image/*", "safety/*"))
    assert sorted(os.listdir(tmp_path)) == ["image"]
