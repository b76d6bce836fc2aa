from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle import features as checks
from tests.unit.checking import broken_clauses

MIN, MAX = checks.SEMVER["ociVersionMin"], checks.SEMVER["ociVersionMax"]


def found(oldest: Any, newest: Any) -> list[tuple[str, str]]:
    document = {"ociVersionMin": oldest, "ociVersionMax": newest}
    present = {name: value for name, value in document.items() if value is not None}
    return broken_clauses(checks, present, "linux", kind="runtime-features")


@pytest.mark.parametrize(
    ("oldest", "newest"),
    [
        ("1.0.0", "1.1.0"),
        ("1.0.0", "1.1.0-rc.2"),
        ("1.0.0", "1.0.0+dev"),
        ("1.0.0+b", "1.0.0+a"),
        ("1.2.0-rc.1", "1.2.0"),
        ("1.9.0", "1.10.0"),
        (None, "1.0.0"),
        ("1.0.0", None),
        (1, "1.0.0"),
    ],
)
def test_versions_that_break_nothing(oldest: Any, newest: Any) -> None:
    assert found(oldest, newest) == []


@pytest.mark.parametrize("text", ["1.0", "v1.0.0", "1.0.0.0", "01.0.0", "", "1.0.0-", "latest", "1.0.0\n"])
def test_texts_that_are_no_versions(text: str) -> None:
    assert found(text, "1.1.0") == [(MIN, "/ociVersionMin")]
    assert found("1.0.0", text) == [(MAX, "/ociVersionMax")]


@pytest.mark.parametrize(("oldest", "newest"), [("1.1.0", "1.0.2"), ("1.1.0", "1.1.0-rc.1"), ("1.10.0", "1.9.0")])
def test_newest_below_oldest(oldest: str, newest: str) -> None:
    assert found(oldest, newest) == [(checks.NOT_BELOW_MIN, "/ociVersionMax")]
