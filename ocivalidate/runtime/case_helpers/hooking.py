"""The six kinds of hooks, and judging when they ran in the life of a container: pure, from what recorders noted."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ocivalidate.runtime.case_helpers.tracing import Record


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of hooks.

    ``during``: the operation to which it belongs. ``inside``: it runs in the namespaces of the container.
    ``path_inside``: its path is resolved in the container. ``invoked``, ``failure`` and ``executed``: the clauses on
    being run, on what becomes of a container of which one fails (``""``: several say it), and on its namespaces.
    """

    name: str
    during: str
    invoked: str
    executed: str
    failure: str = ""
    since: str = "1.0.0"
    inside: bool = False
    path_inside: bool = False


PRESTART = Kind(
    "prestart",
    "create",
    invoked="runtime.lifecycle.prestart-invoked",
    executed="config.hooks.prestart.executed-runtime-ns",
    failure="runtime.lifecycle.prestart-failure",
)
CREATE_RUNTIME = Kind(
    "createRuntime",
    "create",
    invoked="runtime.lifecycle.createruntime-invoked",
    executed="config.hooks.createRuntime.executed-runtime-ns",
    failure="runtime.lifecycle.createruntime-failure",
    since="1.0.2",
)
CREATE_CONTAINER = Kind(
    "createContainer",
    "create",
    invoked="runtime.lifecycle.createcontainer-invoked",
    executed="config.hooks.createContainer.executed-container-ns",
    failure="runtime.lifecycle.createcontainer-failure",
    since="1.0.2",
    inside=True,
)
START_CONTAINER = Kind(
    "startContainer",
    "start",
    invoked="runtime.lifecycle.startcontainer-invoked",
    executed="config.hooks.startContainer.executed-container-ns",
    failure="runtime.lifecycle.startcontainer-failure",
    since="1.0.2",
    inside=True,
    path_inside=True,
)
POSTSTART = Kind(
    "poststart",
    "start",
    invoked="runtime.lifecycle.poststart-invoked",
    executed="config.hooks.poststart.executed-runtime-ns",
)
POSTSTOP = Kind(
    "poststop",
    "delete",
    invoked="runtime.lifecycle.poststop-invoked",
    executed="config.hooks.poststop.executed-runtime-ns",
)
KINDS = (PRESTART, CREATE_RUNTIME, CREATE_CONTAINER, START_CONTAINER, POSTSTART, POSTSTOP)

# A runtime may put a container into its control groups after its hooks, and its namespace with them.
_LATE_NAMESPACES = ("cgroup",)


def without_late(namespaces: Mapping[str, str]) -> dict[str, str]:
    """Namespaces (name → link) without those that a runtime may make after the hooks of create have run."""
    return {name: link for name, link in namespaces.items() if name not in _LATE_NAMESPACES}


@dataclass(frozen=True, slots=True)
class Span:
    """When an operation ran.

    ``begun`` and ``ended``: seconds on our ``time.monotonic``. ``first`` and ``past``: how many records there were
    then.
    """

    begun: float
    ended: float
    first: int = 0
    past: int = sys.maxsize


@dataclass(frozen=True, slots=True)
class HookTimeline:
    """The life of a container with hooks.

    ``records``: what was noted in it. ``spans``: when its operations began and ended. ``namespaces``: those of the
    container process. ``program``: its command line. ``mounts``: where, seen from the host, something was to be
    mounted. ``host``: device and inode of the root folder of the host. ``clock``: ours. Who has a kernel of its own,
    as in a sandbox, sees another clock: then the order in which things were noted tells. ``sandboxed``: whether the
    program has a kernel of its own, which is what the process of the state runs then.
    """

    records: Sequence[Record]
    spans: Mapping[str, Span]
    namespaces: Mapping[str, str]
    program: Sequence[str]
    mounts: Sequence[str]
    host: Sequence[int]
    clock: str = ""
    sandboxed: bool = False

    def of(self, kind: Kind) -> list[Record]:
        """What the hooks of a kind noted, in the order in which it was noted."""
        return [record for record in self.records if record.kind == kind.name]

    def first(self, name: str) -> Record | None:
        """What one recorder noted first; ``None`` if it noted nothing.

        ``name`` is that of its record: ``prestart/0``.
        """
        return next((record for record in self.records if record.name == name), None)

    def before(self, record: Record, operation: str) -> bool:
        """Whether a recorder began before an operation (``create``, ``start``, ``delete``) was called.

        Raises :class:`KeyError` for one that has no span.
        """
        span = self.spans[operation]
        return record.begun < span.begun if record.clock == self.clock else record.place < span.first

    def after(self, record: Record, operation: str) -> bool:
        """Whether a recorder ended after an operation had returned.

        Raises :class:`KeyError` for one that has no span.
        """
        span = self.spans[operation]
        return record.ended > span.ended if record.clock == self.clock else record.place >= span.past

    def hidden(self, kind: Kind) -> bool:
        """Whether nobody outside of a sandbox can see the moment at which hooks of a kind have to run."""
        if not self.sandboxed or kind.inside:
            return False
        program = self.first("program/0")
        seen = program is not None and all(record.follows(program) for record in self.of(kind))
        return kind.during == "create" or (kind is POSTSTART and not seen)

    def executed_by(self, record: Record) -> bool:
        """Whether the container process had executed the program when a hook looked at it."""
        return list(record.process.get("argv", ())) == list(self.program)


