"""Judging a bundle by the image that it was made of: the library call behind ``ocivalidate bundle --image``."""

from __future__ import annotations

import os

from ocivalidate.bundle import sources
from ocivalidate.errors import UnpackError, Unreadable
from ocivalidate.image.documents.registry import CONFIG
from ocivalidate.image.limits import Limits
from ocivalidate.jsontext.documents import Document, read_document
from ocivalidate.rules.checks import Node, Violation
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Report
from ocivalidate.rules.judge import DocumentType, active_clauses, located
from ocivalidate.rules.ledger import Ledger
from ocivalidate.system.beneath import Beneath, LeadsOut
from ocivalidate.unpack import inroot
from ocivalidate.unpack.choice import Chosen, choose, open_image
from ocivalidate.unpack.conversion import Pair, violations
from ocivalidate.unpack.flags import NAMED
from ocivalidate.vocabulary.versions import IMAGE_RELEASES

SPECIFICATION = "image-spec"
CONVERSION = DocumentType("image-config", frozenset({"converter"}), CONFIG)


def check_conversion(
    path: str,
    source: str,
    *,
    ref: str | None = None,
    platform: str | None = None,
    selection: Selection | None = None,
    max_size: int = sources.MAX_SIZE,
    follow_links: bool = False,
) -> Report:
    """Judge whether the config of a bundle is what conversion.md makes of the configuration of an image.

    ``path`` and ``follow_links`` as for ``check_bundle``; ``source``, ``ref`` and ``platform`` as for
    ``unpack_image``. What cannot be read gives a report with a ``problem``.
    """
    subject = f"{path} as made of {source}"
    try:
        bundle = sources.bundle_source(path, max_size, follow_links=follow_links)
        if bundle.data is None:
            return Report("conversion", subject, SPECIFICATION, problem="the bundle has no config.json")
        with open_image(source, Limits(document=max_size), follow_links=follow_links) as opened:
            chosen = choose(opened, ref, platform, Selection(), Limits(document=max_size))
    except (Unreadable, UnpackError) as problem:
        return Report("conversion", subject, SPECIFICATION, problem=str(problem))
    document = read_document(bundle.data, bundle.name)
    if not document.usable or not isinstance(document.value, dict):
        return Report("conversion", subject, SPECIFICATION, problem=f"{bundle.name} is no JSON object")
    return _judge(subject, document, chosen, bundle, selection or Selection(), follow_links=follow_links)


def _judge(
    subject: str,
    document: Document,
    chosen: Chosen,
    bundle: sources.Source,
    selection: Selection,
    *,
    follow_links: bool,
) -> Report:
    release = IMAGE_RELEASES[-1]
    clauses = active_clauses(CONVERSION, release, frozenset(), selection)
    ledger = Ledger({key: clause for key, clause in clauses.items() if clause.subject == "converter"}, selection)
    root = _open_root(document, bundle, follow_links=follow_links)
    try:
        pair = Pair(chosen.config, Node(document.value), _attached(chosen))
        if root is not None:
            pair.read = lambda path: inroot.read_lines(root, path)
        for violation in violations(pair):
            _add(ledger, document, violation)
    except (OSError, UnpackError) as problem:
        return Report("conversion", subject, SPECIFICATION, problem=str(problem))
    finally:
        if root is not None:
            os.close(root)
    ledger.judged(*pair.judged)
    for clause, reason in pair.unjudged.items():
        ledger.unjudged(clause, reason)
    return Report(
        "conversion",
        subject,
        SPECIFICATION,
        release,
        "",
        (),
        "",
        *ledger.verdicts(),
        facts={"image": chosen.name},
    )


def _add(ledger: Ledger, document: Document, violation: Violation) -> None:
    place = located(document.name, violation.pointer, document.span(violation.pointer), document)
    ledger.add(violation.clause, place, violation.message, got=violation.got, want=violation.want)


def _attached(chosen: Chosen) -> dict[str, str]:
    """The annotations of the manifest, and of what leads to it."""
    manifest, found = chosen.image.manifest, chosen.context.found
    index, own = found.root_of(manifest.file), found.root_of(manifest.path)
    entries = [entry for entry in (index.elements("manifests") if index else []) if entry.pointer == manifest.pointer]
    attached: dict[str, str] = {}
    for node in (index, *entries, own):
        if node is not None:
            attached |= {child.name: child.value for child in node.each("annotations") if isinstance(child.value, str)}
    return attached


def _open_root(document: Document, bundle: sources.Source, *, follow_links: bool) -> int | None:
    """The root file system of the bundle; ``None`` when there is none to look into.

    An absolute path may be anywhere, as runtime-spec says; a relative one that a link leads out of the bundle is none.
    """
    root = document.value.get("root")
    path = root.get("path") if isinstance(root, dict) else None
    if bundle.folder is None or not isinstance(path, str) or "\0" in path:
        return None
    try:
        if os.path.isabs(path):
            return os.open(path, NAMED)
        with Beneath(str(bundle.folder), follow=follow_links) as below:
            return below.reach(path)
    except (OSError, LeadsOut):
        return None
