"""The probe: it runs inside a container and reports what it finds there, in lines of JSON. It never judges.

It is self-contained: a container has no package ``ocivalidate``, only this file and a bare Python. Its command
line is a list of steps, each a name and its arguments, separated by commas that are words of their own::

    probe.py ids , stat /dev/null , write /tmp/file text , wait

Without steps it does ``everything``: all that can be seen without changing anything.

Each step gives ``{"step": name, "args": [...], "value": ...}`` or, instead of a value, ``"error"``: the name of an
errno (``EROFS``) or of an exception. The records are printed as one line, ``{"ocivalidate-probe": [...]}``, at the end,
or before a step that waits. Steps import what only they need, and annotations are never evaluated: start-up is most of
the cost of a container.
"""

# Over 400 lines: it must stay one file, which is put into every container.

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MARK = "ocivalidate-probe"
SEPARATOR = ","


def encode(value: Any) -> str:
    """Plain data as JSON in ASCII. Importing the json module takes longer than everything else that most probes do."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        from _json import encode_basestring_ascii

        return encode_basestring_ascii(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode(str(name))}:{encode(member)}" for name, member in value.items()) + "}"
    return "[" + ",".join(map(encode, value)) + "]"


def print_line(data: Any) -> None:
    """Write a line in one call, so that a reader never sees part of it."""
    os.write(1, (encode(data) + "\n").encode())


# ----------------------------------------------------------------------------------------------- who and where we are


def ids() -> dict[str, Any]:
    """User, groups, umask, process ids, working directory."""
    umask = os.umask(0)
    os.umask(umask)
    uids, gids = os.getresuid(), os.getresgid()
    return {
        "uids": uids,
        "gids": gids,
        "groups": sorted(os.getgroups()),
        "umask": umask,
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "sid": os.getsid(0),
    }


def cwd() -> str:
    """The working directory."""
    return os.getcwd()


def uname() -> dict[str, str]:
    """Host name, domain name and machine."""
    names = os.uname()
    return {
        "nodename": names.nodename,
        "machine": names.machine,
        "domainname": _domain_name(),
    }


def kernel() -> str:
    """The kernel that this process sees, in words."""
    names = os.uname()
    return f"{names.sysname} {names.release} {names.version} {names.machine}"


def _domain_name() -> str:
    try:
        return read("/proc/sys/kernel/domainname").strip()
    except OSError:
        # A sandboxed kernel may lack the file. The call takes longer, as it needs ctypes.
        return raw_name("domainname").partition("\0")[0]


def raw_name(name: str) -> str:
    """``nodename`` or ``domainname`` of uname(2), with all that the kernel keeps of it but zero bytes at its end."""
    place = 65 * ("sysname", "nodename", "release", "version", "machine", "domainname").index(name)
    names = _ctypes().create_string_buffer(6 * 65)
    _call("uname", names)
    return str(names.raw[place : place + 65].rstrip(b"\0"), "utf-8", "surrogateescape")


def argv() -> list[str]:
    """The argument vector of this process."""
    return _nul_separated("/proc/self/cmdline") or list(sys.orig_argv)


def environ() -> list[str]:
    """The environment that this process was started with."""
    given = _nul_separated("/proc/self/environ")
    # Python's own copy may have one entry more.
    return [f"{name}={value}" for name, value in os.environ.items() if name != "LC_CTYPE"] if given is None else given


CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def status() -> dict[str, str]:
    """The lines of /proc/self/status: capabilities, groups, NoNewPrivs, Seccomp and more.

    The kernel is asked by system calls for those of the first and the last two that a sandbox leaves out.
    """
    found: dict[str, str] = {}
    failed = None
    try:
        for line in read("/proc/self/status").splitlines():
            name, _, value = line.partition(":")
            found[name] = value.strip()
    except OSError as problem:
        failed = problem
    for ask, names in (
        (_held, CAPABILITY_SETS[:3]),
        (_bounding, CAPABILITY_SETS[3:4]),
        (_ambient, CAPABILITY_SETS[4:]),
        (_no_new_privileges, ("NoNewPrivs",)),
        (_seccomp_mode, ("Seccomp",)),
    ):
        if not found.keys() >= set(names):
            try:
                found = dict(zip(names, ask(), strict=True)) | found
            except OSError:
                continue
    if not found and failed:
        raise failed
    return found


def _held() -> list[str]:
    """The inheritable, permitted and effective capabilities: capget(2)."""
    from _struct import pack, unpack

    data = _ctypes().create_string_buffer(24)
    _syscall(_number(125, 90), pack("Ii", 0x20080522, 0), data)
    low, high = unpack("III", data.raw[:12]), unpack("III", data.raw[12:24])
    return [f"{low[at] | high[at] << 32:016x}" for at in (2, 1, 0)]


def _bounding() -> list[str]:
    return [_set_of(lambda number: _prctl(23, number))]


def _ambient() -> list[str]:
    return [_set_of(lambda number: _prctl(47, 1, number))]


def _no_new_privileges() -> list[str]:
    return [str(_prctl(39))]


def _seccomp_mode() -> list[str]:
    return [str(_prctl(21))]


def _set_of(has: Callable[[int], int]) -> str:
    """A set of capabilities as /proc/self/status has it; ``has`` fails for one that the kernel does not know."""
    found = 0
    for number in range(64):
        try:
            found |= bool(has(number)) << number
        except OSError:
            if not number:
                raise
            break
    return f"{found:016x}"


def _prctl(what: int, *arguments: int) -> int:
    return _call("prctl", what, *[*arguments, 0, 0, 0, 0][:4])


def rlimits() -> dict[str, Any]:
    """The limits [soft, hard], by their setrlimit(2) names; -1 means unlimited."""
    import resource

    numbers = {name: getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}
    numbers.pop("RLIMIT_OFILE", None)
    # The resource module has no name for it.
    numbers["RLIMIT_LOCKS"] = 10
    limits = {}
    for name, number in numbers.items():
        try:
            limits[name] = resource.getrlimit(number)
        except (OSError, ValueError):
            # A kernel that does not know one may know the others.
            continue
    return limits


def namespaces() -> dict[str, str]:
    """The namespaces of this process."""
    found: dict[str, str] = {}
    for name in os.listdir("/proc/self/ns"):
        try:
            found[name] = os.readlink(f"/proc/self/ns/{name}")
        except OSError:
            continue
    return found


def fds() -> dict[str, str]:
    """The open descriptors and what they lead to, without the one that this step itself opens."""
    found: dict[str, str] = {}
    for name in sorted(os.listdir("/proc/self/fd"), key=int):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
    return found


def tty() -> dict[str, Any]:
    """Which standard streams are terminals, the terminal's device, and its size [rows, columns]."""
    terminals = [number for number in (0, 1, 2) if os.isatty(number)]
    if not terminals:
        return {"terminals": [], "name": None, "size": None}
    import fcntl
    from _struct import unpack

    found: dict[str, Any] = {"terminals": terminals, "name": None, "size": None}
    try:
        found["size"] = unpack("HHHH", fcntl.ioctl(terminals[0], 0x5413, b"\0" * 8))[:2]
    except OSError as problem:
        found["size-error"] = str(problem)
    try:
        # It looks below /proc and /dev, which a sandbox may not have.
        found["name"] = os.ttyname(terminals[0])
    except OSError as problem:
        found["name-error"] = str(problem)
    return found | {"controlling": _controls(terminals[0])}


