"""Running the checks of one module on a document, for the unit tests of the check modules."""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import ModuleType
from typing import Any

from ocivalidate.bundle.registry import CONFIG, FEATURES, STATE
from ocivalidate.keeping import Counts
from ocivalidate.rules import schema
from ocivalidate.rules.checks import CheckContext, Node, Violation, run
from ocivalidate.rules.clauses import load
from ocivalidate.rules.fitting import Walk

REGISTRIES = {"runtime-config": CONFIG, "runtime-state": STATE, "runtime-features": FEATURES}


class Outcome:
    """What running checks gave, of the clauses of one module."""

    def __init__(self, active: Callable[[str], bool]) -> None:
        self.wants = active
        self.violations: list[Violation] = []
        self.clauses: set[str] = set()
        self.reasons: dict[str, str] = {}

    def take(self, violation: Violation) -> None:
        """A violation."""
        self.violations.append(violation)

    def judged(self, clause_ids: Collection[str]) -> None:
        """Some clauses are judged."""
        self.clauses.update(clause_ids)

    def unjudged(self, clause_ids: Collection[str], reason: str) -> None:
        """Some are not."""
        self.reasons.update(dict.fromkeys(clause_ids, reason))


def outcome(
    module: ModuleType,
    document: Any,
    *platforms: str,
    release: str = "1.3.0",
    kind: str = "runtime-config",
) -> Outcome:
    """What the checks of ``module`` say, by the clauses of its release and platforms. Broken members are left out."""
    walk = Walk(Counts(None))
    walk.value(schema.shape(kind, release), document)
    context = CheckContext(Node(document, None, walk.broken), release, frozenset(platforms))
    registry = REGISTRIES[kind]
    own = {
        clause for check in registry.checks if check.function.__module__ == module.__name__ for clause in check.clauses
    }
    inventory = load()

    def active(clause: str) -> bool:
        return clause in own and inventory[clause].holds_in(release) and inventory[clause].concerns(platforms)

    result = Outcome(active)
    run(registry, context, result)
    for violation in result.violations:
        assert violation.severity is None or violation.severity.rank <= inventory[violation.clause].severity.rank
    return result


def broken_clauses(
    module: ModuleType,
    document: Any,
    *platforms: str,
    release: str = "1.3.0",
    kind: str = "runtime-config",
) -> list[tuple[str, str]]:
    """The clauses that the document breaks, and where, in order."""
    result = outcome(module, document, *platforms, release=release, kind=kind)
    return sorted((violation.clause, violation.pointer) for violation in result.violations)
