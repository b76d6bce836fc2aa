"""Several engines as one: each has a part of the cases, and what they say comes in the order of one engine alone.

What belongs to a case waits until it is that case's turn; that cases begin is told at once. An engine that breaks off
takes its part with it: these cases are errors, and all that the others say counts.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ocivalidate.errors import ProtocolError
from ocivalidate.rules.clauses import Selection, load
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime import verdicts
from ocivalidate.runtime.launching import RunningEngine
from ocivalidate.runtime.protocol import Bailout, Begin, Dump, End, Event, Header, Plan, Request, Spent
from ocivalidate.runtime.running import planning
from ocivalidate.runtime.running.engine import NOTHING
from ocivalidate.runtime.running.loading import case_folder, load_cases
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES

MOST_WAITING = 512
"""The most messages of an engine that wait for their turn; it is not heard any more until some were passed on."""


@dataclass(frozen=True, slots=True)
class Split:
    """A request in parts, and what :class:`SplitEngine` has to know of them."""

    requests: tuple[Request, ...]
    order: tuple[str, ...]
    everywhere: frozenset[str]


def split(request: Request, parts: int) -> Split:
    """A request in at most so many parts with about as many cases. Raises :class:`BadCase`."""
    selection = Selection(ignore=request.ignore, level=request.level)
    cases = load_cases(case_folder(request.cases))
    releases = RUNTIME_CHOICES if request.spec_version is None else (request.spec_version,)
    chosen = {
        one.case.id
        for release in releases
        for one in planning.plan(cases, release, selection, request.only, patterns=request.select)
    }
    # As a plan has them.
    ordered = [one for one in sorted(cases, key=lambda case: case.last) if one.id in chosen]
    shared = [one.id for one in ordered if not one.last]
    last = [one.id for one in ordered if one.last]
    count = max(1, min(parts, len(shared)))
    # Neighbours take a similar time, so that each part gets some of them.
    each = [(*shared[number::count], *last) for number in range(count)]
    # Without any case the engine tells why.
    requests = tuple(replace(request, only=only) if only else request for only in each)
    return Split(requests, tuple(one.id for one in ordered), frozenset(last))


@dataclass(slots=True)
class _Part:
    """An engine, and what is known of it. ``over``: it says nothing more."""

    engine: RunningEngine
    events: deque[Event] = field(default_factory=deque)
    plan: Mapping[str, list[str]] = field(default_factory=dict)
    end: End | None = None
    over: bool = False
    problem: str = ""
    strange: ProtocolError | None = None

    @property
    def why(self) -> str:
        """Why it broke off."""
        return self.problem or self.engine.hung or "it ended before its work was done"


class SplitEngine:
    """Engines that are one for who runs them.

    ``order``: the ids of all cases, in the order of a plan. ``everywhere``: those that each engine tries, as they look
    at what the others did: of their results those of an engine that found something are passed on.
    """

    def __init__(self, engines: Sequence[RunningEngine], order: Sequence[str], everywhere: Collection[str]) -> None:
        self._engines = engines
        # Those that have something to do, as soon as that is known.
        self._parts = [_Part(engine) for engine in engines]
        self._place = {case: number for number, case in enumerate(order)}
        self._everywhere = everywhere
        self._begun: deque[Begin] = deque()
        self._told: set[str] = set()
        self._change = threading.Condition()
        self._leaving = False
        self._threads = [threading.Thread(target=self._listen, args=(part,), daemon=True) for part in self._parts]
        self._code: int | None = None

    @property
    def hung(self) -> str:
        """What hangs is told as an error of its cases."""
        return ""

    def stop(self) -> None:
        """Ask all to begin no further case and to clean up."""
        for engine in self._engines:
            engine.stop()

    def kill(self) -> None:
        """End all at once."""
        for engine in self._engines:
            engine.kill()

    def wait(self) -> int:
        """Stop all, wait for their end, ignoring further events, and return an exit code."""
        self.stop()
        with self._change:
            self._leaving = True
            self._change.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        codes = [engine.wait() for engine in self._engines]
        # Of one that was killed something may be left.
        odd = next((code for code in codes if code not in (0, 2)), None)
        return odd if odd is not None else self._code if self._code is not None else max(codes)

    def __iter__(self) -> Iterator[Event]:
        for thread in self._threads:
            thread.start()
        first = self._from_each()
        if isinstance(first, Bailout):
            yield from self._given_up(first)
            return
        yield first
        plan = self._planned()
        if isinstance(plan, Bailout):
            yield from self._given_up(plan)
            return
        yield plan
        for case, clauses in _by_case(plan).items():
            done = yield from self._case(case, clauses)
            if not done:
                break
        yield from self._ended()

    def _listen(self, part: _Part) -> None:
        """Take what an engine says, in a thread of its own."""
        try:
            for event in part.engine:
                with self._change:
                    self._change.wait_for(lambda: self._leaving or len(part.events) < MOST_WAITING)
                    if isinstance(event, Begin):
                        self._begun.append(event)
                    elif not self._leaving:
                        part.events.append(event)
                    self._change.notify_all()
        except ProtocolError as problem:
            part.strange = problem
        finally:
            with self._change:
                part.over = True
                self._change.notify_all()

    def _heard(self, part: _Part) -> Iterator[Begin]:
        """Wait until a part has said something more, or will not; meanwhile tell which cases begin.

        Raises :class:`ProtocolError` if what it said was no message.
        """
        while True:
            with self._change:
                self._change.wait_for(lambda: self._begun or part.events or part.over)
                begun = [*self._begun]
                self._begun.clear()
            for one in begun:
                yield from self._begin(one.case)
            if part.events or part.over:
                break
        if part.strange is not None and not part.events:
            raise part.strange

    def _begin(self, case: str) -> Iterator[Begin]:
        """That a case begins, once."""
        if case not in self._told:
            self._told.add(case)
            yield Begin(case)

    def _next(self, part: _Part) -> Event | None:
        """What a part says next; ``None`` if it says nothing more."""
        with self._change:
            event = part.events.popleft() if part.events else None
            self._change.notify_all()
        if isinstance(event, End):
            part.end = event
        elif isinstance(event, Bailout):
            part.problem = event.reason
        return event

    def _wait_for(self, part: _Part) -> Event | None:
        """The same before any case begins. Raises :class:`ProtocolError`."""
        with self._change:
            self._change.wait_for(lambda: part.events or part.over)
        if part.strange is not None and not part.events:
            raise part.strange
        return self._next(part)

    def _from_each(self) -> Header | Bailout:
        """The header of the first; each has to have one."""
        events = [self._wait_for(part) for part in self._parts]
        for part, event in zip(self._parts, events, strict=True):
            if not isinstance(event, Header):
                return event if isinstance(event, Bailout) else Bailout(part.why)
        return next(event for event in events if isinstance(event, Header))

    def _planned(self) -> Plan | Bailout:
        """The plans of all in one; a part may have nothing to do, but not all of them."""
        for part in self._parts:
            event = self._wait_for(part)
            if isinstance(event, Plan):
                part.plan = _by_case(event)
            elif not (isinstance(event, Bailout) and event.reason == NOTHING):
                return event if isinstance(event, Bailout) else Bailout(part.why)
        every = {case: clauses for part in self._parts for case, clauses in part.plan.items()}
        if not every:
            return Bailout(NOTHING)
        self._parts = [part for part in self._parts if part.plan]
        cases = sorted(every, key=self._place.__getitem__)
        return Plan(tuple((case, clause) for case in cases for clause in every[case]))

    def _case(self, case: str, clauses: Sequence[str]) -> Generator[Event, None, bool]:
        """All that belongs to a case, in its turn; false if it was not tried as a part was stopped."""
        every = [part for part in self._parts if case in part.plan]
        told: list[list[Event]] = []
        for part in every:
            told.append([])
            yield from self._of_case(part, len(clauses), told[-1])
        if case in self._everywhere:
            whole = [said for said in told if len(_results(said)) == len(clauses)]
            told = [next((said for said in whole if _found(said)), whole[0])] if whole else told[:1]
        [said] = told
        missing = clauses[len(_results(said)) :]
        if missing and all(part.end is not None for part in every):
            return False
        yield from self._begin(case)
        yield from said
        broke_off = verdicts.Unjudged(Outcome.ERROR, f"the guest that tried it broke off: {every[0].why}")
        every_clause = load("runtime", "safety")
        yield from verdicts.results(case, [every_clause[one] for one in missing], (), {}, broke_off)
        return True

    def _of_case(self, part: _Part, results: int, said: list[Event]) -> Iterator[Event]:
        """Take from a part what belongs to one case, with so many results."""
        while len(_results(said)) < results and part.end is None:
            yield from self._heard(part)
            event = self._next(part)
            if event is None:
                return
            if isinstance(event, Dump | Result):
                said.append(event)

    def _ended(self) -> Iterator[Event]:
        """How it ended, of all together."""
        for part in self._parts:
            while part.end is None:
                yield from self._heard(part)
                if self._next(part) is None:
                    break
        ends = [part.end for part in self._parts if part.end is not None]
        lost = [part.why for part in self._parts if part.end is None]
        told = [f"{len(lost)} of {len(self._parts)} guests broke off: {lost[0]}"] if lost else []
        self._code = 0
        yield End(
            complete=not lost and all(end.complete for end in ends),
            left=tuple(one for end in ends for one in end.left),
            seconds=max((end.seconds for end in ends), default=0.0),
            spent=sum((end.spent for end in ends), Spent()),
            stopped="; ".join([*told, *(end.stopped for end in ends if end.stopped)]),
            put_back=tuple(dict.fromkeys(one for end in ends for one in end.put_back)),
            slow=next((end.slow for end in ends if end.slow), ""),
            own_kernel=next((end.own_kernel for end in ends if end.own_kernel), ""),
        )

    def _given_up(self, problem: Bailout) -> Iterator[Event]:
        self._code = 2
        self.kill()
        yield problem


def _by_case(plan: Plan) -> dict[str, list[str]]:
    """The clauses of each case of a plan."""
    found: dict[str, list[str]] = {}
    for case, clause in plan.results:
        found.setdefault(case, []).append(clause)
    return found


def _results(said: Sequence[Event]) -> list[Result]:
    return [event for event in said if isinstance(event, Result)]


def _found(said: Sequence[Event]) -> bool:
    return any(one.outcome in (Outcome.FAIL, Outcome.ERROR) for one in _results(said))
