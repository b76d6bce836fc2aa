"""A number is judged by its digits, not by the double nearest to it: an integer is due, and 1e-400 is none."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ocivalidate.jsontext.documents import read_document
from ocivalidate.jsontext.integers import Inexact, real
from tests.unit.sayings import ERROR, WARNING, config, findings, said

NO_INTEGER = "runtime/config.process.user.uid.type"


def document(uid: str) -> str:
    import json

    return json.dumps(config()).replace('"uid": 0', f'"uid": {uid}')


@pytest.mark.parametrize(
    "literal",
    ["1e-400", "-1e-400", "0.1e-400", "1.00000000000000000001", "1E-999999999999999", "4503599627370496.1e-1"],
)
def test_number_that_is_nearly_an_integer_is_none(literal: str) -> None:
    assert said(document(literal)) == [(NO_INTEGER, ERROR)]


def test_it_is_shown_as_it_is_written() -> None:
    (finding,) = findings(document("1e-400"))
    assert (finding.message, finding.got) == ("process.user.uid is not an integer", "1e-400")


@pytest.mark.parametrize("literal", ["1.0", "1e3", "1E+2", "0e-400", "0.0", "-0.0", "1000e-3", "12.50e1", "0.000e5"])
def test_integer_in_another_notation_is_one(literal: str) -> None:
    assert said(document(literal)) == [("lint/json.integer-notation", WARNING)]


def test_careful_reader_agrees_with_the_quick_one() -> None:
    # A repeated name calls the careful reader.
    value = read_document(b'{"a": 1, "a": 1e-400}').value["a"]
    assert isinstance(value, Inexact)
    assert value.literal == "1e-400"


@given(st.integers(0, 10**25), st.integers(0, 30), st.integers(-40, 40))
def test_only_what_is_an_integer_reads_as_one(digits: int, fraction: int, power: int) -> None:
    from fractions import Fraction

    text = str(digits).zfill(fraction + 1)
    literal = f"{text[: len(text) - fraction]}.{text[len(text) - fraction :] or '0'}e{power}"
    assert real(literal).is_integer() == (Fraction(literal).denominator == 1)
