"""Root filesystems and calls of the runtime that are valid, and that few have: what they hold is nobody's business.

A config says by numbers who the process is, and no sentence of the specification speaks of files in the root
filesystem that a runtime may want: one that reads some for its own purposes must do without them.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ocivalidate.runtime import CaseContext, Container, case, mounting, steps

RUNS = "runtime.lifecycle.run-program"
CREATES = "runtime.create.creates"
UID = 1234
# What the mount has that is the root filesystem.
KEPT = ("noatime", "nodev", "nosuid")
# A line of /etc/group as large directories of users make them.
LONG = "all:x:4242:" + ",".join(f"somebody{number}" for number in range(20_000))


def _long_lines(file: Path) -> None:
    # An account that is there, behind a line that many readers take for too long.
    file.write_text(f"{LONG}\nlast:x:{UID}:{UID}::/:/bin/sh\n", encoding="ascii")


def _nonsense(file: Path) -> None:
    file.write_bytes(b"\0\xff:::\n:::::::\n-1:x:a:b\nx" * 10)


# What /etc/passwd and /etc/group may be.
USER_FILES: dict[str, Callable[[Path], object]] = {
    "have long lines": _long_lines,
    "are folders": Path.mkdir,
    "lead nowhere": lambda file: file.symlink_to("/nosuch"),
    "make no sense": _nonsense,
}


def runs(
    trial: CaseContext, container: Container, what: str, wrapper: Sequence[str] = (), *, odd: bool = False
) -> None:
    """Judge that a container is created and that its program runs; ``what`` is said where it is not.

    Its config, or one with more in it, must have been accepted before. ``odd``: no sentence of any text keeps a
    runtime from refusing it.
    """
    done = container.create(wrapper=tuple(wrapper))
    if odd and done.generates_error:
        trial.skip_refused(done.last_error_line, odd=True)
    trial.expect(CREATES, f"{what}: {done.last_error_line}", got=done.ok, want=True)
    if not done.ok:
        trial.skip("there is no container", RUNS)
        return
    done = container.start()
    trial.expect(RUNS, f"{what}: {done.last_error_line}", got=done.ok and "ids" in container.facts(), want=True)


@case(CREATES, RUNS, needs=["root"])
def user_files_of_the_container_are_not_asked(trial: CaseContext) -> None:
    """Whatever /etc/passwd and /etc/group of the root filesystem are, a container whose user is given by ids runs."""
    for what, make in USER_FILES.items():
        config = trial.config(*steps(["ids"], ["wait"]))
        config["process"]["user"] = {"uid": UID, "gid": UID, "additionalGids": [17]}
        trial.control(config)
        container = trial.container(config)
        folder = container.bundle / "rootfs" / "etc"
        folder.mkdir(exist_ok=True)
        for name in ("passwd", "group"):
            (folder / name).unlink(missing_ok=True)
            make(folder / name)
        runs(trial, container, f"where /etc/passwd and /etc/group {what}, there is no container")
        container.clean_up()


def _for_users(trial: CaseContext, without: str, *, member: bool) -> None:
    for uid in (0, UID):
        config = trial.config(*steps(["ids"], ["wait"]))
        config["process"]["user"] = {"uid": uid, "gid": uid}
        trial.control(config)
        del config["mounts"]
        container = trial.container(config | ({"mounts": []} if member else {}))
        runs(trial, container, f"without {without}, and with uid {uid}, there is no container")
        container.clean_up()


@case(CREATES, RUNS, needs=["root"])
def without_mounts(trial: CaseContext) -> None:
    """A container that has nothing mounted, not even /proc, runs, for root and for others."""
    _for_users(trial, "mounts", member=True)


@case(CREATES, RUNS, needs=["root"])
def without_the_member_mounts(trial: CaseContext) -> None:
    """The member mounts is optional, for root and for others."""
    _for_users(trial, "the member mounts", member=False)


def _program_of_another(trial: CaseContext, mode: int) -> Container:
    """A container whose program belongs to another user."""
    config = trial.config("wait")
    config["process"]["args"] = ["/program"]
    container = trial.container(config)
    program = container.bundle / "rootfs" / "program"
    program.write_bytes(mounting.euid_program(trial.host.machine))
    os.chown(program, UID, UID)
    program.chmod(mode)
    return container


@case(CREATES, RUNS, needs=["root", mounting.MACHINES])
def program_of_another_user(trial: CaseContext) -> None:
    """Root runs a program that only its owner, another user, may execute: that is what CAP_DAC_OVERRIDE is for."""
    _program_of_another(trial, 0o755).must_create().must_start().clean_up()
    container = _program_of_another(trial, stat.S_IRWXU)
    done = container.create()
    message = "a program that only another user may execute is not run for root"
    trial.expect(CREATES, f"{message}: {done.last_error_line}", got=done.ok, want=True)
    if done.ok:
        done = container.start()
    trial.expect(RUNS, f"{message}: {done.last_error_line}", got=done.ok, want=True)


@case(CREATES, RUNS, needs=["root", "isolation"])
def standard_input_that_cannot_be_given_away(trial: CaseContext) -> None:
    """A standard input on a read-only file system cannot be given to the user of the container, who runs all the same.

    So is that of a service whose runtime was called with one that is closed. To refuse that one is no fault: POSIX
    (exec) promises no program anything without a standard input.
    """
    folder = mounting.host_mount(trial, trial.folder / "input")
    (folder / "file").write_text("for nobody in particular", encoding="ascii")
    mounting.host_mount(trial, folder, "remount", "ro")
    for what, redirection, odd in (
        ("on a read-only file system", f"<{folder / 'file'}", False),
        ("that is closed", "<&-", True),
    ):
        config = trial.config(*steps(["ids"], ["wait"]))
        config["process"]["user"] = {"uid": UID, "gid": UID}
        trial.control(config)
        container = trial.container(config)
        closed = ("/bin/sh", "-c", f'exec "$@" {redirection}', "sh")
        runs(trial, container, f"with a standard input {what} there is no container", closed, odd=odd)
        container.clean_up()


@contextlib.contextmanager
def writer_of(trial: CaseContext, fifo: Path) -> Iterator[list[str]]:
    """Be the writer of a FIFO for whoever waits for one, so that nobody hangs; gives a list that then has an entry.

    Who has it open for reading after some time is taken to wait: one that does not is done with it at once.
    """
    over, waited = threading.Event(), list[str]()

    def watch() -> None:
        pause = 0.3 * trial.runtime.pace
        while not over.wait(pause):
            with contextlib.suppress(OSError):  # ENXIO: nobody reads
                os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
                waited.append("the runtime waits for a writer")
            pause = 0.05

    with ThreadPoolExecutor(1) as pool:
        pool.submit(watch)
        try:
            yield waited
        finally:
            over.set()


@case(CREATES, RUNS, needs=["root"])
def user_files_that_nobody_writes_to(trial: CaseContext) -> None:
    """Where /etc/passwd or /etc/group is a FIFO, nobody waits for what is written to it: there is a container."""
    for name in ("passwd", "group"):
        config = trial.config(*steps(["ids"], ["wait"]))
        config["process"]["user"] = {"uid": UID, "gid": UID, "additionalGids": [17]}
        trial.control(config)
        container = trial.container(config)
        file = container.bundle / "rootfs" / "etc" / name
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        os.mkfifo(file)
        with writer_of(trial, file) as waited:
            done = container.create(may_hang=True)
            if done.ok and not waited:
                done = container.start(may_hang=True)
        if waited:
            trial.runtime.would_hang()
        said = waited[0] if waited else done.last_error_line
        message = f"where /etc/{name} is a FIFO that nobody writes to, there is no container: {said}"
        held = trial.expect(CREATES, message, got=done.ok and not waited, want=True)
        if not held:
            trial.skip("there is no container without somebody who writes", RUNS)
            break
        trial.expect(RUNS, f"where /etc/{name} is a FIFO, the program does not run", got="ids" in container.facts())
        container.clean_up()


# Which some runtime covers by a file system of its own where they are empty.
FOLDERS = ("tmp", "run", "var", "home", "mnt", "opt", "srv", "root", "media")


@case(sets=["/root/path"], needs=["isolation"])
def folders_are_those_of_the_root_filesystem(trial: CaseContext) -> None:
    """Folders on which the config mounts nothing, empty ones too, are those of the root filesystem and no others."""
    covered = {mount["destination"].strip("/") for mount in trial.config("wait")["mounts"]}
    folders = [name for name in FOLDERS if name not in covered]
    makes = [["mkdir", f"/{name}/ours"] for name in folders]
    moves = [["rename", f"/{name}/ours", f"/{name}-ours"] for name in folders]
    config = trial.config(*steps(*makes, *moves, ["wait"]))
    container = trial.container(config)
    for name in folders:
        (container.bundle / "rootfs" / name).mkdir(exist_ok=True)
    facts = container.must_create().must_start().facts()
    for name, make, move in zip(folders, makes, moves, strict=True):
        # What lies on another mount cannot be moved.
        got = facts.error(*make) or facts.error(*move)
        message = f"/{name}, on which nothing is to be mounted, is not that of the root filesystem"
        trial.applied("/root/path", got=got, want=None, message=message)


@case(sets=["/root/readonly"], needs=["root", "isolation"])
def readonly_root_keeps_the_attributes_of_its_mount(trial: CaseContext) -> None:
    """A root filesystem that is made read-only keeps what its mount has: nosuid, nodev and noatime."""
    seen = {}
    for readonly in (False, True):
        config = trial.config(*steps(["mountinfo"], ["wait"]))
        config["root"]["readonly"] = readonly
        container = trial.container(config)
        rootfs = container.bundle / "rootfs"
        mounting.host_mount(trial, rootfs, "bind", kind="none", source=str(rootfs))
        mounting.host_mount(trial, rootfs, "remount", "bind", *KEPT)
        options = mounting.at(container.must_create().must_start().facts().value("mountinfo"), "/").get("options", [])
        seen[readonly] = sorted(set(KEPT) & set(options))
        container.clean_up()
    if not seen[False]:
        trial.skip("a root filesystem that can be written does not show the attributes of its mount either")
    message = "a read-only root filesystem loses attributes of the mount that it is"
    trial.applied("/root/readonly", got=seen[True], want=seen[False], message=message)
