from __future__ import annotations

import codecs
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

import pytest

from ocivalidate.jsontext import diagnose, documents
from ocivalidate.jsontext.documents import MISSING, Document, Problem, read_document
from ocivalidate.jsontext.integers import HUGE
from ocivalidate.jsontext.positions import Span


def read(text: str) -> Document:
    return read_document(text.encode())


def kinds(document: Document) -> list[str]:
    return [problem.kind for problem in document.problems]


def only_problem(document: Document) -> Problem:
    (problem,) = document.problems
    return problem


@pytest.mark.parametrize(
    "text",
    [
        "null",
        " \t\r\n0\n",
        '{"a": [1, -2.5e-3, true, false, null, ""], "b": {}, "": []}',
        r'"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"',
        '"\x7f\u2028é😀"',
        '{"a": {"a": 1}, "A": 2}',
    ],
)
def test_json_is_read_without_a_problem(text: str) -> None:
    document = read(text)
    assert document.problems == ()
    assert document.usable
    assert document.value == json.loads(text)
    assert document.text == text


def test_a_document_knows_its_name_and_prints_short() -> None:
    document = read_document(b'{"secret": 1}', "b/config.json")
    assert document.name == "b/config.json"
    assert repr(document) == "Document(name='b/config.json', problems=())"
    assert read_document(b"1").name == "-"


def test_null_is_a_value_and_missing_is_none() -> None:
    assert read("null").value is None
    assert read("nil").value is MISSING
    assert repr(MISSING) == "MISSING"


@pytest.mark.parametrize(
    ("data", "message", "offset", "got"),
    [
        (codecs.BOM_UTF8 + b"{}", "byte order mark of UTF-8", 0, "ef bb bf"),
        (codecs.BOM_UTF8 + b"\xff", "byte order mark of UTF-8", None, "ef bb bf"),
        (codecs.BOM_UTF16_LE + "{}".encode("utf-16-le"), "byte order mark of UTF-16", None, "ff fe"),
        (codecs.BOM_UTF16_BE + "{}".encode("utf-16-be"), "byte order mark of UTF-16", None, "fe ff"),
        (codecs.BOM_UTF32_LE + "{}".encode("utf-32-le"), "byte order mark of UTF-32", None, "ff fe 00 00"),
        (codecs.BOM_UTF32_BE + "{}".encode("utf-32-be"), "byte order mark of UTF-32", None, "00 00 fe ff"),
        ("{}".encode("utf-16-le"), "may be UTF-16", None, "7b 00 7d 00"),
        ("{}".encode("utf-32-be"), "may be UTF-16", None, "00 00 00 7b"),
        (b'{"a": "\xff"}', "not valid UTF-8 at byte 7", None, "ff"),
        ('"é'.encode()[:-1], "not valid UTF-8 at byte 1", None, "c3"),
        (b'"\xc0\x80"', "not valid UTF-8 at byte 1", None, "c0"),
        (b'"\xed\xa0\x80"', "not valid UTF-8 at byte 1", None, "ed"),
    ],
)
def test_what_is_not_plain_utf_8(data: bytes, message: str, offset: int | None, got: str) -> None:
    document = read_document(data)
    problem = only_problem(document)
    assert not document.usable
    assert problem.kind == "encoding"
    assert message in problem.message
    assert (problem.pointer, problem.offset, problem.length, problem.got) == ("", offset, 1, got)
    assert document.where(problem) == (None if offset is None else Span(1, 1, 1, 2))


