"""The first process of a guest: makes the machine in which the engine runs, starts it, and ends with it.

It is started by the kernel, with the host's files as its root, and imports nothing of ours. A plan, a file with JSON,
tells the rest: ``shown`` (pairs of a place and where its content is on the host), ``closed`` (folders that the
kernel cannot look into), ``own`` (folders that are the guest's own), ``cgroup`` (which version), ``swap`` (a device to
swap to), ``command`` and ``environment`` of the engine, ``request`` (the file with the first line of its input),
``events`` and ``control`` (the lines). On the control line it says ``up`` and ``ended CODE``, or ``failed WHY``.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import socket
import stat
import struct
import sys
import termios
import threading
import time
import tty
from typing import Any

_NOSUID, _NODEV, _NOEXEC, _BIND, _RDONLY, _REMOUNT = 2, 4, 8, 4096, 1, 32
_DETACH = 2
_POWER_OFF = 0x4321FEDC
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
_NEW = "/tmp"  # noqa: S108  # where the new root is made: every host has this folder
_OLD = "/run/old"
_MODES = {"/tmp": 0o1777, "/root": 0o700}  # noqa: S108  # the guest's own
_V1 = (("cpu", "cpuacct"), ("net_cls", "net_prio"))  # controllers that are usually mounted together
_DRAINING = 10_000  # milliseconds
_PAUSE = 0.1
_LIBC = ctypes.CDLL(None, use_errno=True)


def main(path: str) -> None:
    """Serve a plan, and switch the machine off. All that is imported is imported by now: the root changes."""
    control = -1
    try:
        with open(path, encoding="utf-8") as file:
            plan = json.load(file)
        with open(plan["request"], "rb") as file:
            request = file.read()
        control = _line(plan["control"])
        _make_root(plan)
        _make_world(plan["cgroup"])
        # A kernel that cannot swap has less to show, no more.
        _LIBC.swapon(plan["swap"].encode(), 0)
        code = _serve(plan, request, control)
        _tell(control, f"ended {code}")
    except BaseException as problem:  # noqa: BLE001  # whatever it is, somebody outside has to know
        _tell(control if control >= 0 else 2, f"failed {type(problem).__name__}: {problem}")
    _LIBC.reboot(_POWER_OFF)


def _mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    words = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode())
    if _LIBC.mount(*words) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _make_root(plan: dict[str, Any]) -> None:
    """A root in memory: the host's folders, our own, and what is to be seen beside them."""
    _mount("root", _NEW, "tmpfs", 0, "mode=755")
    own = set(plan["own"])
    for name in sorted(os.listdir("/")):
        place, new = f"/{name}", f"{_NEW}/{name}"
        found = os.lstat(place)
        if place in own:
            continue
        if stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(place), new)
        elif stat.S_ISDIR(found.st_mode):
            os.mkdir(new)
            _mount(place, new, "", _BIND)
    for place in sorted(own):
        os.mkdir(_NEW + place)
        os.chmod(_NEW + place, _MODES.get(place, 0o755))
    # Each a file system of its own, as containers are started on /tmp and on /run.
    for name in ("tmp", "run"):
        _mount(name, f"{_NEW}/{name}", "tmpfs", _NOSUID | _NODEV, f"mode={_MODES.get(f'/{name}', 0o755):o}")
    old = _NEW + _OLD
    os.mkdir(old)
    _mount("/", old, "", _BIND)
    for place in plan["closed"]:
        _cover(_NEW + place)
    for place, source in plan["shown"]:
        _show(old + source, _NEW + place)
    _LIBC.umount2(old.encode(), _DETACH)
    # Our own working directory and the kernel's are in the old root, which goes.
    if _LIBC.syscall(_PIVOT_ROOT[os.uname().machine], _NEW.encode(), old.encode()) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "pivot_root")
    os.chdir("/")
    _LIBC.umount2(_OLD.encode(), _DETACH)
    os.rmdir(_OLD)


def _cover(place: str) -> None:
    """Have an empty folder in the place of one that nobody here may look into."""
    if os.path.isdir(place):
        _mount("closed", place, "tmpfs", 0, "mode=755")


def _show(source: str, place: str) -> None:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    elif not os.path.lexists(place):
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    _mount(source, place, "", _BIND)


