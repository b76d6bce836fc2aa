"""``ocivalidate bundle``."""

from __future__ import annotations

import argparse
import functools

from ocivalidate.bundle.api import SPECIFICATION, check_bundle
from ocivalidate.bundle.options import BundleOptions
from ocivalidate.cli import changed, registries, settings as settings_module
from ocivalidate.cli.all_judged import all_judged
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.inputs import inputs
from ocivalidate.cli.output import publish
from ocivalidate.cli.settings import Settings
from ocivalidate.errors import UsageError
from ocivalidate.rules.findings import ExitCode, Report

# So many bundles take as long as it takes to begin a process.
_WORTH_A_PROCESS = 32
_EXAMPLES = (
    ("A bundle folder, or a config.json from a pipe:", "ocivalidate bundle ./b"),
    ("", "runc spec && ocivalidate bundle - < config.json"),
    (
        "Warnings fail too, but for one clause:",
        "ocivalidate bundle ./b --fail-on warning --ignore lint/members.unknown",
    ),
    (
        "Reports for services, beside what is printed:",
        "ocivalidate bundle ./b --output sarif=b.sarif --output junit=b.xml",
    ),
    ("Whether it matches the image that it was made of:", "ocivalidate bundle ./b --image ./layout --ref latest"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a bundle folder, a folder of bundles, a config.json, or - for standard input",
    )
    changed.add_option(parser, "configurations of containers")
    images = parser.group("With an image")
    images.add_argument("--image", metavar="SOURCE", help="also judge whether the bundle matches this image")
    images.add_argument("--ref", metavar="NAME", help="with --image: the image of this name")
    images.add_argument("--platform", metavar="OS/ARCH", help="with --image: the image for this platform")
    registries.add_options(parser)
    fixing = parser.group("Mending").add_mutually_exclusive_group()
    fixing.add_argument(
        "--fix", action="store_true", help="mend what has one safe answer, then judge; with - print the document"
    )
    fixing.add_argument("--diff", action="store_true", help="print what --fix would change, and change nothing")
    settings_module.add_options(parser)
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="how many processes judge, of many inputs (default: one per core)"
    )


def run(options: argparse.Namespace) -> int:
    """Judge every path and print what was found."""
    settings = settings_module.settle(options)
    settings_module.at_least_one("--jobs", options.jobs)
    looking = BundleOptions(
        settings["host"],
        settings["document-only"],
        settings["follow-links"],
        settings["max-size"],
        settings.digests,
        settings.fixes,
    )
    if options.changed_files:
        options.paths = changed.bundles(options.paths, settings["max-size"], follow_links=looking.follow_links)
        if not options.paths:
            return ExitCode.CONFORMS
    found, notes = inputs("bundle", options.paths, settings)
    options.paths = [path for path, problem in found if not problem]
    unwritten = ExitCode.CONFORMS
    if options.fix or options.diff:
        from ocivalidate.cli import fixing

        fixing.refuse_nonsense(options, settings)
        if options.diff:
            return fixing.show(found, settings, looking)
        if options.paths == ["-"]:
            return fixing.mend_standard_input(settings, looking)
        unwritten = fixing.mend(options.paths, settings, looking)
    judge = functools.partial(check_bundle, selection=settings.selection, options=looking)
    reports = all_judged("bundle", SPECIFICATION, judge, found, jobs=options.jobs, worth=_WORTH_A_PROCESS)
    if options.image is not None:
        reports += _conversions(options, settings)
    elif options.ref is not None or options.platform is not None:
        raise UsageError("--ref and --platform go with --image")
    return max(publish(reports, settings, notes), unwritten)


def _conversions(options: argparse.Namespace, settings: Settings) -> list[Report]:
    """What became of the image in each bundle."""
    from dataclasses import replace

    from ocivalidate.image.names import refuse_no_platform
    from ocivalidate.unpack.judging import ConversionOptions, check_conversion

    if options.image == "-" and (len(options.paths) > 1 or "-" in options.paths):
        raise UsageError("standard input cannot be used twice")
    refuse_no_platform(options.platform, "--platform")
    # The release and the platform are those of runtime-spec, and the image has its own.
    selection = replace(settings.selection, spec_version=None, platform=None)
    looking = ConversionOptions(
        options.ref,
        options.platform,
        settings["follow-links"],
        settings["max-size"],
        registries.registry_options(options),
    )
    return [check_conversion(path, options.image, selection, looking) for path in options.paths]
