"""What a kernel said last, and what that means. Pure."""

from __future__ import annotations

import re

_LONGEST = 300

_SPACE = "this host has no space left for its memory"
_ROOM = "make room in /dev/shm, or set TMPDIR to a folder that has more"
# What a kernel says → what it means, and what helps.
_MEANINGS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(
            r"(?<!cgroup )out of memory|oom-kill:constraint=CONSTRAINT_NONE|deadlocked on memory|"
            r"too few physical memory|MemoryError",
            re.IGNORECASE,
        ),
        "its memory, {memory}, is too little",
        "give it more, as in memory={more}",
    ),
    (re.compile(r"no space left on device|bus error", re.IGNORECASE), _SPACE, _ROOM),
    (
        re.compile(r"not syncing: .*init .*failed|no working init", re.IGNORECASE),
        "its first program cannot be started",
        "",
    ),
    (
        re.compile(r"cannot allocate memory|cannot set up guest memory", re.IGNORECASE),
        "this host has not so much memory as {memory}",
        "give it less, as in memory=512M",
    ),
    (
        re.compile(r"ptrace.*(fail|not permitted|expected)|PTRACE_\w+ failed", re.IGNORECASE),
        "this host does not let it trace its processes",
        "in a container, allow ptrace(2)",
    ),
)
_PANIC = re.compile(r"kernel panic - not syncing: *(.*)", re.IGNORECASE)
# What kernels always say, and how a panic is drawn.
_NOISE = re.compile(
    r"Core dump limits|\s*(soft|hard) - |Checking .*(OK|found)$|Adding \d+ bytes|SELinux: |mmapper_init|.*ubd device 0|"
    # Groups of cases that are to have too little memory.
    r".*(Memory cgroup|invoked oom-killer|CONSTRAINT_MEMCG|oom_reaper)|"
    r"qemu-\S+: warning: |reboot: |zswap: |CPU: |Stack:|Call Trace|"
    r"Modules linked|\s*([0-9a-f]{8,16} ?)+$|\s*\[<|\s*$|R[A-Z0-9]{1,2}:"
)


def meaning(log: bytes, memory: str, more: str) -> tuple[str, str]:
    """Why a guest ended before its work was done, in words, and what may help.

    ``log``: the last of what its kernel said. ``memory``: how much it has, and ``more`` is twice of that.
    """
    lines = [line.strip() for line in _plain(log) if not _NOISE.match(line)]
    panic = next((match[1] for line in lines if (match := _PANIC.search(line))), "")
    for pattern, means, hint in _MEANINGS:
        told = next((line for line in lines if pattern.search(line)), "")
        if told:
            return f"{means.format(memory=memory)}: {told[:_LONGEST]}", hint.format(more=more)
    if panic:
        return f"its kernel panicked: {panic[:_LONGEST]}", ""
    return (f"its kernel said last: {lines[-1][:_LONGEST]}" if lines else "its kernel said nothing"), ""


def _plain(log: bytes) -> list[str]:
    """The lines without the levels and times that the kernel puts before them."""
    return [re.sub(r"^(<\d>)?(\[ *\d+\.\d+\] )?", "", line) for line in log.decode(errors="replace").splitlines()]
