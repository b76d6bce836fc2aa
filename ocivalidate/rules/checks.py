"""Checks: plain functions bound to places in a document, which judge what a schema cannot say.

A check is a generator that takes a :class:`Node` and a :class:`CheckContext` and yields a :class:`Violation` for each
way in which a clause that it declares is broken. It is called for each node that its pattern matches, and never meets a
value of the wrong type: nodes that broke their schema are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from ocivalidate.jsontext.pointers import Path, place_at, pointer_to, tokens_of
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.remedies import Remedy
from ocivalidate.vocabulary.versions import holds
from ocivalidate.vocabulary.wording import excerpt

if TYPE_CHECKING:
    from ocivalidate.jsontext.positions import Span

_T = TypeVar("_T")


class Violation(NamedTuple):
    """One broken clause.

    ``path`` leads to where. ``severity`` lowers that of the clause for this violation; ``at_name``: the member's name
    is at fault, not its value; ``span``: where it stands, when the path does not say it; ``remedy``: what may mend it.
    """

    clause: str
    path: Path
    message: str
    got: str = ""
    want: str = ""
    hint: str = ""
    severity: Severity | None = None
    at_name: bool = False
    span: Span | None = None
    remedy: Remedy | None = None

    @property
    def pointer(self) -> str:
        """The pointer to where the violation stands."""
        return pointer_to(self.path)


Broken = Mapping[int, Collection[str | int]]
"""The members and entries that broke their schema: their names and indexes, by the ``id`` of what holds them."""

_NOTHING: Broken = {}


class Node:
    """A value in a document, with the path to it. Members and entries that broke their schema are hidden."""

    __slots__ = ("_broken", "path", "value")

    def __init__(self, value: Any, path: Path = None, broken: Broken = _NOTHING) -> None:
        self.value = value
        self.path = path
        self._broken = broken

    @property
    def pointer(self) -> str:
        """The pointer to the node."""
        return pointer_to(self.path)

    @property
    def name(self) -> str:
        """The member name or index by which the parent holds this node."""
        return "" if self.path is None else str(self.path[1])

    @property
    def place(self) -> str:
        """The name of the node in messages."""
        return place_at(self.path)

    def has(self, name: str) -> bool:
        """Whether the member exists, valid or not: a broken member is not a missing one."""
        return isinstance(self.value, dict) and name in self.value

    def get(self, *names: str) -> Node | None:
        """The sound node that is reached by these member names, or ``None``."""
        node = self
        for name in names:
            if not isinstance(node.value, dict) or name not in node.value:
                return None
            if name in self._broken.get(id(node.value), ()):
                return None
            node = Node(node.value[name], (node.path, name), self._broken)
        return node

    def at(self, path: Path) -> Node:
        """The node to which a path leads from the root, this node. Raises ``LookupError`` when there is none."""
        value = self.value
        for token in tokens_of(path):
            value = value[token]
        return Node(value, path, self._broken)

    def children(self) -> list[Node]:
        """The sound entries of an array or members of an object; none for anything else."""
        return list(self.entries())

    def entries(self) -> Iterator[Node]:
        """:meth:`children` one after the other."""
        if isinstance(self.value, dict):
            pairs: Iterable[tuple[str | int, Any]] = self.value.items()
        elif isinstance(self.value, list):
            pairs = enumerate(self.value)
        else:
            return
        path, broken = self.path, self._broken
        unsound = broken.get(id(self.value), ())
        for key, value in pairs:
            if key not in unsound:
                yield Node(value, (path, key), broken)

    def each(self, *names: str) -> list[Node]:
        """The children of the node that these names reach; none when it is not there."""
        node = self.get(*names)
        return node.children() if node else []

    def elements(self, *names: str) -> list[Node]:
        """The same, of an array alone: an object has no entries."""
        node = self.get(*names)
        return node.children() if node and isinstance(node.value, list) else []

    def children_if_all_sound(self, *names: str) -> list[Node] | None:
        """The children of the node that these names reach, or ``None`` when some cannot be read.

        For checks that depend on what is absent.
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
        if "got" not in details:
            details["got"] = excerpt(self.value)
        return Violation(clause, self.path, message, **details)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a check may use besides its node.

    ``root`` is the whole document and ``text`` what it was read from; ``release`` and ``platforms`` are what it is
    judged by; ``development`` says that the document names a pre-release. For bundles, ``folder`` is the bundle folder
    (``None``: there is none), ``disk`` whether what is in it may be judged on this host (not so for a bundle of another
    platform), and ``host`` whether the rest of this host may be looked at too.
    """

    root: Node
    release: str
    platforms: frozenset[str] = frozenset()
    development: bool = False
    folder: FilePath | None = None
    disk: bool = False
    host: bool = False
    text: str = ""
    _known: dict[Hashable, Any] = field(init=False, default_factory=dict, compare=False, repr=False)

    def once(self, key: Hashable, function: Callable[[], _T]) -> _T:
        """The result of ``function``, computed once per key: many checks need the same facts of the document."""
        if key not in self._known:
            self._known[key] = function()
        found: _T = self._known[key]
        return found

    def since(self, release: str) -> bool:
        """Whether the document is judged by this release or a later one."""
        return holds(self.release, release, None)

    def on(self, *platforms: str) -> bool:
        """Whether the document is for any of these platforms."""
        return not self.platforms.isdisjoint(platforms)


CheckFunction = Callable[[Node, CheckContext], Iterator[Violation]]


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
        """Bind the decorated function to pointer patterns such as ``/mounts/*/destination``.

        ``*`` is any one member or entry.
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


class Taker(Protocol):
    """Who runs checks: says which clauses count, and takes what comes out."""

    def wants(self, clause_id: str) -> bool:
        """Whether violations of a clause are wanted."""

    def judged(self, clause_ids: Collection[str]) -> None:
        """These clauses are judged."""

    def unjudged(self, clause_ids: Collection[str], reason: str) -> None:
        """These clauses are not judged, or not by every check."""

    def take(self, violation: Violation) -> None:
        """A wanted clause is broken."""


class _Ready(NamedTuple):
    """A check that is to run, and those of its clauses that count."""

    check: Check
    wanted: frozenset[str]


class _Branch:
    """The checks that are bound to one place, and the branches below it."""

    __slots__ = ("below", "checks")

    def __init__(self) -> None:
        self.checks: list[_Ready] = []
        self.below: dict[str, _Branch] = {}

    def put(self, pattern: tuple[str, ...], ready: _Ready) -> None:
        """Bind a check to a pattern."""
        branch = self
        for token in pattern:
            branch = branch.below.setdefault(token, _Branch())
        branch.checks.append(ready)


def run(registry: Registry, context: CheckContext, taker: Taker) -> None:
    """Run every check that declares a wanted clause, in one walk over the document."""
    checks = _Branch()
    for check in registry.checks:
        wanted = frozenset(clause for clause in check.clauses if taker.wants(clause))
        if not wanted:
            continue
        lacking = _lacking(check, context)
        if lacking:
            taker.unjudged(wanted, lacking)
            continue
        for pattern in check.patterns:
            checks.put(pattern, _Ready(check, wanted))
    runner = _Runner(context, taker.take)
    runner.walk(context.root, checks)
    taker.judged(runner.judged)


def _lacking(check: Check, context: CheckContext) -> str:
    if check.needs in ("folder", "disk") and context.folder is None:
        return "no bundle folder"
    if check.needs in ("disk", "host") and not context.disk:
        return "another platform than this host's"
    if check.needs == "host" and not context.host:
        return "needs --host"
    return ""


class _Runner:
    """Runs checks on the nodes that they are bound to."""

    def __init__(self, context: CheckContext, take: Callable[[Violation], None]) -> None:
        self._context = context
        self._take = take
        self.judged: set[str] = set()

    def walk(self, node: Node, branch: _Branch) -> None:
        """Run what is bound to a node, and to all below it. As deep as patterns go, whatever the document is."""
        for ready in branch.checks:
            self._run(node, ready)
        if not node.value:
            return
        for token, inner in branch.below.items():
            if token == "*":
                for child in node.entries():
                    self.walk(child, inner)
            else:
                child_of_name = node.get(token)
                if child_of_name is not None:
                    self.walk(child_of_name, inner)

    def _run(self, node: Node, ready: _Ready) -> None:
        check, wanted = ready
        if not wanted <= self.judged:
            self.judged.update(wanted)
        for violation in check.function(node, self._context):
            if violation.clause not in check.clauses:
                raise AssertionError(f"{check.function.__name__} does not declare {violation.clause}")
            if violation.clause in wanted:
                self._take(violation)
