from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

from hypothesis import given, strategies as st

from ocivalidate.jsontext.documents import Document, Problem, read_document
from ocivalidate.jsontext.pointers import parse_pointer, pointer_of
from ocivalidate.jsontext.positions import Span

NAMES = st.text(max_size=6) | st.sampled_from(["", "/", "~", "~1", "a", "0", '"', "\\", "\n", "\u2028", "😀"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAMES
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
# One seed decides where white space and escapes stand.
DICE = st.integers(0, 2**32).map(random.Random)

# What is put into a text to break it: pieces of the grammar and what people write in their place.
SHARDS = [
    *"\"\\{}[],:-+.eE0129 \t\n\r\x00\x0c\x1f\x7f'/#é\u00a0\ufeff\u201c😀",
    *["NaN", "-Infinity", "true", "nul", "1e400", "1.5", "\\u", "\\ud800", "\\udc00", '"a":', "//", "/*", "[]", '""'],
    "9" * 4301,
    "[" * 600,
    '{"a":' * 600,
]


def white(dice: random.Random) -> str:
    return "".join(dice.choices(" \t\n\r", k=dice.choice([0, 0, 1, 3])))


def escaped(character: str, dice: random.Random) -> str:
    plain = json.dumps(character, ensure_ascii=dice.random() < 0.5)[1:-1]
    if len(plain) == 1 and dice.random() < 0.2:
        units = character.encode("utf-16-be").hex()
        return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
    return plain


def written(value: Any, dice: random.Random) -> str:
    """A JSON text of this value, with white space and escapes wherever the dice want them."""
    if isinstance(value, str):
        text = '"' + "".join(escaped(character, dice) for character in value) + '"'
    elif isinstance(value, list):
        text = "[" + (",".join(written(item, dice) for item in value) or white(dice)) + "]"
    elif isinstance(value, dict):
        members = (f"{written(name, dice)}:{written(item, dice)}" for name, item in value.items())
        text = "{" + (",".join(members) or white(dice)) + "}"
    else:
        text = json.dumps(value)
    return white(dice) + text + white(dice)


def walked(value: Any, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, item in members:
        yield from walked(item, *path, part)


def cut(text: str, span: Span) -> str:
    """What stands in this span of the text, found by counting lines anew."""
    lines = text.split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


def same(one: Any, other: Any) -> bool:
    """Equal, of equal types: True is not 1, and 1 is not 1.0."""
    return one == other and repr(one) == repr(other)


@given(VALUES, DICE)
def test_what_stands_in_a_span_is_the_value_at_its_pointer(value: Any, dice: random.Random) -> None:
    text = written(value, dice)
    document = read_document(text.encode())
    assert document.problems == ()
    assert same(document.value, value)
    for path, item in walked(value):
        span = document.span(pointer_of(*path))
        assert span is not None
        assert same(json.loads(cut(text, span)), item)
        name = document.span(pointer_of(*path), key=True)
        assert (name is not None) == (bool(path) and isinstance(path[-1], str))
        if name is not None:
            assert json.loads(cut(text, name)) == path[-1]


@given(VALUES, DICE)
def test_the_slow_way_reads_the_same_value_as_the_quick_one(value: Any, dice: random.Random) -> None:
    text = written(value, dice)
    document = read_document(f'{{"twice":{text},"twice":{text}}}'.encode())
    assert [problem.kind for problem in document.problems] == ["duplicate-name"]
    assert same(document.value, {"twice": value})


def refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def accepted_by_python(text: str) -> bool:
    """Whether the decoder of Python takes it, but for what it takes beyond JSON."""
    try:
        json.loads(text, parse_constant=refuse, parse_int=len)
    except (ValueError, RecursionError):
        return False
    return True


def assert_sound(document: Document, data: bytes) -> None:
    kinds = {problem.kind for problem in document.problems}
    assert kinds <= {"encoding", "syntax", "depth", "duplicate-name", "number-range", "lone-surrogate"}
    assert document.usable == (not kinds & {"encoding", "syntax", "depth"})
    try:
        text = data.decode()
    except UnicodeDecodeError:
        assert kinds == {"encoding"}
        return
    if not kinds & {"encoding", "depth"}:
        assert accepted_by_python(text) == document.usable
    if not kinds:
        assert same(document.value, json.loads(text))
    for problem in document.problems:
        assert problem.length >= 1
        assert problem.message.isascii()
        assert problem.message.isprintable()
        assert problem.offset is None or 0 <= problem.offset <= len(text)
        span = document.where(problem)
        if span is not None:
            assert document.line(span.line) == text.split("\n")[span.line - 1].removesuffix("\r")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    assert_sound(read_document(data), data)


@given(st.lists(st.sampled_from(SHARDS), max_size=12).map("".join))
def test_any_heap_of_shards_gets_an_answer(text: str) -> None:
    data = text.encode()
    assert_sound(read_document(data), data)


@given(VALUES, DICE, st.lists(st.sampled_from(SHARDS), min_size=1, max_size=3))
def test_any_broken_json_gets_an_answer(value: Any, dice: random.Random, shards: list[str]) -> None:
    text = written(value, dice)
    for shard in shards:
        start = dice.randrange(len(text) + 1)
        text = text[:start] + shard + text[start + dice.choice([0, 0, 1, 1, 5]) :]
    data = text.encode()
    assert_sound(read_document(data), data)


@given(VALUES, DICE)
def test_json_cut_short_gets_an_answer(value: Any, dice: random.Random) -> None:
    data = written(value, dice).encode()
    data = data[: dice.randrange(len(data) + 1)]
    assert_sound(read_document(data), data)


ODD_LEAVES = st.sampled_from(["1", "1e400", "-1e999", "9" * 4301, '"a"', r'"\ud800"', r'"\\ud800"', r'"x\udc00\ud83d"'])
ODD_NAMES = st.sampled_from(["a", "b", r"\u0061", r"\ud800", r"\uD800", r"\ud83d\ude00", "/"])
ODD_TEXTS = st.recursive(
    ODD_LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(ODD_NAMES, inner), max_size=5).map(
            lambda members: "{" + ",\n".join(f'"{name}": {item}' for name, item in members) + "}"
        )
    ),
    max_leaves=20,
)


def counted(text: str) -> Counter[str]:
    """How many problems of each kind there are, by another way than ours."""
    count: Counter[str] = Counter()

    def members(pairs: list[tuple[str, Any]]) -> list[Any]:
        count["duplicate-name"] += len(pairs) - len(dict(pairs))
        return [part for pair in pairs for part in pair]

    def number(literal: str) -> int:
        too_large = len(literal.lstrip("-")) > 4300 if literal.isdecimal() else math.isinf(float(literal))
        count["number-range"] += too_large
        return 0

    pending = [json.loads(text, object_pairs_hook=members, parse_float=number, parse_int=number)]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, str):
            count["lone-surrogate"] += re.search("[\ud800-\udfff]", item) is not None
    return +count


def lies_in_its_member(document: Document, problem: Problem) -> bool:
    inner = document.where(problem)
    member = (document.span(problem.pointer), document.span(problem.pointer, key=True))
    return inner is not None and any(
        (outer.line, outer.column) <= (inner.line, inner.column)
        and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
        for outer in member
        if outer is not None
    )


@given(ODD_TEXTS)
def test_all_that_is_odd_is_told_and_points_to_itself(text: str) -> None:
    document = read_document(text.encode())
    assert Counter(problem.kind for problem in document.problems) == counted(text)
    offsets = [problem.offset or 0 for problem in document.problems]
    assert offsets == sorted(offsets)
    for problem in document.problems:
        assert problem.offset is not None
        assert text[problem.offset :].startswith(problem.got.removesuffix("…"))
        if not counted(text)["duplicate-name"]:
            assert lies_in_its_member(document, problem)


@given(st.lists(st.text(st.characters(), max_size=5)))
def test_a_pointer_says_its_parts(parts: list[str]) -> None:
    assert parse_pointer(pointer_of(*parts)) == parts
