"""What the language server says of places in texts, without a server: columns, and what stands at a cursor."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ocivalidate.jsontext.documents import read_document
from ocivalidate.lsp.cursor import cursor
from ocivalidate.lsp.documents import judge, kind_of, release_of
from ocivalidate.lsp.positions import Places, Point

TEXTS = st.text('a\n\r\t é€😀\u2028{}[]":,\\', max_size=40)
ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
UNITS = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


@given(TEXTS, st.sampled_from(sorted(ENCODINGS)))
def test_points_are_those_that_the_encoding_counts(text: str, encoding: str) -> None:
    places = Places(text, encoding)
    for offset in range(len(text) + 1):
        before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
        if text[offset - 1 : offset + 1] == "\r\n":
            continue  # between the two letters of one line end there is no place
        row = before.rpartition("\n")[2]
        size = len(row.encode(ENCODINGS[encoding])) // UNITS[encoding]
        assert places.point(offset) == Point(before.count("\n"), size)
        assert places.offset(before.count("\n"), size) == offset


@given(TEXTS, st.integers(-5, 60), st.integers(-5, 2**31))
def test_any_place_is_one_of_the_text(text: str, line: int, character: int) -> None:
    assert 0 <= Places(text).offset(line, character) <= len(text)


@given(TEXTS, st.integers(0, 40))
def test_cursor_takes_any_text(text: str, offset: int) -> None:
    found = cursor(text, min(offset, len(text)))
    assert found is None or 0 <= found.start <= found.end <= len(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [('{"a":' * 500 + '{"x":1,', "1," * 60_000), ("[" * 500, "}" * 60_000), ("[" * 500, "[]" * 60_000)],
    ids=["deep and long", "never opened", "opened and closed"],
)
def test_cursor_is_quick_in_what_is_deep(before: str, after: str) -> None:
    begun = time.process_time()
    cursor(before + after, 2503)
    cursor(before + after, len(before + after))
    assert time.process_time() - begun < 2


VALUES = st.recursive(
    st.integers(-9, 9) | st.text('ab"\\é', max_size=3) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc/~", max_size=3), inner, max_size=3),
    max_leaves=12,
)


def ways(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(found for name, one in inner for found in ways(one, (*way, name)))]


@given(VALUES, st.sampled_from([None, 1]))
def test_cursor_knows_the_way_to_every_name_and_value(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    document = read_document(text.encode())
    for way in ways(value):
        place = document.place_of(way)
        assert place is not None
        if place.name:
            found = cursor(text, place.name[0] + 1)
            assert found is not None
            assert (found.way, found.is_name, found.text, found.colon) == (way[:-1], True, way[-1], True)
            assert (found.start, found.end) == place.name
        if text[place.value[0]] not in "{[":
            found = cursor(text, place.value[0] + 1)
            assert found is not None
            assert (found.way, found.is_name, found.start, found.end) == (way, False, *place.value)


@pytest.mark.parametrize(
    ("marked", "way", "is_name", "others"),
    [
        ("|", (), False, set()),
        ("{|", (), True, set()),
        ('{"a": 1, |', (), True, {"a"}),
        ('{| "a": 1}', (), True, {"a"}),
        ('{"a": |', ("a",), False, set()),
        ('{"a": {"b|', ("a",), True, set()),
        ('{"a": {"b|\n "c": 1}, "d": 2}', ("a",), True, {"c"}),
        ('{"a": [1, |', ("a", 1), False, set()),
        ('{"a": [{"x": 1}, {|}]', ("a", 1), True, set()),
        ('{"a": {"b": 1}} , |', (), False, set()),
        ('{"a": [1}, "b|"', (), False, set()),
        ('{"a" "b|": 1', ("a",), False, set()),
        ('{"a": "b" "c|', (), True, {"a"}),
    ],
)
def test_cursor_in_what_is_being_typed(marked: str, way: tuple[Any, ...], is_name: bool, others: set[str]) -> None:  # noqa: FBT001  # rows of a table
    before, _mark, after = marked.partition("|")
    found = cursor(before + after, len(before))
    assert found is not None
    assert (found.way, found.is_name, set(found.others)) == (way, is_name, others)


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("config.json", '{"ociVersion": "1.2.0"}', "runtime-config"),
        ("config.json", '{"ociVersion": "1.2.0", ', "runtime-config"),
        ("config.json", '{"auths": {}}', ""),
        ("config.json", '{"auths": {', ""),
        ("x.json", '{"ociVersionMin": "1.0.0", "ociVersionMax": "1.2.0"}', "runtime-features"),
        ("oci-layout", "{", "image-layout"),
        ("index.json", '{"schemaVersion": 2, "manifests": []}', "image-index"),
    ],
)
def test_documents_are_told_by_what_is_in_them(name: str, text: str, kind: str) -> None:
    assert kind_of(f"file:///a/{name}", text) == kind
    assert judge(f"file:///a/{name}", text).kind == kind


def test_document_stays_what_it_was_while_it_is_broken() -> None:
    assert kind_of("file:///a", '{"process": {', "runtime-config") == "runtime-config"
    assert kind_of("file:///a", "[]", "") == ""


@pytest.mark.parametrize(
    ("kind", "text", "release"),
    [
        ("runtime-config", '{"ociVersion": "1.0.2", ', "1.0.2"),
        ("runtime-config", "{", "1.3.0"),
        ("runtime-features", '{"ociVersionMax": "1.0.0"', "1.1.0"),
        ("image-index", "{}", "1.1.1"),
    ],
)
def test_release_is_that_of_the_document(kind: str, text: str, release: str) -> None:
    assert release_of(kind, text) == release
