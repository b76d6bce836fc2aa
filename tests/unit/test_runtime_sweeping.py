"""What ended runs left is removed, and nothing else: folders and control groups, here as plain folders."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.runtime.kernel import cgroups, claims, owners
from ocivalidate.runtime.kernel.cgroups import PREFIX, Layout
from ocivalidate.runtime.kernel.owners import Owner
from ocivalidate.runtime.running import sweeping, workspace
from ocivalidate.runtime.running.sweeping import sweep
from ocivalidate.runtime.running.workspace import MARK, Workspace

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runs are on Linux")

# A run: it makes its folder and its group, says its token, and lives until it is killed.
RUN = """
import sys, time
from pathlib import Path
from ocivalidate.runtime.kernel import claims, owners
from ocivalidate.runtime.kernel.cgroups import Layout
from ocivalidate.runtime.running import workspace
workspace.base_folder = lambda: Path(sys.argv[1])
made = workspace.make(owners.Owner.this_process())
if sys.argv[2]:
    claim = claims.make_group(Layout("v1", {"pids": sys.argv[2]}, ""), f"/ocivalidate-{made.token}")
(made.folder / "cases" / "one").mkdir(parents=True)
print(made.token, flush=True)
sys.stdin.read()
"""


class Host:
    """A folder for runs, and a hierarchy of control groups."""

    def __init__(self, folder: Path) -> None:
        self.base, self.groups = folder / "tmp", folder / "groups"
        self.base.mkdir()
        self.groups.mkdir()
        self.layout = Layout("v1", {"pids": str(self.groups)}, "")
        self._runs: list[subprocess.Popen[bytes]] = []

    def run(self, base: Path | None = None, *, grouped: bool = True) -> tuple[str, subprocess.Popen[bytes]]:
        """A run that lives, and its token."""
        words = [sys.executable, "-c", RUN, str(base or self.base), str(self.groups) if grouped else ""]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        self._runs.append(process)
        assert process.stdout is not None
        return process.stdout.readline().decode().strip(), process

    def killed(self, base: Path | None = None, *, grouped: bool = True) -> str:
        """The token of a run that was killed."""
        token, process = self.run(base, grouped=grouped)
        process.send_signal(signal.SIGKILL)
        process.wait()
        return token

    def folder(self, token: str) -> Path:
        return self.base / f"{PREFIX}{token}"

    def group(self, token: str, suffix: str = "") -> Path:
        return self.groups / f"{PREFIX}{token}{suffix}"

    def end(self) -> None:
        for process in self._runs:
            process.kill()
            process.communicate()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(tmp_path)
    monkeypatch.setattr(workspace, "base_folder", lambda: made.base)
    monkeypatch.setattr(cgroups, "of_process", lambda _pid: {"pids": "/"})
    yield made
    made.end()


@pytest.fixture
def here() -> Owner:
    return Owner.this_process()


def test_a_run_that_lives_is_left_alone_and_one_that_was_killed_goes(host: Host) -> None:
    living, _process = host.run()
    ended = host.killed()
    for token in (living, ended):
        host.group(token, "-case-1").mkdir()
    swept = sweep(host.layout)
    assert host.folder(living).is_dir()
    assert host.group(living).is_dir()
    assert host.group(living, "-case-1").is_dir()
    assert not host.folder(ended).exists()
    assert sorted(swept.found) == [
        str(host.folder(ended)),
        f"control group /{PREFIX}{ended}",
        f"control group /{PREFIX}{ended}-case-1",
    ]
    assert swept.left == ()
    assert os.listdir(host.groups).count(f"{PREFIX}{ended}") == 0


def test_a_run_whose_folder_cannot_be_seen(host: Host, tmp_path: Path) -> None:
    """Its control group says whether it lives, and has its groups elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    token, process = host.run(elsewhere)
    host.group(token, "-case-1").mkdir()
    assert sweep(host.layout).found == ()
    process.kill()
    process.wait()
    assert len(sweep(host.layout).found) == 2
    assert os.listdir(host.groups) == []
    assert (elsewhere / f"{PREFIX}{token}").is_dir()


