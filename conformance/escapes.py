"""Ways out of the root filesystem: links in it, and descriptors of the runtime. Nothing outside is made or changed.

Outside is a folder of ours beside the bundle. A runtime may refuse what leads there, and may take links as the
container will: both are fine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, mounting, steps

OUTSIDE = "safety/runtime.outside-the-root"
NEEDS = ("root", "isolation", "cap:MKNOD")
CWD = "/process/cwd"
# What a runtime may have open while it makes a container; those below are the standard streams.
DESCRIPTORS = range(3, 21)
# More steps up than any folder here is deep.
UP = "/".join([".."] * 40)
TOP = f"./{UP}"


@dataclass(frozen=True, slots=True)
class Way:
    """A link in the root filesystem that leads out, and what of a config goes through it.

    ``link``: where it is. ``aim``: what it leads to, from a folder outside that is this way's own. ``use`` puts what
    goes through it into a config.
    """

    name: str
    link: str
    aim: str
    use: Callable[[dict[str, Any], Path], None]


def no_devices_mounted(config: dict[str, Any], _folder: Path) -> None:
    """Nothing is mounted at /dev, so that the runtime makes the default devices on the root filesystem."""
    config["mounts"] = [mount for mount in config["mounts"] if not mount["destination"].startswith("/dev")]


def as_it_is(_config: dict[str, Any], _folder: Path) -> None:
    """The usual config mounts something there."""


def tmpfs_at(destination: str) -> Callable[[dict[str, Any], Path], None]:
    """A file system in memory at a path."""

    def use(config: dict[str, Any], _folder: Path) -> None:
        mount = {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": ["mode=0711"]}
        config["mounts"].append(mount)

    return use


def bind_at(destination: str, source: str) -> Callable[[dict[str, Any], Path], None]:
    """A bind mount at a path, of what is called so in the folder of the case."""

    def use(config: dict[str, Any], folder: Path) -> None:
        mount = {"destination": destination, "type": "none", "source": str(folder / source), "options": ["bind"]}
        config["mounts"].append(mount)

    return use


def device_at(path: str) -> Callable[[dict[str, Any], Path], None]:
    """A null device at a path."""

    def use(config: dict[str, Any], _folder: Path) -> None:
        entry = {"path": path, "type": "c", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 7, "gid": 8}
        config["linux"].setdefault("devices", []).append(entry)

    return use


def listed(member: str, path: str) -> Callable[[dict[str, Any], Path], None]:
    """A path in a list of ``linux``."""

    def use(config: dict[str, Any], _folder: Path) -> None:
        config["linux"].setdefault(member, []).append(path)

    return use


def working_directory(config: dict[str, Any], _folder: Path) -> None:
    """A working directory that is not there: some runtimes make it."""
    config["process"]["cwd"] = "/way/cwd/made/deep"


OF_DEV = (
    Way("dev", "/dev", "there", no_devices_mounted),
    Way("dev-missing", "/dev", "made", no_devices_mounted),
)
# What most runtimes refuse: each is tried alone.
REFUSED = (
    Way("proc", "/proc", "there", as_it_is),
    Way("sys", "/sys", "made", as_it_is),
    Way("cwd", "/way/cwd", ".", working_directory),
)
TAKEN = (
    Way("folder", "/way/folder", "made", bind_at("/way/folder", "source")),
    Way("deep", "/way/deep", ".", bind_at("/way/deep/made/and/more", "source")),
    Way("file", "/way/file", "made", bind_at("/way/file", "source/file")),
    Way("tmpfs", "/way/tmpfs", "there", tmpfs_at("/way/tmpfs")),
    Way("device", "/way/device", ".", device_at("/way/device/made/node")),
    Way("node", "/way/node", "made", device_at("/way/node")),
    Way("dev-node", "/way/there", "there", device_at("/way/there")),
    Way("masked", "/way/masked", "there", listed("maskedPaths", "/way/masked")),
    Way("readonly", "/way/readonly", "there", listed("readonlyPaths", "/way/readonly")),
)
# Form of a link → the text of one in the root filesystem that leads to a path of the host, by where the link is.
FORMS: dict[str, Callable[[str, str], str]] = {
    "absolute": lambda _link, aim: aim,
    "with dots": lambda _link, aim: UP + aim,
    "by way of another link": lambda link, aim: "../" * (link.count("/") - 1) + f"hop{aim}",
}


def lay_out(trial: CaseContext, ways: Sequence[Way]) -> Path:
    """Make what is outside, a folder for each way, and what is to be bound. They are there already the second time."""
    outside = trial.folder / "outside"
    for folder in (trial.folder / "source", *(outside / way.name / "there" for way in ways)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "file").write_text("as it was", encoding="ascii")
        folder.chmod(0o750)
        os.chown(folder / "file", 12, 34)
    return outside


def link_out(container: Container, ways: Sequence[Way], outside: Path, form: str) -> None:
    """Put the links into the root filesystem of a container that is not created yet."""
    rootfs = container.bundle / "rootfs"
    os.symlink(UP, rootfs / "hop")
    (rootfs / "way").mkdir()
    for way in ways:
        place = rootfs / way.link[1:]
        shutil.rmtree(place, ignore_errors=True)
        os.symlink(FORMS[form](way.link, str(outside / way.name / way.aim)), place)


def look(folder: Path) -> dict[str, Any]:
    """All below a folder: kind and mode, owner, number of a device, content or where a link leads."""
    return dict(_look(folder))


def _look(folder: Path) -> Iterator[tuple[str, Any]]:
    for below, folders, files in os.walk(folder):
        for name in ("", *folders, *files):
            path = os.path.join(below, name)
            found = os.lstat(path)
            text: Any = ""
            if os.path.islink(path):
                text = os.readlink(path)
            elif os.path.isfile(path):
                text = Path(path).read_bytes()
            key = os.path.relpath(path, folder)
            yield key, (oct(found.st_mode), found.st_uid, found.st_gid, found.st_rdev, text)
    for point in mounting.host_mount_points():
        if point.startswith(f"{folder}/"):
            yield f"mount at {os.path.relpath(point, folder)}", True


def changes(trial: CaseContext, ways: Sequence[Way], form: str) -> tuple[bool, list[str]]:
    """Whether a container with these ways was created, and what that and its end have changed outside."""
    outside = lay_out(trial, ways)
    before = look(outside)
    config = trial.config("wait")
    for way in ways:
        way.use(config, trial.folder)
    container = trial.container(config)
    link_out(container, ways, outside, form)
    created = container.create().ok
    if created:
        container.start()
    container.clean_up()
    after = look(outside)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    # What was made is not there the next time.
    shutil.rmtree(outside)
    return created, changed


def judge_alone(trial: CaseContext, ways: Sequence[Way], form: str) -> None:
    """Judge each way in a container of its own."""
    for way in ways:
        judge_changes(trial, form, changes(trial, [way], form)[1])


def judge_changes(trial: CaseContext, form: str, changed: list[str]) -> None:
    """Judge what was changed outside."""
    trial.expect(OUTSIDE, f"through a link ({form}) something outside is changed", got=changed, want=[])


@case(OUTSIDE, needs=NEEDS)
def dev_that_is_a_link_stays_inside(trial: CaseContext) -> None:
    """Where /dev of the root filesystem is a link out of it, no device and no link is made where it leads."""
    for form in FORMS:
        judge_alone(trial, OF_DEV, form)


@case(OUTSIDE, needs=NEEDS)
def links_lead_to_nothing_outside(trial: CaseContext) -> None:
    """Links out of the root filesystem, at destinations, devices, listed paths and cwd: nothing outside is changed."""
    for form in FORMS:
        judge_alone(trial, REFUSED, form)
        created, changed = changes(trial, TAKEN, form)
        judge_changes(trial, form, changed)
        if not created:
            # Of those together, what is tried after the one that is refused is never reached.
            judge_alone(trial, TAKEN, form)


@case(OUTSIDE, sets=[CWD], needs=["isolation"])
def working_directory_is_no_descriptor_of_the_runtime(trial: CaseContext) -> None:
    """With process.cwd /proc/self/fd/N the container is refused, or its program is below its root: up from it is /."""
    out = {}
    for number in DESCRIPTORS:
        config = trial.config(*steps(["stat", "/"], ["stat", TOP], ["wait"]))
        config["process"]["cwd"] = f"/proc/self/fd/{number}"
        container = trial.container(config)
        if container.create().ok and container.start().ok:
            facts = container.facts()
            inside, top = (facts.value("stat", path) for path in ("/", TOP))
            if (inside["device"], inside["inode"]) != (top["device"], top["inode"]):
                out[number] = "outside"
        container.clean_up()
    message = "with process.cwd /proc/self/fd/N the program is outside of its root"
    trial.applied(CWD, got=out, want={}, message=message)
    trial.expect(OUTSIDE, message, got=out, want={}, pointer=CWD)
