"""``ocivalidate audit``."""

from __future__ import annotations

import argparse

from ocivalidate.audit.api import audit
from ocivalidate.audit.options import LIMITS, AuditOptions, Work
from ocivalidate.cli import registries, settings as settings_module
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.image import add_limits, add_release, layer_limits
from ocivalidate.cli.image_view import progress_bar
from ocivalidate.cli.output import publish
from ocivalidate.cli.settings import Settings
from ocivalidate.rules.findings import Report

_EXAMPLES = (
    ("The storage of a registry, or a folder of layouts:", "ocivalidate audit /var/lib/registry"),
    ("A registry, by its API:", "ocivalidate audit docker://registry.example.org"),
    ("Some repositories, some tags:", "ocivalidate audit ./layouts --repository 'library/*' --tag 'v*'"),
)
_NOT_FOR_AUDITS = frozenset({"os", "host", "document-only", "spec-version", *settings_module.OF_WALKS})


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="TARGET",
        help="the storage of a registry, a folder of layouts, or a registry: docker://HOST or docker://HOST/NAME",
    )
    judged = parser.group(settings_module.JUDGED)
    judged.add_argument(
        "--repository", action="append", default=[], metavar="GLOB", help="only repositories with such a name"
    )
    judged.add_argument("--tag", action="append", default=[], metavar="GLOB", help="only such tags")
    add_release(judged)
    registries.add_options(parser)
    settings_module.add_options(parser, without=_NOT_FOR_AUDITS)
    add_limits(parser, archives=False)
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="how many blobs to read at a time (default: one per core)"
    )


def run(options: argparse.Namespace) -> int:
    """Audit every target and print what was found."""
    settings = settings_module.settle(options)
    audit_options = AuditOptions(
        tuple(options.repository),
        tuple(options.tag),
        settings_module.at_least_one("--jobs", options.jobs),
        LIMITS._replace(document=settings["max-size"]),
        layer_limits(options),
        settings["follow-links"],
        registry=registries.registry_options(options),
    )
    return publish([_audited(target, settings, audit_options) for target in options.sources], settings)


def _audited(target: str, settings: Settings, options: AuditOptions) -> Report:
    with progress_bar(target) as progress:
        return audit(target, settings.selection, options, work=Work(progress=progress))