def _controls(terminal: int) -> bool:
    """Whether a terminal controls this process: /dev/tty can be opened, or the terminal has the session of this one."""
    import fcntl
    from _struct import unpack

    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        try:
            return bool(unpack("i", fcntl.ioctl(terminal, 0x5429, b"\0" * 4))[0] == os.getsid(0))
        except OSError:
            return False
    return True


def mountinfo() -> list[dict[str, Any]]:
    """The mounts of this process, in the order of /proc/self/mountinfo."""
    # Names may contain anything: only the kernel's own separators split lines and fields.
    return [_mount(line) for line in read("/proc/self/mountinfo").split("\n") if line]


def _mount(line: str) -> dict[str, Any]:
    before, _, after = line.partition(" - ")
    number, parent, device, root, point, options, *propagation = before.split(" ")
    kind, source, super_options = [*after.split(" "), "", ""][:3]
    return {
        "id": int(number),
        "parent": int(parent),
        "device": device,
        "root": _unescape(root),
        "point": _unescape(point),
        "options": options.split(","),
        "propagation": propagation,
        "type": kind,
        "source": _unescape(source),
        "super": super_options.split(","),
    }


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    # Escapes are a backslash and three octal digits; a backslash itself is escaped too.
    first, *rest = text.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def idmaps() -> dict[str, Any]:
    """The mappings of the user namespace: entries [inside, outside, size]."""
    found: dict[str, Any] = {}
    for kind in ("uid", "gid"):
        try:
            lines = read(f"/proc/self/{kind}_map").splitlines()
            found[kind] = [[int(word) for word in line.split()] for line in lines]
        except OSError:
            if kind == "gid" and not found:
                raise
    return found


