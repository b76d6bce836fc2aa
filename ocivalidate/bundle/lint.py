"""Opinions on config.json that no specification states: hardening, and what is legal but probably a mistake.

Off by default. Based on capabilities(7), user_namespaces(7) and mount(8), and on what runtimes do with such documents.
"""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Iterator

from ocivalidate.bundle.mounts import is_bind
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.bundle.values import MOUNT_OPTIONS
from ocivalidate.rules.checks import CheckContext, Node, Violation

NO_NEW_PRIVILEGES = "lint/config.noNewPrivileges"
SYS_ADMIN = "lint/config.cap-sys-admin"
RUNS_AS_ROOT = "lint/config.runs-as-root"
AMBIENT = "lint/config.ambient-ineffective"
HOST_ROOT = "lint/config.host-root-bind"
CONTRADICTING = "lint/config.mounts.contradicting-options"
UNKNOWN_OPTION = "lint/config.mounts.unknown-option"
OPTION_LIST = "lint/config.mounts.option-list"
MASKED_PATHS = "lint/config.no-masked-paths"
READONLY_PATHS = "lint/config.no-readonly-paths"
SECCOMP = "lint/config.no-seccomp"
ALL_DEVICES = "lint/config.all-devices-allowed"
FILE_MODE = "lint/config.fileMode-digits"
PRESTART = "lint/config.hooks.prestart"

_CAPABILITY_SETS = ("effective", "permitted", "inheritable", "ambient", "bounding")

_WITH_RECURSIVE_FORMS = "ro/rw suid/nosuid dev/nodev exec/noexec atime/noatime diratime/nodiratime relatime/norelatime"
_WITH_RECURSIVE_FORMS += " strictatime/nostrictatime symfollow/nosymfollow private/shared private/slave"
_PLAIN_ONLY = "sync/async iversion/noiversion lazytime/nolazytime mand/nomand silent/loud"
# Their values are SELinux labels, which may contain commas.
_LABEL_OPTIONS = ("context=", "fscontext=", "defcontext=", "rootcontext=")
_ACCESS_OPTIONS = {"ro": False, "rro": False, "rw": True, "rrw": True}

_EVERY_ACCESS = frozenset("rwm")
_WILDCARDS = (None, -1)