def test_a_run_of_another_process_namespace(host: Host, tmp_path: Path, here: Owner) -> None:
    """Its pid says nothing here; the lock of its group does, and without that nothing is known."""
    token = replace(here, pid=4_000_000, pid_namespace="pid:[1]").token()
    host.group(token, "-case-1").mkdir()
    assert sweep(host.layout).found == ()
    claim = claims.make_group(host.layout, f"/{PREFIX}{token}")
    assert sweep(host.layout).found == ()
    claim.close()
    assert len(sweep(host.layout).found) == 2
    assert tmp_path.is_dir()


def test_groups_that_a_runtime_made_elsewhere_go_with_their_owner(host: Host, here: Owner) -> None:
    living, dead = here.token(), replace(here, pid=4_000_000).token()
    for token in (living, dead):
        host.group(token, "-case-1").mkdir()
    assert sweep(host.layout).found == (f"control group /{PREFIX}{dead}-case-1",)
    assert host.group(living, "-case-1").is_dir()


def marked(host: Host, owner: Owner, **change: object) -> Path:
    """A folder as a run makes it, of an owner that does not hold it."""
    token = owner.token()
    folder = host.folder(token)
    folder.mkdir()
    mark = {"token": token, **owner.facts(), **change}
    (folder / MARK).write_text(json.dumps(mark), encoding="utf-8")
    (folder / "precious").write_text("work", encoding="utf-8")
    return folder


def test_a_run_of_another_kernel_on_a_folder_that_is_shared(host: Host, here: Owner) -> None:
    """Its lock is not seen here, and its pid is another process."""
    theirs = marked(host, replace(here, boot="another", pid=4_000_000))
    mine = marked(host, replace(here, pid=4_000_000))
    assert sweep(host.layout).found == (str(mine),)
    assert (theirs / "precious").is_file()


@pytest.mark.parametrize("change", [{"token": "0" * 16}, {"boot": "another"}, {"boot": ""}, {"token": None}])
def test_a_mark_that_says_something_else(change: dict[str, object], host: Host, here: Owner) -> None:
    folder = marked(host, replace(here, pid=4_000_000), **change)
    assert sweep(host.layout).found == ()
    assert (folder / "precious").is_file()


@pytest.mark.parametrize("text", ["", "{", "[]", "1" * 5000, "[" * 4000, "\0" * 50])
def test_a_mark_that_is_none(text: str, host: Host, here: Owner) -> None:
    folder = marked(host, replace(here, pid=4_000_000))
    (folder / MARK).write_text(text, encoding="utf-8")
    assert sweep(host.layout).found == ()
    assert (folder / "precious").is_file()


def test_a_mark_that_is_no_file(host: Host, here: Owner, tmp_path: Path) -> None:
    folders = [marked(host, replace(here, pid=4_000_000)) for _ in range(3)]
    for folder in folders:
        (folder / MARK).rename(tmp_path / folder.name)
    os.mkfifo(folders[0] / MARK)
    (folders[1] / MARK).symlink_to(tmp_path / folders[1].name)
    (folders[2] / MARK).mkdir()
    assert sweep(host.layout).found == ()
    assert all((folder / "precious").is_file() for folder in folders)


def test_a_lock_of_somebody_else(host: Host, here: Owner) -> None:
    folder = marked(host, replace(here, pid=4_000_000))
    with (folder / MARK).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert sweep(host.layout).found == ()
    assert sweep(host.layout).found == (str(folder),)


@pytest.mark.parametrize("name", ["ocivalidate-notes", "ocivalidate-0.1.0", "ocivalidate-ca90d5", "ocivalidate"])
def test_what_is_only_called_like_ours(name: str, host: Host) -> None:
    """An unpacked archive, somebody's notes, and what versions before made."""
    folder = host.base / name
    folder.mkdir()
    for file in (MARK, "file"):
        (folder / file).touch()
    (host.groups / name).mkdir()
    assert sweep(host.layout).found == ()
    assert (folder / "file").exists()
    assert (host.groups / name).is_dir()


