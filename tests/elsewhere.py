"""Runs the command as on a system that is not Linux: what that system lacks is gone before ours is imported.

``python tests/elsewhere.py win32 bundle PATH``, or ``darwin``. What the standard library needs of this system is
imported first; paths, line ends and the file system stay those of Linux.
"""

from __future__ import annotations

# ruff: noqa: F401  # imported here so that the standard library has what it needs of this system
import builtins
import concurrent.futures
import ctypes
import importlib
import importlib.abc
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from types import ModuleType

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What the documentation of os says is there on Linux alone, or on few others. preadv is young on macOS.
_LINUX = """
    O_PATH O_TMPFILE O_NOATIME O_DIRECT O_LARGEFILE O_RSYNC copy_file_range eventfd eventfd_read eventfd_write fdatasync
    getresgid getresuid getxattr listxattr memfd_create pidfd_open pipe2 posix_fadvise posix_fallocate preadv pwritev
    removexattr sched_getaffinity sched_getparam sched_getscheduler sched_setaffinity sched_setparam sched_setscheduler
    sched_rr_get_interval setns setresgid setresuid setxattr splice unshare waitid
""".split()
# What Windows has not.
_UNIX = """
    EX_OK O_ACCMODE O_ASYNC O_CLOEXEC O_DIRECTORY O_DSYNC O_NDELAY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC WCOREDUMP
    WEXITSTATUS WIFEXITED WIFSIGNALED WIFSTOPPED WNOHANG WSTOPSIG WTERMSIG WUNTRACED chown chroot confstr ctermid fchdir
    fchmod fchown fork forkpty fpathconf fstatvfs fwalk get_blocking getegid geteuid getgid getgrouplist getgroups
    getloadavg getpgid getpgrp getpriority getsid getuid initgroups killpg lchown lockf major makedev minor mkfifo mknod
    nice openpty pathconf posix_spawn posix_spawnp pread pwrite readv register_at_fork sched_yield sendfile set_blocking
    setegid seteuid setgid setgroups setpgid setpriority setregid setreuid setsid setuid statvfs sync sysconf tcgetpgrp
    tcsetpgrp ttyname uname wait wait3 wait4 writev
""".split()
_SIGNALS_OF_WINDOWS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"}
_GONE: dict[str, dict[ModuleType, Sequence[str]]] = {
    "darwin": {
        os: _LINUX,
        select: ["epoll"],
        signal: "SIGPWR SIGSTKFLT SIGPOLL SIGRTMIN SIGRTMAX pidfd_send_signal sigtimedwait sigwaitinfo".split(),
    },
    "win32": {
        os: [*_LINUX, *_UNIX],
        select: ["epoll", "poll"],
        signal: [
            *(name for name in signal.Signals.__members__ if name not in _SIGNALS_OF_WINDOWS),
            *"alarm getitimer setitimer pause pidfd_send_signal pthread_kill pthread_sigmask sigpending".split(),
            *"sigwait sigtimedwait sigwaitinfo siginterrupt".split(),
        ],
        socket: ["AF_UNIX", "socketpair"],
        time: ["clock_gettime", "clock_gettime_ns", "tzset", "CLOCK_MONOTONIC", "pthread_getcpuclockid"],
    },
}
_NO_MODULES = {
    "darwin": {"spwd", "ossaudiodev"},
    "win32": {
        *"crypt curses fcntl grp nis ossaudiodev posix pty pwd readline resource spwd syslog termios tty".split()
    },
}


class _Blocked(importlib.abc.MetaPathFinder):
    def __init__(self, names: set[str]) -> None:
        self._names = names

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def become(system: str) -> None:
    """Take away what ``system`` has not."""
    for module, names in _GONE[system].items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in [name for name in signal.Signals.__members__ if not hasattr(signal, name)]:
        del signal.Signals._member_map_[name]
        if name in signal.Signals._member_names_:  # it may be another name of one that is there
            signal.Signals._member_names_.remove(name)
    for name in _NO_MODULES[system]:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Blocked(_NO_MODULES[system]))
    sys.platform = system
    vars(tempfile).update(_O_TMPFILE_WORKS=False)
    if system == "win32":
        os.name = "nt"
        for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            supported.clear()
        # Paths stay those of this system.
        library = sys.modules[pathlib.Path.__module__]
        vars(library).update(WindowsPath=pathlib.PosixPath, PureWindowsPath=pathlib.PurePosixPath)
    sys.addaudithook(_no_proc)


def _no_proc(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]).startswith(("/proc/", "/sys/")):
        raise FileNotFoundError(2, "No such file or directory", str(arguments[0]))


def main() -> int:
    """Run the command line behind the name of the system; ``oci-gen`` is the other program, ``import`` imports."""
    system, *arguments = sys.argv[1:]
    sys.path.insert(0, ROOT)
    if system != "linux":
        become(system)
    if arguments[:1] == ["check-runtime"]:
        print(importlib.import_module("ocivalidate").check_runtime(arguments[1]).problem)
        return 0
    if arguments[:1] == ["import"]:
        for name in arguments[1:]:
            importlib.import_module(name)
        return 0
    from ocivalidate import cli

    return cli.generate(arguments[1:]) if arguments[:1] == ["oci-gen"] else cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
