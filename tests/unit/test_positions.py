from __future__ import annotations

import pytest

from ocivalidate.errors import Malformed
from ocivalidate.jsontext.integers import HUGE, integer
from ocivalidate.jsontext.pointers import escape_token, parse_pointer, pointer_of
from ocivalidate.jsontext.positions import Lines, Place, Span, places, scan


def found(text: str, *tokens: str) -> str | None:
    place = places(text).find(tokens)
    return None if place is None else text[slice(*place.value)]


@pytest.mark.parametrize(
    ("tokens", "value"),
    [
        ((), '{"a": [1, {"b": "x"}], "": {}, "a/b~c": null}'),
        (("a",), '[1, {"b": "x"}]'),
        (("a", "0"), "1"),
        (("a", "1"), '{"b": "x"}'),
        (("a", "1", "b"), '"x"'),
        (("",), "{}"),
        (("a/b~c",), "null"),
        (("a", "2"), None),
        (("a", "-"), None),
        (("a", "01"), None),
        (("a", "-1"), None),
        (("a", "\u0661"), None),
        (("a", "9" * 5000), None),
        (("a", "0", "b"), None),
        (("b",), None),
    ],
)
def test_a_place_is_found_by_its_tokens(tokens: tuple[str, ...], value: str | None) -> None:
    assert found('{"a": [1, {"b": "x"}], "": {}, "a/b~c": null}', *tokens) == value


def test_names_are_found_decoded_and_stand_in_quotes() -> None:
    text = r'{"\u0061\n" : 1}'
    place = places(text).find(["a\n"])
    assert place == Place(value=(14, 15), name=(1, 11))
    assert text[1:11] == r'"\u0061\n"'


def test_elements_and_the_whole_document_have_no_name() -> None:
    root = places('{"a":[{"b":1}]}')
    assert root.name is None
    element = root.find(["a", "0"])
    assert element is not None
    assert element.name is None


def test_the_last_member_of_a_name_owns_it_with_all_that_is_inside() -> None:
    text = '{"a":{"old":1},"a":{"new":2}}'
    assert found(text, "a") == '{"new":2}'
    assert found(text, "a", "old") is None


def test_white_space_around_a_value_is_not_part_of_it() -> None:
    assert found(" \r\n\t[ 1 , 2 ] \n") == "[ 1 , 2 ]"
    assert found(" \r\n\t[ 1 , 2 ] \n", "1") == "2"


def test_nesting_has_no_limit() -> None:
    depth = 100_000
    text = "[" * depth + "7" + "]" * depth
    assert found(text, *["0"] * depth) == "7"


def test_places_of_a_text_that_is_not_json() -> None:
    with pytest.raises(Malformed, match="a comma before a closing bracket") as caught:
        places("[1,]")
    assert (caught.value.offset, caught.value.length) == (2, 1)


def test_scan_tells_every_token_with_its_offsets_and_value() -> None:
    assert list(scan('{"a":[-1,2.5],"\\u0062" :"\\n","c":[true,null]}')) == [
        ("{", 0, 1, None),
        ("name", 1, 4, "a"),
        ("[", 5, 6, None),
        ("number", 6, 8, -1),
        ("number", 9, 12, 2.5),
        ("]", 12, 13, None),
        ("name", 14, 22, "b"),
        ("string", 24, 28, "\n"),
        ("name", 29, 32, "c"),
        ("[", 33, 34, None),
        ("literal", 34, 38, True),
        ("literal", 39, 43, None),
        ("]", 43, 44, None),
        ("}", 44, 45, None),
    ]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("-17", -17),
        ("9" * 4300, 10**4300 - 1),
        ("-" + "9" * 4300, 1 - 10**4300),
        ("9" * 4301, HUGE),
        ("-" + "9" * 4301, -HUGE),
    ],
)
def test_integers_of_up_to_4300_digits_are_exact(literal: str, value: int) -> None:
    assert integer(literal) == value


def test_lines_end_at_line_feeds_only_and_a_carriage_return_belongs_to_the_end() -> None:
    lines = Lines("a\r\nb\rc\u2028d\x0b\n\né")
    assert [lines.line(number) for number in range(1, len(lines) + 1)] == ["a", "b\rc\u2028d\x0b", "", "é"]


@pytest.mark.parametrize(("text", "count"), [("", 1), ("x", 1), ("x\n", 2), ("\n\n", 3)])
def test_a_text_has_one_line_more_than_line_ends(text: str, count: int) -> None:
    lines = Lines(text)
    assert len(lines) == count
    assert lines.line(count) == text.rpartition("\n")[2]


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_line_that_is_not_there(number: int) -> None:
    with pytest.raises(IndexError, match=f"line {number} of 2"):
        Lines("a\nb").line(number)


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        (0, 1, Span(1, 1, 1, 2)),
        (1, 3, Span(1, 2, 2, 1)),
        (3, 4, Span(2, 1, 2, 2)),
        (4, 6, Span(2, 2, 3, 1)),
        (6, 6, Span(3, 1, 3, 1)),
    ],
)
def test_spans_count_lines_and_code_points_from_1(start: int, end: int, span: Span) -> None:
    assert Lines("é\r\n\U0001f600x\n").span(start, end) == span


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ((), ""),
        (("",), "/"),
        (("a", 0, "b"), "/a/0/b"),
        (("a/b", "m~n", "~1"), "/a~1b/m~0n/~01"),
        (("\ud800 \n",), "/\ud800 \n"),
    ],
)
def test_pointers_escape_tilde_and_slash_and_nothing_else(parts: tuple[str | int, ...], pointer: str) -> None:
    assert pointer_of(*parts) == pointer
    assert parse_pointer(pointer) == [str(part) for part in parts]


def test_one_token_escaped() -> None:
    assert escape_token("~/~1") == "~0~1~01"


@pytest.mark.parametrize("pointer", ["a", "a/b", "#/a", "/~", "/a~2", "/~~0"])
def test_what_is_no_pointer(pointer: str) -> None:
    with pytest.raises(ValueError, match="JSON pointer"):
        parse_pointer(pointer)
