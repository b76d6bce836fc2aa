"""TAP of a run, written as it goes: byte for byte what is rendered of the whole report."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.report import Options, render
from ocivalidate.report.tap import Stream
from ocivalidate.rules.findings import Outcome, Report, exit_code
from tests.reports import GIVEN_UP, NASTY, NO_PID, OPTIONS, RUN, STOPPED, made_of
from tests.tap14 import parse

CLEAN = replace(RUN, results=RUN.results[:4], findings=(), facts={**RUN.facts, "planned": 4})
ONLY_SKIPS = replace(RUN, results=RUN.results[2:3], findings=(), facts={**RUN.facts, "planned": 1})
NOT_REMOVED = replace(CLEAN, problem="could not be removed from this host: /tmp/#x")
NOTHING_RUN = replace(
    RUN, results=(), findings=(), problem="no case judges the selected clauses", facts={"runtime": {}}
)
_HOSTILE = made_of(NASTY)
HOSTILE = replace(
    _HOSTILE,
    kind="runtime",
    results=tuple(replace(result, case=NASTY, dump=NASTY) for result in _HOSTILE.results),
    facts={
        **RUN.facts,
        "runtime": {"name": NASTY, "version": NASTY, "command": [NASTY]},
        "swept": [NASTY],
        "planned": 5,
    },
)
RUNS = {
    "failures": RUN,
    "clean": CLEAN,
    "stopped": STOPPED,
    "given-up": GIVEN_UP,
    "only-skips": ONLY_SKIPS,
    "not-removed": NOT_REMOVED,
    "nothing-run": NOTHING_RUN,
    "hostile": HOSTILE,
    "hostile-problem": replace(GIVEN_UP, problem=NASTY, subject=NASTY, facts={"hint": NASTY}),
}


def streamed(report: Report, options: Options) -> Iterator[str]:
    stream = Stream(options)
    yield stream.version()
    yield stream.header(report.facts)
    if "planned" in report.facts:
        yield stream.plan(report.facts["planned"])
    for result in report.results:
        yield stream.point(result)
    yield stream.end(report)


@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("version", [13, 14])
@pytest.mark.parametrize("name", RUNS)
def test_pieces_make_the_whole(name: str, version: int, verbose: int) -> None:
    options = replace(OPTIONS, tap_version=version, verbose=verbose)
    pieces = [*streamed(RUNS[name], options)]
    assert "".join(pieces) == render("tap", [RUNS[name]], options)
    assert all(piece.endswith("\n") for piece in pieces if piece)


@pytest.mark.parametrize("version", [13, 14])
@pytest.mark.parametrize("name", RUNS)
def test_a_strict_reader_agrees_with_the_exit_code(name: str, version: int) -> None:
    report = RUNS[name]
    stream = parse("".join(streamed(report, replace(OPTIONS, tap_version=version))))
    assert stream.passed == (exit_code([report]) == 0)
    assert len(stream.points) == len(report.results)


@pytest.mark.skipif(not shutil.which("prove"), reason="no prove (Perl) on this machine")
@pytest.mark.parametrize("name", RUNS)
def test_prove_agrees_with_the_exit_code(name: str, tmp_path: Path) -> None:
    file = tmp_path / "run.tap"
    file.write_text("".join(streamed(RUNS[name], replace(OPTIONS, tap_version=13))), encoding="utf-8")
    run = subprocess.run(
        ["prove", "--norc", "--exec", "cat", file], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (run.returncode == 0) == (exit_code([RUNS[name]]) == 0), run.stdout + run.stderr


def test_a_point_tells_case_clause_and_time() -> None:
    stream = parse("".join(streamed(RUN, OPTIONS)))
    failed = stream.points[5]
    assert (failed.ok, failed.description) == (False, "state.started: runtime/runtime.state.pid")
    assert failed.diagnostics["clause"] == "runtime/runtime.state.pid"
    assert (failed.diagnostics["got"], failed.diagnostics["want"]) == (NO_PID.got, NO_PID.want)
    assert (failed.diagnostics["seconds"], failed.diagnostics["dump"]) == (1.5, "kept/state.started")
    skipped = stream.points[2]
    assert (skipped.ok, skipped.directive, skipped.reason) == (True, "SKIP", "needs root, and this is user 1000")


def test_facts_come_first() -> None:
    stream = parse("".join(streamed(RUN, OPTIONS)))
    assert stream.comments[0] == "runtime: runc 1.1.5, claims runtime-spec 1.2.0 (/usr/bin/runc)"
    assert stream.comments[1] == "host: Linux 6.1.0 on x86_64, 2 processors, root"


def test_what_a_case_skips_is_counted_by_the_plan_whatever_the_reason() -> None:
    (skip,) = (result for result in RUN.results if result.outcome is Outcome.SKIP)
    report = replace(ONLY_SKIPS, results=(replace(skip, reason="not present"),))
    assert len(parse(render("tap", [report], OPTIONS)).points) == 1
