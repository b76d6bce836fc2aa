"""What every renderer makes of an ordinary run, of several subjects, and of input that wants to harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ocivalidate.report import FORMATS, render
from tests.reports import ALL, BROKEN, GIVEN_UP, HOSTILE, HOSTILE_PROBLEM, OPTIONS, RUN, RUNTIME, STOPPED

# Of the others, a format is the suffix too.
SUFFIXES = {name: name for name in FORMATS} | {"text": "txt", "junit": "xml"}
Golden = Callable[[str, str], None]


@pytest.mark.parametrize("format_name", FORMATS)
def test_broken_bundle(format_name: str, golden: Golden) -> None:
    golden(f"report-broken.{SUFFIXES[format_name]}", render(format_name, [BROKEN], OPTIONS))


@pytest.mark.parametrize("format_name", FORMATS)
def test_runtime(format_name: str, golden: Golden) -> None:
    golden(f"report-runtime.{SUFFIXES[format_name]}", render(format_name, [RUNTIME], OPTIONS))


@pytest.mark.parametrize("format_name", FORMATS)
def test_run_of_cases(format_name: str, golden: Golden) -> None:
    golden(f"report-run.{SUFFIXES[format_name]}", render(format_name, [RUN], replace(OPTIONS, verbose=1)))


@pytest.mark.parametrize("name", ["stopped", "given-up"])
def test_runs_that_are_no_verdict(name: str, golden: Golden) -> None:
    report = {"stopped": STOPPED, "given-up": GIVEN_UP}[name]
    golden(f"report-run-{name}.tap", render("tap", [report], OPTIONS))


@pytest.mark.parametrize("format_name", FORMATS)
def test_hostile_input(format_name: str, golden: Golden) -> None:
    golden(f"report-hostile.{SUFFIXES[format_name]}", render(format_name, [HOSTILE, HOSTILE_PROBLEM], OPTIONS))


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_several_subjects_as_text(verbose: int, golden: Golden) -> None:
    golden(f"report-several-{verbose}.txt", render("text", ALL, replace(OPTIONS, verbose=verbose)))


def test_several_subjects_in_brief(golden: Golden) -> None:
    golden("report-several-quiet.txt", render("text", ALL, replace(OPTIONS, quiet=True)))


def test_several_subjects_as_tap_13(golden: Golden) -> None:
    golden("report-several-13.tap", render("tap", ALL, replace(OPTIONS, tap_version=13)))


def test_hostile_input_as_tap_13(golden: Golden) -> None:
    golden("report-hostile-13.tap", render("tap", [HOSTILE, HOSTILE_PROBLEM], replace(OPTIONS, tap_version=13)))