SYNTAX = [
    ("", 0, 1, "the text is empty: expected a JSON value"),
    (" \n ", 3, 1, "the text is empty: expected a JSON value"),
    ("[", 1, 1, "the text ends too early: expected a value or the end of the array"),
    ("[1,", 3, 1, "the text ends too early: expected a value"),
    ('{"a"', 4, 1, "the text ends too early: expected a colon after the member name"),
    ('{"a": 1 ', 8, 1, "the text ends too early: expected a comma or the end of the object"),
    ("[1,]", 2, 1, "a comma before a closing bracket is not JSON"),
    ('{"a":1 , }', 7, 1, "a comma before a closing bracket is not JSON"),
    ("[,1]", 1, 1, "a value is missing before the comma"),
    ("[1,,2]", 3, 1, "a value is missing before the comma"),
    ("{,}", 1, 1, "a member is missing before the comma"),
    ("[1 2]", 3, 1, "expected a comma or the end of the array"),
    ('{"a":1 "b":2}', 7, 1, "expected a comma or the end of the object"),
    ('{"a" 1}', 5, 1, "expected a colon after the member name"),
    (r'{"\u0061" 1}', 10, 1, "expected a colon after the member name"),
    ('{"a":}', 5, 1, "expected a value"),
    ("[1}", 2, 1, "expected the end of an array, found the end of an object"),
    ('{"a":1]', 6, 1, "expected the end of an object, found the end of an array"),
    ("{}]", 2, 1, "a closing bracket without an opening one"),
    ("1 2", 2, 1, "there is text after the end of the JSON value"),
    ("{} {}", 3, 1, "there is text after the end of the JSON value"),
    ("{'a':1}", 1, 1, "JSON strings need double quotes, not single quotes"),
    ("['a']", 1, 1, "JSON strings need double quotes, not single quotes"),
    ("[\u201ca\u201d]", 1, 1, "JSON strings need straight double quotes, not U+201C"),
    ("{abc: 1}", 1, 3, "a member name needs double quotes"),
    ("{1: 1}", 1, 1, "a member name needs double quotes"),
    ("[abc]", 1, 3, "expected a value, found a bare word: strings need double quotes"),
    ("[nullx]", 1, 5, "expected a value, found a bare word: strings need double quotes"),
    ("// no\n1", 0, 2, "comments are not JSON"),
    ("[1, /* no */ 2]", 4, 2, "comments are not JSON"),
    ('{"a": 1} # no', 9, 1, "comments are not JSON"),
    ("[NaN]", 1, 3, "NaN is not JSON"),
    ("Infinity", 0, 8, "Infinity is not JSON"),
    ('{"a": -Infinity}', 6, 9, "-Infinity is not JSON"),
    ("[True]", 1, 4, "True must be lower case in JSON"),
    ("[None]", 1, 4, "None is not JSON: write null"),
    ("[+1]", 1, 1, "a number cannot start with a plus sign"),
    ("[.5]", 1, 2, "a number needs a digit before its decimal point"),
    ("[5.]", 2, 1, "a number needs a digit after its decimal point"),
    ("[5e]", 2, 1, "a number needs a digit in its exponent"),
    ("[5e+]", 2, 1, "a number needs a digit in its exponent"),
    ("[007]", 2, 2, "a number cannot start with 0"),
    ("-01", 2, 1, "a number cannot start with 0"),
    ("[-]", 1, 1, "a minus sign needs a digit after it"),
    ("[0x1F]", 2, 3, "this is not a JSON number"),
    ("1.2.3", 3, 2, "this is not a JSON number"),
    ("[\u0661]", 1, 1, "expected a value, found a bare word: strings need double quotes"),
    ('["abc]', 1, 1, "the text ends inside a string"),
    ('["abc\\', 1, 1, "the text ends inside a string"),
    ('{"abc', 1, 1, "the text ends inside a string"),
    ('["a\nb"]', 3, 1, "a line break inside a string: its closing quote is missing, or the break must be written \\n"),
    ('["a\tb"]', 3, 1, "a tab inside a string must be written \\t"),
    ('["a\\n\x01"]', 5, 1, "control character U+0001 inside a string must be escaped"),
    (r'["\x41"]', 2, 2, r"\x is not an escape in a JSON string"),
    ('["\\\n"]', 2, 2, "\\ before U+000A is not an escape in a JSON string"),
    (r'["\u00E9\u00e9\x"]', 14, 2, r"\x is not an escape in a JSON string"),
    (r'["a\u12G4"]', 3, 2, r"\u takes four hexadecimal digits"),
    (r'["\U0041"]', 2, 2, r"\U is not an escape in a JSON string"),
    ("\u00a01", 0, 1, "U+00A0 is not whitespace in JSON"),
    ("[1,\x0c2]", 3, 1, "control character U+000C outside a string"),
    ("\x00" * 8, 0, 1, "control character U+0000 outside a string"),
    ("[]\x00", 2, 1, "control character U+0000 outside a string"),
    ("[\ufeff]", 1, 1, "a byte order mark is not JSON"),
    ("[1, @]", 4, 1, "expected a value"),
]


