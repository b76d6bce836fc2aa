"""The lists of values that the specification leaves open to kernels and libraries, and the check of such a value.

Each list maps a value to the release of runtime-spec that first names it; values that only the kernel or libseccomp
know map to ``None``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.remedies import near, written

OpenList = Mapping[str, str | None]

_FIRST = "1.0.0"


def _since(release: str | None, names: str) -> dict[str, str | None]:
    return dict.fromkeys(names.split(), release)


# namespaces(7)
LINUX_NAMESPACES: OpenList = {**_since(_FIRST, "pid network mount ipc uts user cgroup"), "time": "1.1.0"}
ZOS_NAMESPACES: OpenList = {**_since("1.2.1", "pid mount ipc uts"), **_since(None, "network user cgroup time")}

# capabilities(7), Linux 6.18
CAPABILITIES = frozenset(
    f"CAP_{name}"
    for name in (
        "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE "
        "DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD "
        "NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN "
        "SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME "
        "SYS_TTY_CONFIG WAKE_ALARM"
    ).split()
)

# getrlimit(2) on Linux, getrlimit(3C) on Solaris
LINUX_RLIMITS: OpenList = _since(
    _FIRST,
    "RLIMIT_AS RLIMIT_CORE RLIMIT_CPU RLIMIT_DATA RLIMIT_FSIZE RLIMIT_LOCKS RLIMIT_MEMLOCK RLIMIT_MSGQUEUE "
    "RLIMIT_NICE RLIMIT_NOFILE RLIMIT_NPROC RLIMIT_RSS RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING RLIMIT_STACK",
)
SOLARIS_RLIMITS: OpenList = _since(
    _FIRST, "RLIMIT_AS RLIMIT_CORE RLIMIT_CPU RLIMIT_DATA RLIMIT_FSIZE RLIMIT_NOFILE RLIMIT_STACK RLIMIT_VMEM"
)

# mount_namespaces(7); the recursive forms are those of mount(8), which runtimes accept and container engines write
PROPAGATIONS: OpenList = {
    **_since(_FIRST, "shared slave private unbindable"),
    **_since(None, "rshared rslave rprivate runbindable"),
}

# The tables of config.md, and what only the example of features.md names: rnodev, acl and noacl.
MOUNT_OPTIONS = frozenset(
    (
        "async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud mand noatime nodev "
        "nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime "
        "rbind rdev rdiratime relatime remount rexec ridmap rnoatime rnodiratime rnoexec rnorelatime "
        "rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid "
        "rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable rnodev "
        "acl noacl"
    ).split()
)

# seccomp.h of libseccomp 2.6
SECCOMP_ACTIONS: OpenList = {
    **_since(_FIRST, "SCMP_ACT_KILL SCMP_ACT_TRAP SCMP_ACT_ERRNO SCMP_ACT_TRACE SCMP_ACT_ALLOW"),
    "SCMP_ACT_LOG": "1.0.2",
    **_since("1.1.0", "SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_NOTIFY"),
}
SECCOMP_ARCHITECTURES: OpenList = {
    **_since(
        _FIRST,
        "SCMP_ARCH_X86 SCMP_ARCH_X86_64 SCMP_ARCH_X32 SCMP_ARCH_ARM SCMP_ARCH_AARCH64 SCMP_ARCH_MIPS SCMP_ARCH_MIPS64 "
        "SCMP_ARCH_MIPS64N32 SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64 SCMP_ARCH_MIPSEL64N32 SCMP_ARCH_PPC SCMP_ARCH_PPC64 "
        "SCMP_ARCH_PPC64LE SCMP_ARCH_S390 SCMP_ARCH_S390X SCMP_ARCH_PARISC SCMP_ARCH_PARISC64",
    ),
    "SCMP_ARCH_RISCV64": "1.1.0",
    **_since("1.2.1", "SCMP_ARCH_LOONGARCH64 SCMP_ARCH_M68K SCMP_ARCH_SH SCMP_ARCH_SHEB"),
    "SCMP_ARCH_NATIVE": None,
}
SECCOMP_FLAGS: OpenList = {
    **_since("1.0.2", "SECCOMP_FILTER_FLAG_TSYNC SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW"),
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": "1.1.0",
    **_since(None, "SECCOMP_FILTER_FLAG_NEW_LISTENER SECCOMP_FILTER_FLAG_TSYNC_ESRCH"),
}
SECCOMP_OPERATORS: OpenList = _since(
    _FIRST, "SCMP_CMP_NE SCMP_CMP_LT SCMP_CMP_LE SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_GT SCMP_CMP_MASKED_EQ"
)

# hcsshim, internal/uvm/virtual_device.go
DEVICE_ID_TYPES: OpenList = {
    "class": _FIRST,
    **_since(None, "vpci-class-guid vpci-location-path vpci-instance-id vpci gpu"),
}

# time_namespaces(7)
CLOCKS = frozenset({"monotonic", "boottime"})


def in_open_list(
    node: Node, context: CheckContext, clause: str, known: OpenList, kernel: Severity = Severity.WARNING
) -> Iterator[Violation]:
    """Judge a value of an open list.

    A value of a newer release, or one that only the kernel or a library knows (``kernel``), is less severe than an
    unknown one.
    """
    value = node.value
    if value not in known:
        want = " or ".join(name for name, since in known.items() if since and context.since(since))
        message = f"{node.place} is a value that no specification and no kernel defines"
        name = near(value, known)
        hint, remedy = (f"did you mean {name}?", written(name)) if name else ("", None)
        yield node.breaks(clause, message, want=want, hint=hint, remedy=remedy)
        return
    since = known[value]
    if since is None:
        yield node.breaks(clause, f"{node.place} is a value that the specification does not list", severity=kernel)
    elif not context.since(since):
        message = f"{node.place} is a value that was added in version {since}"
        # A development version has values of the release that followed it.
        yield node.breaks(clause, message, severity=Severity.NOTE if context.development else Severity.WARNING)
