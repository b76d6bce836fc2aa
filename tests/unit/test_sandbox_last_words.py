"""What a kernel that ended said last."""

from __future__ import annotations

import pytest

from ocivalidate.runtime.sandbox.last_words import meaning

BOOT = """Core dump limits :
\tsoft - 0
\thard - NONE
Checking that ptrace can change system call numbers...OK
Checking PROT_EXEC mmap in /dev/shm...OK
Adding 196337664 bytes to physical memory to account for exec-shield gap
SELinux: CONFIG_SECURITY_SELINUX_CHECKREQPROT_VALUE is non-zero.  This is deprecated.
mmapper_init - find_iomem failed
Failed to initialize ubd device 0 :Couldn't determine size of device's file
"""
FULL = "Bus error - the host /dev/shm or /tmp mount likely just ran out of space"
NO_INIT = "Kernel panic - not syncing: Requested init /nonexist failed (error -2)."
STACK = """CPU: 0 PID: 1 Comm: swapper Tainted: G        W          6.1.176 #1
Stack:
 606944ba 607e7fcd 86c47980 6067bb96
Call Trace:
 [<6017bd5c>] bprm_execve+0x198/0x263
"""
# Cases have groups with too little memory.
GROUP = """[  9.1] python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[  9.2] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=a,mems_allowed=0
[  9.3] Memory cgroup out of memory: Killed process 57 (python3)
"""
NO_ROOM = "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory"


@pytest.mark.parametrize(
    ("log", "words", "hint"),
    [
        ("", "its kernel said nothing", ""),
        (BOOT + "reboot: System halted\n", "its kernel said nothing", ""),
        (
            BOOT + "Kernel panic - not syncing: System is deadlocked on memory\n" + STACK,
            "its memory, 64M, is too little: Kernel panic - not syncing: System is deadlocked on memory",
            "give it more, as in memory=128M",
        ),
        (
            BOOT + "Too few physical memory! Needed=213909504, given=213114880\n",
            "its memory, 64M, is too little: Too few physical memory! Needed=213909504, given=213114880",
            "give it more, as in memory=128M",
        ),
        (
            BOOT + "Out of memory: Killed process 57 (python3.11) total-vm:65536kB\nreboot: System halted\n",
            "its memory, 64M, is too little: Out of memory: Killed process 57 (python3.11) total-vm:65536kB",
            "give it more, as in memory=128M",
        ),
        (
            BOOT + f"<3>{FULL}\n<0>Kernel panic - not syncing: Kernel mode signal 7\n" + STACK,
            f"this host has no space left for its memory: {FULL}",
            "make room in /dev/shm, or set TMPDIR to a folder that has more",
        ),
        (
            BOOT + f"{NO_INIT}\n" + STACK,
            f"its first program cannot be started: {NO_INIT}",
            "",
        ),
        (
            BOOT + "Kernel panic - not syncing: Fatal exception\n" + STACK,
            "its kernel panicked: Fatal exception",
            "",
        ),
        (GROUP + "[ 10.4] Kernel panic - not syncing: Fatal exception\n", "its kernel panicked: Fatal exception", ""),
        (
            "[  9.2] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null)\n[  9.3] Out of memory: Killed process 57\n",
            "its memory, 64M, is too little: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null)",
            "give it more, as in memory=128M",
        ),
        (
            f"qemu-system-x86_64: warning: TCG doesn't support requested feature: CPUID.01H\n{NO_ROOM}\n",
            f"this host has not so much memory as 64M: {NO_ROOM}",
            "give it less, as in memory=512M",
        ),
        (BOOT + "something odd\n", "its kernel said last: something odd", ""),
        ("\x00\xff odd\n" * 3, "its kernel said last: \x00ÿ odd", ""),
    ],
)
def test_last_words(log: str, words: str, hint: str) -> None:
    assert meaning(log.encode(), "64M", "128M") == (words, hint)


def test_last_words_are_short() -> None:
    assert len(meaning(b"x" * 100_000, "1G", "2G")[0]) < 400
