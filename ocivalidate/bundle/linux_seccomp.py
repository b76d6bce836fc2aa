"""Checks of seccomp filters (runtime-spec config-linux.md#seccomp)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.registry import CONFIG
from ocivalidate.bundle.values import (
    SECCOMP_ACTIONS,
    SECCOMP_ARCHITECTURES,
    SECCOMP_FLAGS,
    SECCOMP_OPERATORS,
    OpenList,
    in_open_list,
)
from ocivalidate.jsontext.pointers import tokens_of
from ocivalidate.rules.checks import CheckContext, Node, Violation

METADATA = "runtime/config-linux.seccomp.listenerMetadata.needs-listenerPath"
DEFAULT_ERRNO = "runtime/config-linux.seccomp.defaultErrnoRet.needs-errno-action"
ERRNO = "runtime/config-linux.seccomp.syscalls.errnoRet.needs-errno-action"
NO_LISTENER = "safety/config.seccomp.notify-without-listener"
NOTIFY_DEFAULT = "safety/config.seccomp.notify-default"
NOTIFY_WRITE = "safety/config.seccomp.notify-write"
ARG_INDEX = "safety/config.seccomp.arg-index"
ERRNO_RANGE = "safety/config.seccomp.errno-range"

NOTIFY = "SCMP_ACT_NOTIFY"
ERRNO_ACTIONS = frozenset({"SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"})
# include/linux/err.h: MAX_ERRNO.
_LARGEST_ERRNO = 4095
_LAST_ARGUMENT = 5

# Pattern below linux.seccomp → clause and list.
_LISTS: dict[str, tuple[str, OpenList]] = {
    "defaultAction": ("runtime/config-linux.seccomp.defaultAction.values", SECCOMP_ACTIONS),
    "architectures/*": ("runtime/config-linux.seccomp.architectures.values", SECCOMP_ARCHITECTURES),
    "flags/*": ("runtime/config-linux.seccomp.flags.values", SECCOMP_FLAGS),
    "syscalls/*/action": ("runtime/config-linux.seccomp.syscalls.action.values", SECCOMP_ACTIONS),
    "syscalls/*/args/*/op": ("runtime/config-linux.seccomp.syscalls.args.op.values", SECCOMP_OPERATORS),
}


def value_is_listed(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Bound to each list for its own clause, so that an absent list counts as not judged."""
    tokens = tokens_of(node.path)[2:]
    below = "/".join("*" if isinstance(token, int) else token for token in tokens)
    clause, known = _LISTS[below]
    yield from in_open_list(node, context, clause, known)


for _below, (_clause, _known) in _LISTS.items():
    CONFIG.check(f"/linux/seccomp/{_below}", _clause)(value_is_listed)


@CONFIG.check("/linux/seccomp/listenerMetadata", METADATA)
def metadata_has_a_listener(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An empty text on either side counts as unset: programs in Go write it."""
    path = context.root.get("linux", "seccomp")
    if node.value and path is not None and (not path.has("listenerPath") or path.text("listenerPath") == ""):
        yield node.breaks(METADATA, "linux.seccomp.listenerMetadata is set without listenerPath")


@CONFIG.check("/linux/seccomp/defaultErrnoRet", DEFAULT_ERRNO)
def default_errno_fits_the_action(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Runtimes have to refuse it."""
    action = context.root.text("linux", "seccomp", "defaultAction")
    if action in SECCOMP_ACTIONS and action not in ERRNO_ACTIONS:
        message = f"linux.seccomp.defaultErrnoRet comes with {action}, which takes no errno"
        yield node.breaks(DEFAULT_ERRNO, message, want=" or ".join(sorted(ERRNO_ACTIONS)))


@CONFIG.check("/linux/seccomp/syscalls/*", ERRNO)
def errno_fits_the_action(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Runtimes have to refuse it."""
    errno, action = node.get("errnoRet"), node.text("action")
    if errno is not None and action in SECCOMP_ACTIONS and action not in ERRNO_ACTIONS:
        message = f"{errno.place} comes with {action}, which takes no errno"
        yield errno.breaks(ERRNO, message, want=" or ".join(sorted(ERRNO_ACTIONS)))


@CONFIG.check(("/linux/seccomp/defaultErrnoRet", "/linux/seccomp/syscalls/*/errnoRet"), ERRNO_RANGE)
def errno_is_in_range(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """seccomp(2) caps it there."""
    value = node.number()
    if value is not None and value > _LARGEST_ERRNO:
        yield node.breaks(ERRNO_RANGE, f"{node.place} is not a valid errno", want=f"at most {_LARGEST_ERRNO}")


@CONFIG.check("/linux/seccomp", NO_LISTENER)
def notify_has_a_listener(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Nothing would answer the notifications of the filter."""
    actions = [entry.text("action") for entry in node.each("syscalls")]
    if NOTIFY in actions and not (node.has("listenerPath") and node.text("listenerPath") != ""):
        yield node.breaks(NO_LISTENER, f"{NOTIFY} is used without linux.seccomp.listenerPath", got="")


@CONFIG.check("/linux/seccomp/defaultAction", NOTIFY_DEFAULT)
def notify_is_not_the_default(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The runtime could not send the listener to the agent: the calls for that would wait for the agent."""
    if node.value == NOTIFY:
        yield node.breaks(NOTIFY_DEFAULT, f"{NOTIFY} is the default action", got="")


@CONFIG.check("/linux/seccomp/syscalls/*", NOTIFY_WRITE)
def runtime_can_write(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The runtime writes under the filter to announce the listener, and that write would wait for the agent."""
    if node.text("action") != NOTIFY:
        return
    for name in node.each("names"):
        if name.value == "write":
            yield name.breaks(NOTIFY_WRITE, f"{name.place}: {NOTIFY} is used for write, which the runtime itself needs")


@CONFIG.check("/linux/seccomp/syscalls/*/args/*/index", ARG_INDEX)
def argument_exists(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """syscall(2)."""
    value = node.number()
    if value is not None and value > _LAST_ARGUMENT:
        yield node.breaks(
            ARG_INDEX, f"{node.place} is not the index of a system call argument", want=f"0 to {_LAST_ARGUMENT}"
        )
