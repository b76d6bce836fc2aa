"""What a runtime claims in its features structure: the form of it, and each claim held against what the runtime does.

A list may have names that this kernel or this library does not know; such a name is left out, with what the host says.
"""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Iterable, Sequence
from typing import Any

from ocivalidate.runtime import (
    CaseContext,
    capabilities,
    case,
    changed,
    claimed_names,
    document_clauses,
    judge_document,
    steps,
)

STRUCTURE = document_clauses("features")
_NAMESPACE_FILES = {"network": "net", "mount": "mnt"}
_ID = {"containerID": 0, "hostID": 5000, "size": 1}


def _claim(trial: CaseContext, *path: str) -> Any:
    """A claim of the runtime, ``None`` where it makes none."""
    value: Any = trial.subject.features
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _names(trial: CaseContext, clause: str, *path: str) -> list[str]:
    """A list of names that the runtime claims; without one, the clause is skipped and the list is empty."""
    claimed = _claim(trial, *path)
    if not isinstance(claimed, list) or not claimed:
        trial.skip(f"the runtime claims no {'.'.join(path)}", clause)
        return []
    return [str(name) for name in claimed]


@case(*STRUCTURE)
def structure(trial: CaseContext) -> None:
    """The structure that the command features prints is as the specification has it."""
    done = trial.runtime.invoke("features")
    if not done.ok:
        trial.skip("the runtime has no features command")
    file = trial.folder / "features.json"
    file.write_text(done.stdout, encoding="utf-8", errors="surrogateescape")
    judged = judge_document("features", file, trial.release)
    # A text that is no JSON has nothing of what the structure has to have.
    no_json = "; ".join(found.broken for clause, found in judged.items() if found.broken and "/glossary." in clause)
    for clause in STRUCTURE:
        found = judged.get(clause)
        if not no_json and (found is None or found.skipped):
            trial.skip(found.skipped if found else "not present", clause)
        else:
            broken = no_json or (found.broken if found else "")
            trial.expect_that(clause, broken, held=not broken, got=done.stdout, want="what features.md describes")


@case("features.hooks.supported", needs=["root", "features"])
def hooks(trial: CaseContext) -> None:
    """Each kind of hook that is claimed is run in the life of one container."""
    clause = "features.hooks.supported"
    kinds = _names(trial, clause, "hooks")
    if not kinds:
        return
    config = trial.config("wait")
    probe = config["process"]["args"][:-1]
    config["hooks"] = {}
    for kind in kinds:
        script = f"cat > /dev/null; echo > '{trial.folder}/ran-{kind}'"
        hook = {"path": "/bin/sh", "args": ["sh", "-c", script]}
        if kind == "startContainer":
            # In the container there is no shell.
            hook = {"path": probe[0], "args": [*probe, "write", f"/tmp/ran-{kind}"]}
        config["hooks"][kind] = [hook]
    container = trial.container(config).must_create().must_start()
    container.facts()
    container.must_kill()
    container.wait_stopped()
    container.must_delete()
    places = (trial.folder, container.bundle / "rootfs" / "tmp")
    missed = [kind for kind in kinds if not any((place / f"ran-{kind}").exists() for place in places)]
    trial.expect(clause, "hooks that are claimed are not run", got=missed, want=[])


# Options that mountinfo shows: how it calls them. Those with r in front are recursive, which a mount alone cannot show.
_ATTRIBUTES = "ro nosuid nodev noexec noatime nodiratime relatime nosymfollow".split()
_SHOWN = {name: name for name in (*_ATTRIBUTES, "sync", "dirsync", "lazytime", "unbindable")}
_SHOWN |= {f"r{name}": name for name in _ATTRIBUTES}
_SHOWN |= {"shared": "shared", "rshared": "shared", "runbindable": "unbindable"}
# Since these releases the kernel knows what the option asks for.
_KERNELS = (
    {"nosymfollow": (5, 10), "symfollow": (5, 10)}
    | {f"r{name}": (5, 14) for name in "symfollow nosymfollow".split()}
    | {
        f"r{name}": (5, 12)
        for name in (
            "ro rw suid nosuid dev nodev exec noexec atime noatime diratime nodiratime relatime norelatime strictatime "
            "nostrictatime"
        ).split()
    }
)