@pytest.mark.parametrize(("text", "offset", "length", "message"), SYNTAX)
def test_malformed_json_is_told_in_plain_words_with_its_place(
    text: str, offset: int, length: int, message: str
) -> None:
    document = read(text)
    got = text[offset : offset + length]
    assert document.problems == (Problem("syntax", message, "", offset, length, got),)
    assert not document.usable


@pytest.mark.parametrize(("text", "offset"), [(text, offset) for text, offset, _, _ in SYNTAX])
def test_every_problem_of_syntax_can_be_shown(text: str, offset: int) -> None:
    document = read(text)
    span = document.where(only_problem(document))
    assert span is not None
    assert span.line == text.count("\n", 0, offset) + 1
    assert document.line(span.line) == text.split("\n")[span.line - 1]


def test_a_syntax_error_hides_what_was_odd_before_it() -> None:
    assert kinds(read('{"a":1,"a":1e400,')) == ["syntax"]


def test_every_repeated_name_is_a_problem_where_it_is_repeated() -> None:
    document = read('{"a":1,"b":{"c":1,"\\u0063":2},"a":[{"d":1},{"d":1,"d":2}],"a":3}')
    assert [(problem.pointer, problem.offset, problem.length, problem.got) for problem in document.problems] == [
        ("/b/c", 18, 8, r'"\u0063"'),
        ("/a", 30, 3, '"a"'),
        ("/a/1/d", 50, 3, '"d"'),
        ("/a", 58, 3, '"a"'),
    ]
    assert set(kinds(document)) == {"duplicate-name"}
    assert document.value == {"a": 3, "b": {"c": 2}}
    assert document.span("/a") == Span(1, 63, 1, 64)


def test_equal_names_in_different_objects_are_no_duplicates() -> None:
    assert read('[{"a":1},{"a":{"a":2}}]').problems == ()


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("1e400", inf),
        ("-1e400", -inf),
        ("1" + "0" * 400 + ".0", inf),
        ("9" * 4301, HUGE),
        ("-" + "9" * 1_000_000, -HUGE),
    ],
)
def test_numbers_out_of_every_range(literal: str, value: float) -> None:
    document = read(f'{{"a": [0, {literal}]}}')
    problem = only_problem(document)
    assert (problem.kind, problem.pointer, problem.offset) == ("number-range", "/a/1", 10)
    assert problem.length == len(literal)
    assert problem.got == (literal if len(literal) <= 40 else literal[:39] + "…")
    assert document.value == {"a": [0, value]}


def test_every_number_out_of_range_is_a_problem() -> None:
    document = read('{"a": 1e400, "b": [1, 1e999, 1e-400], "c": 1e308}')
    assert [(problem.kind, problem.pointer) for problem in document.problems] == [
        ("number-range", "/a"),
        ("number-range", "/b/1"),
    ]


@pytest.fixture
def least_digits() -> Iterator[None]:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("least_digits")
def test_a_user_who_lowered_the_limit_of_python_gets_an_answer_too() -> None:
    document = read(f"[{'9' * 641}]")
    assert document.problems == ()
    assert document.value == [HUGE]


def test_numbers_keep_their_notation() -> None:
    value = read("[1, 1.0, 1e3, -0, -0.0]").value
    assert [type(number) for number in value] == [int, float, float, int, float]


