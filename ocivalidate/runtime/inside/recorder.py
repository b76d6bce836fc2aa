"""The recorder: the program of our hooks, and of the containers that have them. It records, and never judges.

It is self-contained, like the probe: on the host it is run by the interpreter of the harness, in a container by that of
the root filesystem. Its command line is a file, a name, and an action::

    recorder.py /trace prestart/0
    recorder.py /trace prestart/1 exit 3
    recorder.py /trace program/0 pause

It reads its standard input to the end (otherwise a runtime can die of SIGPIPE), looks around, and appends one line to
the file: a Python literal, as a container has no ``json``. Every line is appended in one call, so the lines are
in the order of events. The actions, all optional: ``exit STATUS``, ``signal NUMBER`` (sent to
itself), ``note`` (do nothing, with any arguments), ``pause`` (after printing the name), ``sleep SECONDS`` (with a lock
on FILE.NAME, which shows whether it is alive, and a second line at the end), ``look PATH...`` (whether these exist),
``await SECONDS TEXT`` (wait for so long at most until that is part of the command line of the container process),
``until SECONDS PATH`` (wait until it exists), ``ask PROGRAM...`` (ask a runtime whether it knows the container).
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


def main(file: str, name: str, action: str = "", *arguments: str) -> None:
    """Record what can be seen, then act."""
    begun = time.monotonic()
    stdin = "" if action == "pause" else _read_all(0)
    pid = _pid(stdin)
    there = {path: os.path.lexists(path) for path in arguments} if action == "look" else {}
    if action == "ask":
        there["the container"] = _succeeds(arguments)
    if action == "await":
        _await(lambda: any(arguments[1] in word for word in _words(f"/proc/{pid}/cmdline")), float(arguments[0]))
    if action == "until":
        _await(lambda: os.path.lexists(arguments[1]), float(arguments[0]))
    if action == "sleep":
        _lock(f"{file}.{name.replace('/', '-')}")
    record = {
        "name": name,
        "begun": begun,
        "clock": clock(),
        "argv": _argv(),
        "environ": _environ(),
        "cwd": os.getcwd(),
        "root": _place("/"),
        "namespaces": _namespaces("self"),
        "stdin": stdin,
        "there": there,
        "process": _process(pid),
    }
    _append(file, record | {"ended": time.monotonic()})
    _act(file, name, action, arguments)


def _act(file: str, name: str, action: str, arguments: Sequence[str]) -> None:
    if action == "exit":
        os._exit(int(arguments[0]))
    if action == "signal":
        os.kill(os.getpid(), int(arguments[0]))
    if action == "sleep":
        time.sleep(float(arguments[0]))
        _append(file, {"name": f"{name}/survived"})
    if action == "pause":
        # This shows that the program runs.
        os.write(1, f"{name}\n".encode())
    while action == "pause":
        time.sleep(60)


def clock() -> str:
    """The kernel whose clock this process sees, in words: one with another kernel has another clock."""
    seen = os.uname()
    return f"{seen.sysname} {seen.release} {seen.version} {seen.machine}"


def _append(file: str, record: dict[str, Any]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    os.write(descriptor, f"{record!a}\n".encode())
    os.close(descriptor)


def _read_all(descriptor: int) -> str | None:
    """The content of a descriptor; ``None`` if it is not open."""
    content = b""
    try:
        while more := os.read(descriptor, 65536):
            content += more
    except OSError:
        return content.decode("utf-8", "surrogateescape") or None
    return content.decode("utf-8", "surrogateescape")


def _words(path: str) -> list[str]:
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "surrogateescape")
    return text.removesuffix("\0").split("\0") if text else []


def _argv() -> list[str]:
    """The command line of this process, from the interpreter where the kernel does not show it."""
    try:
        return _words("/proc/self/cmdline") or list(sys.orig_argv)
    except OSError:
        return list(sys.orig_argv)


def _environ() -> list[str]:
    """What this process was started with: a kernel that does not show it leaves Python's copy, which may have more."""
    try:
        return _words("/proc/self/environ")
    except OSError:
        return [f"{name}={value}" for name, value in os.environ.items() if name != "LC_CTYPE"]


def _pid(state: str | None) -> int:
    """The process that a state names. Judging reads the state with more care."""
    digits = ""
    for letter in (state or "").partition('"pid":')[2].lstrip():
        if not letter.isdigit():
            break
        digits += letter
    return int(digits or 0)


def _place(path: str) -> list[int] | None:
    """Device and inode of the file that a path leads to."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_dev, found.st_ino]


def _namespaces(process: str) -> dict[str, str]:
    found = {}
    for name in _NAMESPACES:
        try:
            found[name] = os.readlink(f"/proc/{process}/ns/{name}")
        except OSError:
            continue
    return found


def _process(pid: int) -> dict[str, Any]:
    """What can be seen of a process; empty if there is no such process."""
    if pid <= 0 or not os.path.exists(f"/proc/{pid}"):
        return {}
    found: dict[str, Any] = {"namespaces": _namespaces(str(pid)), "root": _place(f"/proc/{pid}/root")}
    looks: dict[str, Callable[[], list[str]]] = {
        "mounts": lambda: _mounts(f"/proc/{pid}/mountinfo"),
        "argv": lambda: _words(f"/proc/{pid}/cmdline"),
    }
    for name, look in looks.items():
        try:
            found[name] = look()
        except OSError:
            continue
    return found


def _mounts(path: str) -> list[str]:
    with open(path, "rb") as file:
        return [_unescaped(line.split(b" ")[4]) for line in file.read().split(b"\n") if line]


def _unescaped(word: bytes) -> str:
    """A path in mountinfo, where spaces and backslashes are written as three octal digits."""
    first, *rest = word.split(b"\\")
    return os.fsdecode(first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest))


def _await(true: Callable[[], bool], seconds: float) -> None:
    """Wait until a condition is true, for at most ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if true():
                return
        except OSError:
            return
        time.sleep(0.002)


def _succeeds(command: Sequence[str]) -> bool:
    """Whether a program exits with 0, within a time that suffices for any runtime."""
    nothing = [(os.POSIX_SPAWN_OPEN, descriptor, "/dev/null", os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    path = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    child = os.posix_spawn(command[0], list(command), path, file_actions=nothing)
    ended: list[int] = []

    def over() -> bool:
        ended.extend(os.waitpid(child, os.WNOHANG)[:2])
        return ended[-2] == child

    _await(over, 2.0)
    if ended[-2:-1] != [child]:
        os.kill(child, 9)
    return ended[-2:] == [child, 0]


def _lock(path: str) -> None:
    """Hold a lock until this process ends."""
    import fcntl

    fcntl.flock(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600), fcntl.LOCK_EX)


if __name__ == "__main__":
    main(*sys.argv[1:])
