"""Judges bundles, states and features documents: the library calls behind the commands.

Nothing here prints or exits.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ocivalidate.bundle import sources
from ocivalidate.bundle.options import BundleOptions, DocumentOptions
from ocivalidate.bundle.registry import CONFIG, FEATURES, STATE, load_checks
from ocivalidate.errors import NotMeant, Unreadable
from ocivalidate.jsontext.documents import MISSING, Document, Problem, read_document
from ocivalidate.rules.checks import CheckContext, Node
from ocivalidate.rules.clauses import PLATFORMS, Selection, settled
from ocivalidate.rules.declared import judged_by_table
from ocivalidate.rules.findings import Report
from ocivalidate.rules.judge import ABSENT, OUTSIDE, DocumentType, active_clauses, judge, noting
from ocivalidate.rules.ledger import Ledger
from ocivalidate.rules.schema import everything
from ocivalidate.system.arguments import StrPath, at_least_one, given, path_text
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES, RUNTIME_RELEASES, Judged, holds, judged_by, noted, parse
from ocivalidate.vocabulary.wording import excerpt

SPECIFICATION = "runtime-spec"
LINK_OUT = "safety/bundle.link-out"

BUNDLE = DocumentType(
    "runtime-config",
    frozenset({"config", "bundle", "json"}),
    CONFIG,
    absent="runtime/bundle.config-json.required",
    outside=LINK_OUT,
)
CONTAINER_STATE = DocumentType("runtime-state", frozenset({"state", "json"}), STATE)
FEATURES_STRUCTURE = DocumentType(
    "runtime-features", frozenset({"features", "json"}), FEATURES, closed="runtime/features.no-undefined-properties"
)
_CALLED = {"runtime-config": "bundle", "runtime-state": "state", "runtime-features": "features"}
SUBJECTS = (BUNDLE, CONTAINER_STATE, FEATURES_STRUCTURE)
judged_by_table(__name__, "BUNDLE", [BUNDLE.absent, BUNDLE.outside])
judged_by_table(__name__, "FEATURES_STRUCTURE", [FEATURES_STRUCTURE.closed])

_HOST_PLATFORMS = {"linux": "linux", "win32": "windows", "sunos5": "solaris", "freebsd": "freebsd", "zos": "zos"}


def host_platform() -> str | None:
    """The platform of the specification that this host is, or ``None``."""
    return next((name for prefix, name in _HOST_PLATFORMS.items() if sys.platform.startswith(prefix)), None)


class _Chosen(NamedTuple):
    """The release and platforms that a document is judged by, and why where that needs saying."""

    release: str
    release_note: str
    development: bool
    platforms: frozenset[str]
    platform_note: str

    def context(self) -> CheckContext:
        """The context of a document that stands alone; judging adds the document to it."""
        return CheckContext(Node(None), self.release, self.platforms, self.development)


def check_bundle(path: StrPath, selection: Selection | None = None, options: BundleOptions | None = None) -> Report:
    """Judge a bundle, or a ``config.json`` alone (runtime-spec bundle.md and config.md).

    ``path``: a bundle folder, the ``config.json`` in one, another file, or ``-`` for standard input (the last two: the
    document only). ``selection``: what is judged; without a ``spec_version`` the release that ``ociVersion`` names,
    without a ``platform`` those whose sections the document has. ``options``: how it is looked at.

    What cannot be read gives a report with a ``problem``. Raises :class:`OptionError` for an option that makes no
    sense, and ``TypeError`` for one of another type.
    """
    name, selection = path_text(path), _settled(selection)
    options = given(options, BundleOptions, "options")
    at_least_one(options.max_size, "max_size")
    try:
        _refuse_others("bundle", name)
        source = sources.bundle_source(name, options.max_size, follow_links=options.follow_links)
        document = _document(source, BUNDLE, selection)
    except sources.Outside as problem:
        source, document = sources.Source(problem.name, problem.folder, None), _outside(problem)
    except Unreadable as problem:
        return Report("bundle", name, SPECIFICATION, problem=str(problem))
    return _checked(name, source, document, selection, options)


def check_read(name: str, source: sources.Source, selection: Selection, options: BundleOptions) -> Report:
    """Judge what was read, or what became of it: :func:`check_bundle` from there on."""
    return _checked(name, source, _document(source, BUNDLE, selection), selection, options)


def _checked(
    name: str, source: sources.Source, document: Document, selection: Selection, options: BundleOptions
) -> Report:
    other = _other(BUNDLE, document, source.data)
    if other:
        return Report("bundle", name, SPECIFICATION, problem=other)
    folder = None if options.document_only else source.folder
    report = _judged(name, document, selection, folder, host=options.host, mending=options.fixes)
    if options.fixes and source.data is not None:
        report = _with_safe_fixes(report, source, selection, folder, host=options.host)
    return replace(report, facts=sources.digests_of(source)) if options.digests else report


def check_config(
    data: bytes,
    selection: Selection | None = None,
    *,
    name: str = sources.STANDARD_INPUT,
    fixes: bool = False,
) -> Report:
    """Judge the bytes of a ``config.json`` that stands alone, of any size (runtime-spec config.md).

    ``selection`` as for :func:`check_bundle`; ``name`` is how the report calls the document. ``fixes``: findings carry
    what mends them, where there is one safe answer. Raises as :func:`check_bundle` does.
    """
    if not isinstance(data, bytes):
        raise TypeError(f"data must be bytes, not {type(data).__name__}")
    selection = _settled(selection)
    report = _judged(name, _read(data, name, BUNDLE, selection), selection, mending=fixes)
    return _with_safe_fixes(report, sources.Source(name, None, data), selection) if fixes else report


def _judged(
    name: str,
    document: Document,
    selection: Selection,
    folder: Path | None = None,
    *,
    host: bool = False,
    mending: bool = False,
) -> Report:
    """A ``config.json`` judged; with what is around it, if it stands in a bundle folder."""
    chosen = _choose(document.value, "ociVersion", selection.spec_version, selection.platform)
    # A bundle for another platform is never judged on this host's disk.
    disk = (folder is not None or host) and host_platform() in chosen.platforms
    context = replace(chosen.context(), folder=folder, disk=disk, host=host)
    return _report(BUNDLE, name, document, chosen, context, selection, mending=mending)


def _with_safe_fixes(
    report: Report, source: sources.Source, selection: Selection, folder: Path | None = None, *, host: bool = False
) -> Report:
    """The report, of whose fixes those are left that break nothing: no clause, whatever the selection is."""
    if not any(finding.fix for finding in report.findings):
        return report
    from ocivalidate.fixes.choosing import broken_in, safe_fixes

    whole = replace(selection, select=(), ignore=(), level="may", most=1)

    def judged(data: bytes) -> Counter[str]:
        document = _read(data, source.name, BUNDLE, whole)
        return broken_in(_judged(report.subject, document, whole, folder, host=host))

    data = source.data or b""
    is_whole = replace(selection, most=1) == whole
    return safe_fixes(report, data, broken_in(report) if is_whole else judged(data), judged)


def check_document(kind: str, data: bytes, selection: Selection | None = None, *, name: str = "-") -> Report:
    """Judge the bytes of a state or a features structure (``runtime-state``, ``runtime-features``)."""
    subject = next(one for one in SUBJECTS if one.kind == kind)
    selection = _settled(selection)
    document = _read(data, name, subject, selection)
    return (_features if subject is FEATURES_STRUCTURE else _state)(name, document, selection)


def check_state(path: StrPath, selection: Selection | None = None, options: DocumentOptions | None = None) -> Report:
    """Judge a container state, as a runtime's ``state`` prints it (runtime-spec runtime.md#state).

    ``path``: a file, or ``-`` for standard input. ``selection`` and errors as for :func:`check_bundle`; without a
    ``platform`` for linux.
    """
    name, selection = path_text(path), _settled(selection)
    read = _read_alone("state", name, CONTAINER_STATE, selection, given(options, DocumentOptions, "options"))
    if isinstance(read, Report):
        return read
    document, facts = read
    return replace(_state(name, document, selection), facts=facts)


def _state(name: str, document: Document, selection: Selection) -> Report:
    chosen = _choose(document.value, "ociVersion", selection.spec_version, selection.platform or "linux")
    return _report(CONTAINER_STATE, name, document, chosen, chosen.context(), selection)


def check_features(path: StrPath, selection: Selection | None = None, options: DocumentOptions | None = None) -> Report:
    """Judge a features structure (runtime-spec features.md).

    It is judged by the release that ``ociVersionMax`` names, or by 1.1.0, the first that describes such a structure.
    Parameters and errors as for :func:`check_state`.
    """
    name, selection = path_text(path), _settled(selection)
    read = _read_alone("features", name, FEATURES_STRUCTURE, selection, given(options, DocumentOptions, "options"))
    if isinstance(read, Report):
        return read
    document, facts = read
    return replace(_features(name, document, selection), facts=facts)


def _features(name: str, document: Document, selection: Selection) -> Report:
    chosen = _choose(document.value, "ociVersionMax", selection.spec_version, selection.platform or "linux")
    # No earlier release defines the features structure.
    first = everything(FEATURES_STRUCTURE.kind)["x-since"]
    if not holds(chosen.release, first, None):
        note = chosen.release_note or f"the document says {chosen.release}"
        note = f"{note}; {first} is the first with features"
        chosen = chosen._replace(release=first, release_note=note)
    return _report(FEATURES_STRUCTURE, name, document, chosen, chosen.context(), selection)


def _settled(selection: Selection | None) -> Selection:
    return settled(selection, SPECIFICATION, RUNTIME_CHOICES, PLATFORMS)


def _document(source: sources.Source, subject: DocumentType, selection: Selection) -> Document:
    if source.data is None:
        message = f"the bundle has no file {sources.CONFIG_NAME}"
        return Document(source.name, "", MISSING, (Problem(ABSENT, message, "", None, 1),))
    return _read(source.data, source.name, subject, selection)


def _outside(problem: sources.Outside) -> Document:
    message = f"{sources.CONFIG_NAME} is a link that leads out of the bundle folder, and is not read"
    found = Problem(OUTSIDE, message, "", None, 1, excerpt(problem.target))
    return Document(problem.name, "", MISSING, (found,))


def _read(data: bytes, name: str, subject: DocumentType, selection: Selection) -> Document:
    return read_document(data, name, noting=lambda: noting(subject.kind, selection))


def _read_alone(
    kind: str, path: str, subject: DocumentType, selection: Selection, options: DocumentOptions
) -> tuple[Document, dict[str, Any]] | Report:
    at_least_one(options.max_size, "max_size")
    try:
        _refuse_others(subject.kind, path)
        source = sources.file_source(path, options.max_size)
        document = _document(source, subject, selection)
    except Unreadable as problem:
        return Report(kind, path, SPECIFICATION, problem=str(problem))
    other = _other(subject, document, source.data)
    if other:
        return Report(kind, path, SPECIFICATION, problem=other)
    return document, sources.digests_of(source) if options.digests else {}


def _refuse_others(wanted: str, path: str) -> None:
    """Raise ``Unreadable`` for input that clearly belongs to another command. A config.json is read first."""
    if path == sources.STANDARD_INPUT or os.path.basename(path) == sources.CONFIG_NAME:
        return
    from ocivalidate import meanings

    other = meanings.instead(wanted, meanings.of_path(path))
    if other:
        raise NotMeant(other)


def _other(subject: DocumentType, document: Document, data: bytes | None) -> str:
    """The command that judges what was read, if it is not this one."""
    from ocivalidate import meanings

    found = meanings.of_value(document.value) if document.usable else meanings.of_bytes(data or b"")
    return meanings.instead(subject.kind, found, document.value)


def _choose(value: Any, version_member: str, spec_version: str | None, platform: str | None) -> _Chosen:
    members = value if isinstance(value, dict) else {}
    written = members.get(version_member)
    text = written if isinstance(written, str) else None
    release, release_note = _release(text, spec_version)
    version = parse(text) if text else None
    development = version is not None and version.prerelease != ""
    return _Chosen(release, release_note, development, *_platforms(members, platform))


def _release(written: str | None, asked: str | None) -> tuple[str, str]:
    judged = Judged(asked, "asked") if asked else judged_by(written, RUNTIME_RELEASES)
    if judged.standing == "invalid":
        return judged.release, "the document names no version"
    if written is None or written == judged.release:
        return judged.release, noted(judged.release)
    return judged.release, noted(judged.release, f"the document says {written}")


def _platforms(members: dict[str, Any], asked: str | None) -> tuple[frozenset[str], str]:
    if asked:
        # A virtual machine is a way to run a Linux container, not an operating system.
        return frozenset({asked, "linux"} if asked == "vm" else {asked}), ""
    present = frozenset(name for name in PLATFORMS if name in members)
    if not present:
        return frozenset({"linux"}), "no platform section, taken as linux"
    return (present | {"linux"} if present == {"vm"} else present), ""


def _report(
    subject: DocumentType,
    path: str,
    document: Document,
    chosen: _Chosen,
    context: CheckContext,
    selection: Selection,
    *,
    mending: bool = False,
) -> Report:
    load_checks()
    clauses = active_clauses(subject, chosen.release, chosen.platforms, selection)
    ledger = Ledger(clauses, selection)
    judge(subject, document, context, ledger, mending=mending)
    return Report(
        _CALLED[subject.kind],
        path,
        SPECIFICATION,
        chosen.release,
        chosen.release_note,
        tuple(name for name in PLATFORMS if name in chosen.platforms),
        chosen.platform_note,
        *ledger.verdicts(),
        file=document.name,
    )
