"""``ocivalidate judge``."""

from __future__ import annotations

import argparse

from ocivalidate.bundle.options import DocumentOptions
from ocivalidate.cli import settings as settings_module
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.output import publish
from ocivalidate.errors import UsageError

_EXAMPLES = (
    ("What the probe saw in a container:", "podman exec -i box python3 - < look.py > facts.json"),
    ("Where look.py is:", "ocivalidate probe --script --for config.json > look.py"),
    ("Held against its configuration:", "ocivalidate judge config.json facts.json"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.add_argument("document", metavar="CONFIG", help="the bundle folder or the config.json of the container")
    parser.add_argument("facts", metavar="FACTS", help="what ocivalidate probe printed in it; - is standard input")
    settings_module.add_options(
        parser, without=frozenset({"os", "host", "document-only", "follow-links", "lint", *settings_module.OF_WALKS})
    )


def run(options: argparse.Namespace) -> int:
    """Judge the facts and print what was found."""
    from ocivalidate.runtime.judging.documents import check_facts

    settings = settings_module.settle(options)
    if options.document == options.facts == "-":
        raise UsageError("standard input cannot be both the config and the facts")
    reading = DocumentOptions(settings["max-size"])
    report = check_facts(options.document, options.facts, settings.selection, reading)
    return publish([report], settings)
