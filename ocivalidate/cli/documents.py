"""``ocivalidate state`` and ``ocivalidate features``: documents that a runtime prints."""

from __future__ import annotations

import argparse

from ocivalidate.bundle.api import check_features, check_state
from ocivalidate.bundle.options import DocumentOptions
from ocivalidate.cli import settings as settings_module
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.output import publish

_CHECKS = {"state": check_state, "features": check_features}


_EXAMPLES = {
    "state": (("What a runtime says of a container:", "runc state web | ocivalidate state -"),),
    "features": (("What a runtime says of itself:", "runc features | ocivalidate features -"),),
}


def add_options(parser: DashParser, command: str) -> None:
    """The options of both commands."""
    parser.examples = _EXAMPLES[command]
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file, or - for standard input")
    settings_module.add_options(
        parser, without=frozenset({"host", "document-only", "follow-links", *settings_module.OF_WALKS})
    )


def run(options: argparse.Namespace) -> int:
    """Judge every file and print what was found."""
    settings = settings_module.settle(options)
    check = _CHECKS[options.command]
    reading = DocumentOptions(settings["max-size"], settings.digests)
    reports = [check(file, settings.selection, reading) for file in options.files]
    return publish(reports, settings)