def _mounts(trial: CaseContext, options: Iterable[str]) -> list[dict[str, Any]]:
    """One mount for each option; those that are about other mounts get these."""
    mounts: list[dict[str, Any]] = []
    # Without the bundle in it, whose own mounts would be bound into it again and again.
    source = trial.folder / "bound"
    source.mkdir(exist_ok=True)
    for name in options:
        target = f"/mnt/{name}"
        tmpfs = {"destination": target, "type": "tmpfs", "source": "tmpfs", "options": [name]}
        if name in ("bind", "rbind"):
            mounts.append({"destination": target, "source": str(source), "options": [name]})
        elif name.removeprefix("r") in _ATTRIBUTES and name not in _ATTRIBUTES:
            # What is set on a whole tree of mounts is set on one that is bound.
            mounts.append({"destination": target, "source": str(source), "options": ["rbind", name]})
        elif name == "remount":
            mounts += [tmpfs | {"options": []}, tmpfs | {"options": [name, "nosuid"]}]
        elif name in ("idmap", "ridmap"):
            ids = {f"{kind}Mappings": [_ID] for kind in ("uid", "gid")}
            mounts.append({"destination": target, "source": str(source), "options": ["bind", name], **ids})
        else:
            mounts.append(tmpfs)
    return mounts


def _with_options(trial: CaseContext, options: Sequence[str]) -> dict[str, Any]:
    config = trial.config(*steps(["mountinfo"], ["wait"]))
    config["mounts"] += _mounts(trial, options)
    return config


OPTIONS = "features.mountOptions.recognized"
# It stands for what holds anyway, and is no flag of the kernel.
DEFAULTS = "defaults"


@case(OPTIONS, needs=["root", "features"])
def mount_options(trial: CaseContext) -> None:
    """Every mount option that is claimed is recognized, and shows where mountinfo shows such."""
    claimed = [name for name in _names(trial, OPTIONS, "mountOptions") if name != DEFAULTS]
    known = [name for name in claimed if trial.host.kernel >= _KERNELS.get(name, (0, 0))]
    if not known:
        return
    accepted = claimed_names.recognizes(trial, OPTIONS, known, functools.partial(_with_options, trial))
    facts = trial.run(_with_options(trial, accepted))
    found = {mount["point"]: mount for mount in facts.value("mountinfo")}
    missed = []
    for name in accepted:
        mount = found.get(f"/mnt/{name}", {})
        words = [*mount.get("options", ()), *mount.get("super", ()), *mount.get("propagation", ())]
        if not mount or (name in _SHOWN and not any(word.split(":")[0] == _SHOWN[name] for word in words)):
            missed.append(name)
    trial.expect(OPTIONS, "options that are claimed have no effect", got=missed, want=[])


@case(OPTIONS, needs=["root", "features"])
def mount_option_defaults(trial: CaseContext) -> None:
    """The mount option defaults, if it is claimed, is recognized."""
    claimed = _names(trial, OPTIONS, "mountOptions")
    if DEFAULTS not in claimed:
        trial.skip("the runtime does not claim the option defaults", OPTIONS)
        return
    claimed_names.recognizes(trial, OPTIONS, [DEFAULTS], functools.partial(_with_options, trial))


TYPES = ("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time")


def _of_types(trial: CaseContext, kinds: Sequence[str]) -> dict[str, Any]:
    config = trial.config("wait")
    config["linux"]["namespaces"] += [{"type": kind} for kind in kinds]
    return config


