"""Mounts: their order, where they come from, where they go to, and what is no mount at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, mounting, steps

SOURCE = "/mounts/*/source"
DESTINATION = "/mounts/*/destination"
TYPE = "/mounts/*/type"
OPTIONS = "/mounts/*/options"
# The mode that the kernel gives the root of a file system of a type.
MODES = {"proc": 0o555, "sysfs": 0o555, "devpts": 0o755, "mqueue": 0o1777}
UNAPPLIABLE = ("runtime.create.unappliable-error", "runtime.create.unappliable-no-container")


def bind(destination: str, source: str, **more: Any) -> dict[str, Any]:
    """A bind mount."""
    return {"destination": destination, "type": "none", "source": source, "options": ["bind"], **more}


def tmpfs(destination: str, *options: str) -> dict[str, Any]:
    """A file system in memory."""
    return {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": list(options)}


def container_with(trial: CaseContext, mounts: list[dict[str, Any]], looks: list[list[str]]) -> Container:
    """A container with these mounts beside the usual ones, whose program looks and waits; it is not created yet."""
    config = trial.config(*steps(*looks, ["wait"]))
    config["mounts"] += mounts
    return trial.container(config)


def filled(folder: Path, text: str) -> Path:
    """A folder with a file ``marker`` that says ``text``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "marker").write_text(text, encoding="utf-8")
    return folder


@case("config.mounts.order", needs=["root", "isolation"])
def later_mounts_cover_earlier_ones(trial: CaseContext) -> None:
    """Mounts are made in their order: the later covers the earlier, whether in one place or one above the other."""
    inner, outer = filled(trial.folder / "inner", "inner"), filled(trial.folder / "outer", "outer")
    (outer / "inner").mkdir()
    mounts = [
        bind("/same", str(inner)),
        bind("/same", str(outer)),
        # The outer one comes last and covers the inner one.
        bind("/covered/inner", str(inner)),
        bind("/covered", str(outer)),
        # The outer one comes first.
        bind("/z", str(outer)),
        bind("/z/inner", str(inner)),
    ]
    markers = ("/same/marker", "/covered/marker", "/covered/inner/marker", "/z/marker", "/z/inner/marker")
    container = container_with(trial, mounts, [["read", marker] for marker in markers])
    for place in ("same", "covered/inner", "z"):
        (container.bundle / "rootfs" / place).mkdir(parents=True)
    facts = container.must_create().must_start().facts()
    want = dict(zip(markers, ("outer", "outer", "ENOENT", "outer", "inner"), strict=True))
    got = {marker: facts.outcome("read", marker) for marker in markers}
    trial.expect("config.mounts.order", "mounts are not made in their order", got=got, want=want)


@case("config.mounts.source.bind-relative-to-bundle", sets=[SOURCE, TYPE], needs=["root", "isolation"])
def sources_of_bind_mounts(trial: CaseContext) -> None:
    """What is bound is the source, from the bundle where it is relative, whatever the type says, a file as well.

    Where the runtime is run there are other files of these names.
    """
    mounts = [
        bind("/relative", "data"),
        bind("/dots", "./data/../data/."),
        bind("/absolute", str(filled(trial.folder / "absolute", "absolute"))),
        bind("/file", "data/marker"),
        # The type of a bind mount is a dummy, or is not there.
        bind("/dummy", "data", type="tmpfs"),
        {"destination": "/untyped", "source": "data", "options": ["rbind"]},
    ]
    paths = {mount["destination"]: f"{mount['destination']}/marker" for mount in mounts} | {"/file": "/file"}
    container = container_with(trial, mounts, [["read", path] for path in paths.values()])
    rootfs = container.bundle / "rootfs"
    for path in paths:
        (rootfs / path[1:]).touch() if path == "/file" else (rootfs / path[1:]).mkdir()
    filled(container.bundle / "data", "data")
    here = filled(trial.folder / "here" / "data", "a decoy").parent
    facts = container.must_create(cwd=str(here)).must_start().facts()
    got = {place: facts.outcome("read", path) for place, path in paths.items()}
    for place in ("/relative", "/dots", "/file"):
        message = "a relative source is not taken from the bundle"
        trial.expect("config.mounts.source.bind-relative-to-bundle", message, got=got[place], want="data")
    trial.applied(SOURCE, got=got["/absolute"], want="absolute")
    untyped = {place: got[place] for place in ("/dummy", "/untyped")}
    message = "a bind mount is none because of its type"
    trial.applied(TYPE, got=untyped, want=dict.fromkeys(untyped, "data"), message=message)


