"""Namespaces that are new where others are not, and what is set in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ocivalidate.runtime import NAMESPACE_FILES, CaseContext, NamespaceHolder, case, mounting, namespaces_of, steps

NEW = "config-linux.namespaces.no-path-creates"
INHERITED = "config-linux.namespaces.unlisted-inherited"
SYSCTL = "/linux/sysctl/*"
OFFSETS = "/linux/timeOffsets/*/secs"
BESIDE = ("pid", "network", "ipc", "uts", "cgroup", "time")
SINCE = {"time": "1.1.0"}


def _new_alone(trial: CaseContext, kind: str) -> None:
    config = trial.config(*steps(["namespaces"], ["wait"]))
    config["linux"]["namespaces"] = [{"type": "mount"}, {"type": kind}]
    config["mounts"] = [entry for entry in config["mounts"] if entry["type"] in ("proc", "tmpfs", "devpts")]
    container = trial.container(config).must_create().must_start()
    seen, own = container.facts().value("namespaces"), namespaces_of()
    other = {name for name in own if seen.get(name) != own[name]} - {"mnt"}
    want = {NAMESPACE_FILES[kind]}
    trial.expect(NEW, f"a namespace of type {kind} is not new where no other is", got=sorted(want - other), want=[])
    message = f"where a namespace of type {kind} is new, others are not those of the runtime"
    trial.expect(INHERITED, message, got=sorted(other - want), want=[])


def _case_of(kind: str) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        if not trial.holds(SINCE.get(kind, "1.0.0")):
            trial.skip(f"runtime-spec {trial.release} does not have it")
        _new_alone(trial, kind)

    function.__name__ = f"{kind}-is-new-alone"
    function.__doc__ = f"A new namespace of type {kind} beside that of mounts; all others are those of the runtime."
    return case(NEW, INHERITED, needs=("root", "isolation", f"namespace:{kind}"))(function)


CASES = [_case_of(kind) for kind in BESIDE]


@case(sets=[OFFSETS], needs=["root", "isolation", "namespace:time", "namespace:user"])
def clocks_in_a_user_namespace(trial: CaseContext) -> None:
    """Clocks are offset in a container with a user namespace as in any other."""
    config = mounting.in_user_namespace(trial.config("wait"))
    config["linux"]["namespaces"].append({"type": "time"})
    config["linux"]["timeOffsets"] = {"boottime": {"secs": 86400}}
    container = trial.container(config).must_create().must_start()
    text = Path(f"/proc/{container.pid}/timens_offsets").read_text(encoding="ascii")
    got = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()}
    trial.applied(OFFSETS, got=got.get("boottime"), want=86400)


def _put_back(file: str, before: str) -> None:
    if Path(file).read_text(encoding="ascii") != before:
        Path(file).write_text(before, encoding="ascii")


@case(sets=[SYSCTL], needs=["root", "isolation", "namespace:user"])
def kernel_parameters_of_a_user_namespace(trial: CaseContext) -> None:
    """A parameter that each user namespace has for itself is set in that of the container, and in no other."""
    file = "/proc/sys/user/max_mnt_namespaces"
    before = Path(file).read_text(encoding="ascii")
    # A runtime may set the one outside, which would stay.
    trial.undo(lambda: _put_back(file, before))
    config = mounting.in_user_namespace(trial.config(*steps(["read", file], ["wait"])))
    config["linux"]["sysctl"] = {"user.max_mnt_namespaces": "77"}
    trial.applied(SYSCTL, got=trial.run(config).outcome("read", file), want="77\n")
    message = "a parameter of the user namespace outside was changed"
    trial.applied(SYSCTL, got=Path(file).read_text(encoding="ascii"), want=before, message=message)


@case(
    "runtime.lifecycle.prestart-invoked",
    "runtime.lifecycle.createruntime-invoked",
    needs=["root", "isolation", "program:sh"],
)
def hooks_without_a_mount_namespace(trial: CaseContext) -> None:
    """Where the mount namespace is that of the runtime, too, hooks of create run once."""
    kinds = {
        "prestart": ("1.0.0", "runtime.lifecycle.prestart-invoked"),
        "createRuntime": ("1.0.2", "runtime.lifecycle.createruntime-invoked"),
    }
    holder = NamespaceHolder(["mount"])
    trial.undo(holder.close)
    config = trial.config("wait")
    config["linux"]["namespaces"] = [{"type": kind} for kind in ("pid", "ipc", "uts")]
    config["mounts"] = [entry for entry in config["mounts"] if entry["type"] == "proc"]
    log = trial.folder / "log"
    config["hooks"] = {
        kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {kind} >> {log}"]}]
        for kind, (since, _clause) in kinds.items()
        if trial.holds(since)
    }
    trial.container(config).must_create(wrapper=holder.enter())
    ran = log.read_text(encoding="ascii").split() if log.exists() else []
    for kind in config["hooks"]:
        trial.expect(kinds[kind][1], f"a {kind} hook does not run once", got=ran.count(kind), want=1)
