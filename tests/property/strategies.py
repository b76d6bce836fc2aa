"""Documents of all types, platforms and releases, sound ones and ones that somebody tampered with."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import strategies as st

from ocivalidate.rules import schema
from ocivalidate.rules.clauses import PLATFORMS
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES
from tests.property.growing import VERSION_MEMBERS, bases, broken_bases, grown
from tests.property.tampering import BREAKAGES, EDITS, Breakage, Edit
from tests.property.trees import Members, Tree, tree_of, written

# Chance comes from one number each, so that hypothesis has few choices to make smaller.
_SEEDS = st.integers(0, 2**32 - 1)
DICE = _SEEDS.map(random.Random)
_INDENTS = ("", "  ", "\t", "    ")


@dataclass(frozen=True, slots=True)
class Sample:
    """A document to judge.

    ``kind`` is a key of ``schema.KINDS``; ``tree`` what ``data`` was written from, or ``None`` when the bytes were
    tampered with; ``spec_version`` and ``platform`` are what the caller asks for.
    """

    kind: str
    data: bytes
    tree: Tree = field(repr=False)
    spec_version: str | None = None
    platform: str | None = None


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # nothing here is a secret


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a document starts: ``sound`` and ``broken`` ones that the project has, or one ``grown`` from the schema."""

    kind: str
    origin: str
    seed: int

    def tree(self) -> Tree:
        """The document, as yet untouched."""
        dice = _dice(self.seed)
        if self.origin == "sound":
            return tree_of(dice.choice(bases(self.kind)))
        if self.origin == "broken":
            return tree_of(dice.choice(broken_bases(self.kind)))
        tree = grown(schema.everything(self.kind), "", dice, dice.choice([0.1, 0.3, 0.9]))
        return _for_one_platform(tree, self.kind, dice)


def _for_one_platform(tree: Members, kind: str, dice: random.Random) -> Members:
    """The document with a version that is one, and most often without the sections of other platforms."""
    kept = {dice.choice(PLATFORMS) for _ in range(dice.choice([1, 1, 1, 2, 6]))}
    version = VERSION_MEMBERS[kind]
    members = [
        (name, member) for name, member in tree if name not in PLATFORMS or name in kept or kind != "runtime-config"
    ]
    return Members((name, dice.choice(RUNTIME_RELEASES) if name == version else member) for name, member in members)


_STARTS = st.builds(
    _Start,
    # One in eight is a state, one in eight a features structure.
    st.sampled_from(["runtime-config"] * 6 + ["runtime-state", "runtime-features"]),
    st.sampled_from(["sound", "broken", "grown"]),
    _SEEDS,
)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How a sample is made; what hypothesis draws and makes smaller when a test fails."""

    start: _Start
    edits: tuple[tuple[Edit, int], ...]
    breakages: tuple[tuple[Breakage, int], ...]
    indent: str
    ascii_only: bool
    spec_version: str | None
    platform: str | None

    def sample(self) -> Sample:
        """The document."""
        tree = self.start.tree()
        for edit, seed in self.edits:
            edit(tree, _dice(seed), self.start.kind)
        data = written(tree, self.indent, ascii_only=self.ascii_only).encode()
        for breakage, seed in self.breakages:
            data = breakage(data, _dice(seed))
        return Sample(self.start.kind, data, None if self.breakages else tree, self.spec_version, self.platform)


def _steps(choices: tuple[object, ...], most: int) -> st.SearchStrategy[tuple[tuple[object, int], ...]]:
    return st.lists(st.tuples(st.sampled_from(choices), _SEEDS), max_size=most).map(tuple)


def samples(*, broken: bool = True) -> st.SearchStrategy[Sample]:
    """Documents, some changes away from those that the project has; unless ``broken``, as a JSON writer writes them."""
    rarely = [None] * 5
    return st.builds(
        _Recipe,
        _STARTS,
        _steps(EDITS, 6),
        st.just(()) | _steps(BREAKAGES, 2) if broken else st.just(()),
        st.sampled_from(_INDENTS),
        st.booleans(),
        st.sampled_from([*rarely, *RUNTIME_RELEASES]),
        st.sampled_from([*rarely, *PLATFORMS]),
    ).map(_Recipe.sample)
