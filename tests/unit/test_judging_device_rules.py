"""What may be done with devices follows from the last rule that speaks of it."""

from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.runtime.inside.facts import Facts
from ocivalidate.runtime.judging import device_rules, judge

ONE = "/opt/nodes/one"
DENY, ALLOW = {"allow": False, "access": "rwm"}, {"allow": True, "access": "rwm"}
OURS = {"type": "c", "major": 1600, "minor": 1}


def seen(rules: list[dict[str, Any]], how: str, error: str | None, kind: str = "char") -> list[tuple[str, bool | None]]:
    node = {"kind": kind, "mode": 0o666, "uid": 0, "gid": 0, "major": 1600, "minor": 1}
    records: list[dict[str, Any]] = [
        {"step": "look", "args": [ONE], "value": {"real": ONE, "target": node}},
        {"step": "open", "args": [ONE, how], **({"error": error} if error else {"value": True})},
    ]
    config = {"linux": {"resources": {"devices": rules}}}
    found = judge(config, Facts(tuple(records)).looks(), "1.2.0")
    return [(one.pointer, one.held) for one in found if one.pointer.startswith(device_rules.PLACE)]


@pytest.mark.parametrize(
    ("rules", "how", "error", "number", "held"),
    [
        ([DENY], "r", "EPERM", 0, True),
        ([DENY], "r", "ENXIO", 0, False),
        ([DENY, {**ALLOW, **OURS}], "r", "ENXIO", 1, True),
        ([DENY, {**ALLOW, **OURS}], "w", "EPERM", 1, False),
        ([DENY, {**ALLOW, **OURS, "access": "r"}], "w", "EPERM", 0, True),
        ([DENY, {**ALLOW, **OURS, "minor": 2}], "r", "EPERM", 0, True),
        ([DENY, {**ALLOW, "type": "b"}], "r", "EPERM", 0, True),
        ([DENY, {"allow": True, "type": "c", "major": -1}], "r", None, 1, True),
        ([{**ALLOW, **OURS}, DENY], "r", None, 1, False),
        ([ALLOW, {**DENY, **OURS, "access": "w"}], "r", "ENXIO", 0, True),
    ],
)
def test_the_last_rule_counts(
    rules: list[dict[str, Any]], how: str, error: str | None, number: int, *, held: bool
) -> None:
    assert seen(rules, how, error) == [(f"{device_rules.PLACE}/{number}/allow", held)]


def test_what_no_rule_speaks_of_is_left_open() -> None:
    assert seen([{**DENY, **OURS, "minor": 2}], "r", None) == [(device_rules.PLACE, None)]
    assert seen([DENY], "r", None, kind="file") == []


def test_nodes_are_tried_where_there_are_rules() -> None:
    assert device_rules.tries({"linux": {"resources": {"devices": []}}}) == []
    assert device_rules.tries({}) == []
    assert (ONE, "w") in device_rules.tries({"linux": {"resources": {"devices": [DENY]}}})
