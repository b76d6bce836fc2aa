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

# The schemas of our own output, which have no releases.
OUTPUTS = {"report": "output/report.json", "in-toto": "output/in-toto.json"}


_EXAMPLES = (
    ("For an editor, or another validator:", "ocivalidate schema runtime-config > config-schema.json"),
    ("Of an older release:", "ocivalidate schema runtime-config --spec-version 1.1.0"),
    ("What it cannot say:", "ocivalidate schema image-manifest --limits"),
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


def run(options: argparse.Namespace) -> int:
    """Print the schema, or its limits."""
    from ocivalidate.printed import limits, standalone  # which load every check

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
            raise UsageError(f"unknown release {release}; known are {', '.join((*known, NEXT))}")
        if options.limits:
            for limit in limits(options.name, release):
                part = " (in part)" if limit.said_in_part else ""
                print_text(f"{limit.clause}{part}: {limit.reason}\n")
            return 0
        schema = standalone(options.name, release)
    print_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    return 0
