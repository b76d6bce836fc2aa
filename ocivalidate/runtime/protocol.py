"""The messages between the caller that judges a runtime and the engine that drives it, each a type.

The engine gets one :class:`Request`. It sends :class:`Header`, :class:`Plan`, then :class:`Begin`, :class:`Dump` and a
``Result`` for each clause of each case, and :class:`End`; :class:`Bailout` if it cannot go on, and :class:`Alive` in
between. When its input ends after the request, it begins no further case. Its exit code is 0 after an :class:`End`,
2 after a :class:`Bailout`, and anything else if it broke off.

An engine that measures (``ocivalidate.bench``) sends its ``Header``, then a :class:`Taken` for each :class:`Turn`, and
its ``End`` when its input ends.

A message is one JSON object on one line, with its name in ``type`` and every member of its class. Reading is strict, as
a runtime with root privileges can write where the engine does: anything else is a :class:`ProtocolError`.
"""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, cast

from ocivalidate.errors import ProtocolError
from ocivalidate.rules.findings import Result
from ocivalidate.runtime.kernel.host import Host
from ocivalidate.runtime.typed import excerpt, members, read_members

MOST_LINE = 32 * 1024 * 1024
"""The most bytes of one message: writer and reader refuse longer ones."""
MOST_PIECE = 256 * 1024
"""The most bytes of a file in one :class:`Dump`."""
MOST_FILES, MOST_BYTES, DEEPEST = 2000, 64 * 1024 * 1024, 32
"""The limits of what is kept of one case: files and folders, total bytes, levels of folders."""
LAST_KEPT = "verdicts.json"
"""The file that is kept of every case, and is sent last."""


@dataclass(frozen=True, slots=True)
class Request:
    """The request for a run.

    ``runtime``: a program, by path or by its name in PATH; ``arguments`` precede each of its commands.
    ``spec_version``: the release to judge by (default: the one that the runtime claims). ``select``: ids of cases or
    clauses, beginnings of ids, globs (default: all); ``ignore`` and ``level`` as for other commands; ``only``: ids
    of cases. ``cases``: a folder with cases of the caller's own. ``rootfs``: a ready root filesystem. ``jobs``: cases
    at a time (default: the number of processors). ``require``: needs whose absence is an error. ``dump_dir``: where the
    caller keeps the dumps of cases that did not pass; the engine sends them, wherever it runs. ``strict``: a valid
    config that is refused is a failure. ``explore``: how many configs to draw and judge, instead of the cases;
    ``seed`` says which, and ``done`` which of them not to try again, by id.
    """

    runtime: str
    arguments: tuple[str, ...] = ()
    spec_version: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    level: str = "may"
    only: tuple[str, ...] = ()
    cases: str | None = None
    rootfs: str | None = None
    jobs: int | None = None
    require: tuple[str, ...] = ()
    dump_dir: str | None = None
    strict: bool = False
    explore: int = 0
    seed: int = 0
    done: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """What the runtime says that it is.

    ``features``: whether it has the command of this name. ``digest``: that of its program, ``""`` if it is not known.
    """

    command: tuple[str, ...]
    name: str
    version: str
    claim: str
    banner: str
    features: bool
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """Facts known before anything runs.

    ``release``: the one judged by. ``name``: part of the name of everything that the run creates, and ``prefix`` starts
    the ids of its containers. ``swept`` and ``not_swept``: leftovers of ended runs, removed and not removed.
    """

    runtime: RuntimeFacts
    release: str
    prefix: str
    host: Host
    name: str
    swept: tuple[str, ...] = ()
    not_swept: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain JSON, for a report."""
        return members(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """The case and the clause of each result to come, in order."""

    results: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Begin:
    """A case begins."""

    case: str


@dataclass(frozen=True, slots=True)
class Dump:
    """A piece of what is kept of a case, before its results: a folder, or so many bytes of a file.

    ``path`` is relative to the folder of the case, ``""`` for itself; folders precede their content. ``mode``: as in
    ``st_mode``, of a folder or a regular file. ``offset``: the bytes of the file sent before this piece.
    ``problem``: why the dump is incomplete.
    """

    case: str
    path: str
    mode: int
    data: bytes = b""
    offset: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Alive:
    """The engine is alive, and has nothing else to report."""


@dataclass(frozen=True, slots=True)
class Bailout:
    """The run cannot go on. ``hint``: what may help."""

    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was done in a run, or for one case, and where the time went."""

    cases: int = 0
    calls: int = 0
    containers: int = 0
    runtime_milliseconds: int = 0
    waiting_milliseconds: int = 0
    case_milliseconds: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(*(getattr(self, field.name) + getattr(other, field.name) for field in dataclasses.fields(self)))


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the calls of an operation took that succeeded, in seconds: ``low`` and ``high`` are the quartiles."""

    operation: str
    count: int
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class End:
    """The run is over.

    ``complete``: every case of the plan was tried. ``left``: what could not be removed. ``stopped``: what hung, so that
    the others were not tried. ``put_back``: devices of the host that somebody changed during the run. ``slow``: what a
    runtime that is slower than this host by far gets no time for. ``own_kernel``: what was believed, and what is not
    judged for it, where containers seem to have a kernel of their own. ``timings``: of the runtime's operations.
    """

    complete: bool
    left: tuple[str, ...]
    seconds: float
    spent: Spent = Spent()
    stopped: str = ""
    put_back: tuple[str, ...] = ()
    slow: str = ""
    own_kernel: str = ""
    timings: tuple[Timing, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """The facts for a report, as plain JSON."""
        timings = [members(one) for one in self.timings]
        odd: dict[str, Any] = {"timings": {one.pop("operation"): one for one in timings}}
        odd |= {"stopped": self.stopped, "put_back": [*self.put_back], "slow": self.slow, "own_kernel": self.own_kernel}
        return {"seconds": self.seconds, **members(self.spent), **{name: told for name, told in odd.items() if told}}


@dataclass(frozen=True, slots=True)
class Turn:
    """The request for one more turn of measurements; ``phase`` says what is measured in it."""

    phase: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What was measured in a turn: each operation and what it took, in the unit of the phase.

    ``note``: why something could not be measured, ``""`` if all was.
    """

    phase: str
    values: tuple[tuple[str, float], ...]
    note: str = ""