@case(sets=[SOURCE, TYPE], needs=["root", "isolation"])
def file_systems_have_their_type_and_source(trial: CaseContext) -> None:
    """What is mounted is of the type that the mount names, and the kernel knows its source by the name given."""
    types = ("tmpfs", "proc", "sysfs", "devpts", "mqueue")
    mounts = [{"destination": f"/t/{kind}", "type": kind, "source": f"of-{kind}"} for kind in types]
    marks = {"proc": "/t/proc/self/status", "sysfs": "/t/sysfs/kernel", "devpts": "/t/devpts/ptmx"}
    looks = [["stat", path] for path in (*marks.values(), *(f"/t/{kind}" for kind in MODES))]
    container = container_with(trial, mounts, [["mountinfo"], *looks])
    for kind in types:
        folder = container.bundle / "rootfs" / "t" / kind
        folder.mkdir(parents=True)
        folder.chmod(0o711)
    facts = container.must_create().must_start().facts()
    found = {kind: mounting.at(facts.value("mountinfo"), f"/t/{kind}") for kind in types}
    got = {kind: entry.get("type") for kind, entry in found.items()}
    trial.applied(TYPE, got=got, want={kind: kind for kind in types})
    if not trial.stage.own_kernel:  # such a source is a name that Linux keeps, and nothing else uses
        got = {kind: entry.get("source") for kind, entry in found.items()}
        trial.applied(SOURCE, got=got, want={kind: f"of-{kind}" for kind in types})
    missing = [path for path in marks.values() if facts.error("stat", path)]
    trial.applied(TYPE, got=missing, want=[], message="file systems lack what is in those of their type")
    modes = {kind: oct(facts.value("stat", f"/t/{kind}")["mode"]) for kind in MODES}
    message = "file systems have the mode of the folder that they cover"
    trial.applied(TYPE, got=modes, want={kind: oct(mode) for kind, mode in MODES.items()}, message=message)


# --------------------------------------------------------------------------------------------------------- destinations


@case(sets=[DESTINATION, OPTIONS], needs=["root", "isolation"])
def mounts_are_at_their_destination(trial: CaseContext) -> None:
    """A mount is where its destination says: in a folder that is there, deep in it, or on a file, also read-only."""
    data = filled(trial.folder / "data", "data")
    on_file = bind("/a/file", str(data / "marker"), options=["bind", "ro"])
    mounts = [bind("/there", str(data)), bind("/a/b/c", str(data)), on_file]
    paths = ("/there/marker", "/a/b/c/marker", "/a/file")
    writes = (["overwrite", "/a/b/c/marker", "data"], ["overwrite", "/a/file", "data"])
    container = container_with(trial, mounts, [*(["read", path] for path in paths), *writes])
    for place in ("there", "a/b/c"):
        (container.bundle / "rootfs" / place).mkdir(parents=True)
    (container.bundle / "rootfs" / "a" / "file").touch()
    facts = container.must_create().must_start().facts()
    trial.applied(DESTINATION, got=[facts.outcome("read", path) for path in paths], want=["data"] * 3)
    trial.applied(OPTIONS, got=[facts.outcome(*step) for step in writes], want=[True, "EROFS"])


