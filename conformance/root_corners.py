"""Root filesystems and calls of the runtime that are valid, and that few have: what they hold is nobody's business.

A config says by numbers who the process is, and no sentence of the specification speaks of files in the root
filesystem that a runtime may want: one that reads some for its own purposes must do without them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from ocivalidate.runtime import CaseContext, Container, case, mounting, steps

RUNS = "runtime.lifecycle.run-program"
CREATES = "runtime.create.creates"
UID = 1234
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
