"""Checks of the state of a container (runtime-spec runtime.md#state)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.paths import absolute_form, is_absolute
from ocivalidate.bundle.registry import STATE
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity
from ocivalidate.vocabulary.versions import parse

PID_REQUIRED = "runtime/runtime.state.pid.required-created-running-linux"
VERSION = "runtime/runtime.state.ociVersion.version"
# The form of the whole document: a JSON Schema since 1.1.0, an example before.
FORMS = ("runtime/runtime.state.json-schema", "runtime/runtime.state.json-pattern")
BUNDLE_ABSOLUTE = "runtime/runtime.state.bundle.absolute"

_WITH_A_PROCESS = ("created", "running")
_STATUSES = ("creating", *_WITH_A_PROCESS, "stopped")


@STATE.check("/status", PID_REQUIRED)
def pid_is_there(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Other states may have one too, but need not: runtimes write 0 for a stopped container."""
    if node.value not in _WITH_A_PROCESS:
        return
    pid = context.root.get("pid")
    if not context.root.has("pid"):
        message = f"pid is missing, though the container is {node.value}"
        yield context.root.breaks(PID_REQUIRED, message, got="", want="a member pid")
    elif pid is not None and pid.value == 0:
        message = f"pid is not a process id, though the container is {node.value}"
        yield pid.breaks(PID_REQUIRED, message, want="1 or more", severity=Severity.WARNING)


@STATE.check("/pid", *FORMS)
def pid_is_not_negative(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A process id is never negative; 0 means that there is no process."""
    if node.value < 0:
        yield node.breaks(_form(context), "pid is negative", want="0 or more")


@STATE.check("/status", *FORMS)
def status_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Runtimes may define further statuses (such as paused), but not an empty one or another spelling of the four."""
    meant = node.value.strip().lower()
    if not meant:
        message, want = "status is empty", " or ".join(_STATUSES)
    elif meant != node.value and meant in _STATUSES:
        message, want = "status is another spelling of one that the specification defines", meant
    else:
        return
    yield node.breaks(_form(context), message, want=want, severity=Severity.WARNING)


def _form(context: CheckContext) -> str:
    return FORMS[0] if context.since("1.1.0") else FORMS[1]


@STATE.check("/ociVersion", VERSION)
def version_is_one(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The same form as the version of a configuration."""
    if parse(node.value) is None:
        yield node.breaks(VERSION, "ociVersion is not a SemVer 2.0.0 version", want="a version such as 1.2.1")


@STATE.check("/bundle", BUNDLE_ABSOLUTE)
def bundle_is_absolute(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A Windows path passes wherever the platform is only assumed: nobody means a relative path by it."""
    platforms = context.platforms or {"linux"}
    if not is_absolute(node.value, platforms | {"windows"}):
        yield node.breaks(BUNDLE_ABSOLUTE, "bundle is not an absolute path", want=absolute_form(platforms))
