"""``oci-gen``, also ``ocivalidate generate``: a ``config.json`` from a command line.

The flags are the rows of the option table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ocivalidate import __version__
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.guard import guarded
from ocivalidate.cli.streams import print_text, tell
from ocivalidate.errors import OptionError
from ocivalidate.generate.builder import ConfigBuilder
from ocivalidate.generate.defaults import PLATFORMS
from ocivalidate.generate.engines import ENGINE_FLAGS, refusal
from ocivalidate.generate.profiles import PROFILES
from ocivalidate.generate.table import GROUPS, TABLE, Option
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES, RUNTIME_RELEASES, draft_note

if TYPE_CHECKING:
    from ocivalidate.rules.findings import Report

COMMAND = "--"
HELP = "--help"
# What is written behind the = of a switch, as docker and podman read it.
_ON = ("true", "True", "TRUE", "t", "T", "1")
_OFF = ("false", "False", "FALSE", "f", "F", "0")
_NOT_ACCEPTED = 1
_DESCRIPTION = "Write a config.json of the OCI runtime specification that ocivalidate bundle accepts."
_EXAMPLES = (
    (
        "A server with limits and a volume:",
        "%(prog)s --cpus 2 --memory 512m -v ./data:/data:ro -- /bin/server --port 80 > config.json",
    ),
    (
        "Hardened, for a user:",
        "%(prog)s --profile hardened --user 1000:1000 --cap-add NET_BIND_SERVICE -o bundle/config.json",
    ),
    ("From what is there:", "%(prog)s --template config.json --unset linux.seccomp --append process.args=-v"),
    (
        "Any field of the specification:",
        "%(prog)s --set linux.netDevices.eth1.name=eth0 --set process.scheduler.policy=SCHED_BATCH",
    ),
    ("", "%(prog)s --list-paths | grep memory"),
)
_EXIT_CODES = (
    "Exit codes: 0 written, 1 the config would break the specification (--force writes it), 2 an option is invalid."
)
_VERSIONS = f"{RUNTIME_RELEASES[0]} to {RUNTIME_RELEASES[-1]}, or next for the draft"


class _Collect(argparse.Action):
    """Keeps every option of the table with its arguments, in the order of the command line."""

    def __init__(
        self, option_strings: Sequence[str], dest: str, row: Option, given: tuple[bool, ...] = (), **keywords: Any
    ) -> None:
        super().__init__(option_strings, dest, nargs=None if row.metavar else 0, **keywords)
        self.row = row
        self.given = given

    def __call__(
        self, _parser: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        namespace.requests.append((self.row, option_string, values if self.row.metavar else self.given))


class _ForEngines(argparse.Action):
    """Keeps every flag that asks an engine for something."""

    def __call__(
        self, _parser: Any, namespace: argparse.Namespace, _values: Any, option_string: str | None = None
    ) -> None:
        namespace.for_engines.append(option_string)


def main(arguments: Sequence[str], program: str) -> int:
    """Run a command line and return its exit code."""
    return guarded(program, lambda: _run(list(arguments), program))


def add_options(_parser: DashParser, _command: str) -> None:
    """Nothing: as a command of ``ocivalidate`` it reads its command line by itself."""


def _run(arguments: list[str], program: str) -> int:
    own = arguments[: arguments.index(COMMAND)] if COMMAND in arguments else arguments
    if _asks_for_help(own):
        parser_of(program).print_help()
        return 0
    if "--version" in own:
        print_text(f"{program} {__version__}\n")
        return 0
    options = parse(arguments, program)
    if options.list_paths:
        _list_paths()
        return 0
    return _write(apply(options, start(options)), options, program)


def _list_paths() -> None:
    from ocivalidate.cli.lines import print_lines
    from ocivalidate.cli.screen import screen
    from ocivalidate.generate.listing import listed
    from ocivalidate.report.painting import Line

    seen = screen()
    rows = listed()
    column = max(len(path) for path, _about in rows)
    fits = not seen.width or column + 2 + max(len(about) for _path, about in rows) <= seen.width
    lines: list[Line] = []
    for path, about in rows:
        if fits:
            lines.append([(f"{path:<{column}}", "name"), (f"  {about}", "")])
        else:
            # What is known of a path stands below it.
            lines += [[(path, "name")], [(f"    {about}", "")]]
    print_lines(lines, seen)


def _asks_for_help(own: list[str]) -> bool:
    """``-h`` is the host name where one follows, as docker and podman have it, and help where nothing does."""
    return HELP in own or own[-1:] == ["-h"]


def parse(arguments: list[str], program: str) -> argparse.Namespace:
    """Read a command line. Raises :class:`UsageError` and :class:`OptionError`."""
    command: list[str] | None = None
    if COMMAND in arguments:
        end = arguments.index(COMMAND)
        arguments, command = arguments[:end], arguments[end + 1 :]
    if any(argument.startswith("--") for argument in arguments):
        from ocivalidate.generate.rewriting import rewritten

        arguments, words = rewritten(arguments)
        command = words if command is None and words else command
    parser = parser_of(program)
    options = argparse.Namespace(requests=[], for_engines=[])
    _options, strays = parser.parse_known_args(arguments, options)
    if options.for_engines:
        raise OptionError(refusal(options.for_engines))
    if strays:
        from ocivalidate.cli import mistakes

        known = (flag for flag in parser._option_string_actions if "=" not in flag)  # noqa: SLF001  # no list is public
        parser.error(mistakes.stray_of_generate(program, strays, known))
    options.command = command
    return options


def parser_of(program: str) -> DashParser:
    """The parser of ``oci-gen``, or of the command that is the same."""
    parser = DashParser(
        prog=program,
        usage="%(prog)s [OPTION...] [-- CMD ARGS...]",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        add_help=False,
    )
    parser.examples = _EXAMPLES
    groups = {name: parser.add_argument_group(title) for name, title in GROUPS.items()}
    _add_start(groups["start"])
    for row in TABLE.values():
        if row.flags != (COMMAND,):
            _add_row(groups[row.group], row)
    parser.add_argument(*ENGINE_FLAGS, action=_ForEngines, nargs="?", help=argparse.SUPPRESS)
    groups["fields"].add_argument(
        "--list-paths", action="store_true", help="print every path with its type, releases and clause, and exit"
    )
    output = groups["output"]
    output.add_argument(
        "-o", "--output", metavar="FILE", help="write to a file, completely or not at all (default: standard output)"
    )
    output.add_argument("--force", action="store_true", help="write the config even if it breaks the specification")
    output.add_argument("--version", action="store_true", help="print the version and exit")
    output.add_argument(HELP, action="store_true", help="print this help and exit; so does -h without a value")
    return parser


def _add_row(group: Any, row: Option) -> None:
    keywords: dict[str, Any] = {"metavar": row.metavar} if row.metavar else {}
    group.add_argument(*row.flags, action=_Collect, row=row, dest=row.method, help=_escaped(row.help), **keywords)
    if not row.metavar:
        for words, given in ((_ON, (True,)), (_OFF, (False,))):
            spelled = [f"{flag}={word}" for flag in row.flags for word in words]
            group.add_argument(*spelled, action=_Collect, row=row, given=given, dest=row.method, help=argparse.SUPPRESS)


def _add_start(group: Any) -> None:
    """What makes a builder; each is a keyword of ``ConfigBuilder.start`` or ``ConfigBuilder.template``."""
    group.add_argument(
        "--os", choices=tuple(PLATFORMS), metavar="OS", help=f"one of {', '.join(PLATFORMS)} (default: linux)"
    )
    group.add_argument(
        "--profile", choices=tuple(PROFILES), metavar="NAME", help=f"one of {', '.join(PROFILES)} (default: default)"
    )
    group.add_argument("--rootless", action="store_true", help="what an unprivileged user can run")
    group.add_argument(
        "--template", metavar="FILE", help="start from a config.json, or -; nothing in it changes unless asked for"
    )
    group.add_argument(
        "--spec-version",
        choices=RUNTIME_CHOICES,
        metavar="RELEASE",
        help=f"{_VERSIONS} (default: the oldest, from 1.0.2 on, that supports every option, or that of the template)",
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def apply(options: argparse.Namespace, builder: ConfigBuilder) -> ConfigBuilder:
    """Do to a config what the options ask for. Raises :class:`OptionError`."""
    for row, written, given in sorted(options.requests, key=lambda request: request[0].phase):
        try:
            getattr(builder, row.method)(*(row.reads(given) if row.metavar else given))
        except OptionError as problem:
            raise OptionError(f"{written}: {problem}") from problem
    if options.command:
        builder.command(*options.command)
    elif options.command is not None:
        raise OptionError("there is no command after --")
    return builder


def start(options: argparse.Namespace) -> ConfigBuilder:
    """The config that the options start from. Raises :class:`OptionError`."""
    if options.template is None:
        return ConfigBuilder.start(
            options.os or "linux",
            profile=options.profile or "default",
            rootless=options.rootless,
            spec_version=options.spec_version,
        )
    for name in ("os", "profile", "rootless"):
        if getattr(options, name):
            raise OptionError(f"--template cannot be combined with --{name}")
    from ocivalidate.generate.sources import read_json

    return ConfigBuilder.template(read_json(options.template), spec_version=options.spec_version)


def _write(builder: ConfigBuilder, options: argparse.Namespace, program: str) -> int:
    finished = builder.finish()
    refused = finished.rejected and not options.force
    draft = draft_note(finished.report.release)
    if draft:
        tell(f"{program}: note: judged by runtime-spec {finished.report.release}, {draft}")
    _tell(finished.report, program, worst_only=refused)
    if refused:
        return _NOT_ACCEPTED
    if options.output in (None, "-"):
        print_text(finished.text.decode())
    else:
        from ocivalidate.cli.files import write_file

        write_file(options.output, (finished.text.decode(),))
    return 0


def _tell(report: Report, program: str, *, worst_only: bool) -> None:
    """A line for each finding that the config has; of one that is not written, those that are the reason."""
    from ocivalidate.cli.one_line import one_line
    from ocivalidate.report.escape import visible
    from ocivalidate.rules.clauses import Severity

    least = Severity.ERROR if worst_only else Severity.WARNING
    for finding in report.findings:
        if finding.severity.rank >= least.rank:
            line = visible(one_line(finding, hint=finding.hint))
            tell(f"{program}: {line.encode('ascii', 'backslashreplace').decode()}")
