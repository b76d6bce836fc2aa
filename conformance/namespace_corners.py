"""Namespaces that are new where others are not, and what is set in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocivalidate.runtime import (
    NAMESPACE_FILES,
    CaseContext,
    NamespaceHolder,
    case,
    changed,
    mounting,
    namespaces_of,
    programs,
    steps,
)

NEW = "config-linux.namespaces.no-path-creates"
INHERITED = "config-linux.namespaces.unlisted-inherited"
SYSCTL = "/linux/sysctl/*"
OFFSETS = "/linux/timeOffsets/*/secs"
BESIDE = ("pid", "network", "ipc", "uts", "cgroup", "time")
SINCE = {"time": "1.1.0"}
# Of unshare(1), where it calls a namespace by another name.
OPTIONS = {"network": "net"}


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


@dataclass(frozen=True, slots=True)
class Setting:
    """What is set in a namespace. ``value`` and ``seen``: what the config says, and what the program then sees."""

    name: str
    namespace: str
    pointer: str
    value: Any
    look: tuple[str, ...]
    seen: str
    since: str = "1.0.0"


SETTINGS = (
    Setting("hostname", "uts", "/hostname", "ours", ("raw-name", "nodename"), "ours"),
    Setting("domainname", "uts", "/domainname", "ours", ("raw-name", "domainname"), "ours", since="1.1.0"),
    Setting(
        "network-parameter",
        "network",
        "/linux/sysctl",
        {"net.core.somaxconn": "257"},
        ("read", "/proc/sys/net/core/somaxconn"),
        "257",
    ),
    Setting(
        "ipc-parameter", "ipc", "/linux/sysctl", {"kernel.msgmax": "8191"}, ("read", "/proc/sys/kernel/msgmax"), "8191"
    ),
    Setting(
        "clocks",
        "time",
        "/linux/timeOffsets",
        {"boottime": {"secs": 86400}},
        ("read", "/proc/self/timens_offsets"),
        "86400",
        since="1.1.0",
    ),
)
UNAPPLIABLE = "runtime.create.unappliable-error"


def _set_without(trial: CaseContext, setting: Setting) -> None:
    """Judge a setting where the config has no such namespace, and the caller of the runtime one of its own.

    That is the container's then, so that a runtime may set it there, or generate an error.
    """
    config = trial.config(*steps([*setting.look], ["wait"]))
    config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != setting.namespace]
    option = f"--{OPTIONS.get(setting.namespace, setting.namespace)}"
    wrapper = programs.command("unshare", option, "--")
    container = trial.container(config).must_create(wrapper=wrapper)
    container.clean_up()
    container = trial.container(changed(config, setting.pointer, setting.value))
    done = container.create(wrapper=wrapper)
    if done.ok:
        done = container.start()
    got = str(container.facts().value(*setting.look)).strip() if done.ok else done.last_error_line
    held = done.refused or (done.ok and setting.seen in got)
    message = f"{setting.pointer} is neither applied nor refused where there is no {setting.namespace} namespace"
    trial.expect_that(UNAPPLIABLE, message, held=held, got=got, want=f"{setting.seen}, or an error")


def _case_without(setting: Setting) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        if not trial.holds(setting.since):
            trial.skip(f"runtime-spec {trial.release} does not have it")
        _set_without(trial, setting)

    function.__name__ = f"{setting.name}-without-its-namespace"
    function.__doc__ = f"{setting.pointer} where no {setting.namespace} namespace is listed is applied or refused."
    needs = ("root", "isolation", "program:unshare", f"namespace:{setting.namespace}")
    return case(UNAPPLIABLE, needs=needs)(function)


WITHOUT = [_case_without(setting) for setting in SETTINGS]


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
