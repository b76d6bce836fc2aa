"""Mapped mounts, judged by the owners of files that are seen in the container."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ocivalidate.runtime import Container, Trial, case, steps
from ocivalidate.runtime.mounting import host_mount

OPTIONS = "config.mounts.options"
UID, GID = "/mounts/*/uidMappings/*", "/mounts/*/gidMappings/*"
PROPERTIES = tuple(f"{kind}/{name}" for kind in (UID, GID) for name in ("containerID", "hostID", "size"))
NEEDS = ("root", "kernel:6.3")  # since when file systems in memory, on which all is here, can be mapped
MAPPINGS: dict[str, Any] = {
    "uidMappings": [
        {"containerID": 0, "hostID": 100000, "size": 10},
        {"containerID": 20, "hostID": 300000, "size": 5},
    ],
    "gidMappings": [{"containerID": 0, "hostID": 200000, "size": 8}],
}
# Owner of a file as it is stored, and as it is seen through the mappings; 65534 is nobody.
OWNERS = {
    (0, 0): (100000, 200000),
    (9, 7): (100009, 200007),
    (10, 8): (65534, 65534),
    (21, 1): (300001, 200001),
}
BOTH = ("idmap", "ridmap")
PLAIN = {owner: owner for owner in OWNERS}


def tree(trial: Trial) -> Path:
    """A mount of ours with a file for each owner, and another such mount below it."""
    top = host_mount(trial, trial.folder / "tree")
    for folder in (top, host_mount(trial, top / "below")):
        for uid, gid in OWNERS:
            path = folder / f"{uid}-{gid}"
            path.touch()
            os.chown(path, uid, gid)
        folder.chmod(0o777)
    return top


def mapped(source: Path, *options: str, **mappings: Any) -> dict[str, Any]:
    """A bind mount of the tree."""
    return {"destination": "/m", "type": "none", "source": str(source), "options": list(options), **mappings}


def config_with(trial: Trial, mount: dict[str, Any], *, user: bool = False) -> dict[str, Any]:
    """A config whose program looks at the owners in the tree and below; ``user``: in a user namespace."""
    looks = [["stat", f"{place}/{uid}-{gid}"] for place in ("/m", "/m/below") for uid, gid in OWNERS]
    config = trial.config(*steps(*looks, ["wait"]))
    config["mounts"].append(mount)
    if user:
        # It may be mounted only by who owns the network namespace.
        config["mounts"] = [other for other in config["mounts"] if other["destination"] != "/sys"]
        config["linux"]["namespaces"].append({"type": "user"})
        for kind, base in (("uidMappings", 100000), ("gidMappings", 200000)):
            config["linux"][kind] = [{"containerID": 0, "hostID": base, "size": 65536}]
    return config


def owners(facts: Any, place: str) -> dict[str, Any]:
    """Who owns the files in a place, by their names, which say who owns them where they are stored."""
    found = {}
    for uid, gid in OWNERS:
        looked = facts.outcome("stat", f"{place}/{uid}-{gid}")
        found[f"{uid}-{gid}"] = [looked["uid"], looked["gid"]] if isinstance(looked, dict) else looked
    return found


def wanted(table: dict[tuple[int, int], tuple[int, int]]) -> dict[str, Any]:
    """The same, as a table says."""
    return {f"{uid}-{gid}": list(seen) for (uid, gid), seen in table.items()}


def judge_given(trial: Trial, option: str, below: dict[tuple[int, int], tuple[int, int]]) -> None:
    """Judge an option with mappings of its own; ``below`` is what is to be seen on the mount below."""
    clauses = (f"linux.{option}", f"{option}.applied", f"{option}.use-given")
    # Release 1.1 has mappings and no option for them.
    options = ("rbind", option) if trial.holds("1.2.0") else ("rbind",)
    container = trial.container(config_with(trial, mapped(tree(trial), *options, **MAPPINGS)))
    (container.bundle / "rootfs" / "m").mkdir()
    done = container.create()
    if not done.ok:
        trial.expect(f"{OPTIONS}.linux.{option}", f"the option {option} is refused", got=done.words, want="created")
        trial.skip(f"the runtime refuses the option {option}")
    facts = container.must_start().facts()
    got = {"mount": owners(facts, "/m"), "below": owners(facts, "/m/below")}
    want = {"mount": wanted(OWNERS), "below": wanted(below)}
    for clause in clauses:
        trial.expect(f"{OPTIONS}.{clause}", "owners are not mapped as the mount says", got=got, want=want)
    for pointer in PROPERTIES:
        if pointer in trial.case.sets:
            trial.applied(pointer, got=got["mount"], want=want["mount"])


@case(
    *(f"{OPTIONS}.{clause}" for clause in ("linux.idmap", "idmap.applied", "idmap.use-given")),
    sets=PROPERTIES,
    needs=NEEDS,
)
def idmap_maps_owners(trial: Trial) -> None:
    """With idmap, owners on the mount are mapped as its mappings say, and those on the mount below are not."""
    judge_given(trial, "idmap", PLAIN)


@case(*(f"{OPTIONS}.{clause}" for clause in ("linux.ridmap", "ridmap.applied", "ridmap.use-given")), needs=NEEDS)
def ridmap_maps_owners_below(trial: Trial) -> None:
    """With ridmap, owners on the mount and on the mount below are mapped as its mappings say."""
    judge_given(trial, "ridmap", OWNERS)


def in_user_namespace(trial: Trial, source: Path, option: str, **mappings: Any) -> Container:
    """A container in a user namespace with the tree mapped, not created yet.

    One like it without the option is seen to be accepted, so that a refusal is about the option.
    """
    plain = config_with(trial, {**mapped(source, "rbind"), "destination": "/var"}, user=True)
    trial.control(plain)
    container = trial.container(config_with(trial, mapped(source, "rbind", option, **mappings), user=True))
    (container.bundle / "rootfs" / "m").mkdir()
    return container


@case(*(f"{OPTIONS}.{option}.use-given" for option in BOTH), needs=(*NEEDS, "namespace:user"))
def mappings_of_the_mount_come_first(trial: Trial) -> None:
    """In a user namespace, too, the mappings of the mount are used, not those of the namespace."""
    source = tree(trial)
    # What is 100000 outside is 0 inside; the mount makes 0 to 100005 outside, which is 5 inside.
    own = {
        "uidMappings": [{"containerID": 0, "hostID": 100005, "size": 4}],
        "gidMappings": [{"containerID": 0, "hostID": 200006, "size": 4}],
    }
    for option in BOTH:
        clause = f"{OPTIONS}.{option}.use-given"
        container = in_user_namespace(trial, source, option, **own)
        done = container.create()
        if done.ok:
            got = owners(container.must_start().facts(), "/m")["0-0"]
            message = "the mappings of the mount are not used in a user namespace"
            trial.expect(clause, message, got=got, want=[5, 6])
        else:
            trial.skip(f"the runtime refuses {option} in a user namespace: {done.words}", clause)
        container.clean_up()


@case(*(f"{OPTIONS}.{option}.fallback-error" for option in BOTH), needs=(*NEEDS, "namespace:user"))
def without_mappings_those_of_the_user_namespace_count(trial: Trial) -> None:
    """Without mappings of its own, a mount is mapped as the user namespace is, or there is an error."""
    source = tree(trial)
    for option in BOTH:
        container = in_user_namespace(trial, source, option)
        done = container.create()
        got: Any = "an error"
        if done.ok:
            facts = container.must_start().facts()
            got = {"mount": owners(facts, "/m")} | ({"below": owners(facts, "/m/below")} if option == "ridmap" else {})
        # Mapped there and back: inside, owners are who they are where they are stored.
        want = {name: wanted(PLAIN) for name in (got if isinstance(got, dict) else ())}
        trial.expect_that(
            f"{OPTIONS}.{option}.fallback-error",
            f"{option} without mappings is neither mapped as the user namespace nor refused",
            held=done.refused or got == want,
            got=got,
            want="the owners as stored, or an error",
        )
        container.clean_up()


@case(*(f"{OPTIONS}.{option}.no-userns-error" for option in BOTH), needs=NEEDS)
def nothing_to_map_by_is_an_error(trial: Trial) -> None:
    """Without mappings and without a user namespace there is an error, whereas with mappings there is none."""
    source = tree(trial)
    for option in BOTH:
        clause = f"{OPTIONS}.{option}.no-userns-error"
        good = {**mapped(source, "rbind", option, **MAPPINGS), "destination": "/var"}
        config = config_with(trial, {**mapped(source, "rbind", option), "destination": "/var"})
        control = trial.container({**config, "mounts": [*config["mounts"][:-1], good]})
        accepted = control.create()
        control.clean_up()
        if not accepted.ok:
            trial.skip(f"the runtime refuses {option} with mappings, too: {accepted.words}", clause)
            continue
        trial.refused(clause, config, f"{option} with nothing to map by is not refused", control=trial.config("wait"))