def test_copies_and_links_of_a_folder(host: Host, tmp_path: Path, here: Owner) -> None:
    folder = marked(host, replace(here, pid=4_000_000))
    copy = host.base / f"{folder.name}-kept"
    shutil.copytree(folder, copy)
    aim = tmp_path / "aim"
    folder.rename(aim)
    folder.symlink_to(aim)
    assert sweep(host.layout).found == ()
    assert (aim / "precious").is_file()
    assert (copy / "precious").is_file()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives folders away")
def test_what_belongs_to_another_user(host: Host, here: Owner) -> None:
    folder = marked(host, replace(here, pid=4_000_000))
    group = host.group(replace(here, pid=4_000_000).token(), "-case-1")
    group.mkdir()
    for path in (folder, group):
        os.chown(path, 65534, 65534)
    assert sweep(host.layout).found == ()
    assert (folder / "precious").is_file()
    assert group.is_dir()


def test_what_was_begun_and_not_finished(host: Host, here: Owner) -> None:
    living, dead = here.token(), replace(here, pid=4_000_000).token()
    for token in (living, dead):
        begun = host.base / f".{PREFIX}{token}"
        begun.mkdir()
        (begun / MARK).touch()
    full = host.base / f".{PREFIX}{replace(here, pid=4_000_001).token()}"
    full.mkdir()
    (full / "precious").touch()
    empty = host.folder(replace(here, pid=4_000_002).token())
    empty.mkdir()
    sweep(host.layout)
    assert sorted(os.listdir(host.base)) == sorted([f".{PREFIX}{living}", full.name])


def test_a_folder_is_there_with_its_mark_and_its_lock_or_not_at_all(host: Host, here: Owner) -> None:
    made = workspace.make(here)
    said = json.loads((made.folder / MARK).read_text(encoding="utf-8"))
    assert said == {"token": made.token, **here.facts()}
    assert set(said) == {"token", "boot", "pid", "began", "pid_namespace", "time_namespace", "mount_namespace"}
    assert owners.token_of(made.prefix, PREFIX) == made.token
    assert os.listdir(host.base) == [made.folder.name]
    assert sweep(host.layout).found == ()
    assert made.remove() == []
    assert os.listdir(host.base) == []


