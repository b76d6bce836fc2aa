"""How QEMU is started, and the first files that its guest gets."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ocivalidate.runtime.sandbox import disks, kvm, qemu
from ocivalidate.runtime.sandbox.booting import Boot, Init, Lines
from ocivalidate.runtime.sandbox.initrd import Entry, First, archive, cpio, script
from ocivalidate.runtime.sandbox.kernels import Kernel
from ocivalidate.runtime.sandbox.wanted import parse

INIT = Init(("/py thon", "-I", "/init.py"), {"LD_LIBRARY_PATH": "/a'b"})
FIRST = First(b"shell", {"/lib/libc.so": b"library"}, [("virtio", b"1"), ("9p", b"22")], INIT.words, INIT.variables)


def a_boot(settings: str = "") -> Boot:
    kernel = Kernel("/boot/vmlinuz", "6.1", modules="/lib/modules/6.1", program="/usr/bin/qemu")
    return Boot(kernel, parse(f"qemu{settings}"), INIT, "/f", "/f/kernel", ("/f/a,b", "/f/swap"))


def line(settings: str = "", *, fast: bool = False) -> str:
    return " ".join(qemu.command(a_boot(settings), Lines(3, 3, 5), fast=fast))


def test_the_command_line_of_a_guest() -> None:
    said = line()
    assert said.startswith("/usr/bin/qemu ")
    assert "-machine pc,accel=tcg " in said
    assert "-m 1024M -smp 2 " in said
    assert "panic=-1" in said
    # Nobody outside is changed, and none but the guest is heard.
    assert "readonly=on" in said
    assert " -net" not in said
    assert "-monitor" not in said
    # The lines have the numbers by which the guest opens them.
    assert said.index("virtio-serial-pci") < said.index("virtio-9p-pci")
    assert "socket,id=line1,fd=3 -device virtserialport,chardev=line1,nr=1" in said
    assert "socket,id=line2,fd=5 -device virtserialport,chardev=line2,nr=2" in said
    assert "file=/f/a,,b,if=none" in said


def test_what_is_asked_for_is_given() -> None:
    said = line(",memory=1536M,cpus=3", fast=True)
    assert "-m 1536M -smp 3 " in said
    assert "accel=kvm" in said


def test_the_first_program_loads_modules_and_goes_to_the_hosts_files() -> None:
    said = script(FIRST).splitlines()
    assert said[0] == "#!/bin/busybox sh"
    steps = [
        next(number for number, one in enumerate(said) if word in one)
        for word in ("virtio.ko", "9p.ko", "mount -t 9p", "switch_root")
    ]
    assert steps == sorted(steps)
    assert said[-1] == "exec /bin/busybox switch_root /host '/py thon' -I /init.py"
    assert """export LD_LIBRARY_PATH='/a'"'"'b'""" in said


@pytest.mark.skipif(shutil.which("cpio") is None and shutil.which("bsdtar") is None, reason="no program reads archives")
def test_an_archive_is_one(tmp_path: Path) -> None:
    made = archive(FIRST)
    words = ["bsdtar", "-xf", "-"] if shutil.which("bsdtar") else ["cpio", "-id", "--quiet"]
    words += ["--exclude", "dev/console"] if words[0] == "bsdtar" else ["[!d]*"]
    subprocess.run(words, cwd=tmp_path, input=made, check=True, capture_output=True)
    assert (tmp_path / "modules" / "9p.ko").read_bytes() == b"22"
    assert (tmp_path / "lib" / "libc.so").read_bytes() == b"library"
    assert (tmp_path / "bin" / "busybox").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "init").read_text() == script(FIRST)
    assert (tmp_path / "host").is_dir()


def test_the_numbers_of_a_device_are_in_its_entry() -> None:
    head = cpio([Entry("/dev/console", stat.S_IFCHR | 0o600, numbers=(5, 1))])
    fields = [int(head[6 + 8 * at : 14 + 8 * at], 16) for at in range(13)]
    assert (fields[1], fields[9], fields[10], fields[11]) == (stat.S_IFCHR | 0o600, 5, 1, len("dev/console") + 1)
    assert len(head) % 4 == 0
    assert head.rstrip(b"\0").endswith(b"TRAILER!!!")


def test_disks_take_no_room(tmp_path: Path) -> None:
    made = [Path(path) for path in disks.make(tmp_path)]
    assert [path.stat().st_size for path in made] == [disks.SIZE] * 2
    assert sum(path.stat().st_blocks for path in made) * 512 <= 64 * 1024


def test_a_place_to_swap_to_is_as_mkswap_makes_it(tmp_path: Path) -> None:
    if shutil.which("mkswap") is None:
        pytest.skip("mkswap is not installed")
    path = tmp_path / "swap"
    with open(path, "wb") as file:
        file.truncate(disks.SIZE)
    subprocess.run(["mkswap", path], check=True, capture_output=True)
    made, ours = path.read_bytes()[:4096], disks.swap_header(disks.SIZE)
    # Behind these it has a UUID.
    assert (ours[:1036], ours[-10:]) == (made[:1036], made[-10:])


def test_a_host_whose_processor_does_not_serve_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device, program = tmp_path / "kvm", tmp_path / "qemu"
    monkeypatch.setattr(kvm, "_DEVICE", str(device))
    program.write_text(f"#!/bin/sh\nexit {kvm._CODE}\n")
    program.chmod(0o755)
    assert not kvm.works(str(program))
    device.touch()
    assert kvm.works(str(program))
    # One that fails as it starts, and one that hangs.
    program.write_text("#!/bin/sh\nkill -ABRT $$\n")
    assert not kvm.works(str(program))
    monkeypatch.setattr(kvm, "_PATIENCE", 0.2)
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    assert not kvm.works(str(program))
    assert not kvm.works(str(tmp_path / "none"))


@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="QEMU is not installed")
def test_the_few_instructions_end_a_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    # As no processor may be had here, they are emulated.
    run = subprocess.run

    def emulated(words: list[str], **how: object) -> subprocess.CompletedProcess[bytes]:
        words = ["pc,accel=tcg" if word == "pc,accel=kvm" else word for word in words]
        how["timeout"] = 30.0
        return run(words, **how)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(kvm, "_DEVICE", os.devnull)
    monkeypatch.setattr(subprocess, "run", emulated)
    assert kvm.works("qemu-system-x86_64")
