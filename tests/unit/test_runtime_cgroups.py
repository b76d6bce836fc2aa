from __future__ import annotations

from pathlib import Path

import pytest

from ocivalidate.runtime.kernel import cgroups
from ocivalidate.runtime.kernel.cgroups import Layout, layout

V1 = """\
30 20 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
"""
BESIDE = "34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
COVER = "35 34 0:31 / /sys/fs/cgroup/unified rw,relatime - tmpfs none rw\n"


def read(tmp_path: Path, text: str) -> Layout:
    file = tmp_path / "mountinfo"
    file.write_text(text)
    return layout(str(file))


def test_version_1(tmp_path: Path) -> None:
    found = read(tmp_path, V1)
    assert (found.mode, found.unified) == ("v1", "")
    assert found.controllers["cpu"] == found.controllers["cpuacct"] == "/sys/fs/cgroup/cpu,cpuacct"
    assert found.hierarchies == ("/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/systemd")


def test_hybrid_and_what_covers_it(tmp_path: Path) -> None:
    found = read(tmp_path, V1 + BESIDE)
    assert (found.mode, found.unified) == ("hybrid", "/sys/fs/cgroup/unified")
    assert found.hierarchies[-1] == "/sys/fs/cgroup/unified"
    assert read(tmp_path, V1 + BESIDE + COVER).mode == "v1"


def test_none(tmp_path: Path) -> None:
    assert read(tmp_path, "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n").mode == "none"


def test_version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = tmp_path / "cgroup"
    mount.mkdir()
    (mount / "cgroup.controllers").write_text("cpu memory\n")
    monkeypatch.setattr(cgroups, "MOUNT", str(mount))
    found = read(tmp_path, f"30 20 0:26 / {mount} rw - cgroup2 cgroup2 rw,nsdelegate\n")
    assert (found.mode, dict(found.controllers)) == ("v2", {"cpu": str(mount), "memory": str(mount)})


def tree(tmp_path: Path, *groups: str) -> Layout:
    for group in groups:
        (tmp_path / group).mkdir(parents=True)
    return Layout("v1", {"pids": str(tmp_path)}, "")


def test_the_controllers_of_a_kernel(tmp_path: Path) -> None:
    table = tmp_path / "cgroups"
    table.write_text("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t3\t9\t1\nhugetlb\t0\t1\t1\nmisc\t0\t1\t0\n")
    assert cgroups.of_kernel(str(table)) == {"cpu", "hugetlb"}
    assert cgroups.of_kernel(str(tmp_path / "none")) == set()


def test_groups_are_removed_from_below(tmp_path: Path) -> None:
    where = tree(tmp_path, "ocivalidate-a/b/c", "other")
    assert list(cgroups.ours(where)) == ["/ocivalidate-a"]
    assert cgroups.remove(where, "/ocivalidate-a", timeout=0) == []
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_what_cannot_be_removed_is_told(tmp_path: Path) -> None:
    where = tree(tmp_path, "ocivalidate-a")
    (tmp_path / "ocivalidate-a" / "file").touch()
    assert cgroups.remove(where, "/ocivalidate-a", timeout=0) == [f"{tmp_path}/ocivalidate-a"]


def test_a_process_of_another_namespace_is_never_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = tree(tmp_path, "ocivalidate-a")
    (tmp_path / "ocivalidate-a" / "cgroup.procs").write_text("0\n")
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda pid, _signal: killed.append(pid))
    cgroups.remove(where, "/ocivalidate-a", timeout=0)
    assert killed == []


def test_a_file_of_a_group(tmp_path: Path) -> None:
    where = tree(tmp_path, "g")
    (tmp_path / "g" / "pids.max").write_text("7\n")
    assert cgroups.read(where, "pids", "/g", "pids.max") == "7"
    assert cgroups.read(where, "pids", "/g", "absent") is None
    assert cgroups.read(where, "cpu", "/g", "pids.max") is None


def test_the_folder_of_a_process() -> None:
    hybrid = Layout("hybrid", {"pids": "/c/pids", "cpu": "/c/cpu"}, "/c/unified")
    groups = {"pids": "/a/b", "": "/v2"}
    assert cgroups.folder_of(hybrid, groups, "pids") == "/c/pids/a/b"
    assert cgroups.folder_of(hybrid, groups, "cpu") == ""
    assert cgroups.folder_of(hybrid, groups, "") == "/c/unified/v2"
    unified = Layout("v2", {"pids": "/c"}, "/c")
    assert cgroups.folder_of(unified, groups, "pids") == cgroups.folder_of(unified, groups, "") == "/c/v2"
    assert cgroups.folder_of(Layout("v1", {"pids": "/c"}, ""), groups, "") == ""


def test_every_file_of_a_process(tmp_path: Path) -> None:
    where = Layout("v2", {"pids": str(tmp_path)}, str(tmp_path))
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "pids.max").write_text("7\n")
    (tmp_path / "g" / "empty").touch()
    assert cgroups.every_file(where, {"": "/g"}) == {f"{tmp_path}/g/pids.max": "7"}


def test_groups_below_our_own_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = tree(tmp_path, "ocivalidate-a", "service/ocivalidate-b", "other/ocivalidate-c")
    monkeypatch.setattr(cgroups, "of_process", lambda _pid: {"pids": "/service"})
    assert sorted(cgroups.ours(where)) == ["/ocivalidate-a", "/service/ocivalidate-b"]


@pytest.mark.parametrize("above_others", [True, False])
def test_a_group_for_processes_hands_on_no_controllers(tmp_path: Path, *, above_others: bool) -> None:
    where = Layout("v2", {"pids": str(tmp_path)}, str(tmp_path))
    for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b"):
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.controllers").write_text("pids\n")
    cgroups.make(where, "/a/b", above_others=above_others)
    handed_on = [(tmp_path / path / "cgroup.subtree_control").exists() for path in (".", "a", "a/b")]
    assert handed_on == [True, True, above_others]


def test_how_many_processes_may_begin(tmp_path: Path) -> None:
    for name, most, now in (("", "90", "10"), ("a", "max", "7"), ("a/b", "100", "5")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "pids.max").write_text(f"{most}\n")
        (tmp_path / name / "pids.current").write_text(f"{now}\n")
    where = cgroups.Layout("v2", {"pids": str(tmp_path)}, str(tmp_path))
    assert cgroups.processes_left(where, {"": "/a/b"}) == 80
    assert cgroups.processes_left(where, {"": "/a"}) == 80
    assert cgroups.processes_left(cgroups.Layout("none", {}, ""), {}) is None
    (tmp_path / "pids.max").unlink()
    assert cgroups.processes_left(where, {"": "/a/b"}) == 95
