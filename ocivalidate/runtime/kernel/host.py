"""Facts about this host: what a runtime can be asked to do here. Looked up once, before any case."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass
from typing import Any

from ocivalidate.runtime.kernel import cgroups, kernelnames, namespaces


@dataclass(frozen=True, slots=True)
class Host:
    """What this host offers.

    ``controllers``: cgroup controllers that can be used; ``unmounted``: others that the kernel has.
    ``bounding``: our capability bounding set, names without ``CAP_``. ``kernel``: the first two
    numbers of its release. ``namespaces``: types, as ``linux.namespaces`` calls them. ``lsms``: the security modules
    that are active. ``numa``: whether memory policies are supported. ``rlimit_nofile``: our own hard limit.
    """

    root: bool
    uid: int
    gid: int
    kernel: tuple[int, int]
    release: str
    machine: str
    cpus: tuple[int, ...]
    cgroup_mode: str
    controllers: tuple[str, ...]
    unmounted: tuple[str, ...]
    bounding: tuple[str, ...]
    namespaces: tuple[str, ...]
    lsms: tuple[str, ...]
    seccomp_actions: tuple[str, ...]
    resctrl: bool
    numa: bool
    rlimit_nofile: int

    @property
    def linux(self) -> str:
        """The version of its kernel."""
        return ".".join(map(str, self.kernel))

    def facts(self) -> dict[str, Any]:
        """The same as plain JSON, for the header of a report."""
        return asdict(self)


def look() -> Host:
    """Look at this host."""
    import resource  # absent on systems where cases can only be listed

    release = platform.release()
    numbers = re.match(r"([0-9]+)\.([0-9]+)", release)
    layout = cgroups.layout()
    return Host(
        root=os.geteuid() == 0,
        uid=os.geteuid(),
        gid=os.getegid(),
        kernel=(int(numbers[1]), int(numbers[2])) if numbers else (0, 0),
        release=release,
        machine=platform.machine(),
        cpus=tuple(sorted(os.sched_getaffinity(0))),
        cgroup_mode=layout.mode,
        controllers=tuple(sorted(layout.controllers)),
        unmounted=tuple(sorted(cgroups.of_kernel() - set(layout.controllers))),
        bounding=_capabilities("CapBnd"),
        namespaces=tuple(
            name for name, file in namespaces.NAMESPACE_FILES.items() if os.path.exists(f"/proc/self/ns/{file}")
        ),
        lsms=tuple(_words("/sys/kernel/security/lsm", ",")),
        seccomp_actions=tuple(_words("/proc/sys/kernel/seccomp/actions_avail")),
        resctrl="resctrl" in _words("/proc/filesystems"),
        numa=os.path.isdir("/sys/devices/system/node/node0"),
        rlimit_nofile=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
    )


def _capabilities(name: str) -> tuple[str, ...]:
    match = re.search(rf"^{name}:\s*([0-9a-f]+)", _text("/proc/self/status"), re.MULTILINE)
    return kernelnames.capabilities(int(match[1], 16) if match else 0)


def _words(path: str, separator: str | None = None) -> list[str]:
    return [word.strip() for word in _text(path).split(separator) if word.strip()]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
