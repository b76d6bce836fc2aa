"""Places of what is wanted are those that an index of the whole text has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ocivalidate.jsontext.documents import read_document
from ocivalidate.jsontext.positions import Place, places
from ocivalidate.jsontext.wanted import places_of

NAMES = st.sampled_from(["a", "b", "0", "1", "", "ü\n", "a/b"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", '"', "]}", "\\"]),
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(NAMES, inner), max_size=4).map(tuple),
    max_leaves=25,
)
WHITE = st.sampled_from(["", " ", "\n\t "])


def text_of(value: Any, white: str) -> str:
    """A JSON text in which names may stand again: a tuple is an object."""
    gap = f"{white},{white}"
    if isinstance(value, tuple):
        inner = gap.join(f"{json.dumps(name)}{white}:{white}{text_of(member, white)}" for name, member in value)
        return f"{{{white}{inner}{white}}}"
    if isinstance(value, list):
        return f"[{white}{gap.join(text_of(entry, white) for entry in value)}{white}]"
    return json.dumps(value)


def offsets(place: Place | None) -> tuple[Any, Any] | None:
    return (place.value, place.name) if place else None


@given(VALUES, WHITE, st.lists(st.lists(NAMES | st.sampled_from(["2", "-", "01", "-1"]), max_size=4).map(tuple)))
def test_they_are_those_of_the_index(value: Any, white: str, ways: list[tuple[str, ...]]) -> None:
    text = f"{white}{text_of(value, white)}{white}"
    index = places(text)
    assert {way: offsets(place) for way, place in places_of(text, ways).items()} == {
        way: offsets(index.find(way)) for way in ways
    }


@pytest.mark.parametrize("way", [("1",), ("0", "0"), ("0",) * 20_000, ()])
def test_nesting_has_no_limit(way: tuple[str, ...]) -> None:
    depth = 20_000
    text = f"[{'[' * depth}7{']' * depth},8]"
    assert offsets(places_of(text, [way])[way]) == offsets(places(text).find(way))


def test_numbers_of_any_length_are_stepped_over() -> None:
    text = f'{{"a":{"9" * 10_000},"b":1e999,"c":[1]}}'
    assert places_of(text, [("c", "0")])["c", "0"] == places(text).find(("c", "0"))


def test_a_document_asks_for_an_index_of_what_was_not_foreseen() -> None:
    document = read_document(b'{"a": [1, {"b": 2}]}')
    document.foresee([["a", 1], ["none"]])
    for pointer in ("/a/1", "/none", "/a/1/b", ""):
        assert document.span(pointer) == read_document(document.text.encode()).span(pointer)
