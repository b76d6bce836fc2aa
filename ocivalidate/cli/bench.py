"""``ocivalidate bench``: how long runtimes take, and how much memory they need, beside each other."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.interrupts import forward_interrupts
from ocivalidate.cli.screen import columns, screen
from ocivalidate.cli.settings_table import COLOURS, PRINTED
from ocivalidate.cli.streams import errors_on_terminal, print_pieces, tell
from ocivalidate.errors import UsageError
from ocivalidate.rules.findings import ExitCode

if TYPE_CHECKING:
    from ocivalidate.bench.run import Bench

_INTERRUPTED = 130
_FORMATS = ("text", "json", "markdown")
_ROUNDS, _PARALLEL, _SECONDS = 20, 4, 120.0
_EXAMPLES = (
    ("Two runtimes beside each other, as root:", "ocivalidate bench --runtime runc --runtime crun"),
    ("A change of yours beside what was there:", "ocivalidate bench --runtime ./old --runtime ./new --rounds 50"),
    ("With twenty containers at a time:", "ocivalidate bench --runtime runc --parallel 20"),
    ("For a program, and for people:", "ocivalidate bench --runtime runc --output json=bench.json"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.epilog = "Exit codes: 0 measured, 2 could not be measured."
    parser.add_argument(
        "--runtime",
        action="append",
        default=[],
        metavar="PROGRAM",
        help="a runtime, by path or by its name in PATH; may be repeated, and the others are held against the first",
    )
    measured = parser.group("What is measured")
    measured.add_argument(
        "--rounds", type=int, default=_ROUNDS, metavar="N", help=f"how many rounds count (default: {_ROUNDS})"
    )
    measured.add_argument(
        "--parallel",
        type=int,
        default=_PARALLEL,
        metavar="N",
        help=f"how many containers live at a time where several do; 0: leave that out (default: {_PARALLEL})",
    )
    measured.add_argument(
        "--seconds",
        type=float,
        default=_SECONDS,
        metavar="S",
        help=f"begin no further round after so long (default: {_SECONDS:.0f})",
    )
    measured.add_argument(
        "--seed", type=int, default=0, metavar="S", help="what the order of the runtimes is drawn from (default: 0)"
    )
    printed = parser.group(PRINTED)
    printed.add_argument(
        "--format", choices=_FORMATS, default="text", metavar="FORMAT", help=f"{', '.join(_FORMATS)} (default: text)"
    )
    printed.add_argument(
        "--output", action="append", default=[], metavar="FORMAT=FILE", help="write a file too; may be repeated"
    )
    printed.add_argument(
        "--color", choices=COLOURS, default="auto", metavar="WHEN", help=f"{', '.join(COLOURS)} (default: auto)"
    )
    printed.add_argument("--quiet", "-q", action="store_true", help="do not show how far it is")


def run(options: argparse.Namespace) -> int:
    """Measure, and print what came of it. Raises :class:`UsageError`."""
    printed, outputs = _outputs(options.format, options.output)
    if not options.runtime:
        raise UsageError("no runtime given: use --runtime PROGRAM (try ocivalidate bench --help)")
    if not sys.platform.startswith("linux"):
        raise UsageError("runtimes can only be driven on Linux")
    from ocivalidate.bench.run import Bench, BenchOptions

    bench = Bench(options.runtime, BenchOptions(options.rounds, options.parallel, options.seed, options.seconds))
    with forward_interrupts(bench) as interrupt:
        _follow(bench, options.rounds, quiet=options.quiet)
    if interrupt.happened:
        tell("ocivalidate: interrupted: nothing is told of what was measured in part")
        return _INTERRUPTED
    document = bench.document()
    # A file that cannot be written takes nothing of what was measured away.
    print_pieces(_pieces(printed, document, color=options.color))
    for name, file in outputs:
        from ocivalidate.cli.files import write_file

        write_file(file, _pieces(name, document))
    return ExitCode.CONFORMS


def _follow(bench: Bench, rounds: int, *, quiet: bool) -> None:
    """Let it go its way, and show on a terminal how far it is."""
    with _line(silent=quiet or not errors_on_terminal()) as show:
        for done in bench:
            show(f"{' beside '.join(bench.labels)}: round {max(0, done - bench.warm_ups)} of {rounds}")


@contextlib.contextmanager
def _line(*, silent: bool) -> Iterator[Any]:
    """A function that shows a line on standard error in the place of the one before; it is gone in the end."""
    if silent:
        yield lambda _text: None
        return
    from ocivalidate.report.escape import visible

    def show(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{visible(text)[: columns() - 1]}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        show("")


def _pieces(name: str, document: dict[str, Any], color: str = "") -> Iterator[str]:
    from ocivalidate.report import measured
    from ocivalidate.report.fitting import fitted
    from ocivalidate.report.painting import painted

    if name == "json":
        yield json.dumps(document, indent=1) + "\n"
    elif name == "markdown":
        yield from measured.markdown(document)
    else:
        seen = screen(color)
        rows = (row for line in measured.lines(document) for row in fitted(line, seen.width if color else 0, 4))
        yield from painted(rows, seen.colours if color else 0)


def _outputs(usual: str, written: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """The format that is printed, and the files with theirs: - is what is printed. Raises :class:`UsageError`."""
    pairs = [_output(one) for one in written]
    printed = [name for name, file in pairs if file == "-"]
    if len(printed) > 1:
        raise UsageError(f"standard output takes one format, not {' and '.join(printed)}: give the others a file")
    return (printed or [usual])[0], [pair for pair in pairs if pair[1] != "-"]


def _output(written: str) -> tuple[str, str]:
    name, equals, file = written.partition("=")
    if name not in _FORMATS or not equals or not file:
        raise UsageError(f"--output needs FORMAT=FILE with a format of {', '.join(_FORMATS)}, not {written}")
    return name, file
