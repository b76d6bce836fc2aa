"""Namespaces: made anew, inherited, or joined by a path, for all eight types.

In which namespaces a process is, is said by the kernel: by the links below ``/proc/PID/ns``, as the program sees its
own and as we see those of the container process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocivalidate.runtime import (
    NAMESPACE_FILES,
    CaseContext,
    Container,
    Facts,
    NamespaceHolder,
    case,
    changed,
    namespaces_of,
    syscalls,
)

NEW, JOINED = "config-linux.namespaces.no-path-creates", "config-linux.namespaces.path.joined"
INHERITED, MISMATCH = "config-linux.namespaces.unlisted-inherited", "config-linux.namespaces.path.type-mismatch-error"
SUPPORTED, FEATURES = "config-linux.namespaces.types-supported", "features-linux.namespaces.recognized"
TYPE, PATH = "/linux/namespaces/*/type", "/linux/namespaces/*/path"
IDS = [{"containerID": 0, "hostID": 100000, "size": 65536}]
# A runtime needs a mount namespace to put anything elsewhere than on the host.
BASE = ("pid", "ipc", "uts", "mount")
SINCE = {"time": "1.1.0"}


def types_of(trial: CaseContext, *but: str) -> list[str]:
    """The types that both the release and this kernel have, without some."""
    return [
        kind
        for kind in NAMESPACE_FILES
        if kind not in but and trial.holds(SINCE.get(kind, "1.0.0")) and kind in trial.host.namespaces
    ]


def config_with(trial: CaseContext, namespaces: Iterable[Mapping[str, str]], *steps: str) -> dict[str, Any]:
    """A config with these namespaces, whose program reports its own."""
    config = trial.config(*steps, *([","] if steps else []), "namespaces", ",", "wait")
    config["linux"]["namespaces"] = [dict(entry) for entry in namespaces]
    return config


def new(kinds: Iterable[str]) -> list[dict[str, str]]:
    """Entries for new namespaces."""
    return [{"type": kind} for kind in kinds]


def links(container: Container, facts: Facts) -> dict[str, str]:
    """The namespaces of the program: as it sees them, if we see the same; the name of the file → the link."""
    seen, own = namespaces_of(container.pid), facts.value("namespaces")
    return {name: link if own.get(name) == link else f"{link}, inside {own.get(name)}" for name, link in seen.items()}


def started(container: Container, **more: Any) -> tuple[Facts, dict[str, str]]:
    """Create and start a container: what its probe reports, and its namespaces."""
    container.must_create(**more).must_start()
    facts = container.facts()
    return facts, links(container, facts)


# --- new


@case(NEW, SUPPORTED, FEATURES, sets=[TYPE], needs=["root"])
def entries_without_a_path_make_new_namespaces(trial: CaseContext) -> None:
    """Each type without a path gives a new namespace of that type."""
    kinds = types_of(trial, "user")
    if not isinstance(_claimed(trial), list):
        trial.skip("the runtime does not say which namespaces it knows", FEATURES)
    _, got = started(trial.container(config_with(trial, new(kinds))))
    own = namespaces_of()
    made = [kind for kind in kinds if got.get(NAMESPACE_FILES[kind]) != own[NAMESPACE_FILES[kind]]]
    if "user" in types_of(trial):
        config = config_with(trial, new([*BASE, "network", "user"]))
        config["linux"] |= {"uidMappings": IDS, "gidMappings": IDS}
        _, with_user = started(trial.container(config))
        made += ["user"] if with_user.get("user") != own["user"] else []
    want = [*kinds, *(["user"] if "user" in types_of(trial) else [])]
    for clause in (NEW, SUPPORTED):
        trial.expect(clause, "types without a path do not give a new namespace", got=sorted(made), want=sorted(want))
    trial.applied(TYPE, got=sorted(made), want=sorted(want))
    _judge_features(trial, made, want)


def _claimed(trial: CaseContext) -> Any:
    return ((trial.subject.features or {}).get("linux") or {}).get("namespaces")


def _judge_features(trial: CaseContext, made: Sequence[str], tried: Sequence[str]) -> None:
    claimed = _claimed(trial)
    if not isinstance(claimed, list):
        return
    broken = [kind for kind in claimed if kind in tried and kind not in made]
    trial.expect(FEATURES, "types that features lists do not work", got=broken, want=[])


# --- inherited


@case(INHERITED, needs=["root"])
def types_that_are_not_listed_are_inherited(trial: CaseContext) -> None:
    """A container that lists only a mount namespace is in all other namespaces of the runtime."""
    config = config_with(trial, new(["mount"]))
    config["mounts"] = [entry for entry in config["mounts"] if entry["type"] in ("proc", "tmpfs", "devpts")]
    _, got = started(trial.container(config))
    own = namespaces_of()
    want = {**own, "mnt": "new"}
    got["mnt"] = "new" if got.get("mnt") != own["mnt"] else own["mnt"]
    trial.expect(INHERITED, "namespaces that are not listed are not those of the runtime", got=got, want=want)


@case(INHERITED, needs=["root"])
def mount_namespace_that_is_not_listed_is_inherited(trial: CaseContext) -> None:
    """A container that lists no mount namespace is in that of the runtime, here one of our own."""
    holder = held(trial, ["mount"])
    config = config_with(trial, new(["pid", "ipc", "uts"]))
    config["mounts"] = [entry for entry in config["mounts"] if entry["type"] == "proc"]
    _, got = started(trial.container(config), wrapper=holder.enter())
    want = holder.namespaces()["mnt"]
    trial.expect(INHERITED, "the mount namespace is not that of the runtime", got=got.get("mnt"), want=want)


# --- joined


def held(trial: CaseContext, kinds: Sequence[str], **more: Any) -> NamespaceHolder:
    """A process with namespaces of its own, for as long as the case lasts."""
    holder = NamespaceHolder(kinds, **more)
    trial.undo(holder.close)
    return holder


def joins(holder: NamespaceHolder, kinds: Iterable[str]) -> list[dict[str, str]]:
    """Entries by which the namespaces of a process are joined."""
    return [{"type": kind, "path": holder.path(kind)} for kind in kinds]


@case(JOINED, sets=[PATH], needs=["root"])
def entries_with_a_path_join_that_namespace(trial: CaseContext) -> None:
    """Each type with a path puts the program into the namespace of that file, and into the view of it."""
    kinds = types_of(trial, "user", "mount")
    holder = held(trial, kinds, hostname="ocivalidate-held")
    entries = joins(holder, kinds)
    # A file that a namespace is bound to is as good as one below /proc.
    bound = trial.folder / "uts"
    bound.touch()
    syscalls.mount(holder.path("uts"), str(bound), flags=syscalls.MS_BIND)
    trial.undo(lambda: syscalls.unmount(str(bound)))
    for entry in entries:
        entry["path"] = str(bound) if entry["type"] == "uts" else entry["path"]
    facts, got = started(trial.container(config_with(trial, [*entries, *new(["mount"])], "uname")))
    want = {NAMESPACE_FILES[kind]: holder.namespaces()[NAMESPACE_FILES[kind]] for kind in kinds}
    joined = {name: got.get(name) for name in want}
    trial.expect(JOINED, "the program is not in the namespaces of the paths", got=joined, want=want)
    trial.applied(PATH, got=joined, want=want)
    name = facts.value("uname")["nodename"]
    trial.expect(JOINED, "the name of the host is not that of the namespace", got=name, want="ocivalidate-held")


@case(JOINED, needs=["root"])
def mount_namespace_is_joined(trial: CaseContext) -> None:
    """A mount namespace with a path is joined, and its mounts are there."""
    holder = held(trial, ["mount"])
    config = config_with(trial, [*new(["pid", "ipc", "uts"]), *joins(holder, ["mount"])])
    config["mounts"] = [entry for entry in config["mounts"] if entry["type"] == "proc"]
    _, got = started(trial.container(config))
    want = holder.namespaces()["mnt"]
    trial.expect(JOINED, "the program is not in the mount namespace of the path", got=got.get("mnt"), want=want)


@case(JOINED, needs=["root", "namespace:user"])
def user_namespace_is_joined(trial: CaseContext) -> None:
    """A user namespace with a path is joined, and its mappings are those of the program."""
    mappings = [(0, 200000, 65536)]
    holder = held(trial, ["user"], mappings=mappings)
    config = config_with(trial, [*new([*BASE, "network"]), *joins(holder, ["user"])], "idmaps")
    facts, got = started(trial.container(config))
    want = holder.namespaces()["user"]
    trial.expect(JOINED, "the program is not in the user namespace of the path", got=got.get("user"), want=want)
    maps = [tuple(line) for line in facts.value("idmaps")["uid"]]
    # As seen from inside, the other side of a mapping is that of the namespace above.
    trial.expect(JOINED, "the mappings are not those of the namespace", got=maps, want=mappings)


def _joins_alone(trial: CaseContext, kind: str) -> None:
    # A new time namespace takes a fork more, which is none of the matter here.
    others = types_of(trial, "user", "time", kind)
    if kind not in types_of(trial):
        trial.skip(f"this kernel, or runtime-spec {trial.release}, has no {kind} namespaces")
    trial.control(config_with(trial, new(others)))
    holder = held(trial, [kind])
    container = trial.container(config_with(trial, [*joins(holder, [kind]), *new(others)]))
    done = container.create()
    if done.ok:
        done = container.start()
    own, want = namespaces_of(), holder.namespaces()
    got = links(container, container.facts()) if done.ok else {}
    file = NAMESPACE_FILES[kind]
    message = f"where {kind} is the only namespace with a path, the program is not in it"
    trial.expect(JOINED, message, got=got.get(file) if done.ok else done.last_error_line, want=want[file])
    if done.ok:
        message = f"beside a namespace of type {kind} that is joined, others are not new"
        files = {NAMESPACE_FILES[one] for one in others}
        old = sorted(name for name in files if got.get(name) in (own[name], want[name], None))
        trial.expect(JOINED, message, got=old, want=[])


def _joined_alone(kind: str) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        _joins_alone(trial, kind)

    function.__name__ = f"{kind}-is-joined-alone"
    function.__doc__ = f"A namespace of type {kind} is joined where all others are new."
    return case(JOINED, needs=["root"])(function)


ALONE = [_joined_alone(kind) for kind in ("pid", "network", "ipc", "uts", "cgroup", "time")]


@case(JOINED, needs=["root", "namespace:user"])
def others_are_joined_beside_a_new_user_namespace(trial: CaseContext) -> None:
    """Where the user namespace is new, one of another type with a path is joined all the same, each by itself."""
    for kind in ("network", "ipc", "uts"):
        holder = held(trial, [kind])
        others = [one for one in (*BASE, "user") if one != kind]
        config = config_with(trial, [*joins(holder, [kind]), *new(others)])
        config["linux"] |= {"uidMappings": IDS, "gidMappings": IDS}
        # Only who owns the network namespace may mount sysfs, and only who owns that of IPC message queues.
        config["mounts"] = [entry for entry in config["mounts"] if entry["type"] not in ("sysfs", "mqueue")]
        container = trial.container(config)
        _, got = started(container)
        file = NAMESPACE_FILES[kind]
        message = f"beside a new user namespace, the program is not in the {kind} namespace of the path"
        trial.expect(JOINED, message, got=got.get(file), want=holder.namespaces()[file])
        message = f"beside a {kind} namespace that is joined, the user namespace is not new"
        trial.expect(JOINED, message, got=got.get("user") != namespaces_of()["user"], want=True)
        container.clean_up()


# --- paths of another type


@dataclass(frozen=True, slots=True)
class Wrong:
    """A type and the type of the namespace that is given for it."""

    kind: str
    other: str


WRONG = (
    Wrong("pid", "ipc"),
    Wrong("network", "uts"),
    Wrong("mount", "network"),
    Wrong("ipc", "uts"),
    Wrong("uts", "network"),
    Wrong("user", "ipc"),
    Wrong("cgroup", "uts"),
    Wrong("time", "ipc"),
)


def _refuses(trial: CaseContext, wrong: Wrong) -> None:
    if wrong.kind not in types_of(trial):
        trial.skip(f"this kernel, or runtime-spec {trial.release}, has no {wrong.kind} namespaces")
    # That paths of the right type are accepted is shown above: here it is the path alone that is wrong.
    kinds = ("user", *BASE, "network") if wrong.kind == "user" else types_of(trial, "user")
    control = config_with(trial, new(kinds))
    if wrong.kind == "user":
        control["linux"] |= {"uidMappings": IDS, "gidMappings": IDS}
    path = held(trial, [wrong.other]).path(wrong.other)
    config = changed(control, f"/linux/namespaces/{kinds.index(wrong.kind)}/path", path)
    trial.refused(
        MISMATCH,
        config,
        f"a namespace of type {wrong.other} is accepted for {wrong.kind}",
        control=control,
        pointer="/linux/namespaces",
    )


def _mismatch_of(wrong: Wrong) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        _refuses(trial, wrong)

    function.__name__ = f"{wrong.kind}-from-a-path-of-another-type"
    function.__doc__ = f"The path of a namespace of type {wrong.other} is refused for type {wrong.kind}."
    return case(MISMATCH, "runtime.create.unappliable-no-container", "runtime.errors.no-side-effects", needs=["root"])(
        function
    )


MISMATCHES = [_mismatch_of(wrong) for wrong in WRONG]
