"""The 131 flags of ``oci-runtime-tool generate``: which of them work here, and what to write instead of the others.

A flag that means the same thing without its faults is rewritten to our own before the command line is parsed. The
table also makes the migration table in ``docs/generate.md``; a test holds both together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from ocivalidate.errors import OptionError
from ocivalidate.generate.texts import parts

VALUE = "{}"
"""What stands for the value of the flag in the words that replace it."""

_NAMESPACES = {
    "pid": "--pid",
    "network": "--net",
    "ipc": "--ipc",
    "uts": "--uts",
    "user": "--userns",
    "cgroup": "--cgroupns",
    "time": "--timens",
    "mount": "--mountns",
}


class Alias(NamedTuple):
    """One flag. ``words``: what it is rewritten to, with ``{}`` for its value.

    ``reads``: how, where words do not say it all.

    ``instead``: what to write where the flag is not accepted. ``note``: what differs. ``switch``: it has no value.
    """

    words: tuple[str, ...] = ()
    reads: Callable[[str], list[str]] | None = None
    instead: str = ""
    note: str = ""
    switch: bool = False


def _same(flag: str, note: str = "", *, switch: bool = False) -> Alias:
    return Alias((flag if switch else f"{flag}={VALUE}",), note=note, switch=switch)


def _set(path: str, note: str = "") -> Alias:
    return Alias((f"--set={path}={VALUE}",), note=note)


def _append(path: str, note: str = "") -> Alias:
    return Alias((f"--append={path}={VALUE}",), note=note)


def _instead(words: str, note: str = "") -> Alias:
    return Alias(instead=words, note=note)


def _each(form: str) -> Callable[[str], list[str]]:
    """Values with commas between become one option each."""
    return lambda text: [form.replace(VALUE, word) for word in text.split(",")]


def _mapping(flag: str) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        host, container, size = parts(text, 3, 3, "HOST:CONTAINER:SIZE")
        return [f"{flag}={container}:{host}:{size}"]

    return read


def _rlimit(text: str) -> list[str]:
    kind, hard, soft = parts(text, 3, 3, "TYPE:HARD:SOFT")
    return [f"--ulimit={kind}={soft}:{hard}"]


def _device(text: str) -> list[str]:
    if "fileMode=" in text:
        raise OptionError(f"{text!r}: write the mode in octal, --device TYPE:MAJOR:MINOR:PATH:mode=0666")
    return [f"--device={text}"]


def _rule(text: str) -> list[str]:
    first, *pairs = text.split(",")
    entry: dict[str, object] = {"allow": first == "allow"}
    for word in pairs:
        name, _equals, value = word.partition("=")
        entry[name] = int(value) if name in ("major", "minor") and value.lstrip("-").isdigit() else value
    if first not in ("allow", "deny"):
        raise OptionError(f"{text!r} is not of the form allow|deny,type=,major=,minor=,access=")
    return [f"--append=linux.resources.devices={json.dumps(entry)}"]


def _console(text: str) -> list[str]:
    width, height = parts(text, 2, 2, "WIDTH:HEIGHT")
    return [f"--set=process.consoleSize.{name}={value}" for name, value in (("height", height), ("width", width))]


def _priority(text: str) -> list[str]:
    name, priority = parts(text, 2, 2, "NAME:PRIORITY")
    return [
        f"--append=linux.resources.network.priorities={json.dumps({'name': name})}",
        f"--set=linux.resources.network.priorities[-1].priority={priority}",
    ]


def _huge_page(text: str) -> list[str]:
    return ["--hugepage-limit={}={}".format(*parts(text, 2, 2, "PAGE:LIMIT"))]


def _windows_device(text: str) -> list[str]:
    identity, kind = parts(text, 2, 2, "ID:TYPE")
    return [f"--append=windows.devices={json.dumps({'id': identity, 'idType': kind})}"]


def _namespace(text: str) -> list[str]:
    kind, _colon, path = text.partition(":")
    return [f"{_namespace_flag(kind)}={path or 'private'}"]


def _namespace_removed(text: str) -> list[str]:
    return [f"{_namespace_flag(text)}=host"]


def _namespace_flag(kind: str) -> str:
    if kind not in _NAMESPACES:
        raise OptionError(f"unknown namespace {kind!r}; known are {', '.join(_NAMESPACES)}")
    return _NAMESPACES[kind]


def _hooks(kind: str) -> dict[str, Alias]:
    return {
        f"--hooks-{kind}-add": _append(f"hooks.{kind}"),
        f"--hooks-{kind}-remove-all": Alias((f"--unset=hooks.{kind}",), switch=True),
    }


def _capability_set(kind: str) -> dict[str, Alias]:
    path = f"process.capabilities.{kind}"
    add = Alias(reads=_each(f"--append={path}={VALUE}"), note=f"`--append {path}=CAP`")
    return {f"--process-cap-add-{kind}": add, f"--process-cap-drop-{kind}": _instead(f"`--set '{path}=[...]'`")}


_SECCOMP_RULES = (
    '`--security-opt seccomp=FILE`, or `--append \'linux.seccomp.syscalls={"names":[...],"action":"..."}\'`'
)
_MINUS_ONE = "-1 is unlimited; sizes such as 512m"

ALIASES: dict[str, Alias] = {
    "--args": _instead("`-- CMD ARGS...`", "also accepted, one word each; they follow all options"),
    "--domainname": _same("--domainname"),
    "--env": _same("--env", "replaces a variable of the same name"),
    "--env-file": _same("--env-file"),
    **_hooks("poststart"),
    **_hooks("poststop"),
    **_hooks("prestart"),
    "--hostname": _same("--hostname"),
    "--label": _same("--label", "an annotation: a config has no labels"),
    "--linux-apparmor": _same("--security-opt=apparmor"),
    "--linux-blkio-leaf-weight": _set("linux.resources.blockIO.leafWeight", "70000 is refused, not cut"),
    "--linux-blkio-leaf-weight-device": _instead(
        '`--append \'linux.resources.blockIO.weightDevice={"major":8,"minor":0,"leafWeight":500}\'`'
    ),
    "--linux-blkio-read-bps-device": _same("--device-read-bps"),
    "--linux-blkio-read-iops-device": _same("--device-read-iops"),
    "--linux-blkio-weight": _same("--blkio-weight", "70000 is refused, not cut"),
    "--linux-blkio-weight-device": _same("--blkio-weight-device"),
    "--linux-blkio-write-bps-device": _same("--device-write-bps"),
    "--linux-blkio-write-iops-device": _same("--device-write-iops"),
    "--linux-cgroups-path": _same("--cgroup-path"),
    "--linux-cpu-period": _same("--cpu-period"),
    "--linux-cpu-quota": _same("--cpu-quota", "-1 is unlimited; durations such as 50ms"),
    "--linux-cpu-shares": _same("--cpu-shares"),
    "--linux-cpus": _same("--cpuset-cpus"),
    "--linux-device-add": Alias(reads=_device, note="`--device TYPE:MAJOR:MINOR:PATH`; also allows its use"),
    "--linux-device-cgroup-add": Alias(reads=_rule, note='`--device-cgroup-rule "c 1:* rwm"`'),
    "--linux-device-cgroup-remove": _instead("`--unset 'linux.resources.devices[N]'`"),
    "--linux-device-remove": _instead("`--unset 'linux.devices[N]'`"),
    "--linux-device-remove-all": _instead("`--unset linux.devices`", "the defaults have none"),
    "--linux-disable-oom-kill": _same("--oom-kill-disable", switch=True),
    "--linux-gidmappings": Alias(
        reads=_mapping("--gidmap"), note="`--gidmap CONTAINER:HOST:SIZE`; users are mapped alike"
    ),
    "--linux-hugepage-limits-add": Alias(reads=_huge_page, note="`--hugepage-limit 2MB=1g`"),
    "--linux-hugepage-limits-drop": _instead("`--unset 'linux.resources.hugepageLimits[N]'`"),
    "--linux-intelRdt-closid": _set("linux.intelRdt.closID"),
    "--linux-intelRdt-l3CacheSchema": _set("linux.intelRdt.l3CacheSchema"),
    "--linux-masked-paths": _same("--security-opt=mask"),
    "--linux-mem-kernel-limit": _set("linux.resources.memory.kernel"),
    "--linux-mem-kernel-tcp": _set("linux.resources.memory.kernelTCP"),
    "--linux-mem-limit": _same("--memory", _MINUS_ONE),
    "--linux-mem-reservation": _same("--memory-reservation", _MINUS_ONE),
    "--linux-mem-swap": _same("--memory-swap", _MINUS_ONE),
    "--linux-mem-swappiness": _same("--memory-swappiness"),
    "--linux-mems": _same("--cpuset-mems"),
    "--linux-mount-label": _set("linux.mountLabel"),
    "--linux-namespace-add": Alias(reads=_namespace, note="`--pid`, `--net`, `--ipc` ... `private` or a path"),
    "--linux-namespace-remove": Alias(
        reads=_namespace_removed, note="`--uts host` drops the host name with the namespace"
    ),
    "--linux-namespace-remove-all": Alias(
        tuple(f"{flag}=host" for flag in _NAMESPACES.values()), note="`--net host --pid host ...`", switch=True
    ),
    "--linux-network-classid": _set("linux.resources.network.classID"),
    "--linux-network-priorities": Alias(
        reads=_priority, note="`--append 'linux.resources.network.priorities={...}'`; -1 does not drop"
    ),
    "--linux-oom-score-adj": _same("--oom-score-adj"),
    "--linux-pids-limit": _same("--pids-limit"),
    "--linux-readonly-paths": _append("linux.readonlyPaths"),
    "--linux-realtime-period": _set("linux.resources.cpu.realtimePeriod"),
    "--linux-realtime-runtime": _set("linux.resources.cpu.realtimeRuntime"),
    "--linux-rootfs-propagation": _same("--rootfs-propagation"),
    "--linux-seccomp-allow": _instead(_SECCOMP_RULES),
    "--linux-seccomp-arch": _instead("`--append linux.seccomp.architectures=SCMP_ARCH_X86_64`"),
    "--linux-seccomp-default": _instead("`--set linux.seccomp.defaultAction=SCMP_ACT_ERRNO`"),
    "--linux-seccomp-default-force": _instead("`--set linux.seccomp.defaultAction=SCMP_ACT_ERRNO`"),
    "--linux-seccomp-errno": _instead(_SECCOMP_RULES),
    "--linux-seccomp-kill": _instead(_SECCOMP_RULES),
    "--linux-seccomp-only": _instead("pipe into `jq .linux.seccomp`"),
    "--linux-seccomp-remove": _instead("`--unset 'linux.seccomp.syscalls[N]'`"),
    "--linux-seccomp-remove-all": Alias(("--security-opt=seccomp=unconfined",), switch=True),
    "--linux-seccomp-trace": _instead(_SECCOMP_RULES),
    "--linux-seccomp-trap": _instead(_SECCOMP_RULES),
    "--linux-selinux-label": _same("--security-opt=label"),
    "--linux-sysctl": _same("--sysctl", "a value may hold ="),
    "--linux-uidmappings": Alias(
        reads=_mapping("--uidmap"), note="`--uidmap CONTAINER:HOST:SIZE`; groups are mapped alike"
    ),
    "--mounts-add": _append("mounts", "an unknown member is refused"),
    "--mounts-remove": _same("--no-mount"),
    "--mounts-remove-all": Alias(("--no-mount=all",), switch=True),
    "--oci-version": _same("--spec-version", "a release; the default fits what is asked for"),
    "--os": _same("--os", "also vm and zos"),
    "--output": _same("--output"),
    "--privileged": _same("--privileged", "also allows every device", switch=True),
    "--process-cap-add": _same("--cap-add", "for root, not in the ambient and inheritable sets"),
    **_capability_set("ambient"),
    **_capability_set("bounding"),
    **_capability_set("effective"),
    **_capability_set("inheritable"),
    **_capability_set("permitted"),
    "--process-cap-drop": _same("--cap-drop", "a name overrides all, in any order"),
    "--process-cap-drop-all": Alias(("--cap-drop=all",), switch=True),
    "--process-consolesize": Alias(reads=_console, note="`--set process.consoleSize.width=W` and `height`"),
    "--process-cwd": _same("--workdir"),
    "--process-gid": _set("process.user.gid"),
    "--process-groups": _same("--group-add"),
    "--process-no-new-privileges": Alias(("--security-opt=no-new-privileges",), note="on by default", switch=True),
    "--process-rlimits-add": Alias(reads=_rlimit, note="`--ulimit TYPE=SOFT:HARD`: the soft limit first"),
    "--process-rlimits-remove": _instead("`--unset 'process.rlimits[N]'`"),
    "--process-rlimits-remove-all": _instead("`--unset process.rlimits`"),
    "--process-terminal": _same("--tty", switch=True),
    "--process-uid": _set("process.user.uid"),
    "--process-umask": _same("--umask"),
    "--process-username": _set("process.user.username"),
    "--rootfs-path": _same("--rootfs", "a template keeps its own unless told otherwise"),
    "--rootfs-readonly": _same("--read-only", switch=True),
    "--solaris-anet": _append("solaris.anet"),
    "--solaris-capped-cpu-ncpus": _set("solaris.cappedCPU.ncpus"),
    "--solaris-capped-memory-physical": _set("solaris.cappedMemory.physical"),
    "--solaris-capped-memory-swap": _set("solaris.cappedMemory.swap"),
    "--solaris-limitpriv": _set("solaris.limitpriv"),
    "--solaris-max-shm-memory": _set("solaris.maxShmMemory"),
    "--solaris-milestone": _set("solaris.milestone"),
    "--template": _same("--template", "nothing changes unless asked for; unknown members are kept"),
    "--vm-hypervisor-parameters": _append("vm.hypervisor.parameters"),
    "--vm-hypervisor-path": _set("vm.hypervisor.path"),
    "--vm-image-format": _set("vm.image.format"),
    "--vm-image-path": _set("vm.image.path"),
    "--vm-kernel-initrd": _set("vm.kernel.initrd"),
    "--vm-kernel-parameters": _append("vm.kernel.parameters"),
    "--vm-kernel-path": _set("vm.kernel.path"),
    "--windows-devices": Alias(reads=_windows_device, note="`--device class/GUID`"),
    "--windows-hyperv-utilityVMPath": _set("windows.hyperv.utilityVMPath"),
    "--windows-ignore-flushes-during-boot": Alias(("--set=windows.ignoreFlushesDuringBoot=true",), switch=True),
    "--windows-layer-folders": _same("--layer"),
    "--windows-network": _set("windows.network"),
    "--windows-network-allowunqualifieddnsquery": Alias(
        ("--set=windows.network.allowUnqualifiedDNSQuery=true",), switch=True
    ),
    "--windows-network-networkNamespace": _set("windows.network.networkNamespace"),
    "--windows-resources-cpu": _set("windows.resources.cpu"),
    "--windows-resources-memory-limit": _set("windows.resources.memory.limit"),
    "--windows-resources-storage": _set("windows.resources.storage"),
    "--windows-servicing": Alias(("--set=windows.servicing=true",), switch=True),
}
