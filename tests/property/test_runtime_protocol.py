"""Messages between a run and its engine: each comes back as it was written, and what is none is one clear complaint."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

if sys.platform != "linux":
    pytest.skip("runtimes are driven on Linux", allow_module_level=True)

from ocivalidate.errors import ProtocolError
from ocivalidate.rules.clauses import Clause, load
from ocivalidate.rules.findings import Finding, Location, Result
from ocivalidate.runtime import protocol
from ocivalidate.runtime.kernel.host import Host
from ocivalidate.runtime.protocol import (
    Alive,
    Asked,
    Bailout,
    Begin,
    Dump,
    End,
    Header,
    Lines,
    Message,
    Order,
    Plan,
    Request,
    RuntimeFacts,
    Spent,
    Taken,
    Timing,
    Turn,
    read,
    write,
)
from ocivalidate.runtime.typed import types_of

KINDS = (Request, Header, Plan, Begin, Dump, Result, Alive, Bailout, End, Turn, Taken)
# Names of files that are no UTF-8 are text with low surrogates; two that make a pair never come that way.
LETTERS = st.characters(exclude_categories=["Cs"]) | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
TEXTS = st.text(LETTERS, max_size=20)
INVENTORY = [*load("runtime", "safety").values()]
CLAUSES = st.integers(0, len(INVENTORY) - 1).map(lambda number: INVENTORY[number])
LEAVES: dict[type, st.SearchStrategy[Any]] = {
    str: TEXTS,
    float: st.floats(-(2.0**53), 2.0**53, allow_nan=False),
    Clause: CLAUSES,
}


@functools.cache
def drawn(kind: type) -> st.SearchStrategy[Any]:
    """Objects of a class, of the types that its members have."""
    members = st.tuples(*map(of_type, types_of(kind).values())).map(lambda values: kind(*values))
    # Every finding of a test weighs what its clause does.
    return st.builds(finding, CLAUSES, drawn(Location), TEXTS, st.integers()) if kind is Finding else members


def finding(clause: Clause, location: Location, text: str, number: int) -> Finding:
    return Finding(clause, clause.severity, text, location, got=text, want=text, hint=text, more=number)


def of_type(wanted: Any) -> st.SearchStrategy[Any]:
    if wanted in LEAVES:
        return LEAVES[wanted]
    if wanted in (Host, RuntimeFacts, Spent, Timing, Finding, Location):
        return drawn(wanted)
    if getattr(wanted, "__origin__", None) is tuple:
        inner = wanted.__args__
        if inner[-1] is ...:
            return st.lists(of_type(inner[0]), max_size=3).map(tuple)
        return st.tuples(*map(of_type, inner))
    if type(None) in getattr(wanted, "__args__", ()):
        return st.none() | of_type(wanted.__args__[0])
    return st.from_type(wanted)


MESSAGES = st.one_of(*map(drawn, KINDS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_comes_back_as_it_was_written(kind: type) -> None:
    @given(drawn(kind))
    def check(message: Message) -> None:
        line = write(message)
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert read(line) == message
        assert write(read(line)) == line

    check()


@given(st.lists(MESSAGES, max_size=4), st.data())
def test_a_stream_may_be_cut_anywhere(messages: list[Message], data: st.DataObject) -> None:
    stream = b"".join(map(write, messages)) + b'{"type": "ali'
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    lines = Lines()
    assert [read(line) for part in parts for line in lines.feed(part)] == messages


def complaint_of(look: Callable[[], object]) -> str:
    """What is said of what cannot be taken, ``""`` where it can; anything raised but that fails the test."""
    said = ""
    try:
        look()
    except ProtocolError as problem:
        said = str(problem)
        good = said.isprintable() and 0 < len(said) < 300
        said = said if good else f"not one short line: {said!r}"
    assert not said.startswith("not one short line")
    return said


def refused(line: bytes) -> bool:
    """Whether a line is no message."""
    return complaint_of(lambda: read(line)) != ""


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_garbage_is_no_message(line: bytes) -> None:
    assert refused(line)


@given(MESSAGES, JSON, st.data())
def test_a_member_of_another_type_is_a_complaint(message: Message, other: Any, data: st.DataObject) -> None:
    value = json.loads(write(message))
    place = data.draw(st.sampled_from([*_places(value)]))
    *way, last = place
    inner = value
    for step in way:
        inner = inner[step]
    before, inner[last] = inner[last], other
    line = json.dumps(value).encode()
    # What is of the right type by chance is as good as what was there.
    assert refused(line) or json.loads(write(read(line))) == value
    if type(before) is not type(other) and other is not None and before is not None and type(before) is not float:
        assert refused(line)


def _places(value: Any) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, entry in pairs for place in ((key,), *((key, *below) for below in _places(entry)))]


@given(MESSAGES, TEXTS, st.data())
def test_a_member_that_is_missing_or_too_much_is_a_complaint(message: Message, name: str, data: st.DataObject) -> None:
    value = json.loads(write(message))
    gone = data.draw(st.sampled_from([*value]))
    assert refused(json.dumps({key: entry for key, entry in value.items() if key != gone}).encode())
    assert name in value or refused(json.dumps({**value, name: 1}).encode())


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "not a JSON object on one line: b''"),
        (b"{", "not a JSON object on one line: b'{'"),
        (b"[" * 100_000, "not a JSON object on one line: b'["),
        (b"\xff\xfe{\x00}\x00", "not a JSON object on one line: b'\\xff"),
        (b'{"type": "begin", "type": "begin", "case": "a"}', "not a JSON object on one line: "),
        (b'{"type": "end", "seconds": NaN}', "not a JSON object on one line: "),
        (b"[]", "not a JSON object: b'[]'"),
        (b"{}", "unknown message: None"),
        (b'{"type": "start"}', "unknown message: 'start'"),
        (b'{"type": ["begin"]}', "unknown message: an array"),
        (b'{"type": "begin"}', "begin: case is missing"),
        (b'{"type": "begin", "case": 1}', "begin.case: wanted str, got 1"),
        (b'{"type": "begin", "case": "a", "at": 1}', "begin: unknown member 'at'"),
        (b'{"type": "plan", "results": [["a"]]}', "plan.results: wanted array of 2, got an array"),
        (b'{"type": "plan", "results": {}}', "plan.results: wanted array, got an object"),
        (b'{"type": "begin", "case": "' + b"x" * 200 + b'"}x', "not a JSON object on one line: b'"),
    ],
)
def test_a_complaint_says_what_is_wrong_and_where(line: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError) as said:
        read(line)
    assert str(said.value).startswith(complaint)


def test_what_is_too_long_is_refused_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_LINE", 100)
    with pytest.raises(ProtocolError, match="too long"):
        write(Begin("x" * 100))
    with pytest.raises(ProtocolError, match="too long"):
        read(b"x" * 101)
    lines = Lines()
    with pytest.raises(ProtocolError, match="too long"):
        [*lines.feed(b"x" * 101)]
    lines = Lines()
    assert [*lines.feed(b"x" * 60)] == []
    with pytest.raises(ProtocolError, match="too long"):
        [*lines.feed(b"x" * 60)]


def test_a_line_is_put_together_in_linear_time() -> None:
    lines, part = Lines(), b"x" * 64
    for _ in range(50_000):
        assert not [*lines.feed(part)]
    assert [len(line) for line in lines.feed(b"\n")] == [64 * 50_000]


def test_what_is_no_number_cannot_be_written() -> None:
    with pytest.raises(ProtocolError, match="cannot write"):
        write(End(complete=True, left=(), seconds=float("nan")))


@given(st.lists(MESSAGES, max_size=6))
def test_in_any_order_messages_are_taken_or_refused(messages: list[Message]) -> None:
    order = Order()
    for message in messages:
        if not isinstance(message, Asked):
            complaint_of(functools.partial(order.take, message))
