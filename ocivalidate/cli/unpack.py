"""``ocivalidate unpack``."""

from __future__ import annotations

import argparse
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

from ocivalidate.cli import owns_process
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.exits import exit_code_of
from ocivalidate.cli.image import add_limits, add_release, archive_limit, layer_limits
from ocivalidate.cli.oci_gen import apply, parse, start as start_config
from ocivalidate.cli.one_line import one_line
from ocivalidate.cli.registries import add_options as add_registry_options, registry_options
from ocivalidate.cli.streams import errors_on_terminal, tell
from ocivalidate.errors import UsageError
from ocivalidate.generate.builder import ConfigBuilder
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import refuse_no_platform
from ocivalidate.rules.clauses import Severity, load, unmatched
from ocivalidate.rules.findings import ExitCode, Finding
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack.api import Progress, Unpacked, UnpackOptions, unpack_image
from ocivalidate.unpack.attributes import IdRange
from ocivalidate.unpack.generator import ConfigSteps
from ocivalidate.unpack.target import tidy
from ocivalidate.vocabulary.versions import draft_note

_RANGE = re.compile(r"([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})")
_SHOWN_FINDINGS = 100
_EPILOG = (
    "After -- follow options of oci-gen (see oci-gen --help), which take precedence.\n\n"
    "Exit codes: 0 unpacked, 1 the image is at fault, 2 not possible. On failure nothing is left behind."
)
_EXAMPLES = (
    ("A bundle of an image, for runc run:", "ocivalidate unpack ./layout ./b --ref latest"),
    ("With limits of its own:", "ocivalidate unpack ./layout ./b -- --cpus 2 --memory 512m"),
    ("From docker, without root:", "docker save app | ocivalidate unpack --rootless - ./b"),
)


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.usage = "%(prog)s [OPTION...] SOURCE BUNDLE [-- OPTION OF oci-gen...]"
    parser.epilog = _EPILOG
    parser.examples = _EXAMPLES
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a layout folder, an archive, - for standard input, or a name: docker://HOST/NAME:TAG, oci:DIR:REF",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="the folder to make")
    _add_image(parser.group("Which image"))
    _add_bundle(parser.group("The bundle"))
    add_registry_options(parser)
    add_limits(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what prevents unpacking")


def _add_image(group: argparse._ArgumentGroup) -> None:
    """The options that say which image is unpacked, and how it is judged."""
    group.add_argument("--ref", metavar="NAME", help="the image of this name")
    group.add_argument("--platform", metavar="OS/ARCH", help="the image for this platform: OS/ARCH or OS/ARCH/VARIANT")
    add_release(group)
    group.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CLAUSES",
        help="unpack despite findings on these clauses of safety/; may be repeated",
    )
    group.add_argument("--follow-links", action="store_true", help="follow links that lead out of a layout folder")


def _add_bundle(group: argparse._ArgumentGroup) -> None:
    """The options that say what is written."""
    group.add_argument("--force", action="store_true", help="replace an existing BUNDLE")
    parts = group.add_mutually_exclusive_group()
    parts.add_argument("--rootfs-only", action="store_true", help="write only BUNDLE/rootfs")
    parts.add_argument("--config-only", action="store_true", help="write only BUNDLE/config.json")
    group.add_argument(
        "--rootless",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="unpack as an unprivileged user (default: when not root)",
    )
    for what in ("uid", "gid"):
        group.add_argument(
            f"--{what}-map",
            action="append",
            default=[],
            metavar="CONTAINER:HOST:SIZE",
            help=f"{what}s in the container and what they are on the host; may be repeated",
        )


def run(options: argparse.Namespace) -> int:
    """Unpack, and tell what was found on the way."""
    unpack_options = _options(options)
    quiet = options.quiet
    with _stopped_by_signals(), _bar(quiet=quiet) as progress:
        try:
            done = unpack_image(options.source, options.bundle, unpack_options, progress=progress)
        except Refused as problem:
            _tell_findings(problem.findings)
            _tell_draft(unpack_options)
            tell(f"ocivalidate: error: {_visible(str(problem))}; nothing was written")
            return exit_code_of(problem) or ExitCode.FINDINGS
        except KeyboardInterrupt:
            # It may have come while things were tidied up.
            tidy(options.bundle)
            raise
    if not quiet:
        _tell_draft(unpack_options)
        _tell(done)
    return ExitCode.CONFORMS


