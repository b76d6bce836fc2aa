"""``ocivalidate demo``: what the tool says of the samples that come with it.

The last of them are runtimes: a fake one, which needs neither root nor anything installed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ocivalidate import resources
from ocivalidate.bundle.api import check_bundle
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.screen import screen
from ocivalidate.cli.settings_table import BY_NAME
from ocivalidate.cli.streams import print_text
from ocivalidate.image.api import check_image
from ocivalidate.report import Options, render
from ocivalidate.rules.findings import ExitCode, Report, exit_code

# Command, sample below fixtures/demo, what it shows, and the exit code that it gives.
SAMPLES = (
    ("bundle", "bundle-good", "A bundle that conforms:", ExitCode.CONFORMS),
    ("bundle", "bundle-broken", "A bundle with common mistakes:", ExitCode.FINDINGS),
    ("image", "image-good", "An image that conforms:", ExitCode.CONFORMS),
    ("image", "image-broken", "An image that should not be unpacked:", ExitCode.FINDINGS),
)
# A fault of the fake runtime ("" for none), what it shows, and the exit code that it gives.
RUNTIMES = (
    ("", "A runtime that conforms (a fake one that comes with the tool):", ExitCode.CONFORMS),
    ("kills-what-has-stopped", "The same runtime with a mistake:", ExitCode.FINDINGS),
)
CASE = "refusals.stopped-container"
_CHECKS: dict[str, Callable[[str], Report]] = {"bundle": check_bundle, "image": check_image}


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.epilog = "Exit codes: 0 the samples came out as they should, 2 one did not."
    color = BY_NAME["color"]
    parser.add_argument("--color", choices=color.choices, default=color.default, metavar=color.metavar, help=color.help)


def run(options: argparse.Namespace) -> int:
    """Judge the samples. The exit code is 0 when each gave the exit code that it is there to show."""
    seen = screen(options.color)
    drawn = Options(colour=seen.colours, width=seen.width, links=seen.links)
    as_expected = True
    for command, name, title, expected in SAMPLES:
        path = os.path.relpath(resources.folder("fixtures") / "demo" / name)
        report = _CHECKS[command](path)
        code = exit_code([report])
        as_expected = as_expected and code is expected
        text = render("text", [report], drawn)
        print_text(f"{title}\n\n$ ocivalidate {command} {path}\n{text}(exit code {code.value})\n\n")
    if sys.platform.startswith("linux"):
        for sample in RUNTIMES:
            as_expected = _show_runtime(*sample, drawn) and as_expected
    print_text("Next: judge your own, and ocivalidate explain CLAUSE for any of the ids above.\n")
    return ExitCode.CONFORMS if as_expected else ExitCode.COULD_NOT_JUDGE


def _show_runtime(fault: str, title: str, expected: ExitCode, drawn: Options) -> bool:
    """Judge a fake runtime by one case, and say whether it came out as it is there to show."""
    from ocivalidate.rules.clauses import Selection
    from ocivalidate.runtime.api import check_runtime

    with tempfile.TemporaryDirectory() as folder:
        fake = resources.load_package("fixtures", "fake_runtime").write(Path(folder, "fake-runtime"), fault)
        report = check_runtime(fake, Selection(select=(CASE,)))
    code = exit_code([report])
    text = render("text", [report], drawn).replace(str(fake), fake.name)
    print_text(
        f"{title}\n\n$ ocivalidate runtime --runtime ./{fake.name} --format text --select {CASE}\n"
        f"{text}(exit code {code.value})\n\n"
    )
    return code is expected
