"""Hooks that sleep for longer than their timeout: how long each was there, by its own account."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers import hook_containers, hooking
from ocivalidate.runtime.case_helpers.tracing import Trace
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.driver import Call

SECONDS = 1
PATIENT = 4  # on a quick machine: the timeout of a hook that may have been aborted before it could note anything
LONG = 8.0  # on a quick machine
_SOON = 0.5  # seconds in which a hook begins for which its operation does not wait


@dataclass(slots=True)
class Sleeper:
    """A container with a hook that sleeps.

    ``least``: seconds between the beginning of the operation that ran the hook and its end; ``most``: seconds that the
    hook has been there by its own account, 0 if it has none (``begun``). ``hung``: the operation that did not end at
    all.
    """

    kind: hooking.Kind
    container: Container
    trace: Trace
    timeout: int
    begun: bool = False
    least: float = 0.0
    most: float = 0.0
    hung: str = ""

    @property
    def long(self) -> float:
        """Seconds that the hook sleeps."""
        return LONG * self.container.runtime.pace

    @property
    def hook(self) -> str:
        """The name of the hook."""
        return f"{self.kind.name}/0"

    @property
    def missed(self) -> bool:
        """Whether nothing tells that there was a hook: where all is slow it may note nothing, or too late."""
        return not (self.begun or self.hung)

    @property
    def unclear(self) -> bool:
        """Whether the operation took as long as a hook that is aborted, but nothing tells that there was one."""
        return self.missed and self.least >= self.timeout

    @property
    def aborted(self) -> bool:
        """Whether the hook was there, as long as its timeout, and no longer."""
        survived = f"{self.hook}/survived" in self.trace.names()
        return self.begun and self.least >= self.timeout * 0.9 and self.most < self.long * 0.9 and not survived


def tried(trial: CaseContext) -> list[Sleeper]:
    """A sleeper of each kind of hooks, tried; one that left no trace is tried once more, with more time.

    Raises :class:`RuntimeFailed` where a container cannot be made.
    """
    sleepers = _try(_sleeper(trial, kind, SECONDS) for kind in hook_containers.kinds_of(trial))
    patient = math.ceil(PATIENT * sleepers[0].container.runtime.pace)
    again = _try(_sleeper(trial, one.kind, patient) for one in sleepers if one.missed)
    return [*(one for one in sleepers if not one.missed), *again]


def _try(found: Iterable[Sleeper]) -> list[Sleeper]:
    sleepers = list(found)
    if sleepers:
        with ThreadPoolExecutor(len(sleepers)) as threads:
            list(threads.map(abort, sleepers))
    return sleepers


def _sleeper(trial: CaseContext, kind: hooking.Kind, timeout: int) -> Sleeper:
    container, trace = hook_containers.prepared(trial)
    sleeper = Sleeper(kind, container, trace, timeout)
    trace.add(kind.name, "sleep", str(sleeper.long), inside=kind.path_inside, timeout=timeout)
    trace.write()
    return sleeper


def abort(sleeper: Sleeper) -> None:
    """Bring a container as far as its hook lets it come, and see how long the hook is there."""
    container = sleeper.container
    for name in ("create", "start", "kill", "delete"):
        if name == "delete":
            container.wait_exit()
            container.wait_for_status("stopped")
        before = time.monotonic()
        may_hang = {"may_hang": True} if name == sleeper.kind.during else {}
        done: Call = getattr(container, name)(**may_hang)
        if done.ended == "timeout":
            sleeper.hung = name
            return
        # Only a hook of this operation can be about to begin.
        soon = _SOON * min(sleeper.timeout, PATIENT)
        begun = sleeper.trace.wait(sleeper.hook, soon if name == sleeper.kind.during else 0.0)
        end = sleeper.trace.wait_for_end(sleeper.hook, sleeper.long) if begun else before + done.seconds
        # A hook with another clock cannot say when it began: it was after the call.
        since = begun.begun if begun and begun.clock == sleeper.trace.clock else before
        sleeper.least, sleeper.most, sleeper.begun = end - before, end - since if begun else 0.0, begun is not None
        # On a busy machine a hook may be aborted before it could note anything.
        if begun or not done.ok or (name == sleeper.kind.during and sleeper.unclear):
            return