def oom_score_adj() -> int:
    """The OOM score adjustment of this process."""
    return int(read("/proc/self/oom_score_adj"))


def label() -> str:
    """The security label of this process: an AppArmor profile or an SELinux label."""
    return read("/proc/self/attr/current").strip("\0\n")


def say(*arguments: str) -> list[str]:
    """The arguments themselves."""
    return list(arguments)


def interfaces() -> dict[str, Any]:
    """The network interfaces of this namespace: index, whether up, MTU, hardware address, IPv4 address."""
    import socket

    return {name: {"index": index} | _interface(name) for index, name in socket.if_nameindex()}


def _interface(name: str) -> dict[str, Any]:
    import fcntl
    import socket
    from _struct import unpack_from

    request = name.encode().ljust(40, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:

        def ask(code: int) -> bytes:
            try:
                return fcntl.ioctl(door, code, request)[16:]
            except OSError:
                return b"\0" * 24

        return {
            "up": bool(unpack_from("H", ask(0x8913))[0] & 1),
            "mtu": unpack_from("i", ask(0x8921))[0],
            "mac": ask(0x8927)[2:8].hex(":"),
            "address": ".".join(map(str, ask(0x8915)[4:8])),
        }


# -------------------------------------------------------------------------------------------------------- scheduling


def scheduler() -> dict[str, int]:
    """Policy, flags, nice, priority and deadline parameters of this process: sched_getattr(2)."""
    from _struct import unpack

    attributes = _ctypes().create_string_buffer(48)
    _syscall(_number(315, 275), 0, attributes, 48, 0)
    names = ("size", "policy", "flags", "nice", "priority", "runtime", "deadline", "period")
    return dict(zip(names, unpack("IIQiIQQQ", attributes.raw[:48]), strict=True))


def ioprio() -> dict[str, int]:
    """Class and priority of this process: ioprio_get(2)."""
    value = _syscall(_number(252, 31), 1, 0)
    return {"class": value >> 13, "priority": value & 0x1FFF}


def affinity() -> list[int]:
    """The processors on which this process may run."""
    return sorted(os.sched_getaffinity(0))


def personality() -> int:
    """The execution domain of this process."""
    return _syscall(_number(135, 92), 0xFFFFFFFF)


def mempolicy() -> dict[str, Any]:
    """Mode with its flags, and nodes: get_mempolicy(2)."""
    mode, nodes = _ctypes().c_int(), _ctypes().c_ulong()
    _syscall(_number(239, 236), _ctypes().byref(mode), _ctypes().byref(nodes), 64, 0, 0)
    return {"mode": mode.value, "nodes": [bit for bit in range(64) if nodes.value >> bit & 1]}


def clock(name: str) -> float:
    """A clock in seconds: ``BOOTTIME``, ``MONOTONIC``."""
    import time

    return time.clock_gettime(getattr(time, f"CLOCK_{name}"))


# ------------------------------------------------------------------------------------------------------------- files


def read(path: str, most: str = "1048576") -> str:
    """The content of a file, up to ``most`` bytes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        content = b""
        while len(content) < int(most):
            more = os.read(descriptor, int(most) - len(content))
            if not more:
                break
            content += more
        return content.decode("utf-8", "surrogateescape")
    finally:
        os.close(descriptor)


def write(path: str, text: str = "x") -> bool:
    """Write to a file; create it if it does not exist."""
    return _write(path, os.O_WRONLY | os.O_CREAT, text)


def overwrite(path: str, text: str = "x") -> bool:
    """Write to an existing file, such as one in a pseudo file system."""
    return _write(path, os.O_WRONLY | os.O_NONBLOCK, text)


def _write(path: str, flags: int, text: str) -> bool:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o644)
    try:
        return os.write(descriptor, text.encode()) == len(text.encode())
    finally:
        os.close(descriptor)


def open_as(path: str, how: str = "r") -> bool:
    """Open an existing file for reading (``r``), writing (``w``) or both (``rw``), without writing to it."""
    flags = {"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR}[how]
    os.close(os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY))
    return True


_KINDS = {0o010000: "fifo", 0o020000: "char", 0o040000: "dir", 0o060000: "block", 0o100000: "file", 0o120000: "link"}


def stat(path: str) -> dict[str, Any]:
    """lstat(2) of a path."""
    return _stat(os.lstat(path))


def follow(path: str) -> dict[str, Any]:
    """stat(2) of a path, links followed."""
    return _stat(os.stat(path))


def _stat(found: os.stat_result) -> dict[str, Any]:
    return {
        "kind": _KINDS.get(found.st_mode & 0o170000, "socket"),
        "mode": found.st_mode & 0o7777,
        "uid": found.st_uid,
        "gid": found.st_gid,
        "size": found.st_size,
        "links": found.st_nlink,
        "inode": found.st_ino,
        "device": found.st_dev,
        "major": os.major(found.st_rdev),
        "minor": os.minor(found.st_rdev),
        "atime": found.st_atime_ns,
        "mtime": found.st_mtime_ns,
    }


def look(path: str) -> dict[str, Any]:
    """What can be found out about a path without changing anything.

    Where it leads, what is there, whether its mount is read-only, and for a directory or a regular file the start of
    its content, or the errno with which reading fails.
    """
    found: dict[str, Any] = {"real": os.path.realpath(path)}
    for name, ask in (("stat", stat), ("target", follow), ("link", os.readlink), ("readonly", is_readonly)):
        found |= _asked(name, ask, path)
    kind = (found.get("target") or {}).get("kind")
    # Opening anything else may have effects.
    if kind in ("file", "dir"):
        found |= _asked("entries", list_folder, path) if kind == "dir" else _asked("text", read, path, "4096")
    return found


def _asked(name: str, ask: Callable[..., Any], *arguments: str) -> dict[str, Any]:
    try:
        return {name: ask(*arguments)}
    except OSError as problem:
        import errno

        return {name: None, f"{name}-error": errno.errorcode.get(problem.errno or 0, str(problem))}


def is_readonly(path: str) -> bool:
    """Whether the mount that a path is on, or its file system, is read-only."""
    return bool(os.statvfs(path).f_flag & 1)


def list_folder(path: str) -> list[str]:
    """The names in a directory."""
    return sorted(os.listdir(path))


def statvfs(path: str) -> dict[str, int]:
    """Size in bytes, number of files, and flags of a file system."""
    found = os.statvfs(path)
    return {"size": found.f_blocks * found.f_frsize, "files": found.f_files, "flags": found.f_flag}


def _done(what: Callable[..., Any]) -> Callable[..., Any]:
    """A function of ``os`` on paths, as a step whose value is true."""

    def step(*arguments: str) -> bool:
        what(*arguments)
        return True

    return step


def mknod(path: str, kind: str, major: str = "0", minor: str = "0") -> bool:
    """Create a device (``c``, ``b``) or a FIFO (``p``)."""
    os.mknod(path, {"c": 0o020666, "b": 0o060666, "p": 0o010666}[kind], os.makedev(int(major), int(minor)))
    return True


def chown(path: str, uid: str, gid: str) -> bool:
    """Change the owner."""
    os.chown(path, int(uid), int(gid))
    return True


def chmod(path: str, mode: str) -> bool:
    """Change the mode, given in octal."""
    os.chmod(path, int(mode, 8))
    return True


def setxattr(path: str, name: str, value: str) -> bool:
    """Set an extended attribute."""
    os.setxattr(path, name, value.encode())
    return True


def execute(path: str, *arguments: str) -> dict[str, Any]:
    """Run a program; report how it ended and what it printed."""
    out, into = os.pipe()
    child = os.posix_spawn(
        path, [path, *arguments], {"PATH": "/usr/bin:/bin"}, file_actions=[(os.POSIX_SPAWN_DUP2, into, 1)]
    )
    os.close(into)
    said = b""
    while more := os.read(out, 65536):
        said += more
    os.close(out)
    return {"status": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "stdout": said.decode("utf-8", "replace")}


def lay_out(folder: str, program: str = "") -> bool:
    """Create in a directory what ``effects`` looks at; ``program``: the bytes, in hex, of one that exits with its euid.

    Mount options affect each: a set-user-ID program, a device (that of /dev/null), a link, a file, a directory.
    """
    path = f"{folder}/program"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
    os.write(descriptor, bytes.fromhex(program))
    os.close(descriptor)
    os.chmod(path, 0o4755)  # noqa: S103  # to see whether the bit has an effect
    os.mknod(f"{folder}/device", 0o020666, os.makedev(1, 3))
    write(f"{folder}/file")
    os.mkdir(f"{folder}/folder")
    os.symlink("file", f"{folder}/link")
    return True


def effects(folder: str) -> dict[str, Any]:
    """Try everything in a directory that ``lay_out`` prepared: the result of each attempt, or an errno."""
    return {
        "write": _effect(write, f"{folder}/written"),
        "exec": _effect(_run_as, f"{folder}/program", 0),
        "suid": _effect(_run_as, f"{folder}/program", 1000),
        "dev": _effect(open_as, f"{folder}/device"),
        "follow": _effect(open_as, f"{folder}/link"),
        "file": _effect(_access_times, f"{folder}/file", read),
        "folder": _effect(_access_times, f"{folder}/folder", os.listdir),
    }


def _effect(do: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return do(*arguments)
    except OSError as problem:
        import errno

        return errno.errorcode.get(problem.errno or 0, str(problem))


def _run_as(path: str, uid: int) -> int:
    """The lower byte of the effective user ID of a program that user ``uid`` executes."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgid(uid)
            os.setuid(uid)
            os.execv(path, [path])  # noqa: S606  # no shell is wanted
        except OSError as problem:
            os.write(into, bytes([problem.errno or 0]))
        os._exit(0)
    os.close(into)
    said = os.read(out, 1)
    os.close(out)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if said:
        raise OSError(said[0], path)
    return code


def _access_times(path: str, look_at: Callable[[str], Any]) -> str:
    """When the access time of a path is updated: ``never``, only ``when stale``, or ``always``."""
    import time

    now = int(time.time())
    moved = []
    # First older than the last change, then later: only a mount that updates on every access changes the latter.
    for accessed in (now - 100, now + 1000):
        os.utime(path, (accessed, now - 50))
        look_at(path)
        moved.append(int(os.stat(path).st_atime) != accessed)
    return {(False, False): "never", (True, False): "when stale", (True, True): "always"}.get(
        (moved[0], moved[1]), "strangely"
    )


def mount(source: str, target: str, kind: str, flags: str = "0", data: str = "") -> bool:
    """Call mount; the flags are a number."""
    _call("mount", source.encode(), target.encode(), kind.encode(), _ctypes().c_ulong(int(flags, 0)), data.encode())
    return True


def unmount(target: str, flags: str = "0") -> bool:
    """Call umount2."""
    _call("umount2", target.encode(), int(flags, 0))
    return True


# ------------------------------------------------------------------------------------------------------------ effects


def system_call(number: str, *arguments: str) -> int:
    """Any system call, by number; each argument is a number or ``=text``."""
    given = (word[1:].encode() if word.startswith("=") else int(word, 0) for word in arguments)
    return _syscall(int(number), *given)


def in_child(name: str, *arguments: str) -> dict[str, Any]:
    """Do a step in a child process; report its value, or the signal that ended it."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        os.write(into, encode(perform(name, list(arguments))).encode())
        os._exit(0)
    os.close(into)
    said = b""
    while more := os.read(out, 65536):
        said += more
    os.close(out)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"signal": -code if code < 0 else 0, "printed": said.decode()}


def int80(number: str, *arguments: str) -> int:
    """A 32-bit x86 system call from a 64-bit process: the errno, 0 for success."""
    import ctypes
    import mmap

    # push rbx; mov eax, edi; mov ebx, esi; mov ecx, edx; xor edx, edx; int 0x80; pop rbx; ret
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("5389f889f389d131d2cd805bc3"))
    function = ctypes.CFUNCTYPE(*[ctypes.c_int] * 4)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    given = [int(word, 0) for word in arguments]
    return max(0, -int(function(int(number), *given, *[0] * (2 - len(given)))))


def trap(number: str) -> dict[str, Any]:
    """A system call with a handler for SIGSYS: the signals received."""
    import _signal  # type: ignore[import-not-found]  # importing signal costs more than everything else here

    caught: list[int] = []
    _signal.signal(31, lambda signal, _frame: caught.append(signal))
    _tried(number)
    return {"caught": caught}


def _tried(number: str) -> None:
    """Make a system call, and ignore its result."""
    try:
        _syscall(int(number))
    except OSError:
        return


def in_thread(number: str) -> dict[str, bool]:
    """A system call in a second thread: whether it returned. The report itself shows that the first thread is alive."""
    import _thread
    import time

    came_back: list[bool] = []

    def body() -> None:
        _tried(number)
        came_back.append(True)

    _ctypes()
    _thread.start_new_thread(body, ())
    # The kernel ends the thread or lets it go on: it is waited for, however slow all is.
    end = time.monotonic() + 30
    while not came_back and _has_threads() and time.monotonic() < end:
        time.sleep(0.001)
    return {"came back": bool(came_back)}


def _has_threads() -> bool:
    """Whether there is a second thread, as far as the kernel shows."""
    try:
        return len(os.listdir("/proc/self/task")) > 1
    except OSError:
        return True


def allocate(size: str) -> int:
    """Allocate and touch so many bytes of memory."""
    import mmap

    block = mmap.mmap(-1, int(size))
    for offset in range(0, int(size), 4096):
        block[offset] = 1
    block.close()
    return int(size)


def huge(pages: str, kilobytes: str) -> int:
    """Allocate and touch so many huge pages of so many KiB each."""
    import mmap

    size = int(kilobytes) << 10
    # MAP_PRIVATE, MAP_ANONYMOUS and MAP_HUGETLB, with the logarithm of the size.
    block = mmap.mmap(-1, int(pages) * size, flags=0x40022 | (size.bit_length() - 1) << 26)
    for offset in range(0, int(pages) * size, size):
        block[offset] = 1
    block.close()
    return int(pages)


def read_direct(path: str, times: str, size: str) -> float:
    """Read so often so many bytes of a device, past all caches; report the seconds that it takes."""
    import mmap
    import time

    # Memory that begins with a page, as a device wants it.
    with mmap.mmap(-1, int(size)) as block:
        file = os.open(path, os.O_RDONLY | os.O_DIRECT)
        begun = time.monotonic()
        for number in range(int(times)):
            os.preadv(file, [block], number * int(size))
        took = time.monotonic() - begun
        os.close(file)
    return took


def forks(most: str) -> int:
    """How many children can be alive at the same time, up to ``most``; then they all end."""
    children: list[int] = []
    out, into = os.pipe()
    try:
        while len(children) < int(most):
            child = os.fork()
            if child == 0:
                os.close(into)
                os.read(out, 1)
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    os.close(into)
    for child in children:
        os.waitpid(child, 0)
    return len(children)


def burn(seconds: str) -> float:
    """Compute for so many seconds by the clock; report the CPU time used, in seconds."""
    import time

    end, used = time.monotonic() + float(seconds), time.process_time()
    while time.monotonic() < end:
        pass
    return time.process_time() - used


# --------------------------------------------------------------------------------- steps that print the records first


def wait() -> None:
    """Wait to be killed."""
    import _signal

    while True:
        _signal.pause()


def catch(*numbers: str) -> None:
    """Print a line for each of these signals received, until something else ends this process."""
    import _signal

    for number in numbers:
        _signal.signal(int(number), lambda caught, _frame: print_line({"signal": caught}))
    print_line({"catching": [int(number) for number in numbers]})
    wait()


def hear() -> None:
    """Wait for a line on standard input and print it, then wait to be killed."""
    print_line({"heard": os.read(0, 4096).decode("utf-8", "replace")})
    wait()


def leave(code: str = "0") -> None:
    """End with this exit status."""
    os._exit(int(code))


def everything(*paths: str) -> dict[str, Any]:
    """All that can be seen without changing anything, and a ``look`` at ``paths`` and the usual ones."""
    found = {}
    for name in LOOKS:
        done = perform(name, [])
        found[name] = done["value"] if "value" in done else {"error": done["error"]}
    return found | {"paths": {path: look(path) for path in dict.fromkeys((*USUAL_PATHS, *paths))}}


LOOKS = (
    "ids cwd uname argv environ status rlimits namespaces fds tty mountinfo scheduler ioprio affinity personality "
    "mempolicy idmaps oom-score-adj label"
).split()
# Paths that every container has (config-linux.md, runtime-linux.md), and paths that engines mask or protect.
USUAL_PATHS = (
    "/ /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/console /dev/fd /dev/stdin "
    "/dev/stdout /dev/stderr /proc/acpi /proc/asound /proc/bus /proc/fs /proc/interrupts /proc/irq /proc/kcore "
    "/proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi /proc/sys /proc/sysrq-trigger /proc/timer_list "
    "/proc/timer_stats /sys/firmware /sys/devices/virtual/powercap"
).split()

STEPS: dict[str, Callable[..., Any]] = {
    "affinity": affinity,
    "allocate": allocate,
    "argv": argv,
    "burn": burn,
    "chdir": _done(os.chdir),
    "chmod": chmod,
    "chown": chown,
    "clock": clock,
    "cwd": cwd,
    "effects": effects,
    "environ": environ,
    "everything": everything,
    "execute": execute,
    "fds": fds,
    "follow": follow,
    "forks": forks,
    "huge": huge,
    "idmaps": idmaps,
    "ids": ids,
    "in-child": in_child,
    "in-thread": in_thread,
    "int80": int80,
    "interfaces": interfaces,
    "ioprio": ioprio,
    "kernel": kernel,
    "label": label,
    "lay-out": lay_out,
    "link": _done(os.link),
    "list": list_folder,
    "look": look,
    "mempolicy": mempolicy,
    "mkdir": _done(os.mkdir),
    "mknod": mknod,
    "mount": mount,
    "mountinfo": mountinfo,
    "namespaces": namespaces,
    "oom-score-adj": oom_score_adj,
    "open": open_as,
    "overwrite": overwrite,
    "personality": personality,
    "read": read,
    "read-direct": read_direct,
    "readlink": os.readlink,
    "rename": _done(os.rename),
    "rlimits": rlimits,
    "rmdir": _done(os.rmdir),
    "say": say,
    "scheduler": scheduler,
    "setxattr": setxattr,
    "stat": stat,
    "status": status,
    "statvfs": statvfs,
    "symlink": _done(os.symlink),
    "syscall": system_call,
    "trap": trap,
    "tty": tty,
    "uname": uname,
    "raw-name": raw_name,
    "unlink": _done(os.unlink),
    "unmount": unmount,
    "write": write,
}
# Before these, all records so far are printed.
LAST: dict[str, Callable[..., None]] = {"catch": catch, "exit": leave, "hear": hear, "wait": wait}


# ---------------------------------------------------------------------------------------------------------- machinery


def _nul_separated(path: str) -> list[str] | None:
    """The texts in a file of /proc; ``None`` where there is no such file."""
    try:
        text = read(path)
    except OSError:
        return None
    return text.removesuffix("\0").split("\0") if text else []


def _ctypes() -> Any:
    import ctypes

    return ctypes


def _number(x86_64: int, others: int) -> int:
    """The number of a system call on x86_64, or the one that all newer architectures share."""
    # A personality may make it i686, which does not change the architecture of this program.
    return x86_64 if os.uname().machine in ("x86_64", "i686") else others


def _syscall(number: int, *arguments: Any) -> int:
    return _call("syscall", _ctypes().c_long(number), *arguments)


def _call(name: str, *arguments: Any) -> int:
    ctypes = _ctypes()
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    function.restype = ctypes.c_long if name == "syscall" else ctypes.c_int
    given = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(function(*given))
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result


def perform(name: str, arguments: list[str]) -> dict[str, Any]:
    """Do one step."""
    record: dict[str, Any] = {"step": name, "args": arguments}
    try:
        record["value"] = STEPS[name](*arguments)
    except OSError as problem:
        import errno

        record["error"] = errno.errorcode.get(problem.errno or 0, str(problem))
    except Exception as problem:  # noqa: BLE001  # any exception is a fact to report
        record["error"] = f"{type(problem).__name__}: {problem}"
    return record


def split(words: list[str]) -> list[list[str]]:
    """The steps of a command line."""
    steps: list[list[str]] = [[]]
    for word in words:
        if word == SEPARATOR:
            steps.append([])
        else:
            steps[-1].append(word)
    return [step for step in steps if step]


def main(words: list[str]) -> None:
    """Do the steps and print their records."""
    found: list[dict[str, Any]] = []
    for name, *arguments in split(words):
        if name in LAST:
            print_line({MARK: found})
            LAST[name](*arguments)
            return
        found.append(perform(name, arguments))
    print_line({MARK: found})


if __name__ == "__main__":
    main(sys.argv[1:] or ["everything"])
