"""Which kernel of a distribution QEMU boots, with which modules, and what is told where one is missing."""

from __future__ import annotations

import gzip
import lzma
import struct
from pathlib import Path

import pytest
import zstandard

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.sandbox import images, modules
from ocivalidate.runtime.sandbox.images import find, inflated, version_of
from ocivalidate.runtime.sandbox.wanted import parse

VERSION = "6.1.0-56-amd64"
SEES = {"virtio_pci": "virtio", "virtio_console": "virtio", "9pnet_virtio": "9pnet,virtio", "9p": "9pnet"}


def an_image(payload: bytes = b"", version: str = VERSION) -> bytes:
    """A kernel as distributions have it: a head, and a payload that is to be inflated."""
    head = bytearray(1024)
    head[0x1F1] = 1
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x20E, 0x300 - 0x200)
    told = f"{version} (somebody@somewhere) #1 SMP\0".encode()
    head[0x300 : 0x300 + len(told)] = told
    struct.pack_into("<II", head, 0x248, 0, len(payload))
    return bytes(head) + payload


def a_module(path: Path, needs: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF\0license=GPL\0depends=%s\0name=x\0" % needs.encode())


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A host with QEMU and busybox, and without a kernel."""
    (tmp_path / "bin").mkdir()
    for name in (images.PROGRAM, images.SHELL):
        program = tmp_path / "bin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    (tmp_path / "boot").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(images, "BOOT", str(tmp_path / "boot"))
    monkeypatch.setattr(images, "MODULES", (str(tmp_path / "modules"),))
    return tmp_path


def a_kernel(host: Path, version: str = VERSION, *, without: str = "") -> Path:
    path = host / "boot" / f"vmlinuz-{version}"
    path.write_bytes(an_image(version=version))
    for name, needs in {"virtio": "", "9pnet": "", **SEES}.items():
        if name != without:
            a_module(host / "modules" / version / "kernel" / "a" / f"{name}.ko", needs)
    return path


def test_the_newest_that_has_what_it_takes(host: Path) -> None:
    a_kernel(host, "6.1.0-9-amd64")
    new = a_kernel(host, "6.1.0-56-amd64")
    a_kernel(host, "6.12.1-cloud-amd64", without="9p")
    (host / "boot" / "vmlinuz-old").write_bytes(b"no kernel")
    found = find(parse("qemu"))
    assert (found.path, found.version) == (str(new), "6.1.0-56-amd64")
    assert (found.modules, found.program) == (str(host / "modules" / found.version), str(host / "bin" / images.PROGRAM))


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (images.PROGRAM, "needs QEMU .*not installed: apt install qemu-system-x86"),
        (images.SHELL, "needs busybox, which is not installed: apt install busybox-static"),
    ],
)
def test_a_program_that_is_not_installed(host: Path, missing: str, said: str) -> None:
    (host / "bin" / missing).unlink()
    with pytest.raises(CannotJudge, match=said):
        find(parse("qemu"))


@pytest.mark.usefixtures("host")
def test_a_host_without_a_kernel() -> None:
    with pytest.raises(CannotJudge, match=r"there is none in .*boot: apt install linux-image-amd64"):
        find(parse("qemu"))


def test_a_kernel_that_cannot_see_the_hosts_files(host: Path) -> None:
    path = a_kernel(host, "6.1.0-56-cloud-amd64", without="9pnet_virtio")
    with pytest.raises(CannotJudge, match=f"{path} lacks 9pnet_virtio, .*: apt install linux-image-amd64"):
        find(parse("qemu"))


def test_what_is_part_of_a_kernel_is_no_module(host: Path) -> None:
    a_kernel(host, without="virtio_pci")
    (host / "modules" / VERSION / "modules.builtin").write_text("kernel/drivers/virtio/virtio-pci.ko\n")
    assert find(parse("qemu")).version == VERSION


def test_a_kernel_that_is_named(host: Path) -> None:
    with pytest.raises(CannotJudge, match=f"there is no kernel {host}/none"):
        find(parse(f"qemu,kernel={host}/none"))
    (host / "other").write_bytes(b"#!/bin/sh\n")
    with pytest.raises(CannotJudge, match="other is no Linux for x86_64"):
        find(parse(f"qemu,kernel={host}/other"))
    alone = host / "alone"
    alone.write_bytes(an_image())
    with pytest.raises(CannotJudge, match=r"modules of the kernel .*alone \(6\.1\.0-56-amd64\) are not there"):
        find(parse(f"qemu,kernel={alone}"))


@pytest.mark.parametrize("library", ["lib/modules", "usr/lib/modules"])
def test_a_package_that_was_unpacked(host: Path, library: str) -> None:
    image = host / "unpacked" / "boot" / "vmlinuz"
    image.parent.mkdir(parents=True)
    image.write_bytes(an_image())
    for name, needs in {"virtio": "", "9pnet": "", **SEES}.items():
        a_module(host / "unpacked" / library / VERSION / "kernel" / f"{name}.ko", needs)
    assert find(parse(f"qemu,kernel={image}")).modules == str(host / "unpacked" / library / VERSION)


def test_a_kernel_that_cannot_be_read(host: Path) -> None:
    (host / "boot" / f"vmlinuz-{VERSION}").mkdir()
    with pytest.raises(CannotJudge, match=r"cannot be read \(Is a directory\); give a copy"):
        find(parse("qemu"))


@pytest.mark.parametrize(
    "deflate", [gzip.compress, lzma.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "xz", "zstd"]
)
def test_a_kernel_is_inflated_before_it_is_emulated(deflate: object) -> None:
    assert callable(deflate)
    program = b"\x7fELF" + b"kernel" * 5000
    # Behind the payload is its size.
    assert inflated(an_image(deflate(program) + b"\0\1\0\0")) == program


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x02\x21\x4c\x18lz4", lzma.compress(b"\x7fELF" * 99)[:40], gzip.compress(b"no program", mtime=0)],
    ids=["nothing", "lz4", "cut", "no-program"],
)
def test_a_kernel_that_we_cannot_inflate_does_it_itself(payload: bytes) -> None:
    assert inflated(an_image(payload)) == an_image(payload)


@pytest.mark.parametrize(
    "head", [b"", b"MZ" * 20, an_image()[:0x250], an_image(version="")], ids=["nothing", "other", "cut", "unnamed"]
)
def test_what_is_no_kernel_has_no_version(head: bytes) -> None:
    assert not version_of(head)


def test_modules_come_after_those_that_they_need(tmp_path: Path) -> None:
    for name, needs in {"virtio": "virtio-ring", "virtio-ring": "", **SEES, "9pnet": "virtio"}.items():
        a_module(tmp_path / "kernel" / "deep" / f"{name}.ko", needs)
    names = [name for name, _ in modules.found(str(tmp_path)).to_load(["9p", "virtio_pci", "none", "9pnet_virtio"])]
    assert names == ["virtio_ring", "virtio", "9pnet", "9p", "virtio_pci", "9pnet_virtio"]


def test_modules_that_need_each_other_end(tmp_path: Path) -> None:
    a_module(tmp_path / "kernel" / "a.ko", "b")
    a_module(tmp_path / "kernel" / "b.ko", "a")
    assert [name for name, _ in modules.found(str(tmp_path)).to_load(["a"])] == ["b", "a"]


@pytest.mark.parametrize(
    ("ending", "deflate"),
    [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress), (".zst", zstandard.ZstdCompressor().compress)],
    ids=["plain", "gzip", "xz", "zstd"],
)
def test_modules_are_inflated(tmp_path: Path, ending: str, deflate: object) -> None:
    assert callable(deflate)
    path = tmp_path / "kernel" / f"some-thing.ko{ending}"
    path.parent.mkdir()
    path.write_bytes(deflate(b"\0depends=\0" + b"x" * 100))
    found = modules.found(str(tmp_path))
    assert [*found.to_load(["some_thing"])] == [("some_thing", b"\0depends=\0" + b"x" * 100)]
    path.write_bytes(b"broken")
    if ending:
        with pytest.raises(OSError, match=r"some-thing.* cannot be inflated"):
            [*found.to_load(["some_thing"])]
