"""The config without any options: plain data, one table per platform.

Linux follows what Docker and Podman give an unprivileged container, in the words of the specification: new namespaces,
the capabilities that programs written for root expect, no way to gain others, the dangerous parts of /proc and /sys
hidden. There is no seccomp filter: a good one depends on the kernel, the architecture and the C library, so it has to
be chosen.
"""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
    ).split()
]


def mount(destination: str, kind: str, source: str, options: str) -> Tree:
    """One entry of ``mounts``; options are separated by commas."""
    return {"destination": destination, "type": kind, "source": source, "options": options.split(",")}


PROC = mount("/proc", "proc", "proc", "nosuid,noexec,nodev")
SYS = mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro")
# A user namespace without a network namespace of its own may not mount a new sysfs.
HOST_SYS = mount("/sys", "bind", "/sys", "rbind,rprivate,nosuid,noexec,nodev,ro")
HOST_PROC = mount("/proc", "bind", "/proc", "rbind,rprivate,nosuid,noexec,nodev")
HOST_MQUEUE = mount("/dev/mqueue", "bind", "/dev/mqueue", "rbind,rprivate,nosuid,noexec,nodev")
DEVPTS = mount("/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5")
# Group 5, tty, has no mapping where only one id is mapped.
ROOTLESS_DEVPTS = mount("/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620")
CGROUP = mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro")
DEV = [
    mount("/dev", "tmpfs", "tmpfs", "nosuid,noexec,strictatime,mode=755,size=65536k"),
    DEVPTS,
    mount("/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"),  # noqa: S108  # a path in the container
    mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
]

MASKED = (
    "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug "
    "/proc/scsi /proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware"
).split()
READ_ONLY = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger".split()
NAMESPACES = "pid network ipc uts cgroup mount".split()

# Device rules that deny everything; runtimes allow /dev/null and the other default devices by themselves.
NO_DEVICES = {"allow": False, "access": "rwm"}
ALL_DEVICES = {"allow": True, "access": "rwm"}


def linux() -> Tree:
    """A Linux container."""
    return {
        "process": _posix_process()
        | {
            "capabilities": {name: list(CAPABILITIES) for name in ("effective", "bounding", "permitted")},
            "noNewPrivileges": True,
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1024}],
        },
        "root": {"path": "rootfs"},
        "mounts": [PROC, *DEV, SYS, CGROUP],
        "linux": {
            "namespaces": [{"type": kind} for kind in NAMESPACES],
            "resources": {"devices": [NO_DEVICES]},
            "maskedPaths": list(MASKED),
            "readonlyPaths": list(READ_ONLY),
        },
    }


def _posix_process() -> Tree:
    return {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "env": [PATH], "cwd": "/"}


def vm() -> Tree:
    """A Linux container in a virtual machine, for which the specification requires the path of a kernel."""
    return linux() | {"vm": {"kernel": {"path": "/boot/vmlinuz"}}}


def windows() -> Tree:
    """A Hyper-V container.

    A container that shares the kernel of the host needs a volume GUID, which has no default; under Hyper-V the layers
    are enough.
    """
    return {
        "process": {"user": {"username": "ContainerUser"}, "args": ["cmd.exe"], "cwd": "C:\\"},
        "windows": {"layerFolders": ["C:\\layers\\base"], "hyperv": {}},
    }


def solaris() -> Tree:
    """A Solaris zone."""
    return {"process": _posix_process(), "root": {"path": "rootfs"}, "solaris": {}}


def zos() -> Tree:
    """A z/OS container."""
    namespaces = [{"type": kind} for kind in "pid mount ipc uts".split()]
    return {"process": _posix_process(), "root": {"path": "rootfs"}, "zos": {"namespaces": namespaces}}


def freebsd() -> Tree:
    """A FreeBSD jail with a name and a network stack of its own."""
    return {
        "process": _posix_process(),
        "root": {"path": "rootfs"},
        "mounts": [mount("/dev", "devfs", "devfs", "ruleset=4"), mount("/dev/fd", "fdescfs", "fdescfs", "rw")],
        "freebsd": {"jail": {"host": "new", "vnet": "new", "enforceStatfs": 2}},
    }


PLATFORMS = {"linux": linux, "windows": windows, "solaris": solaris, "freebsd": freebsd, "vm": vm, "zos": zos}
"""What ``--os`` takes, and what makes its defaults."""
