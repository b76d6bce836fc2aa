"""A program that runs another one to its end, and writes how much memory that had resident at most.

    peak.py FILE PROGRAM ARGUMENT...

What wait4(2) says of a child counts the process that it was forked from too, which is greater here than many a
runtime. So this traces the child up to the moment before its end, where the kernel still shows the peak of its last
program (``VmHWM``). The file gets bytes, in decimal; there is none where nobody may trace. It is self-contained, as it
runs without our package.
"""

import ctypes
import os
import signal
import sys

_SEIZE, _CONTINUE, _AT_EXIT = 0x4206, 7, 0x40  # PTRACE_SEIZE, PTRACE_CONT, PTRACE_O_TRACEEXIT
_ENDS, _STOPS = 6, 128  # PTRACE_EVENT_EXIT, PTRACE_EVENT_STOP


def main(file: str, command: list[str]) -> int:
    """Run the command, write the peak, and return an exit status as a shell does."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    waiting, ready = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        os.read(waiting, 1)
        os.execve(command[0], command, _environment())  # noqa: S606  # without a shell, as everywhere
    os.close(waiting)
    libc.ptrace(_SEIZE, child, None, _AT_EXIT)
    os.close(ready)
    while True:
        status = os.waitpid(child, 0)[1]
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        event, number = status >> 16, os.WSTOPSIG(status)
        if event == _ENDS:
            _write(file, child)
        passed = 0 if event in (_ENDS, _STOPS) or number == signal.SIGTRAP else number
        libc.ptrace(_CONTINUE, child, None, passed)


def _write(file: str, process: int) -> None:
    with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as status:
        kilobytes = next((line.split()[1] for line in status if line.startswith("VmHWM:")), "")
    if kilobytes:
        with open(file, "w", encoding="ascii") as target:
            target.write(str(int(kilobytes) * 1024))


def _environment() -> dict[bytes, bytes]:
    """The one that this was started with, without what Python has added."""
    with open("/proc/self/environ", "rb") as file:
        return dict(entry.split(b"=", 1) for entry in file.read().split(b"\0") if b"=" in entry)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