@case(sets=[DESTINATION], needs=["root", "isolation"])
def missing_destinations_are_made(trial: CaseContext) -> None:
    """A destination that is not there is made: a folder for a folder, a file for a file. To refuse it is no fault."""
    data = filled(trial.folder / "data", "data")
    mounts = [bind("/new", str(data)), bind("/new-a/b/c", str(data)), bind("/new-b/file", str(data / "marker"))]
    paths = ("/new/marker", "/new-a/b/c/marker", "/new-b/file")
    container = container_with(trial, mounts, [["read", path] for path in paths])
    done = container.create()
    if done.refused:
        # Nothing says that a runtime must make them.
        trial.skip_refused(done.last_error_line, odd=True)
    facts = container.must_start().facts()
    trial.applied(DESTINATION, got=[facts.outcome("read", path) for path in paths], want=["data"] * 3)


@case(sets=[DESTINATION], needs=["root", "isolation"])
def destinations_may_end_in_a_slash(trial: CaseContext) -> None:
    """A destination that ends in a slash, or has two in a row, is the folder of that name; /dev/ has its nodes, too."""
    data = filled(trial.folder / "data", "data")
    paths = ("/ends/marker", "/has/two/marker")
    config = trial.config(
        *steps(*(["read", path] for path in paths), ["mountinfo"], ["read", "/dev/zero", "2"], ["wait"])
    )
    for mount in config["mounts"]:
        mount["destination"] += "/" if mount["destination"] == "/dev" else ""
    config["mounts"] += [bind("/ends/", str(data)), bind("/has//two", str(data))]
    container = trial.container(config)
    for place in ("ends", "has/two"):
        (container.bundle / "rootfs" / place).mkdir(parents=True)
    facts = container.must_create().must_start().facts()
    trial.applied(DESTINATION, got=[facts.outcome("read", path) for path in paths], want=["data"] * 2)
    dev = mounting.at(facts.value("mountinfo"), "/dev").get("type", "not mounted")
    message = "a mount at /dev/ is not one at /dev"
    trial.applied(
        DESTINATION, got=[dev, facts.outcome("read", "/dev/zero", "2")], want=["tmpfs", "\0\0"], message=message
    )


@case(sets=[SOURCE], needs=["root", "isolation", "namespace:user"])
def source_that_only_the_host_can_reach(trial: CaseContext) -> None:
    """What lies in a folder that is closed to all but root of the host is bound in a user namespace as well.

    It is the runtime that binds it, and the runtime may go there.
    """
    closed = trial.folder / "closed"
    filled(closed / "data", "data")
    closed.chmod(0o700)
    config = mounting.in_user_namespace(trial.config(*steps(["read", "/mnt/marker"], ["wait"])))
    config["mounts"].append(bind("/mnt", str(closed / "data")))
    container = trial.container(config)
    (container.bundle / "rootfs" / "mnt").mkdir(exist_ok=True)
    facts = container.must_create().must_start().facts()
    trial.applied(SOURCE, got=facts.outcome("read", "/mnt/marker"), want="data")


@case(sets=[TYPE, OPTIONS], needs=["root", "isolation", "namespace:user"])
def sysfs_in_a_user_namespace(trial: CaseContext) -> None:
    """In a user namespace /sys is the read-only sysfs that the config asks for, also where the network is another's.

    The kernel keeps who does not own the network namespace from mounting sysfs: a runtime may refuse it then, or bind
    the host's, which is of the same network; what it takes has to be there.
    """
    refused = {}
    for network in (True, False):
        config = trial.config(*steps(["mountinfo"], ["list", "/sys/class/net"], ["wait"]))
        sysfs = [mount for mount in config["mounts"] if mount["destination"] == "/sys"]
        mounting.in_user_namespace(config)["mounts"] += sysfs
        config["linux"]["namespaces"] += [{"type": "network"}] if network else []
        container = trial.container(config)
        done = container.create()
        if done.refused:
            refused[network] = done.last_error_line
            continue
        facts = container.must_start().facts()
        mounted = mounting.at(facts.value("mountinfo"), "/sys")
        got = mounted.get("type", "not mounted")
        trial.applied(TYPE, got=got, want="sysfs", message="in a user namespace /sys is not what the config says")
        message = "in a user namespace /sys is of another network namespace, or is none"
        there = ["lo"] if network else sorted(os.listdir("/sys/class/net"))
        if not trial.stage.own_kernel:  # which has a network and a sysfs of its own
            trial.applied(TYPE, got=facts.outcome("list", "/sys/class/net"), want=there, message=message)
        message = "in a user namespace /sys is not mounted read-only"
        trial.applied(OPTIONS, got="ro" in mounted.get("options", ()), want=True, message=message)
        container.clean_up()
    if True in refused:
        trial.skip_refused(refused[True], odd=True)


