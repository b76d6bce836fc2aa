"""Which kernel a guest gets, and how it is booted."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.sandbox import kernels
from ocivalidate.runtime.sandbox.booting import Boot, Init, Lines
from ocivalidate.runtime.sandbox.kernels import Kernel, candidates, find, newest
from ocivalidate.runtime.sandbox.uml import command
from ocivalidate.runtime.sandbox.wanted import parse


def a_kernel(folder: Path, name: str, version: str, *, seccomp: bool = False, smp: bool = False) -> Path:
    """A program that answers as a User-mode Linux does."""
    folder.mkdir(exist_ok=True)
    made = folder / name
    help_ = "seccomp=<on/auto/off>" if seccomp else "mem=<Amount of desired ram>"
    config = "CONFIG_SMP=y" if smp else "# CONFIG_SMP is not set"
    made.write_text(
        f'#!/bin/sh\ncase $1 in --version) echo "{version}";; --help) echo "{help_}";; *) echo "{config}";; esac\n'
    )
    made.chmod(0o755)
    return made


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder where kernels are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(kernels, "_USUAL", ())
    return tmp_path / "bin"


def test_the_newest_counts_by_numbers() -> None:
    every = [Kernel("/a", "6.9.1"), Kernel("/b", "6.10"), Kernel("/c", "6.1.176"), Kernel("/d", "6.10")]
    assert newest(every).path == "/b"


def test_the_newest_that_is_installed_is_booted(alone: Path) -> None:
    a_kernel(alone, "linux.uml", "6.1.176")
    new = a_kernel(alone, "linux.uml-7.2", "7.2.7", seccomp=True)
    a_kernel(alone, "linux", "9.9")
    assert find(parse("uml")) == Kernel(str(new), "7.2.7", seccomp=True)


def test_a_file_with_two_names_is_asked_once(tmp_path: Path) -> None:
    first = a_kernel(tmp_path / "one", "linux.uml", "6.1")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "linux.uml").symlink_to(first)
    assert candidates([str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "none")]) == [str(first)]


def test_where_none_is_installed_the_package_is_told(alone: Path) -> None:
    alone.mkdir()
    with pytest.raises(CannotJudge, match="not installed; install User-mode Linux: apt install user-mode-linux"):
        find(parse("uml"))


def test_a_kernel_that_is_named_has_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match=f"there is no kernel {tmp_path}/none"):
        find(parse(f"uml,kernel={tmp_path}/none"))
    with pytest.raises(CannotJudge, match="is no User-mode Linux that runs here"):
        find(parse(f"uml,kernel={a_kernel(tmp_path, 'other', 'hello')}"))
    named = a_kernel(tmp_path, "any", "6.1.176")
    assert find(parse(f"uml,kernel={named}")).path == str(named)


def test_processors_are_given_where_the_kernel_can_have_several(tmp_path: Path) -> None:
    one, several = a_kernel(tmp_path, "one", "6.1"), a_kernel(tmp_path, "several", "7.3", smp=True)
    assert find(parse(f"uml,cpus=1,kernel={one}")).version == "6.1"
    with pytest.raises(CannotJudge, match=r"User-mode Linux 6\.1 has one processor: leave out cpus=2"):
        find(parse(f"uml,cpus=2,kernel={one}"))
    assert find(parse(f"uml,cpus=2,kernel={several}")).version == "7.3"


def test_the_command_line_of_a_guest() -> None:
    init = Init(("/python", "-I", "/init"), {"A": "b"})
    asked = parse("uml,memory=1536M,cpus=2")
    boot = Boot(Kernel("/k", "7.2", seccomp=True), asked, init, "/f", "/f/kernel", ("/f/disk", "/f/swap"))
    line = command(boot, Lines(3, 5, 7), fast=True)
    assert line[:4] == ["/k", "mem=1536M", "ncpus=2", "seccomp=on"]
    assert {"ssl0=fd:3,fd:5", "ssl1=null,fd:7", "uml_dir=/f/kernel", "ro", "panic=-1"} <= {*line}
    assert {"ubd0=/f/disk", "ubd1=/f/swap"} <= {*line}
    assert line[-5:] == ["A=b", "init=/python", "--", "-I", "/init"]
    old = Boot(Kernel("/k", "6.1"), parse("uml"), Init(("/python",)), "/f", "/f/kernel")
    assert not any(word.startswith(("seccomp=", "ncpus=")) for word in command(old, Lines(3, 5, 7), fast=False))
