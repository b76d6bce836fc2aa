"""A runtime judged in a guest: a kernel beside this one, with control groups of version 2, and without root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.sandbox import machines
from ocivalidate.runtime.sandbox.wanted import parse

# A kernel that is not installed, for guests of QEMU.
FETCHED = os.environ.get("OCIVALIDATE_QEMU_KERNEL", "")
QEMU = f"qemu,kernel={FETCHED}" if FETCHED else "qemu"


def why_not(sandbox: str) -> str:
    """Why no such guest can be booted here; ``""`` if one can."""
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        return "guests run on Linux on x86_64"
    if shutil.which("runc") is None:
        return "runc is not installed"
    try:
        machines.find(parse(sandbox))
    except CannotJudge as problem:
        return str(problem)
    return ""


def bootable(sandbox: str) -> pytest.MarkDecorator:
    reason = why_not(sandbox)
    return pytest.mark.skipif(bool(reason), reason=reason or "a guest can be booted")


pytestmark = pytest.mark.integration


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "ocivalidate", "runtime", "--no-config", "--runtime", "runc", *words]


def left() -> set[str]:
    """Folders of sandboxes, and processes that are kernels of guests."""
    folders = {str(path) for path in Path(tempfile.gettempdir()).glob("ocivalidate-*/guest.py")}
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"ocivalidate-" in line and (b"uml_dir=" in line or b"virtserialport" in line):
            found.add(str(process))
    return folders | found


@bootable("uml")
def test_a_guest_judges_a_few_cases_and_nothing_is_left(tmp_path: Path) -> None:
    report, kept, before = tmp_path / "report.json", tmp_path / "kept", left()
    chosen = ("signals.created-container-gets-signals", "cgroups.pids-limit", "process.umask-from-caller")
    words = [*(f"--select={one}" for one in chosen), "--dump-dir", str(kept), "--output", f"json={report}"]
    done = subprocess.run(
        command("--sandbox", "uml,memory=512M", *words), capture_output=True, timeout=240, check=False
    )
    said = done.stdout.decode()
    assert (done.returncode, done.stderr.decode()) == (0, ""), said
    assert "control groups: v2: cpu io memory pids" in said
    [told] = json.loads(report.read_text())["reports"]
    host = told["facts"]["host"]
    assert (host["root"], host["cgroup_mode"], host["release"] != os.uname().release) == (True, "v2", True)
    outcomes = {one["case"]: one["outcome"] for one in told["results"]}
    assert [outcomes[case] for case in chosen[:2]] == ["pass", "pass"]
    # What did not pass in there is kept here.
    assert outcomes[chosen[2]] == "pass" or (kept / chosen[2] / "verdicts.json").is_file()
    assert left() <= before


@bootable(QEMU)
def test_the_kernel_of_a_distribution_judges_a_few_cases_and_nothing_is_left(tmp_path: Path) -> None:
    report, before = tmp_path / "report.json", left()
    chosen = ("signals.created-container-gets-signals", "cgroups.cpuset", "cgroups.cpuset-of-memory")
    words = [*(f"--select={one}" for one in chosen), "--output", f"json={report}"]
    done = subprocess.run(command("--sandbox", QEMU, *words), capture_output=True, timeout=400, check=False)
    said = done.stdout.decode()
    assert (done.returncode, done.stderr.decode()) == (0, ""), said
    [told] = json.loads(report.read_text())["reports"]
    host = told["facts"]["host"]
    assert (host["root"], host["cgroup_mode"], host["cpus"]) == (True, "v2", [0, 1])
    assert {"cpu", "cpuset", "hugetlb", "io", "memory", "pids", "rdma"} <= {*host["controllers"]}
    assert {one["outcome"] for one in told["results"]} == {"pass"}
    assert left() <= before
