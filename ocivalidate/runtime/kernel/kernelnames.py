"""Tables of what the kernel numbers and ``config.json`` names."""

from __future__ import annotations

# Numbers of capabilities(7), in the order of the kernel's bits.
CAPABILITIES = tuple(
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE".split()
)


def capabilities(mask: int) -> tuple[str, ...]:
    """The names in a capability mask, without ``CAP_``, in bit order."""
    return tuple(name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1)


# sched(7)
POLICIES = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
# sched_setattr(2): the flags that the kernel keeps and sched_getattr(2) returns. The others only affect the call.
KEPT_SCHEDULING_FLAGS = {"SCHED_FLAG_RESET_ON_FORK": 1, "SCHED_FLAG_RECLAIM": 2, "SCHED_FLAG_DL_OVERRUN": 4}
SCHEDULING_FLAGS = {
    **KEPT_SCHEDULING_FLAGS,
    "SCHED_FLAG_KEEP_POLICY": 8,
    "SCHED_FLAG_KEEP_PARAMS": 16,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 32,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 64,
}
# ioprio_set(2)
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
# personality(2)
DOMAINS = {"LINUX": 0x0, "LINUX32": 0x8}
# Name → number on x86_64 and on the newer architectures. All fail or succeed harmlessly with any arguments, and neither
# Python nor a runtime makes them on its own way into a container.
HARMLESS_CALLS = {
    "getitimer": (36, 102),
    "getpriority": (140, 141),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    "sched_rr_get_interval": (148, 127),
    "getpgid": (121, 155),
    "timer_getoverrun": (225, 109),
    "inotify_rm_watch": (255, 28),
    "mq_unlink": (241, 181),
}
# set_mempolicy(2): modes, and the flags beside them.
MEMORY_MODES = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
MEMORY_FLAGS = {"MPOL_F_STATIC_NODES": 1 << 15, "MPOL_F_RELATIVE_NODES": 1 << 14, "MPOL_F_NUMA_BALANCING": 1 << 13}
NO_LIMIT = 2**64 - 1
"""RLIM_INFINITY, which Python represents as -1."""