@CONFIG.check("/process", NO_NEW_PRIVILEGES)
def process_gains_no_privileges(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Without the flag, set-uid programs in the image give the process more privileges than it was given."""
    flag = node.get("noNewPrivileges")
    if flag is not None and flag.value is False:
        yield flag.breaks(NO_NEW_PRIVILEGES, "process.noNewPrivileges is false", want="true")
    elif not node.has("noNewPrivileges"):
        yield node.breaks(NO_NEW_PRIVILEGES, "process.noNewPrivileges is not set", got="", want="true")


@CONFIG.check("/process/capabilities", SYS_ADMIN)
def process_has_no_sys_admin(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Reported once, at the first set that has it.

    The bounding set counts: a program run as root gets what is in it.
    """
    for name in _CAPABILITY_SETS:
        for capability in node.each(name):
            if capability.value == "CAP_SYS_ADMIN":
                yield capability.breaks(SYS_ADMIN, "the process can get CAP_SYS_ADMIN, which is close to root")
                return


@CONFIG.check("/process/user/uid", RUNS_AS_ROOT)
def process_is_not_root_of_the_host(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The uid counts as a user namespace maps it; a namespace joined by path is unknown."""
    if _host_uid(node.value, context.root) == 0:
        hint = "use another uid or a user namespace"
        yield node.breaks(RUNS_AS_ROOT, "the process runs as root of the host", hint=hint)


def _host_uid(uid: int, root: Node) -> int | None:
    """The uid on the host for a uid of the container, or ``None`` when the document does not say."""
    namespaces = root.children_if_all_sound("linux", "namespaces")
    if namespaces is None or any(namespace.text("type") is None for namespace in namespaces):
        return None
    users = [namespace for namespace in namespaces if namespace.text("type") == "user"]
    if not users:
        return uid
    if any(namespace.has("path") and namespace.text("path") != "" for namespace in users):
        return None
    for mapping in root.each("linux", "uidMappings"):
        inside, outside, size = mapping.number("containerID"), mapping.number("hostID"), mapping.number("size")
        if inside is not None and outside is not None and size is not None and inside <= uid < inside + size:
            return outside + uid - inside
    return None


@CONFIG.check("/process/capabilities", AMBIENT)
def ambient_capabilities_have_an_effect(node: Node, context: CheckContext) -> Iterator[Violation]:
    """capabilities(7): the kernel keeps no capability ambient that is not both permitted and inheritable."""
    sets = {name: node.children_if_all_sound(name) for name in ("permitted", "inheritable")}
    known = {name: {entry.value for entry in entries} for name, entries in sets.items() if entries is not None}
    for capability in node.each("ambient"):
        lacking = [name for name, values in known.items() if capability.value not in values]
        if lacking:
            message = f"{capability.place} has no effect: the capability is not {' and not '.join(lacking)}"
            yield capability.breaks(AMBIENT, message)


@CONFIG.check("/mounts/*", HOST_ROOT)
def host_root_is_not_bound_writable(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The last access option in the list counts."""
    source = node.get("source")
    if source is None or not is_bind(node) or not source.value.startswith("/"):
        return
    writable = [_ACCESS_OPTIONS[option] for option in node.texts("options") if option in _ACCESS_OPTIONS]
    if posixpath.normpath(source.value).strip("/") == "" and (not writable or writable[-1]):
        yield source.breaks(HOST_ROOT, f"{node.place} bind-mounts the root of the host, writable", want="the option ro")


@functools.cache
def _opposites() -> dict[str, frozenset[str]]:
    """Each mount option that has opposites, with those opposites."""
    pairs = [pair.split("/") for pair in f"{_WITH_RECURSIVE_FORMS} {_PLAIN_ONLY}".split()]
    pairs += [[f"r{option}" for option in pair.split("/")] for pair in _WITH_RECURSIVE_FORMS.split()]
    opposites: dict[str, set[str]] = {}
    for one, other in pairs:
        opposites.setdefault(one, set()).add(other)
        opposites.setdefault(other, set()).add(one)
    return {option: frozenset(others) for option, others in opposites.items()}


@CONFIG.check("/mounts/*/options", CONTRADICTING)
def options_do_not_contradict(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Reported at the later option of a pair, once for each option."""
    seen: set[str] = set()
    for option in node.children():
        against = _opposites().get(option.value, frozenset()) & seen
        if against and option.value not in seen:
            yield option.breaks(CONTRADICTING, f"{option.place} contradicts {' and '.join(sorted(against))}")
        seen.add(option.value)


@CONFIG.check("/mounts/*", UNKNOWN_OPTION)
def bind_mount_has_known_options(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Other mounts take the options of their file system. A bind mount takes none, and a typing error has no effect."""
    if not is_bind(node):
        return
    for option in node.each("options"):
        if option.value not in MOUNT_OPTIONS and not _is_list(option.value):
            yield option.breaks(UNKNOWN_OPTION, f"{option.place} is not an option that the specification lists")


@CONFIG.check("/mounts/*/options/*", OPTION_LIST)
def option_is_one_option(node: Node, context: CheckContext) -> Iterator[Violation]:
    """mount(8) takes such a list after -o, but here each entry is one option."""
    if _is_list(node.value):
        yield node.breaks(OPTION_LIST, f"{node.place} is a list of options", want="one entry for each option")


def _is_list(option: str) -> bool:
    """Whether an entry holds several options.

    Values may contain commas: labels, and lists such as ``mpol=bind:0,2``.
    """
    first, *others = option.split(",")
    if '"' in option or option.startswith(_LABEL_OPTIONS) or not any(others):
        return False
    return "=" not in first or any("=" in part or part in MOUNT_OPTIONS for part in others)


@CONFIG.check("", MASKED_PATHS, READONLY_PATHS, SECCOMP)
def kernel_is_shielded(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A missing linux section protects nothing either; one that cannot be read is not judged."""
    linux = node.get("linux")
    if linux is None and node.has("linux"):
        return
    protections = {"maskedPaths": MASKED_PATHS, "readonlyPaths": READONLY_PATHS, "seccomp": SECCOMP}
    for name, clause in protections.items():
        member = linux.get(name) if linux else None
        if member is not None and member.value == []:
            yield member.breaks(clause, f"{member.place} is empty")
        elif linux is None or not linux.has(name):
            yield (linux or node).breaks(clause, f"linux.{name} is not set", got="")


@CONFIG.check("/linux/resources/devices", ALL_DEVICES)
def not_every_device_is_allowed(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Rules apply in order: of the rules for every device of a type, the last one counts."""
    rules = node.children()
    if len(rules) != len(node.value) or any(rule.flag("allow") is None for rule in rules):
        return
    allowing: dict[str, Node | None] = {"b": None, "c": None}
    for rule in rules:
        for kind in _types_of_wholesale_rule(rule):
            allowing[kind] = rule if rule.flag("allow") else None
    culprits = [rule for rule in allowing.values() if rule is not None]
    if len(culprits) == len(allowing):
        last = max(culprits, key=lambda rule: int(rule.name))
        yield last.breaks(ALL_DEVICES, f"{last.place} allows every device", got="")


def _types_of_wholesale_rule(rule: Node) -> str:
    """The device types of which a rule allows or denies every device and every access."""
    for name in ("type", "major", "minor", "access"):
        if rule.has(name) and rule.get(name) is None:
            return ""
    access = rule.text("access")
    if rule.number("major") not in _WILDCARDS or rule.number("minor") not in _WILDCARDS:
        return ""
    if access is not None and not _EVERY_ACCESS.issubset(access):
        return ""
    kind = rule.text("type") or "a"
    return "bc" if kind == "a" else kind


@CONFIG.check("/linux/devices/*/fileMode", FILE_MODE)
def file_mode_is_decimal(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Octal digits alone, from 512 to 777: as a mode they would set the sticky bit, which a device does not use."""
    value = int(node.value)
    digits = str(value)
    if 0o1000 <= value <= 777 and not {"8", "9"} & set(digits):
        want = f"{int(digits, 8)}, which is {digits} in octal"
        yield node.breaks(FILE_MODE, f"{node.place} looks like octal digits written as a decimal number", want=want)


@CONFIG.check("/hooks/prestart", PRESTART)
def prestart_is_not_used(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Deprecated since 1.0.2, which replaces them with createRuntime, createContainer and startContainer."""
    if node.value and context.since("1.0.2"):
        hint = "use createRuntime, createContainer or startContainer"
        yield node.breaks(PRESTART, "prestart hooks are deprecated", got="", hint=hint)
