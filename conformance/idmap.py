"""Mapped mounts, judged by the owners of files that are seen in the container."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Facts, NamespaceHolder, case, mounting, steps

APPLIES = "runtime.create.applies-config"
UID, GID = "/mounts/*/uidMappings/*", "/mounts/*/gidMappings/*"
PROPERTIES = tuple(f"{kind}/{name}" for kind in (UID, GID) for name in ("containerID", "hostID", "size"))
NEEDS = ("root", "isolation", "kernel:6.3")  # since when file systems in memory, on which all is here, can be mapped
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
# Option → the clause on it.
KNOWN = {"idmap": "config.mounts.options.linux.idmap", "ridmap": "config.mounts.options.linux.ridmap"}
APPLIED = {"idmap": "config.mounts.options.idmap.applied", "ridmap": "config.mounts.options.ridmap.applied"}
USE_GIVEN = {"idmap": "config.mounts.options.idmap.use-given", "ridmap": "config.mounts.options.ridmap.use-given"}
FALLBACK = {
    "idmap": "config.mounts.options.idmap.fallback-error",
    "ridmap": "config.mounts.options.ridmap.fallback-error",
}
NO_USER = {
    "idmap": "config.mounts.options.idmap.no-userns-error",
    "ridmap": "config.mounts.options.ridmap.no-userns-error",
}
RELATIVE = "config.mounts.source.bind-relative-to-bundle"
BOTH = tuple(KNOWN)
PLAIN = {owner: owner for owner in OWNERS}


def tree(trial: CaseContext) -> Path:
    """A mount of ours with a file for each owner, and another such mount below it."""
    top = mounting.host_mount(trial, trial.folder / "tree")
    for folder in (top, mounting.host_mount(trial, top / "below")):
        for uid, gid in OWNERS:
            path = folder / f"{uid}-{gid}"
            path.touch()
            os.chown(path, uid, gid)
        folder.chmod(0o777)
    return top


def mapped(source: Path, *options: str, point: str = "", **mappings: Any) -> dict[str, Any]:
    """A bind mount of the tree, at a folder that is called as the last option."""
    destination = f"/m/{point or options[-1]}"
    return {"destination": destination, "type": "none", "source": str(source), "options": list(options), **mappings}


def config_for(trial: CaseContext, *points: str, user: bool = False) -> dict[str, Any]:
    """A config whose program looks at the owners in trees and below; ``user``: in a user namespace."""
    places = [place for point in points for place in (f"/m/{point}", f"/m/{point}/below")]
    config = trial.config(*steps(*(["stat", f"{place}/{uid}-{gid}"] for place in places for uid, gid in OWNERS)))
    if user:
        mounting.in_user_namespace(config)
    return config


def owners(facts: Facts, place: str) -> dict[str, Any]:
    """Who owns the files in a place, by their names, which say who owns them where they are stored."""
    found = {}
    for uid, gid in OWNERS:
        looked = facts.outcome("stat", f"{place}/{uid}-{gid}")
        found[f"{uid}-{gid}"] = [looked["uid"], looked["gid"]] if isinstance(looked, dict) else looked
    return found


def wanted(table: dict[tuple[int, int], tuple[int, int]]) -> dict[str, Any]:
    """The same, as a table says."""
    return {f"{uid}-{gid}": list(seen) for (uid, gid), seen in table.items()}


@case(
    *(clauses[option] for clauses in (KNOWN, APPLIED, USE_GIVEN) for option in BOTH),
    sets=PROPERTIES,
    needs=NEEDS,
)
def mapped_mounts_map_owners(trial: CaseContext) -> None:
    """Owners on a mapped mount are seen as its mappings say; those on the mount below with ridmap alone."""
    source = tree(trial)
    # Release 1.1 has mappings and no option for them.
    mounts = {
        option: [mapped(source, *(("rbind", option) if trial.holds("1.2.0") else ("rbind",)), point=option, **MAPPINGS)]
        for option in BOTH
    }
    done = mounting.create_with(trial, config_for(trial, *BOTH), mounts)
    facts = done.container.must_start().facts()
    for option, below in zip(BOTH, (PLAIN, OWNERS), strict=True):
        clauses = [clauses[option] for clauses in (KNOWN, APPLIED, USE_GIVEN)]
        if option in done.refused:
            trial.expect(clauses[0], f"the option {option} is refused", got=done.refused[option], want="created")
            trial.skip_refused(done.refused[option], *clauses[1:])
            continue
        got = {"mount": owners(facts, f"/m/{option}"), "below": owners(facts, f"/m/{option}/below")}
        want = {"mount": wanted(OWNERS), "below": wanted(below)}
        for clause in clauses:
            trial.expect(clause, f"owners are not mapped as a mount with {option} says", got=got, want=want)
    if BOTH[0] in done.refused:
        trial.skip_refused(done.refused[BOTH[0]], APPLIES)
        return
    got = owners(facts, f"/m/{BOTH[0]}")
    for pointer in PROPERTIES:
        trial.applied(pointer, got=got, want=wanted(OWNERS))


@case(RELATIVE, needs=(*NEEDS, "namespace:user"))
def relative_sources_of_mapped_mounts(trial: CaseContext) -> None:
    """The source of a mapped mount, too, is taken from the bundle where it is relative; in a user namespace as well.

    A runtime that takes the mount with the absolute path of the same folder has no reason to refuse it.
    """
    source = tree(trial)
    options = ("rbind", "idmap") if trial.holds("1.2.0") else ("rbind",)
    for user in (False, True):
        mounts = {
            "absolute": [mapped(source, *options, point="absolute", **MAPPINGS)],
            "relative": [mapped(Path("..", source.name), *options, point="relative", **MAPPINGS)],
        }
        done = mounting.create_with(trial, config_for(trial, *mounts, user=user), mounts)
        if "absolute" in done.refused:
            trial.skip_refused(done.refused["absolute"])
        got: Any = done.refused.get("relative")
        facts = done.container.must_start().facts()
        want = owners(facts, "/m/absolute")
        message = "the relative source of a mapped mount is not taken from the bundle"
        trial.expect(RELATIVE, message, got=got or owners(facts, "/m/relative"), want=want)
        done.container.clean_up()


@case(*USE_GIVEN.values(), needs=(*NEEDS, "namespace:user"))
def mappings_of_the_mount_come_first(trial: CaseContext) -> None:
    """In a user namespace, too, the mappings of the mount are used, not those of the namespace."""
    source = tree(trial)
    # What is 100000 outside is 0 inside; the mount makes 0 to 100005 outside, which is 5 inside.
    own: dict[str, Any] = {
        "uidMappings": [{"containerID": 0, "hostID": 100005, "size": 4}],
        "gidMappings": [{"containerID": 0, "hostID": 200006, "size": 4}],
    }
    mounts = {option: [mapped(source, "rbind", option, **own)] for option in BOTH}
    done = mounting.create_with(trial, config_for(trial, *BOTH, user=True), mounts)
    facts = done.container.must_start().facts()
    for option in BOTH:
        clause = USE_GIVEN[option]
        if option in done.refused:
            trial.skip_refused(done.refused[option], clause)
            continue
        got = owners(facts, f"/m/{option}")["0-0"]
        message = "the mappings of the mount are not used in a user namespace"
        trial.expect(clause, message, got=got, want=[5, 6])


@case(*FALLBACK.values(), needs=(*NEEDS, "namespace:user"))
def without_mappings_those_of_the_user_namespace_count(trial: CaseContext) -> None:
    """Without mappings of its own, a mount is mapped as the user namespace is, or there is an error.

    The same container without such mounts is created in either case, so that an error is about them.
    """
    source = tree(trial)
    mounts = {option: [mapped(source, "rbind", option)] for option in BOTH}
    done = mounting.create_with(trial, config_for(trial, *BOTH, user=True), mounts)
    facts = done.container.must_start().facts()
    for option in BOTH:
        places = (f"/m/{option}", f"/m/{option}/below") if option == "ridmap" else (f"/m/{option}",)
        got: Any = "an error" if option in done.refused else {place: owners(facts, place) for place in places}
        # Mapped there and back: inside, owners are who they are where they are stored.
        trial.expect_that(
            FALLBACK[option],
            f"{option} without mappings is neither mapped as the user namespace nor refused",
            held=option in done.refused or got == {place: wanted(PLAIN) for place in places},
            got=got,
            want="the owners as stored, or an error",
        )


@case(*NO_USER.values(), needs=NEEDS)
def nothing_to_map_by_is_an_error(trial: CaseContext) -> None:
    """Without mappings and without a user namespace there is an error, whereas with mappings there is none."""
    source = tree(trial)
    good = {option: [mapped(source, "rbind", option, **MAPPINGS)] for option in BOTH}
    control = mounting.create_with(trial, trial.config("wait"), good)
    for option in BOTH:
        clause = NO_USER[option]
        if option in control.refused:
            trial.skip_refused(control.refused[option], clause)
            continue
        config = trial.config("wait")
        config["mounts"].append({**mapped(source, "rbind", option), "destination": "/var"})
        message = f"{option} with nothing to map by is not refused"
        trial.refused(clause, config, message, control=trial.config("wait"))


@case(*APPLIED.values(), needs=NEEDS)
def mapped_mounts_beside_a_joined_pid_namespace(trial: CaseContext) -> None:
    """A mount is mapped as well where the PID namespace of the container is joined: its own processes are elsewhere."""
    source = tree(trial)
    holder = NamespaceHolder(["pid"])
    trial.undo(holder.close)
    config = config_for(trial, *BOTH)
    for entry in config["linux"]["namespaces"]:
        if entry["type"] == "pid":
            entry["path"] = holder.path("pid")
    mounts = {option: [mapped(source, "rbind", option, **MAPPINGS)] for option in BOTH}
    done = mounting.create_with(trial, config, mounts)
    facts = done.container.must_start().facts()
    for option in BOTH:
        if option in done.refused:
            trial.skip_refused(done.refused[option], APPLIED[option])
            continue
        message = f"owners are not mapped as a mount with {option} says, in a joined PID namespace"
        trial.expect(APPLIED[option], message, got=owners(facts, f"/m/{option}"), want=wanted(OWNERS))