def _make_world(groups: str) -> None:
    """What every machine has: /proc, /sys, /dev, control groups, a name, a loopback."""
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    _mount("sysfs", "/sys", "sysfs", _NOSUID | _NODEV | _NOEXEC)
    _mount("devtmpfs", "/dev", "devtmpfs", _NOSUID, "mode=755")
    for name, kind, data in (
        ("pts", "devpts", "mode=620,ptmxmode=666"),
        ("shm", "tmpfs", "mode=1777"),
        ("mqueue", "mqueue", ""),
    ):
        os.makedirs(f"/dev/{name}", exist_ok=True)
        _mount(kind, f"/dev/{name}", kind, _NOSUID | _NODEV, data)
    for link, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        if not os.path.lexists(f"/dev/{link}"):
            os.symlink(f"/proc/self/fd{target}", f"/dev/{link}")
    _make_groups(groups)
    with open("/proc/sys/kernel/hostname", "w", encoding="utf-8") as file:
        file.write("sandbox")
    for name in ("security", "debug"):
        kind = f"{name}fs"
        if os.path.isdir(f"/sys/kernel/{name}"):
            _LIBC.mount(kind.encode(), f"/sys/kernel/{name}".encode(), kind.encode(), ctypes.c_ulong(0), b"")
    _share_disks()
    _loopback()


def _share_disks() -> None:
    """Have block devices served by the scheduler that knows the weights of groups, where the kernel has it."""
    for name in os.listdir("/sys/block"):
        with contextlib.suppress(OSError), open(f"/sys/block/{name}/queue/scheduler", "w", encoding="utf-8") as file:
            file.write("bfq")


def _loopback() -> None:
    up = 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_:
        fcntl.ioctl(any_, 0x8914, struct.pack("16sh14x", b"lo", up))


def _make_groups(version: str) -> None:
    mount = "/sys/fs/cgroup"
    if version == "v2":
        _mount("cgroup2", mount, "cgroup2", _NOSUID | _NODEV | _NOEXEC)
        return
    _mount("cgroup", mount, "tmpfs", _NOSUID | _NODEV | _NOEXEC, "mode=755")
    with open("/proc/cgroups", encoding="utf-8") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    there = [row[0] for row in rows if row[3] == "1"]
    together = [[name for name in some if name in there] for some in _V1]
    alone = [[name] for name in there if not any(name in some for some in together)]
    for some in filter(None, (*together, *alone)):
        folder = ",".join(some)
        os.mkdir(f"{mount}/{folder}")
        _mount("cgroup", f"{mount}/{folder}", "cgroup", _NOSUID | _NODEV | _NOEXEC, folder)
        for name in some if len(some) > 1 else ():
            os.symlink(folder, f"{mount}/{name}")
    os.mkdir(f"{mount}/systemd")
    _mount("cgroup", f"{mount}/systemd", "cgroup", _NOSUID | _NODEV | _NOEXEC, "none,name=systemd")
    if version == "hybrid":
        os.mkdir(f"{mount}/unified")
        _mount("cgroup2", f"{mount}/unified", "cgroup2", _NOSUID | _NODEV | _NOEXEC)


def _line(path: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    if os.isatty(descriptor):
        tty.setraw(descriptor)
    return descriptor


def _drain(descriptor: int) -> None:
    """Wait until what was written has left the machine."""
    if os.isatty(descriptor):
        termios.tcdrain(descriptor)
        return
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    poller.poll(_DRAINING)


def _tell(descriptor: int, words: str) -> None:
    os.write(descriptor, f"{' '.join(words.split())}\n".encode())
    if descriptor != 2:
        _drain(descriptor)


def _serve(plan: dict[str, Any], request: bytes, control: int) -> int:
    """Run the engine, and return its exit code when it has ended."""
    events = _line(plan["events"])
    source, given = os.pipe()
    engine = os.fork()
    if engine == 0:
        _become(plan, source, events)
    os.close(source)
    threading.Thread(target=_feed, args=(given, request, events), daemon=True).start()
    _tell(control, "up")
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == engine:
            _drain(events)
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _become(plan: dict[str, Any], source: int, events: int) -> None:
    try:
        os.setsid()
        os.dup2(source, 0)
        os.dup2(events, 1)
        os.execve(plan["command"][0], plan["command"], plan["environment"])  # noqa: S606  # as ours says
    except OSError as problem:
        os.write(2, f"cannot start {plan['command'][0]}: {problem}\n".encode())
    os._exit(127)


def _feed(given: int, request: bytes, events: int) -> None:
    """Hand the engine its request, and end its input as soon as anything comes in."""
    try:
        while request:
            request = request[os.write(given, request) :]
        while not os.read(events, 1):
            # A line that nobody holds yet on the other side.
            time.sleep(_PAUSE)
    except OSError:
        # The engine has ended.
        pass
    os.close(given)


if __name__ == "__main__":
    main(sys.argv[1])
