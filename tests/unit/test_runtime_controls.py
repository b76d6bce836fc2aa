"""What a case refuses differs from its control in exactly the thing that is to be refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures import fake_runtime
from ocivalidate import resources
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.driving.configs import changed
from ocivalidate.runtime.launching import run_events
from ocivalidate.runtime.protocol import Bailout, Request
from ocivalidate.runtime.running.loading import load_cases

TRIAL = cast(Any, SimpleNamespace(config=lambda *steps: configs.base("1.3.0", *steps), holds=lambda *_since: True))


def values() -> Any:
    """The module of the rows, as cases are loaded."""
    [case] = [one for one in load_cases(resources.folder("conformance")) if one.id == "values.process-rlimit-twice"]
    return case.run.__globals__


VALUES = values()
ROWS = [(table, row) for table in VALUES["TABLES"] for row in table.rows]


def at(config: Any, pointer: str) -> Any:
    """What stands at a pointer; ``-`` is the end of an array."""
    for token in pointer.split("/")[1:-1]:
        config = config.get(token, {}) if isinstance(config, dict) else config[int(token)] if token != "-" else {}
    return config


@pytest.mark.parametrize(("table", "row"), ROWS, ids=[row.name for _table, row in ROWS])
def test_a_row_and_its_control_differ_in_one_value(table: Any, row: Any) -> None:
    for used in (table, replace(table, rows=(row,))):
        control = VALUES["_control"](TRIAL, used)
        wrong = changed(VALUES["_control"](TRIAL, used, row), row.pointer, row.bad)
        assert wrong != control
        left, right = at(control, row.pointer), at(wrong, row.pointer)
        if isinstance(right, list):
            # The entry stands in the place of the valid one, or at the end where there is none.
            assert [entry for entry in right if entry not in left] in ([row.bad], []), row.name
            missing = [entry for entry in left if entry not in right]
            assert missing in ([row.good], []), row.name
            continue
        names = {*left, *right}
        assert [name for name in names if left.get(name) != right.get(name)] == [row.pointer.rpartition("/")[2]]


def test_what_is_twice_is_accepted_once() -> None:
    [row] = [row for _table, row in ROWS if row.name == "process-rlimit-twice"]
    assert row.bad == row.good * 2


def test_a_runtime_whose_state_prints_a_word_first_is_judged_and_fails(tmp_path: Path) -> None:
    program = fake_runtime.write(tmp_path / "fake", "prints-a-banner")
    events = list(run_events(Request(str(program), only=("state.every-status",))))
    assert not [event for event in events if isinstance(event, Bailout)]
    outcomes = {event.outcome for event in events if isinstance(event, Result)}
    assert Outcome.FAIL in outcomes
    assert Outcome.ERROR not in outcomes