@pytest.mark.parametrize(
    ("text", "pointer", "offset", "got"),
    [
        (r'"\ud800"', "", 1, r"\ud800"),
        (r'["", "x\uDC00y"]', "/1", 7, r"\uDC00"),
        (r'["\ud83d\ud83d\ude00"]', "/0", 2, r"\ud83d"),
        (r'["\ude00\ud83d"]', "/0", 2, r"\ude00"),
        (r'["\\\ud800"]', "/0", 4, r"\ud800"),
        (r'["\\ud800\udc00"]', "/0", 9, r"\udc00"),
        (r'["\ud83d\\ude00"]', "/0", 2, r"\ud83d"),
        (r'{"a": {"\udfff": 1}}', "/a/\udfff", 8, r"\udfff"),
    ],
)
def test_half_a_surrogate_pair(text: str, pointer: str, offset: int, got: str) -> None:
    document = read(text)
    problem = only_problem(document)
    assert (problem.kind, problem.pointer, problem.offset, problem.length) == ("lone-surrogate", pointer, offset, 6)
    assert problem.got == got
    assert document.value == json.loads(text)


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', r'"\\ud800"', r'"\uD83D\uDE00\u0041"', r'{"\ud83d\ude00": 1}'])
def test_whole_surrogate_pairs_and_escaped_backslashes_are_fine(text: str) -> None:
    document = read(text)
    assert document.problems == ()
    assert document.value == json.loads(text)


def test_every_member_with_half_a_pair_is_one_problem() -> None:
    document = read(r'{"\ud800": "\ud800\ud800", "b": ["\udc00"]}')
    assert [problem.pointer for problem in document.problems] == ["/\ud800", "/\ud800", "/b/0"]
    assert set(kinds(document)) == {"lone-surrogate"}


def test_problems_of_all_kinds_come_in_the_order_of_the_text() -> None:
    assert kinds(read(r'{"a":1e400,"b":"\ud800","a":1}')) == ["number-range", "lone-surrogate", "duplicate-name"]


