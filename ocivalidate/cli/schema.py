"""``ocivalidate schema``: a JSON Schema for editors and other validators."""

from __future__ import annotations

import argparse
import json

from ocivalidate import resources
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.streams import print_text
from ocivalidate.errors import UsageError
from ocivalidate.rules.schema import KINDS, releases
from ocivalidate.vocabulary.versions import NEXT

# For which there are settings (``schema_install.py``).
EDITORS = ("vscode", "yaml-language-server")
# The schemas of our own output, which have no releases.
OUTPUTS = {
    "report": "output/report.json",
    "matrix": "output/matrix.json",
    "diff": "output/diff.json",
    "in-toto": "output/in-toto.json",
    "bench": "output/bench.json",
}


_EXAMPLES = (
    ("For an editor, or another validator:", "ocivalidate schema runtime-config > config-schema.json"),
    ("Of an older release:", "ocivalidate schema runtime-config --spec-version 1.1.0"),
    ("What it cannot say:", "ocivalidate schema image-manifest --limits"),
    ("In an editor:", "ocivalidate schema runtime-config --install vscode"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.add_argument(
        "name", choices=(*KINDS, *OUTPUTS), metavar="NAME", help=f"one of {', '.join((*KINDS, *OUTPUTS))}"
    )
    parser.add_argument(
        "--spec-version",
        metavar="RELEASE",
        help="the release of the specification, or next for its draft (default: the newest release)",
    )
    parser.add_argument("--limits", action="store_true", help="list the errors that the schema cannot find, and why")
    group = parser.group("In an editor")
    group.add_argument(
        "--install",
        choices=EDITORS,
        metavar="EDITOR",
        help=f"write the schema to a file, and print the settings of {', '.join(EDITORS)} that name it",
    )
    group.add_argument("--into", metavar="DIR", help="the folder of that file (default: where data of the user is)")
    group.add_argument("--match", metavar="GLOB", help="the files that it is for (default: as they are usually called)")


def run(options: argparse.Namespace) -> int:
    """Print the schema, or its limits, or the settings for an editor. Raises :class:`UsageError`."""
    from ocivalidate.printed import standalone  # which loads every check

    if not options.install and (options.into is not None or options.match is not None):
        raise UsageError("--into and --match go with --install")
    if options.install and options.limits:
        raise UsageError("--limits lists what a schema cannot say, and installs nothing")
    called = options.name
    if options.name in OUTPUTS:
        if options.spec_version:
            raise UsageError(f"{options.name} is a format of ocivalidate, which takes no --spec-version")
        if options.limits:
            raise UsageError(f"{options.name} is a format of ocivalidate, which takes no --limits")
        schema = resources.read_json("schemas", OUTPUTS[options.name])
    else:
        known = releases(options.name)
        release = options.spec_version or known[-1]
        if release not in (*known, NEXT):
            from ocivalidate.cli import mistakes

            guess = mistakes.value(release, (*known, NEXT)) or f"; known are {', '.join((*known, NEXT))}"
            raise UsageError(f"unknown release {release}{guess}")
        if options.limits:
            _print_limits(options.name, release)
            return 0
        schema = standalone(options.name, release)
        called = f"{options.name}-{release}"
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    if options.install:
        from ocivalidate.cli.schema_install import install

        install(text, called, options.name, options.install, into=options.into, match=options.match)
    else:
        print_text(text)
    return 0


def _print_limits(name: str, release: str) -> None:
    """What the schema of a document type cannot say, a line for each clause."""
    from ocivalidate.cli.lines import print_lines
    from ocivalidate.cli.screen import screen
    from ocivalidate.printed import limits

    parts = ((limit, " (in part)" if limit.said_in_part else "") for limit in limits(name, release))
    print_lines(([(limit.clause, "name"), (f"{part}: {limit.reason}", "")] for limit, part in parts), screen())
