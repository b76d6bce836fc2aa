"""Resource control of processors: in which class a container is, and what its class may use (resctrl(7)).

What is asked for is what the default class has, so that nothing on this host has less than before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case

RESCTRL = Path("/sys/fs/resctrl")
RDT = "/linux/intelRdt"
WRITE_PID = "config-linux.intelRdt.write-pid"
WRITE_PID_BY_ID = "config-linux.intelRdt.write-pid-container-id"
OWN = "config-linux.intelRdt.default-closid"
WRITTEN, WRITTEN_BY_ID = "config-linux.intelRdt.one-schema-written", "config-linux.intelRdt.l3CacheSchema.written"
REMOVED, KEPT = "config-linux.intelRdt.remove-created", "config-linux.intelRdt.keep-preexisting"
ASSIGNED, CHECKED = "config-linux.intelRdt.closid-only-assign", "config-linux.intelRdt.closid-only-check"
ROOT = "config-linux.intelRdt.closID.root"
UNTOUCHED = "config-linux.intelRdt.unset-untouched"
NO_SCHEMA = "config-linux.intelRdt.no-schema-no-write"


def with_rdt(trial: CaseContext, **members: Any) -> dict[str, Any]:
    """A config with these members of intelRdt."""
    config = trial.config("wait")
    config["linux"]["intelRdt"] = members
    return config


def is_in(container: Container, folder: Path) -> bool:
    """Whether the container process is in the class of a folder."""
    try:
        return str(container.pid) in (folder / "tasks").read_text(encoding="ascii").split()
    except OSError:
        return False


def schema(folder: Path, word: str) -> str:
    """The line of a kind of resource in the schemata of a class; empty where there is none."""
    try:
        lines = (folder / "schemata").read_text(encoding="ascii").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in lines if line.strip().startswith(f"{word}:")), "")


def classes() -> dict[str, str]:
    """The classes that there are, by name, with their schemata."""
    return {file.parent.name: file.read_text(encoding="ascii") for file in RESCTRL.glob("*/schemata")}


def own_class(trial: CaseContext) -> Path:
    """A class of ours, which is gone when the case is over."""
    folder = RESCTRL / f"{trial.stage.prefix}class"
    try:
        make(folder)
    except OSError as problem:
        trial.skip(f"this host lets us make no class in {RESCTRL}: {problem.strerror}")
    trial.undo(lambda: remove(folder))
    return folder


def make(folder: Path) -> None:
    """Make a class: the kernel fills the folder."""
    folder.mkdir()


def remove(folder: Path) -> None:
    """Remove a class, with the files that the kernel made."""
    if folder.is_dir():
        folder.rmdir()


@case(
    WRITE_PID,
    WRITE_PID_BY_ID,
    OWN,
    WRITTEN,
    WRITTEN_BY_ID,
    REMOVED,
    sets=[f"{RDT}/l3CacheSchema"],
    needs=["root", "resctrl"],
    alone=["resctrl"],
)
def class_of_its_own(trial: CaseContext) -> None:
    """Without closID a class is made that is called as the container, has schema and process, and goes again."""
    wanted = schema(RESCTRL, "L3")
    if not wanted:
        trial.skip("this processor divides no cache of level 3")
    container = trial.container(with_rdt(trial, l3CacheSchema=wanted)).must_create()
    folder = RESCTRL / container.id
    trial.expect(OWN, "there is no class of the container's id", got=folder.is_dir(), want=True)
    for clause in (WRITE_PID, WRITE_PID_BY_ID):
        message = "the process is not in the class of its container"
        trial.expect(clause, message, got=is_in(container, folder), want=True)
    got = schema(folder, "L3")
    for clause in (WRITTEN, WRITTEN_BY_ID):
        trial.expect(clause, "the class does not have l3CacheSchema", got=got, want=wanted)
    trial.applied(f"{RDT}/l3CacheSchema", got=got, want=wanted)
    container.must_kill().wait_stopped()
    container.must_delete()
    trial.expect(REMOVED, "the class is there after delete", got=folder.is_dir(), want=False)


@case(
    ASSIGNED,
    CHECKED,
    KEPT,
    ROOT,
    NO_SCHEMA,
    sets=[f"{RDT}/closID"],
    needs=["root", "resctrl"],
    alone=["resctrl"],
)
def class_that_is_there(trial: CaseContext) -> None:
    """With closID alone the container joins that class, which stays; / is the default; a missing one is an error."""
    folder = own_class(trial)
    before = classes()
    places = {folder.name: folder} | ({"/": RESCTRL} if trial.holds("1.3.0") else {})
    for name, place in places.items():
        container = trial.container(with_rdt(trial, closID=name)).must_create()
        held = is_in(container, place)
        message = f"with closID {'/' if name == '/' else 'alone'} the process is not in that class"
        trial.expect(ROOT if name == "/" else ASSIGNED, message, got=held, want=True)
        trial.applied(f"{RDT}/closID", got=held, want=True, message=message)
        container.must_kill().wait_stopped()
        container.must_delete()
    trial.expect(KEPT, "a class that was there before is gone", got=folder.is_dir(), want=True)
    trial.expect(NO_SCHEMA, "classes have changed although no schema was given", got=classes(), want=before)
    missing = with_rdt(trial, closID=f"{folder.name}-missing")
    trial.refused(
        CHECKED, missing, "closID alone with no such class is accepted", control=with_rdt(trial, closID=folder.name)
    )


@case(UNTOUCHED, needs=["root", "resctrl"], alone=["resctrl"])
def without_it_nothing_is_touched(trial: CaseContext) -> None:
    """A container without intelRdt makes no class and changes none."""
    before = classes()
    container = trial.container().must_create().must_start()
    trial.expect(UNTOUCHED, "without intelRdt, classes have changed", got=classes(), want=before)
    container.clean_up()
