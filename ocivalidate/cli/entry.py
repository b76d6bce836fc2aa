"""From arguments to a command and its exit code; every failure is one line on standard error."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from ocivalidate import __version__
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.guard import guarded

_JUDGING, _KNOWING, _MAKING = "Judge", "Look up", "Make"


class Command(NamedTuple):
    """A command: its module below ocivalidate.cli, what it is for, and the title below which help lists it."""

    module: str
    summary: str
    title: str


# Only the module of the command that is run gets loaded.
COMMANDS = {
    "bundle": Command("bundle", "judge bundles, or config.json files", _JUDGING),
    "image": Command("image", "judge images: layout folders and archives", _JUDGING),
    "audit": Command("audit", "judge all images of a registry's storage, or of many layouts", _JUDGING),
    "runtime": Command("runtime", "judge a runtime by driving it", _JUDGING),
    "bench": Command("bench", "measure how long runtimes take, and how much memory they need", _JUDGING),
    "unpack": Command("unpack", "make a bundle of an image", _MAKING),
    "probe": Command("probe", "print what can be seen of the container from inside it", _MAKING),
    "judge": Command("judge", "check what the probe saw in a container against its config.json", _JUDGING),
    "state": Command("documents", "judge what a runtime's state prints", _JUDGING),
    "features": Command("documents", "judge what a runtime's features prints", _JUDGING),
    "report": Command("report", "merge reports of many runtimes, bundles or images into one", _KNOWING),
    "rules": Command("rules", "list the clauses and their coverage", _KNOWING),
    "explain": Command("explain", "explain a clause, with a bad and a good example, or a case", _KNOWING),
    "schema": Command("schema", "print a JSON Schema of a document type for one release", _KNOWING),
    "generate": Command("oci_gen", "write a config.json; the same as oci-gen", _MAKING),
    "completions": Command("completions", "print completions for a shell", _KNOWING),
    "lsp": Command("lsp", "serve an editor: findings, explanations, completion and fixes while one types", _KNOWING),
    "demo": Command("demo", "judge the samples that come with ocivalidate", _JUDGING),
}
_EXIT_CODES = "Exit codes: 0 conforms, 1 findings, 2 could not be judged."
_EXAMPLES = (
    ("Judge a bundle, an image, a runtime:", "ocivalidate bundle ./b"),
    ("", "ocivalidate image ./layout"),
    ("", "ocivalidate runtime --runtime runc"),
    ("Why a finding is one:", "ocivalidate explain runtime/config.process.cwd.absolute"),
    ("The options of a command:", "ocivalidate bundle --help"),
)


class MainParser(DashParser):
    """The parser of what stands before the command."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong. Raises :class:`UsageError`."""
        from ocivalidate.cli import mistakes

        if self.given and self.given[0].startswith("-"):
            message = mistakes.before_command(self.given, COMMANDS) or message
        elif self.given and self.given[0] not in COMMANDS:
            asked = next((one for one in self.given[1:] if one in COMMANDS), "")
            message = mistakes.no_command(self.given[0], COMMANDS, asked)
        super().error(message)


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code."""
    if arguments[:1] == ["generate"]:
        # What stands after -- is no option of ours, whatever it looks like: oci-gen reads its command line by itself.
        from ocivalidate.cli.oci_gen import main as generate

        return generate(arguments[1:], "ocivalidate generate")
    return guarded("ocivalidate", lambda: _dispatch(arguments))


def _dispatch(arguments: Sequence[str]) -> int:
    own, after = _split(arguments)
    try:
        options = _read(own, after)
    except SystemExit:
        # --help and --version end like this, when they have said all.
        return 0
    code: int = importlib.import_module(f"ocivalidate.cli.{COMMANDS[options.command].module}").run(options)
    return code


def _read(own: Sequence[str], after: Sequence[str]) -> argparse.Namespace:
    """The options of a command line. Raises :class:`UsageError` with the help that goes with the command."""
    parser, commands = _parser(own)
    options, strays = parser.parse_known_args(own, argparse.Namespace(after=after))
    if strays:
        from ocivalidate.cli import mistakes

        command = commands[options.command]
        if own[0] in strays:
            parser.error(mistakes.before_command(own, COMMANDS))
        command.error(mistakes.stray(options.command, strays, command._option_string_actions))  # noqa: SLF001  # argparse has no list of options that is public
    return options  # type: ignore[no-any-return]  # of argparse


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What ``unpack`` is told itself, and what stands after -- for oci-gen."""
    if arguments[:1] != ["unpack"] or "--" not in arguments:
        return arguments, ()
    end = arguments.index("--")
    return arguments[:end], arguments[end + 1 :]


def whole_parser() -> DashParser:
    """The parser with all options of all commands: for what is made of them, such as manual pages."""
    from ocivalidate.cli.oci_gen import parser_of

    parser, commands = _parser((), every=True)
    commands["generate"] = parser_of("ocivalidate generate")
    return parser


def _parser(arguments: Sequence[str], *, every: bool = False) -> tuple[DashParser, dict[str, DashParser]]:
    """The parser and those of the commands, of which only the one that the arguments ask for knows its options."""
    parser = MainParser(
        prog="ocivalidate",
        description="Judge OCI bundles and runtime documents against the OCI specifications, clause by clause.",
        epilog=_EXIT_CODES,
    )
    parser.commands = _titled()
    parser.examples = _EXAMPLES
    parser.add_argument(
        "--version", action="version", version=f"ocivalidate {__version__}", help="print the version and exit"
    )
    # With its name at hand, Python 3.14 makes no formatter to find it, which would import shutil.
    commands = parser.add_subparsers(
        prog=parser.prog, dest="command", required=True, metavar="COMMAND", parser_class=DashParser
    )
    asked = next((argument for argument in arguments if argument in COMMANDS), None)
    for name, (module, summary, title) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        if title == _JUDGING:
            command.epilog = _EXIT_CODES
        if name == asked or every:
            importlib.import_module(f"ocivalidate.cli.{module}").add_options(command, name)
    return parser, commands.choices


def _titled() -> dict[str, dict[str, str]]:
    """The commands and what they are for, below their titles."""
    titles: dict[str, dict[str, str]] = {}
    for name, command in COMMANDS.items():
        titles.setdefault(command.title, {})[name] = command.summary
    return titles