Fault = Callable[[Record], str]


def _faults(records: Sequence[Record], *looks: Fault) -> list[str]:
    """What is wrong with the time of each; that there are none is wrong too."""
    if not records:
        return ["did not run"]
    return [f"{record.name}: {fault}" for record in records for look in looks if (fault := look(record))]


def in_turn(records: Sequence[Record]) -> bool:
    """Whether each record, in this order, began when the one before had ended."""
    return all(later.follows(earlier) for earlier, later in itertools.pairwise(records))


def follows(timeline: HookTimeline, later: Kind, earlier: Kind) -> bool:
    """Whether all hooks of the kind ``later`` began when all of ``earlier`` had ended; false if either did not run."""
    before, after = timeline.of(earlier), timeline.of(later)
    return bool(before) and bool(after) and all(one.follows(other) for one in after for other in before)


def _outside_of(timeline: HookTimeline, operation: str) -> Fault:
    def look(record: Record) -> str:
        if timeline.before(record, operation):
            return f"ran before {operation} was called"
        return f"ended after {operation} had returned" if timeline.after(record, operation) else ""

    return look


def create_faults(timeline: HookTimeline, kind: Kind) -> list[str]:
    """What is wrong with the time of the hooks of a kind that run in create, in words; empty if all is well.

    They run within create, when namespaces and mounts are made, and before the root is changed.
    """

    def unready(record: Record) -> str:
        if timeline.hidden(kind):
            return ""
        root = record.root if kind.inside else record.process.get("root")
        if root is None:
            return "its state names no process"
        if list(root) != list(timeline.host):
            return "ran after the root was changed"
        if kind.inside:
            return ""
        if without_late(record.process.get("namespaces", {})) != without_late(timeline.namespaces):
            return "ran before the namespaces were made"
        missing = sorted(set(timeline.mounts) - set(record.process.get("mounts", timeline.mounts)))
        return f"ran before {missing[0]} was mounted" if missing else ""

    return _faults(timeline.of(kind), _outside_of(timeline, "create"), unready)


def _too_late(timeline: HookTimeline) -> Fault:
    program = timeline.first("program/0")
    late = "ended after the program had been executed"
    return lambda record: late if program and not program.follows(record) else ""


def prestart_faults(timeline: HookTimeline) -> list[str]:
    """The same for prestart hooks by 1.0.0 to 1.0.2: after start is called, and before the program is executed."""

    def too_early(record: Record) -> str:
        return "ran before start was called" if timeline.before(record, "start") else ""

    return _faults(timeline.of(PRESTART), too_early, _too_late(timeline))


def start_container_faults(timeline: HookTimeline) -> list[str]:
    """The same for startContainer hooks: within start, and before the program is executed."""
    return _faults(timeline.of(START_CONTAINER), _outside_of(timeline, "start"), _too_late(timeline))


def poststart_faults(timeline: HookTimeline) -> list[str]:
    """The same for poststart hooks: after the program is executed, and before start returns."""

    def too_early(record: Record) -> str:
        if not all(map(record.follows, timeline.of(START_CONTAINER))):
            return "did not wait for startContainer hooks"
        if timeline.sandboxed:
            return ""
        return "" if timeline.executed_by(record) else "ran before the program was executed"

    return _faults(timeline.of(POSTSTART), _outside_of(timeline, "start"), too_early)


def poststop_faults(timeline: HookTimeline) -> list[str]:
    """The same for poststop hooks: when what they looked for is gone, and before delete returns."""

    def too_early(record: Record) -> str:
        left = [path for path, there in record.there.items() if there]
        return f"ran before {left[0]} was removed" if left else ""

    return _faults(timeline.of(POSTSTOP), _outside_of(timeline, "delete"), too_early)


_STATUSES = ("creating", "created", "running", "stopped")


def false_statuses(kind: Kind, *, executed: bool) -> list[str]:
    """The statuses that are not true when hooks of a kind run; a runtime may have others of its own.

    The texts do not say whether a container is being created or created when hooks of create run.
    """
    true = {
        "prestart": ("creating", "created"),
        "createRuntime": ("creating", "created"),
        "createContainer": ("creating", "created"),
        "startContainer": ("created",),
        # That a hook runs too early is another matter.
        "poststart": ("running",) if executed else ("created", "running"),
        "poststop": ("stopped",),
    }[kind.name]
    return [status for status in _STATUSES if status not in true]