Event: TypeAlias = Header | Plan | Begin | Dump | Result | Alive | Bailout | End | Taken
"""The messages that an engine sends."""
Asked: TypeAlias = Request | Turn
"""The messages that it gets."""
Message: TypeAlias = Asked | Event

_KINDS: dict[str, type[Message]] = {
    kind.__name__.lower(): kind
    for kind in (Request, Header, Plan, Begin, Dump, Result, Alive, Bailout, End, Turn, Taken)
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def write(message: Message) -> bytes:
    """The line of a message. Raises :class:`ProtocolError` if it is too long, or has a number that is not finite."""
    name = _NAMES[type(message)]
    try:
        line = (json.dumps({"type": name, **members(message)}, allow_nan=False) + "\n").encode()
    except ValueError as problem:
        raise ProtocolError(f"cannot write a {name}: {problem}") from problem
    if len(line) > MOST_LINE:
        raise ProtocolError(f"a {name} of {len(line)} bytes is too long, expected at most {MOST_LINE}")
    return line


def read(line: bytes) -> Message:
    """The message of a line. Raises :class:`ProtocolError`."""
    if len(line) > MOST_LINE:
        raise ProtocolError(f"a line of {len(line)} bytes is too long, expected at most {MOST_LINE}")
    try:
        value = json.loads(line.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise ProtocolError(f"not a JSON object on one line: {excerpt(line)}") from problem
    if not isinstance(value, dict):
        raise ProtocolError(f"not a JSON object: {excerpt(line)}")
    name = value.pop("type", None)
    if not isinstance(name, str) or name not in _KINDS:
        raise ProtocolError(f"unknown message: {excerpt(name)}")
    return cast(Message, read_members(_KINDS[name], value, name))


def read_event(line: bytes) -> Event:
    """The event of a line. Raises :class:`ProtocolError`."""
    message = read(line)
    if isinstance(message, Asked):
        raise ProtocolError(f"wanted a message of an engine, got a {_NAMES[type(message)]}")
    return message


def read_turn(line: bytes) -> Turn:
    """The turn of a line. Raises :class:`ProtocolError`."""
    message = read(line)
    if not isinstance(message, Turn):
        raise ProtocolError(f"wanted a turn, got {_NAMES[type(message)]}")
    return message


def read_request(line: bytes) -> Request:
    """The request of a line. Raises :class:`ProtocolError`."""
    message = read(line)
    if not isinstance(message, Request):
        raise ProtocolError(f"wanted a request, got {_NAMES[type(message)]}")
    return message


class Lines:
    """A stream of bytes, split into lines as it comes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, part: bytes) -> Iterator[bytes]:
        """The lines that end in ``part``. Raises :class:`ProtocolError` if one grows too long."""
        *ended, rest = part.split(b"\n")
        for line in ended:
            yield b"".join([*self._parts, line])
            self._parts, self._size = [], 0
        self._parts.append(rest)
        self._size += len(rest)
        if self._size > MOST_LINE:
            raise ProtocolError(f"a line is too long, expected at most {MOST_LINE} bytes")


class Order:
    """Checks the order of an engine's messages."""

    def __init__(self) -> None:
        self._headed = self._planned = self._ended = False
        self._due: deque[tuple[str, str]] = deque()
        self._waiting: set[str] = set()
        self._begun: set[str] = set()

    def take(self, event: Event) -> None:
        """Raises :class:`ProtocolError` if the message is out of turn."""
        # After the end nothing counts; that something broke is told all the same.
        late = self._ended and not isinstance(event, Alive | Bailout)
        if late or not self._has_turn(event):
            raise ProtocolError(f"out of turn: {_NAMES[type(event)]} {excerpt(getattr(event, 'case', ''))}")

    def _has_turn(self, event: Event) -> bool:
        turn = True
        match event:
            case Header():
                turn, self._headed = not self._headed, True
            case Plan():
                turn, self._planned = self._headed and not self._planned, True
                self._due, self._waiting = deque(event.results), {case for case, _ in event.results}
            case Begin():
                turn = event.case in self._waiting
                self._waiting.discard(event.case)
                self._begun.add(event.case)
            case Dump():
                turn = event.case in self._begun and bool(self._due) and event.case == self._due[0][0]
            case Result():
                due = self._due.popleft() if self._due else None
                turn = event.case in self._begun and due == (event.case, event.clause.id)
            case End():
                # Of a plan that was tried to its end, no result is missing.
                turn, self._ended = self._planned and not (event.complete and self._due), True
            case Taken():
                turn = False
            case Alive() | Bailout():
                pass
        return turn


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate member")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