def test_a_name_that_is_taken_is_not_used(host: Host, here: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = here.token(), here.token()
    (host.folder(first) / "precious").mkdir(parents=True)
    tokens = iter([first, second])
    monkeypatch.setattr(Owner, "token", lambda _self: next(tokens))
    made = workspace.make(here)
    assert made.token == second
    assert (host.folder(first) / "precious").is_dir()
    assert made.remove() == []


def test_a_folder_of_somebody_else_in_the_place_of_ours_is_not_removed(host: Host, here: Owner) -> None:
    made = workspace.make(here)
    assert made.missing() == ""
    made.folder.rename(host.base / "moved")
    assert made.missing().startswith("somebody else removed the folder of this run: ")
    made.folder.mkdir()
    (made.folder / "precious").touch()
    assert made.missing()
    assert made.remove() == []
    assert (made.folder / "precious").exists()


def test_nothing_is_removed_below_a_mount(host: Host, here: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = marked(host, replace(here, pid=4_000_000))
    monkeypatch.setattr(workspace, "_has_mounts", lambda place: place == folder)
    swept = sweep(host.layout)
    assert swept.left == (str(folder),)
    assert (folder / "precious").is_file()


def test_a_group_that_is_removed_before_it_is_claimed_is_made_again(
    host: Host, here: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, rounds = cgroups.make, iter(range(9))

    def make_and_lose(where: Layout, group: str) -> None:
        make(where, group)
        if next(rounds) == 0:
            (host.groups / group.lstrip("/")).rmdir()

    monkeypatch.setattr(cgroups, "make", make_and_lose)
    group = f"/{PREFIX}{here.token()}"
    claim = claims.make_group(host.layout, group)
    assert [*claim.folders] == [f"{host.groups}{group}"]
    assert claim.missing() == ""
    claim.close()


CROWD = """
import sys
from pathlib import Path
from ocivalidate.runtime.kernel import cgroups, claims, owners
from ocivalidate.runtime.kernel.cgroups import Layout
from ocivalidate.runtime.running import sweeping, workspace
workspace.base_folder = lambda: Path(sys.argv[1])
layout = Layout("v1", {"pids": sys.argv[2]}, "")
cgroups.of_process = lambda _pid: {"pids": "/"}
for _ in range(30):
    swept = sweeping.sweep(layout)
    assert not swept.found, swept
    made = workspace.make(owners.Owner.this_process())
    claim = claims.make_group(layout, f"/ocivalidate-{made.token}")
    (made.folder / "cases").mkdir()
    sweeping.sweep(layout)
    assert not made.missing(), made.missing()
    assert not claim.missing(), claim.missing()
    assert (made.folder / "cases").is_dir()
    assert cgroups.remove(layout, claim.group) == []
    assert made.remove() == []
    claim.close()
"""


def test_runs_that_begin_and_end_at_once_never_meet(host: Host) -> None:
    words = [sys.executable, "-c", CROWD, str(host.base), str(host.groups)]
    crowd = [subprocess.Popen(words, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE) for _ in range(5)]
    said = [process.communicate(timeout=120)[1].decode() for process in crowd]
    assert said == [""] * 5
    assert os.listdir(host.base) == os.listdir(host.groups) == []


def test_two_that_sweep_remove_a_thing_once(host: Host) -> None:
    ended = [host.killed() for _ in range(3)]
    code = (
        "import sys; from pathlib import Path\n"
        "from ocivalidate.runtime.kernel import cgroups\n"
        "from ocivalidate.runtime.running import sweeping, workspace\n"
        "workspace.base_folder = lambda: Path(sys.argv[1])\n"
        "cgroups.of_process = lambda _pid: {'pids': '/'}\n"
        "print(sweeping.sweep(cgroups.Layout('v1', {'pids': sys.argv[2]}, '')).left)\n"
    )
    words = [sys.executable, "-c", code, str(host.base), str(host.groups)]
    both = [subprocess.Popen(words, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate(timeout=60)[0] for process in both] == [b"()\n"] * 3
    assert [token for token in ended if host.folder(token).exists() or host.group(token).exists()] == []


def test_what_was_killed_just_now_is_waited_for(host: Host) -> None:
    token, process = host.run(grouped=False)
    process.kill()
    sweeping.sweep_after(f"{PREFIX}{token}", host.layout)
    assert not host.folder(token).exists()


@pytest.mark.usefixtures("host")
def test_workspaces_are_told_from_each_other(here: Owner) -> None:
    made: list[Workspace] = [workspace.make(here) for _ in range(3)]
    assert len({one.token for one in made}) == 3
    assert [one.remove() for one in made] == [[], [], []]


def test_processes_that_a_runtime_put_into_a_group_are_not_killed(
    host: Host, here: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that holds one stays, and that is said; what has its root on the file system of the run is killed."""
    token = replace(here, pid=4_000_000).token()
    group = host.group(token, "-case-1")
    group.mkdir()
    sleepers = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2)]
    foreign, own = sleepers
    (group / "cgroup.procs").write_text(f"{foreign.pid}\n{own.pid}\n", encoding="ascii")
    monkeypatch.setattr(sweeping, "root_source", {foreign.pid: "/dev/vda1", own.pid: f"{PREFIX}{token}"}.__getitem__)
    monkeypatch.setattr(sweeping, "_PATIENCE", 0.2)
    swept = sweep(host.layout)
    assert own.wait(timeout=20) == -signal.SIGKILL
    assert foreign.poll() is None
    assert swept.left == (f"control group {group}",)
    for sleeper in sleepers:
        sleeper.communicate(b"\n")


def test_where_the_root_of_a_process_is() -> None:
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounted = [line.split() for line in file]
    # In a chroot whose root is no mount point, nothing is mounted there.
    at_root = [line[line.index("-") + 2] for line in mounted if line[4] == "/"] or [""]
    assert sweeping.root_source(os.getpid()) == at_root[-1]
    with pytest.raises(OSError, match="4000000"):
        sweeping.root_source(4_000_000)