@case("config.mounts.destination.relative-to-root", needs=["root", "isolation"])
def relative_destinations_start_at_the_root(trial: CaseContext) -> None:
    """A relative destination is taken from the root of the container, not from the working directory of its process."""
    data = filled(trial.folder / "data", "data")
    paths = ("/relative/marker", "/deep/er/marker")
    config = trial.config(*steps(*(["read", path] for path in paths), ["wait"]))
    config["process"]["cwd"] = "/tmp"  # a path in the container
    config["mounts"] += [bind("relative", str(data)), bind("deep/../deep/er", str(data))]
    container = trial.container(config)
    for place in ("relative", "deep/er", "tmp/relative", "tmp/deep/er"):
        (container.bundle / "rootfs" / place).mkdir(parents=True)
    facts = container.must_create(cwd=str(trial.folder)).must_start().facts()
    trial.expect(
        "config.mounts.destination.relative-to-root",
        "a relative destination is not taken from the root",
        got=[facts.outcome("read", path) for path in paths],
        want=["data", "data"],
        pointer=DESTINATION,
    )


@case(sets=[DESTINATION], needs=["root", "isolation"])
def links_in_destinations_stay_in_the_container(trial: CaseContext) -> None:
    """Links on the way to a destination lead to where they lead in the container, never out of it; or are refused."""
    data = filled(trial.folder / "data", "data")
    outside = trial.folder / "outside"
    outside.mkdir()
    links = {"link": "/inside", "host": str(outside), "up": "/".join([".."] * 20) + str(outside)}
    # Where each mount is in the container.
    places = {name: f"{'/inside' if name == 'link' else outside}/by-{name}" for name in links}

    def make_links(container: Container) -> None:
        rootfs = container.bundle / "rootfs"
        for name, aim in links.items():
            # The destinations made beforehand are behind the links.
            shutil.rmtree(rootfs / name, ignore_errors=True)
            os.symlink(aim, rootfs / name)
            (rootfs / places[name][1:]).mkdir(parents=True)

    config = trial.config(*steps(*(["read", f"{place}/marker"] for place in places.values())))
    mounts = {name: [bind(f"/{name}/by-{name}", str(data))] for name in links}
    done = mounting.create_with(trial, config, mounts, make_links)
    message = "a link in a destination leads out of the container"
    trial.applied(DESTINATION, got=sorted(os.listdir(outside)), want=[], message=message)
    facts = done.container.must_start().facts()
    for name, place in places.items():
        if name not in done.refused:
            message = f"a link to {links[name]} in a destination does not lead where it leads in the container"
            trial.applied(DESTINATION, got=facts.outcome("read", f"{place}/marker"), want="data", message=message)


# ------------------------------------------------------------------------------------------------------------- refusals


@case(*UNAPPLIABLE, "runtime.errors.no-side-effects", needs=["root", "isolation"])
def mounts_that_cannot_be_made_are_refused(trial: CaseContext) -> None:
    """Binding what is not there, and mounting a type that no kernel has, is refused."""
    usual = trial.config("wait")
    good = [bind("/tmp", str(filled(trial.folder / "data", "data"))), tmpfs("/var")]  # in the container
    wrong = (
        bind("/tmp", str(trial.folder / "missing")),  # in the container
        bind("/tmp", "missing"),  # in the container
        {"destination": "/var", "type": "ocivalidate", "source": "none"},
    )
    for mount in wrong:
        trial.refused(
            UNAPPLIABLE[0],
            {**usual, "mounts": [*usual["mounts"], mount]},
            "a mount that cannot be made is not refused",
            control={**usual, "mounts": [*usual["mounts"], *good]},
            pointer="/mounts",
        )
