"""The enclosure in which the makers of the accept corpus run other people's tools holds."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration import enclosure
from tests.integration.enclosure import ToolFailed, run, run_enclosed, why_not_enclosed

pytestmark = pytest.mark.integration


@pytest.fixture
def work(tmp_path: Path) -> Path:
    lacking = "not installed: unshare" if shutil.which("unshare") is None else why_not_enclosed()
    if lacking is not None:
        pytest.skip(lacking)
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def shell(script: str) -> list[list[str]]:
    return [["sh", "-c", script]]


def processes_with(argument: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if argument.encode() in words:
            found.append(path.parent.name)
    return found


def test_files_are_kept_in_the_work_folder_only(work: Path) -> None:
    outside = [Path("/", folder, "outside") for folder in (work.parent, "etc", "run", "dev/shm", "var/lib")]
    run_enclosed([["touch", "inside"], *(["touch", str(path)] for path in outside)], work)
    assert (work / "inside").exists()
    assert [path for path in outside if path.exists()] == []


def test_mounts_end_with_it(work: Path) -> None:
    (work / "point").mkdir()
    said = run_enclosed([["mount", "-n", "-t", "tmpfs", "tmpfs", "point"], ["mountpoint", "point"]], work)
    assert "point is a mountpoint" in said
    assert str(work) not in Path("/proc/self/mounts").read_text()


def test_control_groups_are_read_only_in_it(work: Path) -> None:
    mounts = [line.split() for line in run_enclosed([["cat", "/proc/self/mounts"]], work).splitlines()]
    groups = {mount[1]: mount[3].split(",")[0] for mount in mounts if mount[2] in ("cgroup", "cgroup2")}
    if not groups:
        pytest.skip("no control groups are mounted")
    assert set(groups.values()) == {"ro"}


def test_the_host_keeps_its_mounts_as_they_were(work: Path) -> None:
    before = Path("/proc/self/mounts").read_text()
    run_enclosed([["true"]], work)
    assert Path("/proc/self/mounts").read_text() == before


def test_what_still_runs_ends_with_it(work: Path) -> None:
    seconds = "86399.125"
    said = run_enclosed(shell(f"setsid sleep {seconds} > /dev/null 2>&1 & echo started"), work)
    assert said == "started\n"
    assert processes_with(seconds) == []


def test_it_ends_at_its_timeout(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = "86399.375"
    monkeypatch.setattr(enclosure, "TOOL_TIMEOUT", 0.5)
    with pytest.raises(subprocess.TimeoutExpired):
        run_enclosed([["sleep", seconds]], work)
    deadline = time.monotonic() + 5
    while processes_with(seconds) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes_with(seconds) == []


def test_any_user_may_reach_the_work_folder(work: Path) -> None:
    work.parent.chmod(0o700)
    if shutil.which("setpriv") is None:
        pytest.skip("not installed: setpriv")
    said = run_enclosed([["setpriv", "--reuid", "65534", "--clear-groups", "ls", "-d", str(work)]], work)
    assert said == f"{work}\n"


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match=r"sh -c .*: broken"):
        run(["sh", "-c", "echo broken >&2; exit 3"], tmp_path)
