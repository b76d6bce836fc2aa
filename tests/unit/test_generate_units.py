"""Numbers as people write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ocivalidate.errors import OptionError
from ocivalidate.generate import units


@pytest.mark.parametrize(
    ("read", "written", "value"),
    [
        (units.size, "512m", 536_870_912),
        (units.size, "1.5g", 1_610_612_736),
        (units.size, "64KiB", 65_536),
        (units.size, "1T", 2**40),
        (units.size, "0.3k", 307),
        (units.size, 4096, 4096),
        (units.size, "7b", 7),
        (units.size, "2 g", 2**31),
        (units.size, ".5g", 2**29),
        (units.size_or_unlimited, "max", -1),
        (units.size_or_unlimited, -1, -1),
        (units.microseconds, "100ms", 100_000),
        (units.microseconds, "1.5s", 1_500_000),
        (units.microseconds, "50", 50),
        (units.microseconds, "5us", 5),
        (units.seconds, "2m", 120),
        (units.millionths, "0.333333333", 333_333),
        (units.millionths, 1.5, 1_500_000),
        (units.millionths, ".5", 500_000),
        (units.millionths, "2.", 2_000_000),
        (units.count, "-5", -5),
        (units.count, "0x1F", 31),
        (units.count, "0o17", 15),
        (units.octal, "0644", 0o644),
        (units.octal, "0o644", 0o644),
        (units.octal, 420, 420),
    ],
)
def test_a_number_means(read: Callable[[object], int], written: object, value: int) -> None:
    assert read(written) == value


@pytest.mark.parametrize(
    "read", [units.size, units.microseconds, units.seconds, units.millionths, units.count, units.octal]
)
@pytest.mark.parametrize("written", ["", "x", "12parsecs", "1..2", "1e3", "--1", "٣", "9" * 5000, "1 m x", "0x", "nan"])
def test_what_is_no_number_is_refused(read: Callable[[object], int], written: str) -> None:
    with pytest.raises(OptionError):
        read(written)


def test_a_float_with_an_exponent_is_refused_rather_than_misread() -> None:
    with pytest.raises(OptionError):
        units.size(1e30)
