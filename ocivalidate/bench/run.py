"""A comparison seen from outside: an engine for each runtime, turns in an order, and a document in the end."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

from ocivalidate.bench import document, turns
from ocivalidate.errors import CannotJudge, OptionError, ProtocolError
from ocivalidate.runtime.kernel import interpreter
from ocivalidate.runtime.launching import EngineProcess, LocalLauncher
from ocivalidate.runtime.protocol import Bailout, End, Event, Header, Request, Taken, Turn

_WARM_UPS = 2
_MOST_RUNTIMES, _MOST_ROUNDS, _MOST_PARALLEL = 16, 10_000, 256


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """How to measure.

    ``rounds`` count after two more that warm up (a single one after none). ``parallel``: how many containers live
    at a time in the phase of this name, 0 to leave it out. ``seed``: what the order is drawn from. ``seconds``: after
    these no round begins.
    """

    rounds: int = 20
    parallel: int = 4
    seed: int = 0
    seconds: float = 120.0

    def refuse(self, runtimes: Sequence[str]) -> None:
        """Raises :class:`OptionError` for what makes no sense."""
        if "" in runtimes:
            raise OptionError("the name of a runtime is empty: is it a variable that is not set?")
        for what, number, least, most in (
            ("runtimes", len(runtimes), 1, _MOST_RUNTIMES),
            ("rounds", self.rounds, 1, _MOST_ROUNDS),
            ("parallel", self.parallel, 0, _MOST_PARALLEL),
            ("seconds", self.seconds, 1, 86_400),
        ):
            if not least <= number <= most:
                raise OptionError(f"{what}: wanted {least} to {most}, got {number}")


class Bench:
    """One comparison: iterate over it for the number of rounds that are done, then take the document.

    The constructor raises :class:`OptionError`, and :class:`CannotJudge` if no engine can be started; iterating raises
    :class:`CannotJudge` when a runtime fails. Whatever happens, nothing is left on this host.
    """

    def __init__(self, runtimes: Sequence[str], options: BenchOptions | None = None) -> None:
        self._options = options or BenchOptions()
        self._options.refuse(runtimes)
        self._runtimes = tuple(runtimes)
        self._engines: list[EngineProcess] = []
        self._events: list[Iterator[Event]] = []
        self._headers: list[Header] = []
        self._rounds: list[list[dict[str, dict[str, float]]]] = []
        self._orders: list[tuple[int, ...]] = []
        self._notes: dict[str, None] = {}
        self._stopped = False
        self._began, self._seconds, self._load = time.time(), 0.0, os.getloadavg()[0]

    def __iter__(self) -> Iterator[int]:
        begun = time.monotonic()
        try:
            self._start()
            yield from self._measure(begun)
        finally:
            self._end()
            self._seconds = time.monotonic() - begun

    def stop(self) -> None:
        """Take no further turn. Safe in a signal handler."""
        self._stopped = True
        for engine in self._engines:
            engine.stop()

    def kill(self) -> None:
        """End it at once. Safe in a signal handler."""
        self._stopped = True
        for engine in self._engines:
            engine.kill()

    @property
    def labels(self) -> list[str]:
        """What the runtimes are called, as soon as they have said what they are."""
        return document.labels(self._runtimes[: len(self._headers)], self._headers)

    def document(self) -> dict[str, Any]:
        """What was measured. Raises :class:`CannotJudge` if no round was done."""
        asked = self._options
        if not self._rounds:
            raise CannotJudge("interrupted" if self._stopped else f"no round was done within {asked.seconds:g} s")
        began = dt.datetime.fromtimestamp(self._began, dt.UTC)
        about = document.Circumstances(
            runtimes=self._runtimes,
            rounds=asked.rounds,
            dropped=self.warm_ups,
            parallel=asked.parallel,
            seed=asked.seed,
            load=self._load,
            date=began.strftime("%Y-%m-%dT%H:%M:%SZ"),
            seconds=self._seconds,
            orders=tuple(self._orders),
            notes=tuple(self._notes),
        )
        return document.document(about, self._headers, self._rounds)

    @property
    def warm_ups(self) -> int:
        """How many rounds come before those that count."""
        return min(_WARM_UPS, self._options.rounds - 1)

    def _start(self) -> None:
        """Start the engines one after the other: what one looks for must not disturb another."""
        command = interpreter.ours("ocivalidate.bench.engine")
        for number, runtime in enumerate(self._runtimes):
            if self._stopped:
                return
            try:
                engine = EngineProcess(command, Request(runtime, jobs=max(1, self._options.parallel)))
            except (OSError, ProtocolError) as problem:
                raise CannotJudge(f"{runtime}: the engine cannot be started: {problem}") from problem
            self._engines.append(engine)
            self._events.append(iter(engine))
            match self._next(number):
                case Header() as header:
                    self._headers.append(header)
                case event:
                    self._fail(number, event)

    def _measure(self, begun: float) -> Iterator[int]:
        whole = self.warm_ups + self._options.rounds
        for done, order in enumerate(islice(turns.orders(len(self._runtimes), self._options.seed), whole)):
            if time.monotonic() - begun > self._options.seconds:
                return
            taken = self._round(order)
            if self._stopped:
                return
            if done >= self.warm_ups:
                self._rounds.append(taken)
                self._orders.append(order)
            yield done + 1

    def _round(self, order: Sequence[int]) -> list[dict[str, dict[str, float]]]:
        """Of each runtime, what each phase took. The runtimes take turns in each phase."""
        taken: list[dict[str, dict[str, float]]] = [{} for _ in order]
        for phase in turns.phases(self._options.parallel):
            for number in order:
                if self._stopped:
                    return taken
                self._engines[number].ask(Turn(phase))
                match self._next(number):
                    case Taken() as answer if answer.phase == phase:
                        taken[number][phase] = dict(answer.values)
                        if answer.note:
                            self._notes[f"{phase}: {answer.note}"] = None
                    case event:
                        self._fail(number, event)
        return taken

    def _next(self, number: int) -> Event | None:
        try:
            return next(self._events[number], None)
        except ProtocolError as problem:
            raise CannotJudge(f"{self._runtimes[number]}: the engine said what it should not: {problem}") from problem

    def _fail(self, number: int, event: Event | None) -> None:
        """Raise :class:`CannotJudge` for what came instead of an answer, unless all of it is to end."""
        if not self._stopped:
            runtime, hung = self._runtimes[number], self._engines[number].hung
            match event:
                case Bailout():
                    _refuse(runtime, event.reason + (f" ({event.hint})" if event.hint else ""))
                case _:
                    _refuse(runtime, hung or "the engine ended before its work was done")

    def _end(self) -> None:
        """End all engines in order, and remove what one leaves that breaks off. Raises :class:`CannotJudge`."""
        left: list[str] = []
        for engine in self._engines:
            engine.stop()
        for number, (engine, events) in enumerate(zip(self._engines, self._events, strict=True)):
            try:
                for event in events:
                    left += event.left if isinstance(event, End) else ()
            except ProtocolError:
                engine.kill()
            if engine.wait() not in (0, 2):
                name = self._headers[number].name if number < len(self._headers) else ""
                LocalLauncher().sweep(name)
        if left:
            raise CannotJudge(f"could not remove from this host: {', '.join(left)}")


def _refuse(runtime: str, reason: str) -> NoReturn:
    raise CannotJudge(f"{runtime}: {reason}")
