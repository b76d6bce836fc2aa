"""Checks: plain functions bound to places in a document, which judge what a schema cannot say.

A check is a generator that takes a :class:`Node` and a :class:`Scene` and yields a :class:`Violation` for each way in
which a clause that it declares is broken. It is called for each node that its pattern matches, and never meets a value
of the wrong type: nodes that broke their schema are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ocivalidate.clauses import Severity
from ocivalidate.pointers import below, parse_pointer, place
from ocivalidate.versions import holds
from ocivalidate.wording import excerpt

if TYPE_CHECKING:
    from ocivalidate.positions import Span


class Violation(NamedTuple):
    """One broken clause.

    ``severity`` lowers that of the clause for this violation; ``at_name``: the member's name is at fault, not its
    value; ``span``: where it stands, when the pointer does not say it.
    """

    clause: str
    pointer: str
    message: str
    got: str = ""
    want: str = ""
    hint: str = ""
    severity: Severity | None = None
    at_name: bool = False
    span: Span | None = None


class Node:
    """A value in a document, with its pointer.

    Members and entries that broke their schema are left out of all that it hands on.
    """

    __slots__ = ("_broken", "pointer", "value")

    def __init__(self, value: Any, pointer: str = "", broken: frozenset[str] = frozenset()) -> None:
        self.value = value
        self.pointer = pointer
        self._broken = broken

    @property
    def name(self) -> str:
        """The member name or index by which the parent holds this node."""
        return self.pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")

    @property
    def place(self) -> str:
        """How the node is called in messages."""
        return place(self.pointer)

    def has(self, name: str) -> bool:
        """Whether the member is there at all, sound or not: a broken member is not a missing one."""
        return isinstance(self.value, dict) and name in self.value

    def get(self, *names: str) -> Node | None:
        """The sound node that is reached by these member names, or ``None``."""
        node = self
        for name in names:
            if not isinstance(node.value, dict) or name not in node.value:
                return None
            pointer = below(node.pointer, name)
            if pointer in self._broken:
                return None
            node = Node(node.value[name], pointer, self._broken)
        return node

    def at(self, pointer: str) -> Node:
        """The node to which a pointer leads from here, sound or not. Raises ``LookupError`` when there is none."""
        value = self.value
        for token in parse_pointer(pointer):
            value = value[int(token)] if isinstance(value, list) else value[token]
        return Node(value, f"{self.pointer}{pointer}", self._broken)

    def children(self) -> list[Node]:
        """The sound entries of an array or members of an object; none for anything else."""
        if isinstance(self.value, dict):
            pairs: Iterable[tuple[str | int, Any]] = self.value.items()
        elif isinstance(self.value, list):
            pairs = enumerate(self.value)
        else:
            return []
        nodes = (Node(value, below(self.pointer, key), self._broken) for key, value in pairs)
        return [node for node in nodes if node.pointer not in self._broken]

    def each(self, *names: str) -> list[Node]:
        """The children of the node that these names reach; none when it is not there."""
        node = self.get(*names)
        return node.children() if node else []

    def whole(self, *names: str) -> list[Node] | None:
        """The children of the node that these names reach, or ``None`` when some cannot be read.

        For checks that rest on what is not there.
        """
        node = self
        for name in names:
            if not node.has(name):
                return []
            inner = node.get(name)
            if inner is None:
                return None
            node = inner
        children = node.children()
        return children if len(children) == len(node.value) else None

    def text(self, *names: str) -> str | None:
        """The string that these names reach (with no name: this node), or ``None``."""
        value = self._reach(names)
        return value if isinstance(value, str) else None

    def number(self, *names: str) -> int | None:
        """The integer that these names reach, or ``None``; ``1.0`` is the integer 1."""
        value = self._reach(names)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, *names: str) -> bool | None:
        """The boolean that these names reach, or ``None``."""
        value = self._reach(names)
        return value if isinstance(value, bool) else None

    def texts(self, *names: str) -> list[str]:
        """The strings among the children of the node that these names reach."""
        return [child.value for child in self.each(*names) if isinstance(child.value, str)]

    def _reach(self, names: tuple[str, ...]) -> Any:
        node = self.get(*names)
        return node.value if node else None

    def breaks(self, clause: str, message: str, **details: Any) -> Violation:
        """A violation that stands at this node; ``got`` is its value unless ``details`` say otherwise."""
        details.setdefault("got", excerpt(self.value))
        return Violation(clause, self.pointer, message, **details)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a check may look at beside its node.

    ``root`` is the whole document and ``text`` what it was read from; ``release`` and ``platforms`` are what it is
    judged by; ``development`` says that the document names a pre-release. For bundles, ``folder`` is the bundle folder
    (``None``: there is none), ``disk`` whether what is in it may be judged on this host (not so for a bundle of another
    platform), and ``host`` whether the rest of this host may be looked at too.
    """

    root: Node
    release: str
    platforms: frozenset[str] = frozenset()
    development: bool = False
    folder: Path | None = None
    disk: bool = False
    host: bool = False
    text: str = ""

    def since(self, release: str) -> bool:
        """Whether the document is judged by this release or a later one."""
        return holds(self.release, release, None)

    def on(self, *platforms: str) -> bool:
        """Whether the document is for any of these platforms."""
        return not self.platforms.isdisjoint(platforms)


