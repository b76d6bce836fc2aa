"""Seccomp profiles in the form of container engines, as the specification has them.

Such a profile covers all machines: its rules name the architectures, capabilities and kernels that they apply to. A
config is for one machine, so the rules that apply there are kept, without their conditions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ocivalidate.errors import OptionError

Tree = dict[str, Any]

# How Go calls an architecture: what profiles call it, and libseccomp.
ARCHITECTURES: dict[str, tuple[str, str]] = {
    "386": ("x86", "SCMP_ARCH_X86"),
    "amd64": ("amd64", "SCMP_ARCH_X86_64"),
    "arm": ("arm", "SCMP_ARCH_ARM"),
    "arm64": ("arm64", "SCMP_ARCH_AARCH64"),
    "loong64": ("loongarch64", "SCMP_ARCH_LOONGARCH64"),
    "mips": ("mips", "SCMP_ARCH_MIPS"),
    "mips64": ("mips64", "SCMP_ARCH_MIPS64"),
    "mips64le": ("mipsel64", "SCMP_ARCH_MIPSEL64"),
    "mipsle": ("mipsel", "SCMP_ARCH_MIPSEL"),
    "ppc64": ("ppc64", "SCMP_ARCH_PPC64"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
}
# What uname(2) says, where Go says something else.
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "loongarch64": "loong64", "i386": "386", "i686": "386"}
_VERSION = re.compile(r"([0-9]{1,5})\.([0-9]{1,5})(?:[.+-].*)?")

_ENGINE_MEMBERS = frozenset({"archMap", "defaultErrno"})
_ENGINE_RULE_MEMBERS = frozenset({"includes", "excludes", "comment", "name", "errno"})
_CONDITIONS = frozenset({"arches", "caps", "minKernel"})

# asm-generic/errno-base.h and errno.h, from 1 on; a dash is a number that nobody has.
_ERRORS = (
    "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY "
    "EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK "
    "EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT "
    "EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME "
    "ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ "
    "EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK "
    "EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT "
    "EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN "
    "ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE "
    "EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED "
    "EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON"
).split()
_ERROR_NUMBERS = {name: number for number, name in enumerate(_ERRORS, start=1) if name != "-"}
_ERROR_NUMBERS |= {"EWOULDBLOCK": 11, "EDEADLOCK": 35, "ENOTSUP": 95}


class Target(NamedTuple):
    """Where the config will run. ``kernel``: major and minor version; ``None`` is newer than any."""

    architecture: str
    capabilities: Collection[str]
    kernel: tuple[int, int] | None = None


def is_for_engines(profile: Any) -> bool:
    """Whether a profile has what the specification has not."""
    if not isinstance(profile, dict):
        return False
    rules = profile.get("syscalls")
    return not _ENGINE_MEMBERS.isdisjoint(profile) or any(
        isinstance(rule, dict) and not _ENGINE_RULE_MEMBERS.isdisjoint(rule)
        for rule in (rules if isinstance(rules, list) else [])
    )


def converted(profile: Tree, target: Target) -> Tree:
    """``linux.seccomp`` for a target, as the engines make it. Raises :class:`OptionError`."""
    found = {name: value for name, value in profile.items() if name not in (*_ENGINE_MEMBERS, "syscalls")}
    if not found.get("architectures"):
        found.pop("architectures", None)
    maps = _entries(profile, "archMap")
    if maps and "architectures" in found:
        raise OptionError("the profile has both architectures and archMap; only one is allowed")
    _code(profile, "defaultErrno", "defaultErrnoRet", found)
    architectures = _architectures(maps, target)
    found |= {"architectures": architectures} if architectures else {}
    if profile.get("syscalls") is not None:
        rules = (_rule(rule, target) for rule in _entries(profile, "syscalls"))
        found["syscalls"] = [rule for rule in rules if rule is not None]
    return found


def _architectures(maps: list[Tree], target: Target) -> list[str]:
    """That of the target and what it runs besides; nothing where no entry is for it: then libseccomp takes its own."""
    own = ARCHITECTURES[target.architecture][1]
    for entry in maps:
        if entry.get("architecture") == own:
            return [own, *_texts(entry, "subArchitectures")]
    return []


def _rule(rule: Tree, target: Target) -> Tree | None:
    """A rule without its conditions, or ``None`` where they do not hold."""
    included, excluded = _condition(rule, "includes"), _condition(rule, "excludes")
    # Of includes everything has to hold, of excludes nothing may.
    if any(_holding(excluded, target, every=False)) or not all(_holding(included, target, every=True)):
        return None
    found = {name: value for name, value in rule.items() if name not in _ENGINE_RULE_MEMBERS and value is not None}
    if rule.get("name"):
        if rule.get("names"):
            raise OptionError(f"a rule of the profile has both name and names: {rule['name']!r}")
        found["names"] = [rule["name"]]
    _code(rule, "errno", "errnoRet", found)
    if isinstance(found.get("args"), list):
        found["args"] = [_argument(entry) for entry in found["args"]]
        if not found["args"]:
            del found["args"]
    return found


def _argument(entry: Any) -> Any:
    """Engines write a second value of 0 where there is none."""
    if isinstance(entry, dict) and entry.get("valueTwo") == 0:
        return {name: value for name, value in entry.items() if name != "valueTwo"}
    return entry


def _condition(rule: Tree, name: str) -> Tree:
    found = rule.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict) or not set(found) <= _CONDITIONS:
        raise OptionError(f"the {name} of a rule of the profile can only have arches, caps and minKernel")
    return found


def _holding(condition: Tree, target: Target, *, every: bool) -> Iterator[bool]:
    """Whether each part of a condition holds.

    Of capabilities all have to be there with ``every``, else one is enough.
    """
    arches, caps, kernel = _texts(condition, "arches"), _texts(condition, "caps"), condition.get("minKernel")
    if arches:
        yield bool({target.architecture, ARCHITECTURES[target.architecture][0]} & set(arches))
    if caps:
        there = [name in target.capabilities for name in caps]
        yield all(there) if every else any(there)
    if kernel:
        wanted = kernel_version(kernel)
        yield target.kernel is None or target.kernel >= wanted


def kernel_version(written: Any) -> tuple[int, int]:
    """Major and minor version: ``5.10``, also of ``5.10.0-8-amd64``. Raises :class:`OptionError`."""
    match = _VERSION.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        raise OptionError(f"{written!r} is not a kernel version; write for example 5.10")
    return int(match[1]), int(match[2])


def architecture_here() -> str:
    """What Go calls the architecture of this machine."""
    import platform

    machine = platform.machine().lower()
    return "arm" if machine.startswith("armv") else _MACHINES.get(machine, machine)


def _code(source: Tree, name: str, number: str, found: Tree) -> None:
    """An error by its name, for those who did not write its number."""
    written = source.get(name)
    if found.get(number) is None:
        found.pop(number, None)
        if written:
            if not isinstance(written, str) or written not in _ERROR_NUMBERS:
                raise OptionError(f"{written!r} in the profile is not an errno name; see errno(3)")
            found[number] = _ERROR_NUMBERS[written]


def _entries(source: Tree, name: str) -> list[Tree]:
    found = source.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise OptionError(f"{name} of the profile is not an array of objects")
    return found


def _texts(source: Tree, name: str) -> list[str]:
    found = source.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise OptionError(f"{name} of the profile is not an array of strings")
    return found
