"""Excerpts of documents: only what some places lead to, cut to a few lines."""

from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.jsontext.excerpts import AROUND, Place, cut, pretty

DOCUMENT = {"a": {"b": 1, "c": [10, {"d": 2}, {"e": 3}]}, "f": "x", "g": {"h": []}}


@pytest.mark.parametrize(
    ("places", "shown"),
    [
        ([("a", "b")], '{"a": {"b": 1}}'),
        ([("a", "c", "1")], '{"a": {"c": [{"d": 2}]}}'),
        ([("a", "c", "0"), ("f",)], '{"a": {"c": [10]}, "f": "x"}'),
        ([()], '{"a": {"b": 1, "c": [10, {"d": 2}, {"e": 3}]}, "f": "x", "g": {"h": []}}'),
        ([(AROUND,)], '{"a": {…}, "f": "x", "g": {…}}'),
        ([("a", AROUND)], '{"a": {"b": 1, "c": […]}}'),
        ([("a", "c", AROUND), ("a", "c", "2")], '{"a": {"c": [10, {…}, {"e": 3}]}}'),
        ([("g", AROUND)], '{"g": {"h": []}}'),
        ([("absent",)], "{}"),
    ],
)
def test_only_what_leads_to_the_places_is_shown(places: list[Place], shown: str) -> None:
    assert pretty(cut(DOCUMENT, places)) == shown


def test_entries_that_are_cut_in_a_row_have_one_mark() -> None:
    assert pretty(cut([{"a": 1}, {"b": 1}, 2, {"c": 1}], [(AROUND,)])) == "[{…}, 2, {…}]"


def test_value_that_would_fill_the_screen_is_cut_further() -> None:
    large = {f"member {number}": {"list": ["long text " * 5] * 4} for number in range(5)}
    assert pretty(cut({"large": large}, [("large",)])).splitlines()[2] == '    "member 0": {"list": […]},'


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 1


def test_value_that_is_nested_deeply_is_cut() -> None:
    assert pretty(cut(nested(300), [()])) == "[[[[[…]]]]]"


def test_what_does_not_fit_on_a_line_is_broken() -> None:
    value = {"names": ["x" * 30, "y" * 30, "z" * 30], "empty": {}}
    assert pretty(value).splitlines() == [
        "{",
        '  "names": [',
        f'    "{"x" * 30}",',
        f'    "{"y" * 30}",',
        f'    "{"z" * 30}"',
        "  ],",
        '  "empty": {}',
        "}",
    ]
