"""``ocivalidate bundle``."""

from __future__ import annotations

import argparse

from ocivalidate.bundle.api import check_bundle
from ocivalidate.cli import settings as settings_module
from ocivalidate.cli.output import publish
from ocivalidate.cli.settings import Settings
from ocivalidate.errors import UsageError
from ocivalidate.rules.findings import Report


def add_options(parser: argparse.ArgumentParser, _command: str) -> None:
    """The options of the command."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a bundle folder, a config.json, or - for standard input"
    )
    parser.add_argument("--image", metavar="SOURCE", help="judge too whether the bundle is what this image asks for")
    parser.add_argument("--ref", metavar="NAME", help="with --image: the image of this name")
    parser.add_argument("--platform", metavar="OS/ARCH", help="with --image: the image for this platform")
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
            follow_links=settings["follow-links"],
        )
        for path in options.paths
    ]
    if options.image is not None:
        reports += _conversions(options, settings)
    elif options.ref is not None or options.platform is not None:
        raise UsageError("--ref and --platform go with --image")
    return publish(reports, settings)


def _conversions(options: argparse.Namespace, settings: Settings) -> list[Report]:
    """What became of the image in each bundle."""
    from ocivalidate.unpack.judging import check_conversion

    if options.image == "-" and (len(options.paths) > 1 or "-" in options.paths):
        raise UsageError("standard input is one bundle or one image")
    return [
        check_conversion(
            path,
            options.image,
            ref=options.ref,
            platform=options.platform,
            selection=settings.selection,
            max_size=settings["max-size"],
            follow_links=settings["follow-links"],
        )
        for path in options.paths
    ]
