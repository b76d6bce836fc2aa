"""What the walk along a schema finds is what jsonschema finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ocivalidate.jsontext.pointers import pointer_of, pointer_to
from ocivalidate.keeping import Counts
from ocivalidate.rules.fitting import KEYWORDS, Fault, Shape, Walk, broken_keyword
from ocivalidate.rules.schema import KINDS, derive, releases

# Keywords that say nothing about a value.
SILENT = {"title", "description", "$comment", "$schema"}


def keywords(node: dict[str, Any]) -> Iterator[str]:
    yield from (keyword for keyword in node if not keyword.startswith("x-"))
    for child in [*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties")]:
        if child is not None:
            yield from keywords(child)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_use_no_other_keyword(kind: str) -> None:
    for release in releases(kind):
        assert set(keywords(derive(kind, release))) <= KEYWORDS | SILENT


@pytest.mark.parametrize(
    "node",
    [
        {"type": "integer", "minimum": -1, "maximum": 5},
        {"type": ["string", "null"]},
        {"type": "number"},
        {"enum": [0, 1, "a"]},
        {"enum": [True]},
        {"type": "string", "pattern": "^[rwm]*$(?!\\n)"},
        {"type": "array", "minItems": 1, "items": {"type": "boolean"}},
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        *[None, True, False, 0, 1, -1, 6, 1.0, 1.5, float("inf"), 10**30],
        *["", "a", "rw", "rw\n", "x", [], [True], [1], {}, {"a": "x"}, {"a": 1}, {"b": 1.0}, {"b": None}],
    ],
)
def test_it_agrees_with_jsonschema(node: dict[str, Any], value: Any) -> None:
    walk = Walk(Counts(None))
    walk.value(Shape(node, None), value)
    ours = {(fault.keyword, pointer_to(fault.path)) for fault in walk.faults}
    assert [broken_keyword(fault) for fault in walk.faults] == [fault.keyword for fault in walk.faults]
    errors = [
        (error.validator, pointer_of(*error.absolute_path)) for error in Draft202012Validator(node).iter_errors(value)
    ]
    # A value of a wrong type breaks whatever else its node asks for too: one defect is told once.
    mistyped = {place for keyword, place in errors if keyword == "type"}
    assert ours == {(keyword, place) for keyword, place in errors if keyword == "type" or place not in mistyped}


def test_jsonschema_has_the_last_word() -> None:
    shape = Shape({"type": "integer", "minimum": 0}, None)
    assert broken_keyword(Fault(shape, "minimum", None, "many")) == "type"
    with pytest.raises(AssertionError, match="jsonschema finds no fault"):
        broken_keyword(Fault(shape, "minimum", None, 1))
