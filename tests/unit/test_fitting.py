"""The quick test whether a value fits a schema says what jsonschema says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ocivalidate.fitting import KEYWORDS, fits
from ocivalidate.schema import KINDS, derive, releases

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
    assert fits(node, value) == Draft202012Validator(node).is_valid(value)