@case("features-linux.namespaces.recognized", needs=["root", "features"])
def namespaces(trial: CaseContext) -> None:
    """Every type of namespace that is claimed, and that this kernel has, can be made."""
    clause = "features-linux.namespaces.recognized"
    claimed = _names(trial, clause, "linux", "namespaces")
    claimed_names.recognizes(
        trial, clause, [kind for kind in claimed if kind not in TYPES], functools.partial(_of_types, trial)
    )
    known = [kind for kind in claimed if kind in trial.host.namespaces]
    if not known:
        return
    # With a user namespace, the rest of them is its own.
    for with_user in sorted({kind == "user" for kind in known}):
        config = trial.config(*steps(["namespaces"], ["wait"]))
        kinds = {*known, "mount"} if with_user else {*known, "mount"} - {"user"}
        config["linux"]["namespaces"] = [{"type": kind} for kind in sorted(kinds)]
        if with_user:
            ids = [{"containerID": 0, "hostID": 0, "size": 65536}]
            config["linux"] |= {"uidMappings": ids, "gidMappings": ids}
        container = trial.container(config)
        created = container.create()
        if not created.ok:
            # Together they may be refused for something else: each is tried alone, beside those of a usual config.
            refused = claimed_names.refused(trial, sorted(kinds - {"mount"}), functools.partial(_of_types, trial))
            trial.expect(clause, "namespaces that are claimed are refused", got=refused, want={})
        else:
            found = container.must_start().facts().value("namespaces")
            files = {kind: _NAMESPACE_FILES.get(kind, kind) for kind in kinds}
            ours = {kind: os.readlink(f"/proc/self/ns/{file}") for kind, file in files.items()}
            inherited = sorted(kind for kind, file in files.items() if found[file] == ours[kind])
            trial.expect(clause, "namespaces that are claimed are not made", got=inherited, want=[])
        container.clean_up()


@case("features-linux.capabilities.recognized", needs=["root", "features"])
def known_capabilities(trial: CaseContext) -> None:
    """Every capability that is claimed can be in the bounding set, and those are that we have ourselves."""
    clause = "features-linux.capabilities.recognized"
    claimed = _names(trial, clause, "linux", "capabilities")
    if not claimed:
        return
    there = [f"CAP_{name}" for name in trial.host.bounding]
    config = trial.config(*steps(["status"], ["wait"]))
    config["process"]["capabilities"]["bounding"] = [name for name in claimed if name in there]
    container = trial.container(config)
    created = container.create()
    trial.expect(
        clause, f"capabilities that are claimed are refused: {created.last_error_line}", got=created.ok, want=True
    )
    if created.ok:
        mask = int(container.must_start().facts().value("status")["CapBnd"], 16)
        given = [f"CAP_{name}" for name in capabilities(mask)]
        want = [name for name in there if name in claimed]
        trial.expect(clause, "capabilities that are claimed are not given", got=given, want=want)


SECCOMP = {
    "actions": "features-linux.seccomp.actions.recognized",
    "operators": "features-linux.seccomp.operators.recognized",
    "archs": "features-linux.seccomp.archs.recognized",
    "knownFlags": "features-linux.seccomp.knownFlags.recognized",
    "supportedFlags": "features-linux.seccomp.supportedFlags.supported",
}


@case(*SECCOMP.values(), needs=["root", "features", "seccomp"])
def seccomp(trial: CaseContext) -> None:
    """Every action, operator, architecture and flag of seccomp that is claimed is accepted."""
    claims = {name: _names(trial, clause, "linux", "seccomp", name) for name, clause in SECCOMP.items()}
    listener = _listener(trial)
    for kind, clause in SECCOMP.items():
        if claims[kind]:
            make = functools.partial(_with_seccomp, trial, kind, listener=listener)
            if kind != "supportedFlags":
                claimed_names.knows(trial, clause, claims[kind], make)
            else:
                accepted = claimed_names.recognizes(trial, clause, claims[kind], make)
                refused = sorted({*claims[kind]} - {*accepted})
                trial.expect(clause, "flags that are supported are refused", got=refused, want=[])
    strange = sorted({*claims["supportedFlags"]} - {*claims["knownFlags"]})
    if claims["knownFlags"]:
        trial.expect(SECCOMP["knownFlags"], "flags are supported and not known", got=strange, want=[])


def _listener(trial: CaseContext) -> str:
    """A socket to which the runtime can send the descriptor of a filter that notifies."""
    path = str(trial.folder / "listener")
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    trial.undo(door.close)
    door.bind(path)
    door.listen()
    return path


