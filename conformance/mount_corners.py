"""Attributes of mounts that the config does not speak of: a bound folder has them, or the mount of a listed path."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, mounting, option_rows, steps

TYPE = "/mounts/*/type"
SOURCE, OPTIONS = "/mounts/*/source", option_rows.OPTIONS
KEPT = ("nosuid", "nodev", "noexec")
CREATES = "runtime.create.creates"
READONLY = "config-linux.readonlyPaths.readonly"

# That of no file system.
FOLDER_MODE = 0o711
# What a bind mount asks for, by name.
ASKED: dict[str, tuple[str, ...]] = {"nothing": (), "ro": ("ro",), "nosuid": ("nosuid", "rprivate")}


def bind(destination: str, source: str, *options: str) -> dict[str, Any]:
    """A bind mount."""
    return {"destination": destination, "type": "none", "source": source, "options": ["bind", *options]}


@case(CREATES, sets=[SOURCE], needs=["root", "isolation", "namespace:user"])
def source_with_attributes_in_a_user_namespace(trial: CaseContext) -> None:
    """In a user namespace a mount with attributes that nobody there can drop is bound all the same, and keeps them."""
    source = mounting.host_mount(trial, trial.folder / "source")
    (source / "marker").write_text("data", encoding="ascii")
    source.chmod(0o755)
    mounts = {name: bind(f"/m/{name}", str(source), *words) for name, words in ASKED.items()}
    config = trial.config(*steps(*(["read", f"/m/{name}/marker"] for name in mounts), ["mountinfo"], ["wait"]))
    mounting.in_user_namespace(config)
    config["mounts"] += mounts.values()

    def with_places() -> Container:
        container = trial.container(config)
        for name in mounts:
            (container.bundle / "rootfs" / "m" / name).mkdir(parents=True)
        return container

    # Without the attributes the runtime must accept it, or what it refuses is the user namespace.
    with_places().must_create().clean_up()
    mounting.host_mount(trial, source, "remount", "ro", *KEPT)
    container = with_places()
    done = container.create()
    message = "in a user namespace, a mount that has attributes is not bound"
    trial.expect(CREATES, f"{message}: {done.last_error_line}", got=done.ok, want=True)
    if not done.ok:
        trial.skip("there is no container")
    facts = container.must_start().facts()
    for name in mounts:
        trial.applied(SOURCE, got=facts.outcome("read", f"/m/{name}/marker"), want="data")


@case(READONLY, sets=[OPTIONS, "/linux/readonlyPaths"], needs=["root", "isolation"])
def readonly_paths_keep_the_attributes_of_their_mount(trial: CaseContext) -> None:
    """A path that is made read-only keeps what the mount that it is in has: nosuid, nodev and noexec."""
    source = trial.folder / "source"
    (source / "folder").mkdir(parents=True)
    (source / "file").write_text("data", encoding="ascii")
    paths = ("/mnt/file", "/mnt/folder", "/proc/sys")
    config = trial.config(*steps(["mountinfo"], ["overwrite", "/mnt/file", "x"], ["wait"]))
    for entry in config["mounts"]:
        if entry["destination"] == "/proc":
            entry["options"] = list(KEPT)
    config["mounts"].append(bind("/mnt", str(source), *KEPT))
    config["linux"]["readonlyPaths"] = list(paths)
    container = trial.container(config)
    (container.bundle / "rootfs" / "mnt").mkdir(exist_ok=True)
    facts = container.must_create().must_start().facts()
    mounts = facts.value("mountinfo")
    lost = {
        path: sorted(set(KEPT) - set(mounting.at(mounts, path).get("options", KEPT)))
        for path in paths
        if not set(KEPT) <= set(mounting.at(mounts, path).get("options", KEPT))
    }
    message = "what is listed as read-only loses attributes of the mount that it is in"
    trial.applied(OPTIONS, got=lost, want={}, message=message)
    got = facts.outcome("overwrite", "/mnt/file", "x")
    trial.expect(READONLY, "a read-only path can be written", got=got, want="EROFS", pointer="/linux/readonlyPaths")
    trial.applied("/linux/readonlyPaths", got=got, want="EROFS")


@case(sets=[TYPE], needs=["root", "isolation"])
def file_systems_have_the_modes_of_their_kind(trial: CaseContext) -> None:
    """The root of a file system has the mode that the kernel gives it, not that of the folder that it covers."""
    kinds = {"/proc": "proc", "/sys": "sysfs"}
    config = trial.config(*steps(*(["stat", path] for path in kinds), ["mountinfo"], ["wait"]))
    container = trial.container(config)
    for path in kinds:
        folder = container.bundle / "rootfs" / path.lstrip("/")
        folder.mkdir(exist_ok=True)
        folder.chmod(FOLDER_MODE)
    facts = container.must_create().must_start().facts()
    for path, kind in kinds.items():
        if mounting.at(facts.value("mountinfo"), path).get("type") != kind:
            continue
        covered = facts.value("stat", path)["mode"] & 0o7777 == FOLDER_MODE
        message = f"the root of the {kind} at {path} has the mode of the folder that it covers"
        trial.applied(TYPE, got=covered, want=False, message=message)
