"""What each command shows on terminals of 60 and of 120 columns, without colours: those change nothing else."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.cli import main
from ocivalidate.cli.entry import COMMANDS
from ocivalidate.report import render
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Location
from tests.reports import ALL, BROKEN, CWD, HOSTILE, HOSTILE_PROBLEM, OPTIONS, RUN, RUNTIME
from tests.unit.command_line import SAMPLES
from tests.unit.terminal import give_terminal

Golden = Callable[[str, str], None]
WIDTHS = (60, 120)
# Name of the golden file → command line, in a folder with the samples.
SCREENS = {
    "bundle": "ocivalidate bundle bundle-broken",
    "bundle-several": "ocivalidate bundle bundle-broken bundle-good -v --select runtime/config.process",
    "bundle-statistics": "ocivalidate bundle bundle-broken --statistics",
    "image": "ocivalidate image image-broken",
    "image-verbose": "ocivalidate image image-good -v",
    "explain": "ocivalidate explain runtime/config.process.cwd.absolute safety/layer.path-escapes",
    "explain-case": "ocivalidate explain signals.running-container-gets-signals",
    "explain-list": "ocivalidate explain lint/members",
    "rules": "ocivalidate rules lint/members -v",
    "rules-diff": "ocivalidate rules --diff 1.2.0..1.2.1",
    "runtime-list": "ocivalidate runtime --list -v --select signals",
    "schema-limits": "ocivalidate schema runtime-state --limits",
    "help": "ocivalidate --help",
    "help-oci-gen": "oci-gen --help",
    **{f"help-{name}": f"ocivalidate {name} --help" for name in COMMANDS if name != "generate"},
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_screens(
    golden: Golden,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    name: str,
    width: int,
) -> None:
    program, *arguments = shlex.split(SCREENS[name])
    for sample in (one for one in arguments if one.startswith(("bundle-", "image-"))):
        shutil.copytree(SAMPLES / sample, tmp_path / sample)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "1")
    give_terminal(monkeypatch, width)
    monkeypatch.setenv("NO_COLOR", "1")
    if program == "ocivalidate":
        main(arguments)
    else:
        # Not before: the function of the package that has this name makes way for the module.
        from ocivalidate.cli.oci_gen import main as generate

        generate(arguments, program)
    shown = capfdbinary.readouterr().out.decode()
    # Where code stands changes with every edit.
    golden(f"screens/{name}-{width}.txt", re.sub(r"(\.(?:py|json)):\d+ ", r"\1:N ", shown))


TABS = (
    '\t"cwd":\t"大きい/ファイル/大きい/ファイル/大きい/ファイル",\t"e\u0301": "x", "digest": "sha256:' + "0" * 64 + '"'
)
WIDE = Finding(
    CWD,
    Severity.ERROR,
    "process.cwd 大きい is not an absolute path",
    Location("大/config.json", "/process/cwd", 12345, 9, 9 + 28, TABS),
    got="大きい/ファイル",
    want="a path that starts with /",
)
MARKED = replace(WIDE, location=replace(WIDE.location, column=43, end_column=46))
REPORTS = {
    "all": (ALL, 1),
    "runtime": ([RUNTIME], 1),
    "run": ([RUN], 2),
    "hostile": ([HOSTILE, HOSTILE_PROBLEM], 1),
    "wide": ([replace(BROKEN, findings=(WIDE, MARKED))], 0),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_reports(golden: Golden, name: str, width: int) -> None:
    reports, verbose = REPORTS[name]
    golden(
        f"screens/report-{name}-{width}.txt", render("text", reports, replace(OPTIONS, width=width, verbose=verbose))
    )


@pytest.mark.parametrize("colours", [16, 256])
def test_colours_and_links(golden: Golden, colours: int) -> None:
    shown = render("text", ALL, replace(OPTIONS, width=80, colour=colours, links=True))
    golden(f"screens/report-{colours}-colours.txt", shown.replace("\x1b", "␛"))
