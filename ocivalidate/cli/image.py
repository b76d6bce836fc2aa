"""``ocivalidate image``."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence

from ocivalidate.cli import changed, settings as settings_module
from ocivalidate.cli.all_judged import all_judged
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.image_view import progress_bar, tree
from ocivalidate.cli.inputs import inputs
from ocivalidate.cli.lines import print_lines
from ocivalidate.cli.output import publish
from ocivalidate.cli.registries import add_options as add_registry_options, registry_options
from ocivalidate.cli.screen import screen
from ocivalidate.cli.settings import Settings
from ocivalidate.image.api import SPECIFICATION, ImageOptions, check_image
from ocivalidate.image.documents.subjects import SUBJECTS
from ocivalidate.image.found import ImageFilter
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import refuse_no_platform
from ocivalidate.rules.findings import ExitCode, Report
from ocivalidate.vocabulary.versions import IMAGE_CHOICES
from ocivalidate.vocabulary.wording import bytes_in_words

# Option → the limit that it sets, and what it limits.
LIMITS = {
    "--max-inflated": ("inflated", "the largest layer, once it is decompressed"),
    "--max-ratio": ("ratio", "the highest compression ratio of a layer"),
    "--max-entries": ("entries", "the most entries of a layer"),
    "--max-path": ("path", "the longest path in a layer"),
    "--max-extension": ("extension", "the largest extension headers before an entry of a layer"),
    "--max-window": ("window", "the largest window of a zstd frame"),
}
_NUMBERS = ("--max-ratio", "--max-entries")
_EXAMPLES = (
    ("A layout folder, or an archive of docker save:", "ocivalidate image ./layout"),
    ("", "docker save app | ocivalidate image -"),
    ("One image of several, for one platform:", "ocivalidate image ./layout --ref latest --platform linux/arm64"),
    ("An image in a registry, with its referrers:", "ocivalidate image docker://registry.example.org/app:1.2"),
    ("What it is made of:", "ocivalidate image ./layout -v"),
    ("A statement to sign:", "ocivalidate image ./layout --output in-toto=verdict.json"),
)
# So many images are judged beside each other, and not the blobs of each.
_WORTH_A_PROCESS = 8
_KINDS = tuple(sorted(kind.removeprefix("image-") for kind in SUBJECTS))
_NOT_FOR_IMAGES = frozenset({"os", "host", "document-only", "spec-version"})


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a layout folder, a folder of layouts, an archive, a JSON document, - for standard input, or a name as "
        "skopeo writes it: docker://HOST/NAME:TAG, oci:DIR:REF, oci-archive:FILE, docker-archive:FILE, dir:DIR",
    )
    changed.add_option(parser, "images")
    judged = parser.group(settings_module.JUDGED)
    judged.add_argument("--ref", action="append", default=[], metavar="NAME", help="only the image of this name")
    judged.add_argument("--platform", action="append", default=[], metavar="OS/ARCH", help="only this platform")
    judged.add_argument("--complete", action="store_true", help="report missing blobs as errors")
    judged.add_argument("--no-orphans", action="store_true", help="skip unreferenced blobs")
    judged.add_argument(
        "--manifests-only", action="store_true", help="judge all documents, and of other blobs presence and size alone"
    )
    add_release(judged)
    judged.add_argument(
        "--kind",
        choices=_KINDS,
        metavar="KIND",
        help=f"what a JSON document that stands alone is: {', '.join(_KINDS)}",
    )
    add_registry_options(parser)
    settings_module.add_options(parser, without=_NOT_FOR_IMAGES)
    add_limits(parser)
    limits = parser.group(settings_module.LIMITED)
    limits.add_argument(
        "--max-depth",
        type=int,
        metavar="N",
        help=f"the deepest nesting of indexes and subjects (default: {Limits().depth})",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="how many blobs, or of many images how many of them, to read at a time (default: one per core)",
    )


def add_release(group: argparse._ArgumentGroup) -> None:
    """The option that names the release of image-spec."""
    group.add_argument(
        "--spec-version",
        choices=IMAGE_CHOICES,
        metavar="RELEASE",
        help="the release of image-spec to judge by, such as 1.0.2, or next for its draft (default: the newest)",
    )


def add_limits(parser: DashParser, *, archives: bool = True) -> None:
    """The options that limit layers, and archives around layouts."""
    group = parser.group(settings_module.LIMITED)
    archive = bytes_in_words(Limits().archive)
    if archives:
        group.add_argument(
            "--max-archive", metavar="SIZE", help=f"the largest archive, once it is decompressed (default: {archive})"
        )
    for option, (name, what) in LIMITS.items():
        number = getattr(DEFAULT, name)
        default = f"{number:,}" if option in _NUMBERS else bytes_in_words(number)
        metavar = "N" if option in _NUMBERS else "SIZE"
        group.add_argument(option, metavar=metavar, help=f"{what} (default: {default})")


def archive_limit(options: argparse.Namespace) -> int:
    """The limit for archives, as the option says. Raises :class:`UsageError`."""
    written = options.max_archive
    return Limits().archive if written is None else settings_module.size(written)


def run(options: argparse.Namespace) -> int:
    """Judge every image and print what was found."""
    settings = settings_module.settle(options)
    image_options = ImageOptions(
        _wanted(options),
        options.complete,
        not options.no_orphans,
        settings_module.at_least_one("--jobs", options.jobs),
        options.kind and f"image-{options.kind}",
        _limits(options, settings["max-size"]),
        layer_limits(options),
        settings["follow-links"],
        manifests_only=options.manifests_only,
        registry=registry_options(options),
    )
    if options.changed_files:
        options.sources = changed.images(options.sources, follow_links=settings["follow-links"])
        if not options.sources:
            return ExitCode.CONFORMS
    found, notes = inputs("image", options.sources, settings) if options.kind is None else (_as_named(options), [])
    reports = _reports(found, settings, image_options)
    if settings["verbose"] and settings["format"] == "text":
        seen = screen(settings["color"])
        for report in reports:
            print_lines(tree(report, seen.width), seen, hang=11)
    return publish(reports, settings, notes)


def _reports(found: Sequence[tuple[str, str]], settings: Settings, options: ImageOptions) -> list[Report]:
    def judge(source: str) -> Report:
        with progress_bar(source) as progress:
            return check_image(source, settings.selection, options, progress=progress)

    if len(found) >= 2 * _WORTH_A_PROCESS:
        # Small images: their blobs are too few to keep several cores at work.
        judge_one = functools.partial(check_image, selection=settings.selection, options=options._replace(jobs=1))
        return all_judged("image", SPECIFICATION, judge_one, found, jobs=options.jobs, worth=_WORTH_A_PROCESS)
    return all_judged("image", SPECIFICATION, judge, found, jobs=1, worth=_WORTH_A_PROCESS)


def _as_named(options: argparse.Namespace) -> list[tuple[str, str]]:
    return [(source, "") for source in options.sources]


def _wanted(options: argparse.Namespace) -> ImageFilter:
    for platform in options.platform:
        refuse_no_platform(platform, "--platform")
    return ImageFilter(tuple(options.ref), tuple(options.platform))


def _limits(options: argparse.Namespace, max_size: int) -> Limits:
    limits = Limits(document=max_size, archive=archive_limit(options))
    depth = settings_module.at_least_one("--max-depth", options.max_depth)
    return limits if depth is None else limits._replace(depth=depth)


def layer_limits(options: argparse.Namespace) -> LayerLimits:
    """The limits for layers, as the options say. Raises :class:`UsageError`."""
    from dataclasses import replace

    given = {}
    for option, (name, _what) in LIMITS.items():
        written = getattr(options, option.removeprefix("--").replace("-", "_"))
        if written is not None:
            given[name] = settings_module.size(written)
    return replace(DEFAULT, **given)
