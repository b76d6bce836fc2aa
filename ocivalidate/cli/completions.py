"""``ocivalidate completions``: what bash, zsh and fish need to complete our command lines."""

from __future__ import annotations

import argparse

from ocivalidate import resources
from ocivalidate.cli.completing import PROGRAMS, SHELLS
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.streams import print_text
from ocivalidate.errors import UsageError

_EXAMPLES = (
    ("For bash, in ~/.bashrc:", 'eval "$(ocivalidate completions bash)"'),
    ("For zsh, in a folder of $fpath:", "ocivalidate completions zsh > ~/.zfunc/_ocivalidate"),
    ("For fish:", "ocivalidate completions fish > ~/.config/fish/completions/ocivalidate.fish"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    parser.add_argument(
        "--program",
        choices=PROGRAMS,
        default=PROGRAMS[0],
        metavar="PROGRAM",
        help=f"whose command line: {', '.join(PROGRAMS)} (default: {PROGRAMS[0]})",
    )


def run(options: argparse.Namespace) -> int:
    """Print the completions. Raises :class:`UsageError` where there are none and they cannot be made."""
    made = resources.PACKAGE / "shells" / f"{options.program}.{options.shell}"
    if made.is_file():
        print_text(made.read_text(encoding="utf-8"))
        return 0
    from ocivalidate.cli.completing import script

    try:
        print_text(script(options.program, options.shell))
    except ModuleNotFoundError as problem:
        if problem.name != "shtab":
            raise
        raise UsageError("a checkout makes completions with shtab: pip install shtab") from problem
    return 0
