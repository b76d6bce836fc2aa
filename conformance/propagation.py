"""How mounts travel between host and container: those on the root filesystem, and those on single mounts.

Our side is a mount of ours that is shared: what becomes mounted below it travels to its peers and slaves in the
container, unless these were made otherwise; what the container mounts below travels back to us, unless these were.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ocivalidate.runtime import Call, CaseContext, Container, Facts, case, mounting, steps

ROOTFS = "/linux/rootfsPropagation"
OPTIONS = "/mounts/*/options"
APPLIES = "runtime.create.applies-config"
NEEDS = ("root", "isolation", "cap:SYS_ADMIN", "propagation")
MS_BIND = "0x1000"
MS_BIND_ALL = "0x5000"
# What travels, by the word for the propagation. For shared, nothing says whether the host is a peer.
TRAVELS: dict[str, dict[str, Any]] = {
    "private": {"kind": "private", "from host": False, "to host": False},
    "shared": {"kind": "shared", "to peers": True},
    "slave": {"kind": "slave", "from host": True, "to host": False},
    "unbindable": {"kind": "unbindable", "from host": False, "to host": False, "bound": "EINVAL"},
}


def able_to_mount(trial: CaseContext, looks: Iterable[list[str]]) -> dict[str, Any]:
    """A config whose program may mount."""
    config = trial.config(*steps(*looks, ["mountinfo"], ["wait"]))
    for names in config["process"]["capabilities"].values():
        names.append("CAP_SYS_ADMIN")
    return config


def looks_at(place: str, ours: str, peer: str, how: str = MS_BIND) -> list[list[str]]:
    """The steps that show how mounts travel to and from ``place``; ``ours`` and ``peer`` are folders to mount on."""
    return [
        ["stat", f"{place}/from-host/seen"],
        ["mount", "none", f"{place}/{ours}", "tmpfs"],
        ["mount", place or "/", peer, "none", how],
        ["mount", "none", f"{place}/late", "tmpfs"],
        ["write", f"{place}/late/file"],
        ["stat", f"{peer}/late/file"],
    ]


def seen_at(facts: Facts, place: str, peer: str, on_host: Path) -> dict[str, Any]:
    """What travelled to and from ``place``; ``on_host`` is where it would arrive on our side."""
    return {
        "kind": mounting.propagation(mounting.at(facts.value("mountinfo"), place or "/")),
        "from host": facts.error("stat", f"{place}/from-host/seen") is None,
        "to host": str(on_host) in mounting.host_mount_points(),
        "bound": facts.error("mount", place or "/"),
        "to peers": facts.error("stat", f"{peer}/late/file") is None,
    }


def mount_on_our_side(trial: CaseContext, folder: Path) -> None:
    """Mount something below a shared mount of ours, which is to be seen in the container or not."""
    mounting.host_mount(trial, folder / "from-host")
    (folder / "from-host" / "seen").touch()


# ------------------------------------------------------------------------------------------------- the root filesystem


def root_with(trial: CaseContext, form: str, *, user: bool = False) -> Container:
    """A container, not created yet, whose root filesystem is on a shared mount of ours.

    ``user``: in a user namespace.
    """
    config = able_to_mount(trial, looks_at("", "from-container", "/peer"))
    if user:
        mounting.in_user_namespace(config)
    if form:
        config["linux"]["rootfsPropagation"] = form
    config["mounts"].append({"destination": "/early", "type": "tmpfs", "source": "tmpfs"})
    container = trial.container(config)
    rootfs = container.bundle / "rootfs"
    for name in ("early", "from-host", "from-container", "peer", "late"):
        (rootfs / name).mkdir()
    for path in (rootfs, *rootfs.iterdir()) if user else ():
        os.chown(path, *mounting.USERS_ROOT, follow_symlinks=False)
    mounting.host_mount(trial, rootfs, "bind", "shared", kind="none", source=str(rootfs))
    return container


def travels_at_root(trial: CaseContext, container: Container) -> dict[str, Any]:
    """Mount something on our side, have the container, which is created, look and mount, and say what travelled."""
    rootfs = container.bundle / "rootfs"
    early = str(rootfs / "early") in mounting.host_mount_points()
    mount_on_our_side(trial, rootfs)
    seen = seen_at(container.must_start().facts(), "", "/peer", rootfs / "from-container")
    return seen | {"to host": seen["to host"] or early}


def judge_root(trial: CaseContext, form: str, *, recursive: bool = True, what: tuple[str, ...] = ()) -> None:
    """Judge a form of rootfsPropagation, and its recursive form where the runtime takes that: no release lists it.

    ``what``: of what travels, only this.
    """
    for word in (form, f"r{form}") if recursive else (form,):
        container = root_with(trial, word)
        if word == form:
            container.must_create()
        elif not (done := container.create()).ok:
            if form == "shared":
                judge_refusal_of_rshared(trial, done)
            continue
        seen = travels_at_root(trial, container)
        want = {name: value for name, value in TRAVELS[form].items() if not what or name in what}
        message = f"with rootfsPropagation {word} mounts do not travel so"
        trial.applied(ROOTFS, got={name: seen[name] for name in want}, want=want, message=message)
        container.clean_up()


def judge_refusal_of_rshared(trial: CaseContext, done: Call) -> None:
    """Judge a refusal of rshared: who takes the recursive forms of others knows this one, and cannot do it."""
    others = [root_with(trial, word) for word in ("rprivate", "rslave")]
    taken = all(other.create().ok for other in others)
    for other in others:
        other.clean_up()
    message = "rootfsPropagation rshared is refused, whereas rprivate and rslave are taken"
    trial.applied(
        ROOTFS, got=done.last_error_line if taken else "refused as all are", want="refused as all are", message=message
    )


@case(sets=[ROOTFS], needs=(*NEEDS, "namespace:user", "propagation:user"))
def root_in_a_user_namespace(trial: CaseContext) -> None:
    """In a user namespace the forms of rootfsPropagation count, too.

    The kernel has slaves there of what is shared outside: nothing of a container travels to the host.
    """
    for form, wanted in TRAVELS.items():
        container = root_with(trial, form, user=True)
        container.must_create()
        seen = travels_at_root(trial, container)
        want = {**wanted, "to host": False}
        # Not to be told apart: what is both shared in the container and a slave outside gets mounts from the host.
        message = f"in a user namespace with rootfsPropagation {form} mounts do not travel so"
        trial.applied(ROOTFS, got={name: seen[name] for name in want}, want=want, message=message)
        container.clean_up()


@case(sets=[ROOTFS], needs=NEEDS)
def root_is_private(trial: CaseContext) -> None:
    """With rootfsPropagation private, mounts travel neither into the container nor out of it."""
    judge_root(trial, "private")


@case(sets=[ROOTFS], needs=NEEDS)
def root_is_shared(trial: CaseContext) -> None:
    """With rootfsPropagation shared, mounts travel between the root filesystem and what is bound of it."""
    judge_root(trial, "shared")


@case(sets=[ROOTFS], needs=NEEDS)
def root_is_slave(trial: CaseContext) -> None:
    """With rootfsPropagation slave, mounts on the host appear in the container."""
    judge_root(trial, "slave", what=("kind", "from host"))


@case(sets=[ROOTFS], needs=NEEDS)
def root_that_is_slave_passes_nothing_on(trial: CaseContext) -> None:
    """With rootfsPropagation slave, mounts in the container do not appear on the host."""
    judge_root(trial, "slave", recursive=False, what=("to host",))


@case(sets=[ROOTFS], needs=NEEDS)
def root_is_unbindable(trial: CaseContext) -> None:
    """With rootfsPropagation unbindable, the root filesystem cannot be bound, and no mounts travel."""
    judge_root(trial, "unbindable")


@case("config-linux.namespaces.no-path-creates", needs=NEEDS)
def mounts_stay_in_the_container(trial: CaseContext) -> None:
    """No mount of a container with a mount namespace of its own appears on the host, below a shared mount either."""
    seen = travels_at_root(trial, root_with(trial, "").must_create())
    message = "mounts of the container appear on the host"
    trial.expect("config-linux.namespaces.no-path-creates", message, got=seen["to host"], want=False)


# ------------------------------------------------------------------------------------------------------ single mounts


def places_of(option: str) -> tuple[str, ...]:
    """The mounts on which an option is to be seen: recursive ones also on the mount below."""
    return (f"/m/{option}",) if option in TRAVELS else (f"/m/{option}", f"/m/{option}/below")


# Form → the clause on the option.
FORMS = {
    "private": "config.mounts.options.linux.private",
    "shared": "config.mounts.options.linux.shared",
    "slave": "config.mounts.options.linux.slave",
    "unbindable": "config.mounts.options.linux.unbindable",
    "rprivate": "config.mounts.options.linux.rprivate",
    "rshared": "config.mounts.options.linux.rshared",
    "rslave": "config.mounts.options.linux.rslave",
    "runbindable": "config.mounts.options.linux.runbindable",
}


@case(*FORMS.values(), sets=[OPTIONS], needs=NEEDS)
def bound_mounts_travel_as_they_are_told(trial: CaseContext) -> None:
    """Private, shared, slave and unbindable mounts pass on or do not what is mounted below; recursive ones all the way.

    Shared is seen on a mount that was not, all else on one that was shared with the host. Nothing is said of the root
    filesystem: whoever reads these options only beside rootfsPropagation does not apply them.
    """
    judge_bound_mounts(trial)


@case(*FORMS.values(), sets=[OPTIONS], needs=(*NEEDS, "namespace:user"))
def bound_mounts_in_a_user_namespace(trial: CaseContext) -> None:
    """The same in a user namespace: what is mounted on the host later is seen on slaves, and on no others."""
    judge_bound_mounts(trial, user=True)


@case(FORMS["slave"], FORMS["rslave"], sets=[OPTIONS], needs=NEEDS)
def slaves_in_a_shared_root(trial: CaseContext) -> None:
    """Mounts that are to be slaves are so in a root filesystem that is shared, too: rslave all the way.

    In any other a runtime may make slaves of all mounts without being asked.
    """
    judge_bound_mounts(trial, forms=("slave", "rslave"), root="shared")


def sources_of_mounts(trial: CaseContext, *, user: bool) -> dict[str, Path]:
    """A private and a shared mount of ours, each with another below it, by their kinds; ``user``: for whose root."""
    sources = {kind: trial.folder / kind for kind in ("private", "shared")}
    for kind, top in sources.items():
        for folder in (mounting.host_mount(trial, top, kind), mounting.host_mount(trial, top / "below", kind)):
            for name in ("from-host", "late", *(f"from-{option}" for option in FORMS)):
                (folder / name).mkdir()
                os.chown(folder / name, *(mounting.USERS_ROOT if user else (0, 0)))
    return sources


def judge_bound_mounts(
    trial: CaseContext, *, user: bool = False, forms: Iterable[str] = tuple(FORMS), root: str = ""
) -> None:
    """Judge the options on propagation of a bind mount each. ``root``: the propagation of the root filesystem."""
    sources = sources_of_mounts(trial, user=user)
    places = {
        place: (option, sources["private" if option.endswith("shared") else "shared"] / place.partition(option)[2][1:])
        for option in forms
        for place in places_of(option)
    }
    # A user namespace must not part a mount that comes from outside of it from what is mounted below.
    how = MS_BIND_ALL if user else MS_BIND
    looks = [
        step for place, (option, _) in places.items() for step in looks_at(place, f"from-{option}", peer_of(place), how)
    ]
    config = able_to_mount(trial, looks)
    if user:
        mounting.in_user_namespace(config)
    if root:
        config["linux"]["rootfsPropagation"] = root
    mounts = {
        option: [
            {
                "destination": f"/m/{option}",
                "type": "none",
                "source": str(places[f"/m/{option}"][1]),
                "options": ["rbind", option],
            }
        ]
        for option in forms
    }

    def make_peers(container: Container) -> None:
        for place in places:
            (container.bundle / "rootfs" / peer_of(place)[1:]).mkdir()

    done = mounting.create_with(trial, config, mounts, make_peers)
    for folder in (sources["shared"], sources["shared"] / "below"):
        mount_on_our_side(trial, folder)
    facts = done.container.must_start().facts()
    for place, (option, on_host) in places.items():
        want = TRAVELS[option if option in TRAVELS else option[1:]]
        got: Any = done.refused.get(option)
        if got is None:
            seen = seen_at(facts, place, peer_of(place), on_host / f"from-{option}")
            got = {name: seen[name] for name in want}
        judge_option(trial, option, got, want)
    if trial.holds("1.1.0"):
        trial.skip("since 1.1.0 each option is a clause of its own", APPLIES)


def peer_of(place: str) -> str:
    """The folder on which a place is bound in the container."""
    return f"/peer{place.replace('/', '-')}"


def judge_option(trial: CaseContext, option: str, got: Any, want: Any) -> None:
    """Judge an option: by its clause, or, where the release has none, as part of the property."""
    message = f"with the option {option} mounts do not travel so"
    if trial.holds("1.1.0"):
        trial.expect(FORMS[option], message, got=got, want=want, pointer=OPTIONS)
    elif isinstance(got, dict):
        trial.applied(OPTIONS, got=got, want=want, message=message)