CheckFunction = Callable[[Node, Scene], Iterator[Violation]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check function, the places it is bound to, the clauses it judges, and what it needs.

    ``needs`` is ``""``, ``folder`` (a bundle folder), ``disk`` (one that may be judged on this host) or ``host`` (a
    look at the host).
    """

    patterns: tuple[tuple[str, ...], ...]
    clauses: tuple[str, ...]
    function: CheckFunction
    needs: str = ""


@dataclass(slots=True)
class Registry:
    """The checks of one document type."""

    checks: list[Check] = field(default_factory=list)

    def check(
        self, patterns: str | tuple[str, ...], *clauses: str, needs: str = ""
    ) -> Callable[[CheckFunction], CheckFunction]:
        """Bind the decorated function to pointer patterns (``/mounts/*/destination``.

        ``*`` is any one member or entry).
        """
        split = tuple(
            tuple(pattern.split("/")[1:]) for pattern in ([patterns] if isinstance(patterns, str) else patterns)
        )

        def bind(function: CheckFunction) -> CheckFunction:
            self.checks.append(Check(split, clauses, function, needs))
            return function

        return bind

    def clause_ids(self) -> set[str]:
        """Every clause that some check declares."""
        return {clause for check in self.checks for clause in check.clauses}


@dataclass(slots=True)
class Outcome:
    """What running checks gave.

    The violations, the clauses that were judged, and those that were not, with the reason.
    """

    violations: list[Violation] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    unjudged: dict[str, str] = field(default_factory=dict)


def run(registry: Registry, scene: Scene, active: Callable[[str], bool]) -> Outcome:
    """Run every check that declares a clause for which ``active`` holds."""
    outcome = Outcome()
    for check in registry.checks:
        wanted = [clause for clause in check.clauses if active(clause)]
        if not wanted:
            continue
        lacking = _lacking(check, scene)
        if lacking:
            outcome.unjudged.update(dict.fromkeys(wanted, lacking))
        else:
            _run_one(check, scene, wanted, outcome)
    return outcome


def _lacking(check: Check, scene: Scene) -> str:
    if check.needs in ("folder", "disk") and scene.folder is None:
        return "no bundle folder"
    if check.needs in ("disk", "host") and not scene.disk:
        return "another platform than this host's"
    if check.needs == "host" and not scene.host:
        return "needs --host"
    return ""


def _run_one(check: Check, scene: Scene, wanted: list[str], outcome: Outcome) -> None:
    for node in _matching(scene.root, check.patterns):
        outcome.judged.update(wanted)
        for violation in check.function(node, scene):
            if violation.clause not in check.clauses:
                raise AssertionError(f"{check.function.__name__} does not declare {violation.clause}")
            if violation.clause in wanted:
                outcome.violations.append(violation)


def _matching(root: Node, patterns: tuple[tuple[str, ...], ...]) -> list[Node]:
    found: list[Node] = []
    for pattern in patterns:
        nodes = [root]
        for token in pattern:
            nodes = _step(nodes, token)
        found.extend(nodes)
    return found


def _step(nodes: list[Node], token: str) -> list[Node]:
    if token == "*":
        return [child for node in nodes for child in node.children()]
    reached = (node.get(token) for node in nodes)
    return [node for node in reached if node is not None]