def _with_seccomp(trial: CaseContext, kind: str, names: Sequence[str], *, listener: str) -> dict[str, Any]:
    """A config with a filter that has these names of one kind, in rules that never apply."""
    never = {"index": 0, "value": 0x7FFFFFF1, "op": "SCMP_CMP_EQ"}
    seccomp: dict[str, Any] = {"defaultAction": "SCMP_ACT_ALLOW"}
    rule = {"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "args": [never]}
    rules = [rule]
    if kind == "actions":
        # Two actions for one call with the same arguments contradict each other; the default again is no rule.
        rules = [
            rule | {"action": action, "args": [never | {"value": number}]}
            for number, action in enumerate(names, 0x7FFFFF00)
            if action != "SCMP_ACT_ALLOW"
        ]
        if "SCMP_ACT_NOTIFY" in names:
            seccomp["listenerPath"] = listener
    elif kind == "operators":
        rules = [rule | {"args": [never | {"op": op, "index": 1, "valueTwo": 0x7FFFFFF1}, never]} for op in names]
    elif kind == "archs":
        seccomp["architectures"] = [*names]
    else:
        seccomp["flags"] = [*names]
    return changed(trial.config("wait"), "/linux/seccomp", seccomp | {"syscalls": rules})


MEMORY = {
    "modes": "features-linux.memoryPolicy.modes.recognized",
    "flags": "features-linux.memoryPolicy.flags.recognized",
}
# Modes that take no nodes, and the kernels that brought the newer ones.
_NO_NODES = ("MPOL_DEFAULT", "MPOL_LOCAL")
_MODE_KERNELS = {"MPOL_PREFERRED_MANY": (5, 15), "MPOL_WEIGHTED_INTERLEAVE": (6, 9)}


@case(*MEMORY.values(), needs=["root", "features", "numa"])
def memory_policy(trial: CaseContext) -> None:
    """Every mode and flag of memory policies that is claimed is accepted, where the kernel has it."""
    modes, flags = (_names(trial, clause, "linux", "memoryPolicy", name) for name, clause in MEMORY.items())
    for mode in (mode for mode in modes if trial.host.kernel >= _MODE_KERNELS.get(mode, (0, 0))):
        policy = {"mode": mode, "nodes": "" if mode in _NO_NODES else "0"}
        _accepts_policy(trial, MEMORY["modes"], policy)
    for flag in flags:
        _accepts_policy(trial, MEMORY["flags"], {"mode": "MPOL_BIND", "nodes": "0", "flags": [flag]})


def _accepts_policy(trial: CaseContext, clause: str, policy: dict[str, Any]) -> None:
    container = trial.container(changed(trial.config("wait"), "/linux/memoryPolicy", policy))
    created = container.create()
    message = (
        f"{' '.join([policy['mode'], *policy.get('flags', ())])} is claimed and refused: {created.last_error_line}"
    )
    trial.expect(clause, message, got=created.ok, want=True)
    container.clean_up()


@case("features-linux.mountExtensions.idmap.partial-true", needs=["root", "features", "kernel:5.12"])
def idmap(trial: CaseContext) -> None:
    """A runtime that maps the ids of mounts says so, and one that says so maps them."""
    clause = "features-linux.mountExtensions.idmap.partial-true"
    claimed = _claim(trial, "linux", "mountExtensions", "idmap", "enabled")
    source = trial.folder / "source"
    source.mkdir()
    (source / "file").write_text("x", encoding="utf-8")
    config = trial.config(*steps(["stat", "/mnt/file"], ["wait"]))
    ids = {f"{kind}Mappings": [_ID] for kind in ("uid", "gid")}
    config["mounts"].append({"destination": "/mnt", "source": str(source), "options": ["bind", "idmap"], **ids})
    container = trial.container(config)
    created = container.create()
    maps = created.ok and container.must_start().facts().value("stat")["uid"] == 5000
    if maps or created.ok:
        trial.expect(clause, "what is claimed is not what is done", got=bool(claimed), want=maps)
    else:
        # Mapping may have been tried, and this file system or this kind of mapping not have it.
        trial.skip_refused(created.last_error_line, clause)