def _options(options: argparse.Namespace) -> UnpackOptions:
    refuse_no_platform(options.platform, "--platform")
    ignore = tuple(pattern for text in options.ignore for pattern in text.replace(",", " ").split())
    strays = unmatched(ignore, load()) if ignore else []
    if strays:
        raise UsageError(f"no clause matches {', '.join(strays)}; ocivalidate rules lists them")
    return UnpackOptions(
        ref=options.ref,
        platform=options.platform,
        force=options.force,
        rootfs=not options.config_only,
        config=not options.rootfs_only,
        rootless=options.rootless,
        uid_map=_ranges("--uid-map", options.uid_map),
        gid_map=_ranges("--gid-map", options.gid_map),
        ignore=ignore,
        limits=Limits(archive=archive_limit(options)),
        layer_limits=layer_limits(options),
        follow_links=options.follow_links,
        spec_version=options.spec_version,
        registry=registry_options(options),
        generator=_generator(list(options.after)),
    )


def _ranges(option: str, written: list[str]) -> tuple[IdRange, ...]:
    found = []
    for text in written:
        match = _RANGE.fullmatch(text)
        if match is None or int(match[3]) == 0:
            raise UsageError(f"{option} needs CONTAINER:HOST:SIZE, not {text}")
        found.append(IdRange(*(int(number) for number in match.groups())))
    return tuple(found)


def _generator(arguments: list[str]) -> ConfigSteps:
    """What stands after ``--``: where the configuration starts, and what has the last word in it."""
    if not arguments:
        return ConfigSteps()
    wanted = parse(arguments, "ocivalidate unpack ... --")
    if wanted.output is not None or wanted.list_paths or wanted.help:
        raise UsageError("--output, --list-paths and --help of oci-gen cannot be used with unpack")

    def start(platform: str, rootless: bool) -> ConfigBuilder:  # noqa: FBT001  # as ConfigSteps asks for it
        if wanted.template is None:
            wanted.os = wanted.os or platform
            wanted.rootless = wanted.rootless or rootless
        return start_config(wanted)

    return ConfigSteps(start, lambda builder: apply(wanted, builder), wanted.spec_version)


def _tell_draft(options: UnpackOptions) -> None:
    note = draft_note(options.spec_version or "")
    if note:
        tell(f"note: judged by image-spec {options.spec_version}, {note}")


def _tell(done: Unpacked) -> None:
    from ocivalidate.report.escape import line_start

    _tell_findings(done.findings)
    for note in done.notes:
        tell(f"note: {_visible(note)}")
    if done.report is not None:
        _tell_findings(done.report.findings)
    tell(line_start(f"{_visible(done.bundle)}: unpacked {done.image}"))


def _tell_findings(findings: tuple[Finding, ...]) -> None:
    told = [finding for finding in findings if finding.severity is not Severity.NOTE]
    for finding in told[:_SHOWN_FINDINGS]:
        place = finding.location
        where = " ".join(filter(None, [place.file, place.pointer, place.member]))
        tell(_visible(one_line(finding, where=where)))
    if len(told) > _SHOWN_FINDINGS:
        tell(f"and {len(told) - _SHOWN_FINDINGS} more")


def _visible(text: str) -> str:
    from ocivalidate.report.escape import visible

    return visible(text).encode("utf-8", "backslashreplace").decode()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the command as Ctrl-C does, so that it tidies up; then let nothing disturb that."""
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        for known in before:
            signal.signal(known, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, stop) for number in _signals() if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            # A second one, while the process ends, does not change how it ends.
            signal.signal(number, signal.SIG_IGN if stopped and owns_process() else handler)


def _signals() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    return [number for number in signal.Signals if number.name in names]


def _bar(*, quiet: bool) -> AbstractContextManager[Progress | None]:
    """A bar on a terminal, and nothing elsewhere."""
    if quiet or not errors_on_terminal():
        return nullcontext()
    return _rich_bar()


@contextmanager
def _rich_bar() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress as Bar, TextColumn, TimeRemainingColumn

    columns = (TextColumn("unpacking"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("unpacking")
        yield lambda done, total: bar.update(task, completed=done, total=total)
