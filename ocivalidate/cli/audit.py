"""``ocivalidate audit``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from ocivalidate.audit.api import audit
from ocivalidate.audit.options import LIMITS, AuditOptions, Work
from ocivalidate.bundle.sources import read_file
from ocivalidate.cli import audit_work, registries, settings as settings_module
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.image import add_limits, add_release, layer_limits
from ocivalidate.cli.output import publish
from ocivalidate.cli.settings import Settings
from ocivalidate.errors import Unreadable, UsageError
from ocivalidate.report.escape import visible
from ocivalidate.rules.findings import Report

_EXAMPLES = (
    ("The storage of a registry, or a folder of layouts:", "ocivalidate audit /var/lib/registry"),
    ("A registry, by its API:", "ocivalidate audit docker://registry.example.org"),
    ("Some repositories, some tags:", "ocivalidate audit ./layouts --repository 'library/*' --tag 'v*'"),
    ("One that takes days, to go on with:", "ocivalidate audit /var/lib/registry --journal audit.jsonl --rate 200M"),
    ("A quarter of it, on one of four machines:", "ocivalidate audit ./layouts --shard 1/4 --format json > 1.json"),
    ("", "ocivalidate audit --merge 1.json 2.json 3.json 4.json"),
)
_LARGEST_REPORT = 1 << 30
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
    audit_work.add_options(parser)
    add_limits(parser, archives=False)


def run(options: argparse.Namespace) -> int:
    """Audit every target and print what was found."""
    settings = settings_module.settle(options)
    if options.merge:
        audit_work.refuse_beside_merge(options)
        return publish(_merged(options.sources), settings)
    audit_options = AuditOptions(
        tuple(options.repository),
        tuple(options.tag),
        settings_module.at_least_one("--jobs", options.jobs),
        LIMITS._replace(document=settings["max-size"]),
        layer_limits(options),
        settings["follow-links"],
        registry=registries.registry_options(options),
    )
    with audit_work.working(options, audit_options.layer_limits) as work:
        reports = [_audited(target, settings, audit_options, work) for target in options.sources]
    return publish(reports, settings)


def _audited(target: str, settings: Settings, options: AuditOptions, work: Work) -> Report:
    with audit_work.shown(target, quiet=settings["quiet"]) as progress:
        return audit(target, settings.selection, options, work=work._replace(progress=progress))


def _merged(paths: Sequence[str]) -> list[Report]:
    """The reports of the whole, of files with those of its shards. Raises :class:`UsageError`."""
    from ocivalidate.audit.merging import merged

    documents = []
    for path in paths:
        try:
            documents.append((visible(path), json.loads(read_file(path, _LARGEST_REPORT))))
        except (ValueError, RecursionError, Unreadable) as problem:
            raise UsageError(f"{visible(path)}: not a JSON report: {visible(str(problem))}") from problem
    return merged(documents)