def nested(depth: int, opening: str, inside: str, closing: str) -> str:
    return opening * depth + inside + closing * depth


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[0,{"[":', "}]"), ("[\n", "\n]")])
@pytest.mark.parametrize("limit", [2, 64, 512])
def test_nesting_is_read_up_to_the_limit_and_no_deeper(opening: str, closing: str, limit: int) -> None:
    per_step = opening.replace('"["', "").count("[") + opening.count("{")
    text = nested(limit // per_step, opening, "1", closing)
    document = read_document(text.encode(), max_depth=limit)
    assert document.problems == ()
    assert document.value == json.loads(text)
    deeper = read_document(text.replace("1", "[]").encode(), max_depth=limit)
    problem = only_problem(deeper)
    assert not deeper.usable
    assert problem.kind == "depth"
    assert problem.message == f"more than {limit} levels of nested arrays and objects"
    assert (problem.pointer, problem.offset, problem.got) == ("", text.index("1"), "[")


def test_many_brackets_side_by_side_or_in_strings_are_not_deep() -> None:
    text = '{"a": [' + "[], {}, " * 1000 + '"' + r"[\"[{" * 1000 + '"]}'
    document = read(text)
    assert document.problems == ()
    assert document.value == json.loads(text)


def test_a_limit_of_0_leaves_scalars() -> None:
    assert read_document(b"1", max_depth=0).value == 1
    assert kinds(read_document(b"[]", max_depth=0)) == ["depth"]


def test_a_syntax_error_before_the_depth_is_the_problem() -> None:
    assert kinds(read("[1,,2," + "[" * 1000)) == ["syntax"]
    assert kinds(read("[" * 1000 + "oops")) == ["depth"]


def test_a_long_open_string_is_looked_at_once() -> None:
    text = "[" + "[]," * 600 + '"' + r"\"" * 200_000
    before = time.process_time()
    problem = only_problem(read(text))
    assert time.process_time() - before < 10
    assert (problem.message, problem.offset) == ("the text ends inside a string", 1801)


def called_from(depth: int, what: Callable[[], Document]) -> Document:
    return what() if depth == 0 else called_from(depth - 1, what)


def test_a_deep_caller_and_a_deep_text_together_do_not_exhaust_the_stack() -> None:
    text = nested(500, '[{"a":', "1", "}]")
    document = called_from(sys.getrecursionlimit() - 300, lambda: read_document(text.encode(), max_depth=1000))
    assert document.problems == ()
    value = document.value
    for _ in range(500):
        value = value[0]["a"]
    assert value == 1


def test_a_limit_beyond_what_the_decoder_of_python_bears() -> None:
    depth = 100_000
    document = read_document(nested(depth, "[", "1e400", "]").encode(), max_depth=depth)
    problem = only_problem(document)
    assert problem.pointer == "/0" * depth
    assert document.span(problem.pointer) == Span(1, depth + 1, 1, depth + 6)


PEAK_MEMORY = """
from ocivalidate.jsontext.documents import read_document
document = read_document(UNIT * (100_000_000 // len(UNIT)))
print(*(problem.kind for problem in document.problems))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory where Linux tells it")
@pytest.mark.parametrize("unit", [b"[", b'{"a":'])
def test_100_mb_of_brackets_are_a_problem_soon_and_in_little_memory(unit: bytes) -> None:
    script = PEAK_MEMORY.replace("UNIT", repr(unit))
    home = Path(documents.__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", script], cwd=home, stdout=subprocess.PIPE, timeout=30, check=True)
    kind, peak = run.stdout.decode().split()
    assert kind == "depth"
    assert int(peak) * 1024 < 300_000_000


def test_problems_beyond_counting_do_not_fill_the_memory() -> None:
    name = "n" * 1_000_000
    document = read(f'{{"{name}": [{"1e400," * 1000}0], "b": 1e400}}')
    assert document.value["b"] == inf
    assert 10 < len(document.problems) < 20
    assert sum(len(problem.pointer) for problem in document.problems) < 20_000_000
    assert [problem.more for problem in document.problems[:-1]] == [0] * (len(document.problems) - 1)
    assert document.problems[-1].more == 1001 - len(document.problems)


def test_ten_thousand_problems_are_all_listed() -> None:
    document = read("[" + "1e400," * 10_000 + "0]")
    assert [problem.pointer for problem in document.problems] == [f"/{index}" for index in range(10_000)]


def test_an_ordinary_document_is_never_read_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> Iterator[None]:
        raise AssertionError(text)

    monkeypatch.setattr(diagnose, "scan", refuse)
    mounts = [{"destination": f"/m{index}", "options": ["ro", "é\n"]} for index in range(300)]
    value = {"ociVersion": "1.2.0", "mounts": mounts, "hostname": "h", "umask": 18, "share": 0.5, "on": True}
    assert read(json.dumps(value, indent="\t")).value == value


def test_where_values_and_names_stand() -> None:
    document = read('{\r\n  "a/b": ["é😀", {\n    "c": -1.5e3\n  }]\n}')
    assert document.span("") == Span(1, 1, 5, 2)
    assert document.span("/a~1b") == Span(2, 10, 4, 5)
    assert document.span("/a~1b", key=True) == Span(2, 3, 2, 8)
    assert document.span("/a~1b/0") == Span(2, 11, 2, 15)
    assert document.span("/a~1b/1/c") == Span(3, 10, 3, 16)
    assert document.span("/a~1b/1/c", key=True) == Span(3, 5, 3, 8)
    assert document.line(1) == "{"
    assert document.line(3) == '    "c": -1.5e3'


@pytest.mark.parametrize("pointer", ["/b", "/a/2", "/a/0/x", "/a/-", "/a/", "/"])
def test_where_nothing_stands(pointer: str) -> None:
    assert read('{"a": [1, 2]}').span(pointer) is None


def test_what_has_no_name_has_no_place_of_one() -> None:
    document = read('{"a": [1, 2]}')
    assert document.span("", key=True) is None
    assert document.span("/a/0", key=True) is None


def test_an_unusable_document_has_lines_but_no_spans() -> None:
    document = read("{\n  'a': 1\n}")
    assert document.span("") is None
    assert document.line(2) == "  'a': 1"
    assert document.span_at(4) == Span(2, 3, 2, 4)


def test_a_span_asks_for_a_pointer() -> None:
    with pytest.raises(ValueError, match="JSON pointer"):
        read("{}").span("a")
