"""TOML of strangers: what it may hold, and that no text of the size that is allowed costs much."""

from __future__ import annotations

import contextlib
import resource
import time
import tomllib
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from ocivalidate.errors import Malformed
from ocivalidate.tomltext import MAX_DEPTH, MAX_PARTS, MAX_SIZE, loads


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" + ".a" * 100_000 + " = 1", "has a dotted key with more than 16 parts"),
        ("a" + ".a" * 32 + " = 1", "has a dotted key with more than 16 parts"),
        ('x = { a . "b" . ' + "'c' . " * 30 + "d = 1}", "has a dotted key with more than 16 parts"),
        ("[a" + ".a" * 40 + "]", "has a dotted key with more than 16 parts"),
        ("[[a" + ".a" * 40 + "]]", "has a dotted key with more than 16 parts"),
        ("a = " + "[" * 33, "has values nested more than 32 deep"),
        ("a = " + "{b = " * 33, "has values nested more than 32 deep"),
        ('a = """\n"""\nb = ' + "[" * 33, "has values nested more than 32 deep"),
        ('a = """x""""" # """\nb = ' + "[" * 33, "has values nested more than 32 deep"),
        ("a = '''x''''' # '''\nb = " + "[" * 33, "has values nested more than 32 deep"),
        ('a = "\\\\"\nb = ' + "[" * 33, "has values nested more than 32 deep"),
        ("a = '\\'\nb = " + "[" * 33, "has values nested more than 32 deep"),
        ("a = ''\nb = \"\"\nc = " + "[" * 33, "has values nested more than 32 deep"),
        ("a = [{b = 0x" + "f" * 8_000 + "}]", "has an integer of more than 64 bits"),
        (f"a = {1 << 63}", "has an integer of more than 64 bits"),
        (f"a = -{(1 << 63) + 1}", "has an integer of more than 64 bits"),
        ("#" * (MAX_SIZE + 1), f"has more than {MAX_SIZE} bytes"),
        ("a = ", "is not TOML: Invalid value"),
        ("a = '" + "[" * 50, "is not TOML: "),
        ('a = """' + "[" * 50, "is not TOML: "),
        ("a = '''x''" + "." * 50, "is not TOML: "),
    ],
)
def test_what_is_too_much_or_no_toml_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        loads(text.encode())
    assert str(refused.value).startswith(reason)
    assert len(str(refused.value).splitlines()) == 1


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Malformed, match="is not TOML"):
        loads(b"a = '\xff'")


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * (MAX_PARTS - 1) + " = 1",
        "a = " + "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        f"a = '{'.' * 99}{'[' * 99}' # {'.' * 99}{'[' * 99}",
        f'a = "{"." * 99}\\"{"[" * 99}"',
        f'a = """\n{"." * 99}\n"{"[" * 99}\\""""',
        f"a = '''\n{'.' * 99}\n'{'[' * 99}'''''",
        "a = [" + "[1.5, 2.5],\n" * 100 + "]",
        'a.b = 1\r\n[c]\r\nd = "e"\r\n',
    ],
)
def test_what_looks_like_much_and_is_not_is_taken(text: str) -> None:
    assert loads(text.encode()) == tomllib.loads(text)


PIECES = ["a", ".", "=", "[", "]", "{", "}", '"', '"""', "'", "'''", "\\", "#", "\n", ",", " ", "1", 'x="y"\n', "\r\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_short_texts_mean_what_they_mean_to_the_parser(text: str) -> None:
    # No text of 30 pieces is beyond a limit unless it nests: so both agree, or both refuse.
    try:
        want = tomllib.loads(text)
    except ValueError:
        with pytest.raises(Malformed):
            loads(text.encode())
    else:
        assert loads(text.encode()) == want


def _filled(unit: Callable[[int], str]) -> str:
    """As many units as the size allows."""
    text, number = [], 0
    size = 0
    while size + len(piece := unit(number)) <= MAX_SIZE:
        text.append(piece)
        size += len(piece)
        number += 1
    return "".join(text)


HEAVY: dict[str, str] = {
    "dotted keys": _filled(lambda number: f"k{number}{'.a' * 15}=1\n"),
    "dotted headers": _filled(lambda number: f"[k{number}{'.a' * 15}]\n"),
    "headers below each other": _filled(lambda number: f"[a{'.a' * 14}.b{number}]\n"),
    "keys below a long header": "[a" + ".a" * 15 + "]\n" + _filled(lambda number: f"b{number}.b=1\n")[:-200],
    "inline tables": "a=[" + _filled(lambda _number: "{a.b.c.d.e.f=1},")[:-10] + "]",
    "arrays of tables": _filled(lambda _number: "[[a.b]]\n"),
    "arrays": "a=[" + "[" * 30 + "1," * 100_000,
    "strings": "a='" + "x" * (MAX_SIZE - 10) + "'",
    "escapes": 'a="' + "\\n" * (MAX_SIZE // 2 - 10) + '"',
    "quotes": 'a="""' + '""\\' * (MAX_SIZE // 3 - 10),
    "strings without end": "a='''" + "''\n" * (MAX_SIZE // 3 - 10),
    "digits": "a=" + "1" * (MAX_SIZE - 10),
    "hexadecimal": "a=0x" + "f" * (MAX_SIZE - 10),
    "fraction": "a=1." + "1" * (MAX_SIZE - 10),
    "empty tables": _filled(lambda number: f"a{number}={{}}\n"),
    "comments": "#\n" * (MAX_SIZE // 2),
    "white space": "a = " + " " * (MAX_SIZE - 10),
    "lines in an array": "a=[" + "\n" * (MAX_SIZE - 10),
}


@pytest.mark.parametrize("name", HEAVY)
def test_no_text_costs_much(name: str) -> None:
    text = HEAVY[name].encode()
    assert len(text) <= MAX_SIZE
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with contextlib.suppress(Malformed):
        loads(text)
    assert time.process_time() - began < 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000  # KiB
