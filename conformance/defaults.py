"""What every container has on Linux: file systems, devices, links in /dev."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime import CaseContext, Facts, case, mounting, steps

FILE_SYSTEMS = {"/proc": "proc", "/sys": "sysfs", "/dev/pts": "devpts", "/dev/shm": "tmpfs"}  # in containers
# Device → its numbers, a step, and what that may give in a process without a terminal.
DEVICES: dict[str, tuple[tuple[int, int], list[str], tuple[Any, ...]]] = {
    "/dev/null": ((1, 3), ["read", "/dev/null"], ("",)),
    "/dev/zero": ((1, 5), ["read", "/dev/zero", "4"], ("\0\0\0\0",)),
    "/dev/full": ((1, 7), ["overwrite", "/dev/full"], ("ENOSPC",)),
    "/dev/random": ((1, 8), ["open", "/dev/random"], (True,)),
    "/dev/urandom": ((1, 9), ["open", "/dev/urandom"], (True,)),
    # Both say that no terminal controls the process; other kernels than Linux have the second word for it.
    "/dev/tty": ((5, 0), ["open", "/dev/tty", "rw"], ("ENXIO", "EIO")),
}
LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
}
CLAUSE = "config-linux.default-devices"
# Options that mountinfo shows by the same words, whoever mounts.
FLAGS = {"ro", "nosuid", "noexec", "nodev"}
SYMLINKS = "runtime-linux.dev-symlinks"


def looks() -> list[list[str]]:
    """The steps that show devices and links."""
    return [
        *(["follow", path] for path in DEVICES),
        *(step for _, step, _ in DEVICES.values()),
        *(["readlink", path] for path in LINKS),
    ]


def judge_devices(trial: CaseContext, facts: Facts) -> None:
    """Judge the devices by their numbers and by using them."""
    for path, (numbers, step, want) in DEVICES.items():
        found = facts.outcome("follow", path)
        got = {"kind": found["kind"], "numbers": (found["major"], found["minor"])} if isinstance(found, dict) else found
        trial.expect(CLAUSE, f"{path} is not there", got=got, want={"kind": "char", "numbers": numbers})
        gave, message = facts.outcome(*step), f"{path} does not work: {' '.join(step)}"
        trial.expect_that(CLAUSE, message, held=gave in want, got=gave, want=str(want[0]))


def judge_links(trial: CaseContext, facts: Facts) -> None:
    """Judge the links in /dev."""
    for path, aim in LINKS.items():
        trial.expect(SYMLINKS, f"{path} is not a symbolic link to {aim}", got=facts.outcome("readlink", path), want=aim)


@case(
    CLAUSE,
    "config-linux.default-devices.ptmx",
    SYMLINKS,
    "config-linux.default-filesystems",
    sets=["/mounts/*/options"],
    needs=["isolation"],
)
def usual_container_has_them(trial: CaseContext) -> None:
    """A container with the usual mounts has the default devices, links and file systems, and they work.

    Of file systems it is judged that they are there when the config lists them: nothing says who has to.
    """
    ptmx = (["follow", "/dev/ptmx"], ["follow", "/dev/pts/ptmx"], ["open", "/dev/ptmx", "rw"])
    uses = (["stat", "/proc/self/ns"], ["stat", "/sys/kernel"], ["write", "/dev/shm/ocivalidate-file"])  # in it
    modes = (["stat", "/dev"], ["stat", "/dev/shm"])  # in it
    config = trial.config(*steps(*looks(), *ptmx, *uses, *modes, ["mountinfo"]))
    facts = trial.run(config)
    judge_devices(trial, facts)
    judge_links(trial, facts)
    by_name, by_pts = (facts.outcome("follow", path) for path in ("/dev/ptmx", "/dev/pts/ptmx"))
    same = (
        isinstance(by_name, dict)
        and isinstance(by_pts, dict)
        and all(by_name[name] == by_pts[name] for name in ("device", "inode"))
    )
    trial.expect("config-linux.default-devices.ptmx", "/dev/ptmx is not the same as /dev/pts/ptmx", got=same, want=True)
    trial.expect(
        "config-linux.default-devices.ptmx",
        "/dev/ptmx cannot be opened",
        got=facts.outcome("open", "/dev/ptmx"),
        want=True,
    )
    mounts = facts.value("mountinfo")
    got = {path: mounting.at(mounts, path).get("type") for path in FILE_SYSTEMS}
    trial.expect("config-linux.default-filesystems", "a file system is not available", got=got, want=FILE_SYSTEMS)
    for use in uses:
        message = f"a file system is not usable: {' '.join(use)}"
        trial.expect("config-linux.default-filesystems", message, got=facts.error(*use), want=None)
    for mount in config["mounts"]:
        found = FLAGS & {*mounting.at(mounts, mount["destination"]).get("options", ())}
        given = FLAGS & {*mount.get("options", ())}
        if trial.stage.own_kernel:  # which need not show what it does
            given &= found
        message = f"{mount['destination']} does not have the options of its mount"
        trial.applied("/mounts/*/options", got=sorted(found), want=sorted(given), message=message)
    got = {path: oct(facts.value("stat", path)["mode"]) for _, path in modes}
    trial.applied("/mounts/*/options", got=got, want={"/dev": oct(0o755), "/dev/shm": oct(0o1777)})  # in it


@case(CLAUSE, SYMLINKS, needs=["isolation"])
def container_without_dev_has_them(trial: CaseContext) -> None:
    """A container without a mount at /dev has the default devices and links, too."""
    config = trial.config(*steps(*looks()))
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] == "/proc"]
    facts = trial.run(config)
    judge_devices(trial, facts)
    judge_links(trial, facts)


@case(CLAUSE, SYMLINKS, sets=["/mounts/*/options"], needs=["isolation"])
def read_only_dev_has_them(trial: CaseContext) -> None:
    """Where /dev is mounted read-only, the default devices and links are there all the same; nothing can be added."""
    config = trial.config(*steps(*looks(), ["write", "/dev/ocivalidate-file"], ["wait"]))
    for mount in config["mounts"]:
        mount["options"] = [*mount.get("options", ()), *(["ro"] if mount["destination"] == "/dev" else [])]
    facts = trial.run(config)
    judge_devices(trial, facts)
    judge_links(trial, facts)
    got = facts.outcome("write", "/dev/ocivalidate-file")
    trial.applied("/mounts/*/options", got=got, want="EROFS", message="in a read-only /dev a file can be made")
