"""The lives of containers: a small state machine of create, start, state, kill and delete, and moves for it. Pure.

A life is a list of words, so that it can be shrunk by leaving some out: first traits of the config
(``hook:createRuntime:fails``, ``mount:missing``, ``program:ends``), then moves. Every move may come at any time; what
must come of it in which status of the container is told by :func:`wanted`. Where the texts leave it open, or cases tell
that runtimes differ, nothing is expected but that what is said and what is there agree.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ABSENT, CREATED, RUNNING, STOPPED = "absent", "created", "running", "stopped"
OK, ERROR, OPEN = "ok", "error", "open"
MOVES = ("create", "start", "state", "kill", "delete", "start-other", "kill-other", "delete-other", "state-other")
"""The moves; those that end in ``-other`` are on an id that nobody has."""
HOOKS = ("createRuntime", "createContainer", "startContainer", "poststart", "poststop")
"""The kinds of hooks that a life may have, in the order in which they run."""
_AT_CREATE = ("createRuntime", "createContainer")
_FEWEST_MOVES, _MOST_MOVES = 4, 12
# In each status, what leads on, and what a runtime may take for that.
_LIKELY = {
    ABSENT: "create create create create delete",
    CREATED: "start start start kill delete create",
    RUNNING: "kill kill kill delete start create",
    STOPPED: "delete delete delete kill start create",
}
_AGAIN, _SENSIBLE = 0.25, 0.5  # how often a move is the last one again, and how often one that leads on

REFUSED = {
    "create": "runtime/runtime.create.bad-id-error",
    "start": "runtime/runtime.start.not-created-error",
    "kill": "runtime/runtime.kill.bad-state-error",
    "delete": "runtime/runtime.delete.not-stopped-error",
    "state": "runtime/runtime.state-op.unknown-id-error",
}
"""The clause by which each move is refused."""
UNTOUCHED = {
    "create": "runtime/runtime.errors.no-side-effects",
    "start": "runtime/runtime.start.not-created-no-effect",
    "kill": "runtime/runtime.kill.bad-state-no-effect",
    "delete": "runtime/runtime.delete.not-stopped-no-effect",
    "state": "runtime/runtime.errors.no-side-effects",
}
"""The clause by which one that is refused changes nothing."""
DONE = {
    "create": "runtime/runtime.create.creates",
    "start": "runtime/runtime.start.runs-process",
    "kill": "runtime/runtime.kill.sends-signal",
    "delete": "runtime/runtime.operations.supported",
    "state": "runtime/runtime.state-op.returns-state",
}
"""The clause by which each does what it is for."""
REMOVES = "runtime/runtime.delete.removes-resources"
NO_CONTAINER = "runtime/runtime.create.unappliable-no-container"
UNAPPLIABLE = "runtime/runtime.create.unappliable-error"
NO_SIDE_EFFECTS = "runtime/runtime.errors.no-side-effects"
INVOKED = {
    "createRuntime": "runtime/runtime.lifecycle.createruntime-invoked",
    "createContainer": "runtime/runtime.lifecycle.createcontainer-invoked",
    "startContainer": "runtime/runtime.lifecycle.startcontainer-invoked",
    "poststart": "runtime/runtime.lifecycle.poststart-invoked",
    "poststop": "runtime/runtime.lifecycle.poststop-invoked",
}
FAILURE = {
    "createRuntime": "runtime/runtime.lifecycle.createruntime-failure",
    "createContainer": "runtime/runtime.lifecycle.createcontainer-failure",
    "startContainer": "runtime/runtime.lifecycle.startcontainer-failure",
    "poststop": "runtime/runtime.lifecycle.poststop-failure-warning",
}
CLAUSES = tuple(
    dict.fromkeys(
        (
            *(*REFUSED.values(), *UNTOUCHED.values(), *DONE.values(), *INVOKED.values(), *FAILURE.values()),
            *(REMOVES, NO_CONTAINER, UNAPPLIABLE, NO_SIDE_EFFECTS),
        )
    )
)
"""All clauses that lives judge."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the traits of a life say. ``hooks``: kind → what it does: ``notes``, ``fails``, ``sleeps``."""

    hooks: dict[str, str]
    ends: bool = False
    mount: str = ""
    pid_namespace: bool = True

    @property
    def failing(self) -> str:
        """The first hook of create that fails; ``""`` for none."""
        return next((kind for kind in _AT_CREATE if self.hooks.get(kind) == "fails"), "")

    def ran_at_create(self) -> list[str]:
        """The hooks that run in a create, up to the first that fails."""
        kinds = [kind for kind in _AT_CREATE if kind in self.hooks]
        return kinds[: kinds.index(self.failing) + 1] if self.failing else kinds


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must come of a move: its ``result``, and the statuses of which the container then has one.

    ``clause``: by which the result is judged.
    """

    result: str
    then: tuple[str, ...]
    clause: str


def life_name(number: int) -> str:
    """The id of the case of a life, by its number from 0."""
    return f"lives.{number + 1:05}"


def config_of(life: Sequence[str]) -> Config:
    """The config of a life; its moves are passed over."""
    traits = [word.split(":") for word in life if ":" in word]
    return Config(
        hooks={trait[1]: trait[2] for trait in traits if trait[0] == "hook"},
        ends=["program", "ends"] in traits,
        mount=next((trait[1] for trait in traits if trait[0] == "mount"), ""),
        pid_namespace=["pid", "shared"] not in traits,
    )


def plainer(word: str) -> str:
    """A word that asks for less, or the same word: a hook that only notes what it sees, for one that sleeps."""
    return word.replace(":sleeps", ":notes")


def moves_of(life: Sequence[str]) -> list[str]:
    """The moves of a life, in order."""
    return [word for word in life if ":" not in word]


def wanted(move: str, status: str, config: Config) -> Wanted:
    """What must come of a move in a status of the container (runtime.md, operations and lifecycle)."""
    move, _, other = move.partition("-")
    if not other:
        found = _MEANT.get((move, status))
        if found is not None:
            return found(config)
    # On an id that nobody has, and in every other status, it is refused.
    return Wanted(ERROR, (status,), REFUSED[move])


def _created(config: Config) -> Wanted:
    if config.mount == "missing":
        return Wanted(ERROR, (ABSENT,), UNAPPLIABLE)
    if config.failing:
        return Wanted(ERROR, (ABSENT,), FAILURE[config.failing])
    return Wanted(OK, (CREATED,), DONE["create"])


def _started(config: Config) -> Wanted:
    if config.hooks.get("startContainer") == "fails":
        # The container is stopped and destroyed; runtimes that only stop it, or say so late, are told by a case.
        return Wanted(OPEN, (STOPPED, ABSENT), FAILURE["startContainer"])
    return Wanted(OK, (STOPPED if config.ends else RUNNING,), DONE["start"])


def _deleted(config: Config) -> Wanted:
    # A hook that fails is warned of; whether the command then says so is open.
    return Wanted(OPEN if config.hooks.get("poststop") == "fails" else OK, (ABSENT,), DONE["delete"])


_MEANT: Mapping[tuple[str, str], Callable[[Config], Wanted]] = {
    ("create", ABSENT): _created,
    ("start", CREATED): _started,
    ("kill", RUNNING): lambda _config: Wanted(OK, (STOPPED,), DONE["kill"]),
    # That a created container gets signals is told by a case: how it ends then is open.
    ("kill", CREATED): lambda _config: Wanted(OPEN, (CREATED, STOPPED), DONE["kill"]),
    ("delete", STOPPED): _deleted,
    # That one which was not started is not deleted is told by a case: several runtimes do it all the same.
    ("delete", CREATED): lambda _config: Wanted(OPEN, (CREATED, ABSENT), REFUSED["delete"]),
    ("state", CREATED): lambda _config: Wanted(OK, (CREATED,), DONE["state"]),
    ("state", RUNNING): lambda _config: Wanted(OK, (RUNNING,), DONE["state"]),
    ("state", STOPPED): lambda _config: Wanted(OK, (STOPPED,), DONE["state"]),
}


def draw(seed: int, number: int, *, hooks: bool = True) -> list[str]:
    """A life: the same for the same seed and number. ``hooks``: whether the release has those of create and start."""
    dice = random.Random(f"lives/{seed}/{number}")  # noqa: S311  # nothing secret
    traits = []
    for kind in HOOKS if hooks else ("poststart", "poststop"):
        if dice.random() < 0.35:  # about two hooks in a life
            does = ["notes", "notes", "sleeps"] + ([] if kind == "poststart" else ["fails"])
            traits.append(f"hook:{kind}:{dice.choice(does)}")
    traits += ["program:ends"] if dice.random() < 0.2 else []
    traits += [f"mount:{dice.choice(['tmpfs', 'tmpfs', 'missing'])}"] if dice.random() < 0.25 else []
    traits += ["pid:shared"] if dice.random() < 0.25 else []
    config, status = config_of(traits), ABSENT
    moves: list[str] = []
    for _ in range(dice.randint(_FEWEST_MOVES, _MOST_MOVES)):
        move = _next(status, moves[-1:], dice)
        moves.append(move)
        status = dice.choice(wanted(move, status, config).then)
    return [*traits, *moves]


def _next(status: str, last: Sequence[str], dice: random.Random) -> str:
    """A move: the last one again, one that leads on, or any."""
    roll = dice.random()
    if last and roll < _AGAIN:
        return last[0]
    return _leads_on(status, dice) if roll < _AGAIN + _SENSIBLE else dice.choice(MOVES)


def _leads_on(status: str, dice: random.Random) -> str:
    return dice.choice(_LIKELY[status].split())
