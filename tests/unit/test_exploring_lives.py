"""Lives of containers: what is drawn, and what must come of each move, is decided without any runtime."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, strategies as st

from fixtures.mutants import Mutant
from fixtures.mutants.tables.sequences import SEQUENCES
from ocivalidate.rules.clauses import load
from ocivalidate.runtime.distinct import Told
from ocivalidate.runtime.exploring import lives, living
from ocivalidate.runtime.exploring.lives import ABSENT, CREATED, ERROR, OK, OPEN, RUNNING, STOPPED, Config, wanted
from ocivalidate.runtime.exploring.one_life import Lived
from ocivalidate.runtime.exploring.trying import JOURNALS, Problem

STATUSES = (ABSENT, CREATED, RUNNING, STOPPED)
PLAIN = Config({})
NUMBERS = st.integers(0, 10_000)


@given(NUMBERS, NUMBERS)
def test_a_life_is_the_same_for_the_same_seed(seed: int, number: int) -> None:
    life = lives.draw(seed, number)
    assert life == lives.draw(seed, number)
    assert set(lives.moves_of(life)) <= set(lives.MOVES)
    assert len(lives.moves_of(life)) >= 3


@given(NUMBERS, NUMBERS)
def test_older_releases_have_no_hooks_that_they_do_not_know(seed: int, number: int) -> None:
    config = lives.config_of(lives.draw(seed, number, hooks=False))
    assert set(config.hooks) <= {"poststart", "poststop"}


@given(NUMBERS, st.sets(st.integers(0, 20)))
def test_what_is_left_of_a_life_is_one(number: int, dropped: set[int]) -> None:
    life = [word for place, word in enumerate(lives.draw(0, number)) if place not in dropped]
    config, status = lives.config_of(life), ABSENT
    for move in lives.moves_of(life):
        status = wanted(move, status, config).then[0]
        assert status in STATUSES


@given(st.sampled_from(lives.MOVES), st.sampled_from(STATUSES))
def test_what_is_refused_changes_nothing(move: str, status: str) -> None:
    found = wanted(move, status, PLAIN)
    if found.result == ERROR:
        assert found.then == (status,)
    assert found.clause in lives.CLAUSES


@pytest.mark.parametrize(
    ("move", "status", "result", "then"),
    [
        ("create", ABSENT, OK, (CREATED,)),
        ("create", CREATED, ERROR, (CREATED,)),
        ("create", STOPPED, ERROR, (STOPPED,)),
        ("start", CREATED, OK, (RUNNING,)),
        ("start", RUNNING, ERROR, (RUNNING,)),
        ("start", STOPPED, ERROR, (STOPPED,)),
        ("kill", RUNNING, OK, (STOPPED,)),
        ("kill", STOPPED, ERROR, (STOPPED,)),
        ("kill", CREATED, OPEN, (CREATED, STOPPED)),
        ("delete", STOPPED, OK, (ABSENT,)),
        ("delete", RUNNING, ERROR, (RUNNING,)),
        ("delete", CREATED, OPEN, (CREATED, ABSENT)),
        ("state", ABSENT, ERROR, (ABSENT,)),
        ("state-other", RUNNING, ERROR, (RUNNING,)),
        ("delete-other", STOPPED, ERROR, (STOPPED,)),
    ],
)
def test_moves(move: str, status: str, result: str, then: tuple[str, ...]) -> None:
    found = wanted(move, status, PLAIN)
    assert (found.result, found.then) == (result, then)


def test_what_fails_at_create_leaves_nothing() -> None:
    hook = Config({"createContainer": "notes", "createRuntime": "fails"})
    assert wanted("create", ABSENT, hook).then == (ABSENT,)
    assert wanted("create", ABSENT, hook).clause == "runtime/runtime.lifecycle.createruntime-failure"
    assert hook.ran_at_create() == ["createRuntime"]
    assert wanted("create", ABSENT, Config({}, mount="missing")).result == ERROR
    assert wanted("start", CREATED, Config({"startContainer": "fails"})).then == (STOPPED, ABSENT)
    assert wanted("start", CREATED, Config({}, ends=True)).then == (STOPPED,)


def test_all_moves_are_drawn_in_all_statuses() -> None:
    met = set()
    for number in range(200):
        life = lives.draw(0, number)
        config, status = lives.config_of(life), ABSENT
        for move in lives.moves_of(life):
            met.add((move, status))
            status = wanted(move, status, config).then[-1]
    assert {(move, status) for move in lives.MOVES if "-" not in move for status in STATUSES} <= met


def test_its_clauses_are_known() -> None:
    assert set(lives.CLAUSES) <= set(load("runtime"))


def fake(folder: Path) -> str:
    """A runtime that does nothing, well."""
    path = folder / "runtime"
    path.write_text(
        '#!/bin/sh\necho "$@" >> "$0.log"\necho \'{"status": "stopped", "bundle": "/nosuch"}\'\n', encoding="utf-8"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("mutant", SEQUENCES, ids=lambda mutant: mutant.name)
def test_a_mutant_of_sequences_is_as_its_runtime_at_first(mutant: Mutant, tmp_path: Path) -> None:
    import subprocess

    program = str(mutant.write(tmp_path, fake(tmp_path)))
    words = [
        program,
        "--root",
        str(tmp_path / "root"),
        mutant.arguments["command"],
        "a",
        *(["KILL"] * (mutant.arguments["command"] == "kill")),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(done.stdout)["status"] == "stopped"
    assert (tmp_path / "runtime.log").read_text(encoding="utf-8").count("\n") == 1


# --- what several lives show


class FakeTrial:
    """As much of the context of a case as the trying of lives uses."""

    def __init__(self, folder: Path, case: str) -> None:
        self.folder = folder / case
        self.folder.mkdir()
        self.notes: dict[str, Any] = {}
        self.told: list[tuple[str, str]] = []
        self.stage = SimpleNamespace(pace=1.0)
        self.runtime = SimpleNamespace(deadline=time.monotonic() + 60.0, journal=None)
        self.case = SimpleNamespace(clauses=lives.CLAUSES)

    def expect(self, *_clause: str, got: bool) -> None:
        """Nothing that holds is looked at here."""

    def expect_that(self, clause: str, message: str, **more: Any) -> None:
        self.told.append((clause, f"{message}: {more['got']}"))

    def skip(self, *_reason: str) -> None:
        """Nothing that was skipped is looked at here."""


def test_what_several_lives_show_is_told_of_each_and_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second kill is accepted, and one life shows that poststop hooks run twice."""
    twice = Problem(lives.DONE["delete"], "poststop ran 2 times")
    again = Problem(lives.REFUSED["kill"], "kill on a container that is stopped is no error", "no error", "an error")

    def live(_trial: object, life: Sequence[str], _patience: float = 0.0) -> Lived:
        moves = lives.moves_of(life)
        if "hook:poststop:notes" in life and "delete" in moves:
            return Lived(twice, config="{}", journal=cast(Any, f"of {life}"))
        return Lived(again if moves.count("kill") > 1 else None, config="{}", journal=cast(Any, f"of {life}"))

    monkeypatch.setattr(living, "live", live)
    shared = Told()
    kept = {}
    for name, life in {
        "first": ["program:ends", "create", "start", "kill", "state", "kill"],
        "second": ["create", "kill", "kill", "delete"],
        "third": ["hook:poststop:notes", "create", "kill", "kill", "delete"],
        "fourth": ["create", "start", "kill"],
    }.items():
        trial = FakeTrial(tmp_path, name)
        living._try(life, shared, cast(Any, trial))
        kept[name] = (trial.notes.get(living.LIFE), len(trial.notes.get(JOURNALS, [])), trial.told)
    accepted = [(again.clause, f"{again.message}: no error after kill, kill")]
    assert kept == {
        "first": (["kill", "kill"], 1, accepted),
        "second": (["kill", "kill"], 0, accepted),
        "third": (
            ["hook:poststop:notes", "delete"],
            1,
            [(twice.clause, f"{twice.message}: after hook:poststop:notes, delete")],
        ),
        "fourth": (None, 0, []),
    }
