"""``ocivalidate bundle``."""

from __future__ import annotations

import argparse

from ocivalidate.bundle.api import check_bundle
from ocivalidate.cli import settings as settings_module
from ocivalidate.cli.output import publish


def add_options(parser: argparse.ArgumentParser, _command: str) -> None:
    """The options of the command."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a bundle folder, a config.json, or - for standard input"
    )
    settings_module.add_options(parser)


def run(options: argparse.Namespace) -> int:
    """Judge every path and print what was found."""
    settings = settings_module.settle(options)
    reports = [
        check_bundle(
            path,
            spec_version=settings["spec-version"],
            platform=settings["os"],
            selection=settings.selection,
            host=settings["host"],
            document_only=settings["document-only"],
            max_size=settings["max-size"],
        )
        for path in options.paths
    ]
    return publish(reports, settings)
