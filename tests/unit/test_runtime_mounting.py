"""What cases on mounts rest on: the program that shows its user, reading mountinfo, finding what is refused."""

from __future__ import annotations

import os
import platform
import struct
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ocivalidate.runtime.case_helpers import mounting
from ocivalidate.runtime.inside import probe


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "riscv64"])
def test_the_program_is_one_segment_that_begins_at_its_entry(machine: str) -> None:
    program = mounting.euid_program(machine)
    entry, offset = struct.unpack_from("<QQ", program, 24)
    size, memory = struct.unpack_from("<QQ", program, offset + 32)
    assert program[:4] == b"\x7fELF"
    assert entry == 0x400000 + 64 + 56
    assert size == memory == len(program)


def test_a_machine_that_is_not_known_has_no_program() -> None:
    assert mounting.euid_program("pdp11") == b""


@pytest.mark.skipif(platform.machine() not in mounting._CODE, reason="no program for this machine")
def test_the_program_exits_with_its_effective_user(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(mounting.euid_program(platform.machine()))
    program.chmod(0o755)
    assert subprocess.run([program], check=False).returncode == os.geteuid() & 0xFF


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        (["shared:3"], "shared"),
        (["shared:3", "master:1"], "shared"),
        (["master:1"], "slave"),
        (["master:1", "propagate_from:2"], "slave"),
        (["unbindable"], "unbindable"),
        ([], "private"),
    ],
)
def test_propagation_is_read_from_the_optional_fields(fields: list[str], word: str) -> None:
    assert mounting.propagation({"propagation": fields}) == word


def test_the_mount_on_top_is_the_last_at_a_point() -> None:
    mounts = [{"point": "/a", "id": 1}, {"point": "/b", "id": 2}, {"point": "/a", "id": 3}]
    assert mounting.at(mounts, "/a")["id"] == 3
    assert mounting.at(mounts, "/c") == {}


class _Container:
    def __init__(self, bundle: Path, *, ok: bool) -> None:
        self.bundle = bundle
        self._ok = ok

    def create(self) -> Any:
        return SimpleNamespace(ok=self._ok, last_error_line="no")

    def clean_up(self) -> None:
        return

    def must_create(self) -> _Container:
        assert self._ok
        return self


class _Trial:
    """Refuses every config with a mount whose source is ``bad``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tried: list[list[str]] = []

    def container(self, config: dict[str, Any]) -> _Container:
        self.tried.append([mount["destination"] for mount in config["mounts"]])
        bundle = self.folder / str(len(self.tried))
        (bundle / "rootfs").mkdir(parents=True)
        return _Container(bundle, ok=all(mount["source"] != "bad" for mount in config["mounts"]))

    def control(self, config: dict[str, Any]) -> None:
        """What is refused without any of the mounts is no matter of theirs."""
        assert config["mounts"] == []


def test_what_is_refused_is_found_and_left_out(tmp_path: Path) -> None:
    trial = _Trial(tmp_path)
    mounts = {
        str(number): [{"destination": f"/m/{number}", "source": "bad" if number in (3, 6) else "good"}]
        for number in range(16)
    }
    done = mounting.create_with(trial, {"mounts": []}, mounts)  # type: ignore[arg-type]  # as much of a trial as it takes
    assert done.refused == {"3": "no", "6": "no"}
    assert trial.tried[-1] == [f"/m/{number}" for number in range(16) if number not in (3, 6)]
    assert len(trial.tried) < 18
    assert sorted(os.listdir(done.container.bundle / "rootfs" / "m")) == sorted(
        str(number) for number in range(16) if number not in (3, 6)
    )


def test_nothing_is_tried_twice_when_nothing_is_refused(tmp_path: Path) -> None:
    trial = _Trial(tmp_path)
    mounts = {"a": [{"destination": "/a", "source": "good"}], "b": [{"destination": "/b", "source": "good"}]}
    assert mounting.create_with(trial, {"mounts": []}, mounts).refused == {}  # type: ignore[arg-type]  # see above
    assert trial.tried == [["/a", "/b"]]


def test_access_times_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    # Of a look that does not look, and of one that counts whatever it is.
    assert probe._access_times(str(file), lambda _path: None) == "never"
    assert probe._access_times(str(file), lambda path: os.utime(path, (1, 1))) == "always"


@pytest.mark.skipif(os.geteuid() != 0, reason="devices are made by root")
def test_what_is_laid_out_shows_its_effects(tmp_path: Path) -> None:
    probe.lay_out(str(tmp_path), mounting.euid_program(platform.machine()).hex())
    tmp_path.chmod(0o755)
    seen = probe.effects(str(tmp_path))
    assert seen["write"] is True
    assert seen["follow"] is True
    (tmp_path / "link").unlink()
    assert probe.effects(str(tmp_path))["follow"] == "ENOENT"
