"""``ocivalidate probe``."""

from __future__ import annotations

import argparse
import sys

from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.streams import print_text
from ocivalidate.errors import UsageError
from ocivalidate.rules.findings import ExitCode

_START = 'if __name__ == "__main__":'


_EXAMPLES = (
    ("In a container that has ocivalidate:", "ocivalidate probe --for config.json > facts.json"),
    ("In one that has only Python:", "ocivalidate probe --script --for config.json > look.py"),
    ("", "podman exec -i box python3 - < look.py > facts.json"),
    ("And then:", "ocivalidate judge config.json facts.json"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.epilog = "The facts hold the environment, secrets included."
    parser.add_argument("paths", nargs="*", metavar="PATH", help="further paths to look at")
    parser.add_argument(
        "--for", dest="config_json", metavar="CONFIG", help="look at all that judging this bundle or config.json needs"
    )
    parser.add_argument("--script", action="store_true", help="print a program that does the same, for a bare Python")


def run(options: argparse.Namespace) -> int:
    """Print the facts of the place where this runs, or the program that does so."""
    words = ["everything", *_paths_for(options.config_json), *options.paths]
    if options.script:
        print_text(script(words))
        return ExitCode.CONFORMS
    if not sys.platform.startswith("linux"):
        raise UsageError("the probe runs on Linux only; --script prints it for use in a container")
    from ocivalidate.report.escape import json_shield
    from ocivalidate.runtime.inside import probe

    name, *arguments = words
    print_text(json_shield(probe.encode({probe.MARK: [probe.perform(name, arguments)]})) + "\n")
    return ExitCode.CONFORMS


def _paths_for(config: str | None) -> list[str]:
    if config is None:
        return []
    from ocivalidate.runtime.judging.documents import paths_for

    return paths_for(config)


def script(words: list[str]) -> str:
    """The probe as a program that does these steps when it is given none."""
    from ocivalidate.runtime.inside import PROBE_SOURCE

    text, _, _ = PROBE_SOURCE.read_text(encoding="utf-8").partition(_START)
    return f"{text}{_START}\n    main(sys.argv[1:] or {words!r})\n"
