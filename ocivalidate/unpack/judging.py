"""Judges a bundle against its image: the library call behind ``ocivalidate bundle --image``."""

from __future__ import annotations

import os
from typing import NamedTuple

from ocivalidate.bundle import sources
from ocivalidate.errors import UnpackError, Unreadable
from ocivalidate.image.documents.registry import CONFIG
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import refuse_no_platform
from ocivalidate.jsontext.documents import Document, read_document
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.rules.checks import Node, Violation
from ocivalidate.rules.clauses import Selection, settled
from ocivalidate.rules.findings import Report
from ocivalidate.rules.judge import DocumentType, active_clauses, located
from ocivalidate.rules.ledger import Ledger
from ocivalidate.system.arguments import StrPath, at_least_one, given, path_text
from ocivalidate.system.beneath import Beneath, LeadsOut
from ocivalidate.unpack import inroot
from ocivalidate.unpack.choice import Chosen, choose, open_image
from ocivalidate.unpack.conversion import Pair, violations
from ocivalidate.unpack.flags import NAMED
from ocivalidate.vocabulary.versions import IMAGE_CHOICES, IMAGE_RELEASES, noted

SPECIFICATION = "image-spec"
CONVERSION = DocumentType("image-config", frozenset({"converter"}), CONFIG)


class ConversionOptions(NamedTuple):
    """How to read a bundle and the image it was made from.

    ``ref`` and ``platform`` (``os/architecture[/variant]``) choose among several images. ``follow_links``: links in the
    bundle and in a layout folder may lead out of them. ``max_size``: the largest document in bytes (default: 32 MiB).
    ``registry``: how registries are reached.
    """

    ref: str | None = None
    platform: str | None = None
    follow_links: bool = False
    max_size: int = sources.MAX_SIZE
    registry: RegistryOptions = RegistryOptions()


def check_conversion(
    bundle: StrPath,
    image: StrPath,
    selection: Selection | None = None,
    options: ConversionOptions | None = None,
) -> Report:
    """Judge whether the config of a bundle is what an image asks for (image-spec conversion.md).

    ``bundle``: a path as for ``check_bundle``; ``image``: one as for ``check_image``. ``selection``: what is judged;
    without a ``spec_version`` the newest release of image-spec. ``options``: which image, and how to read both.
    Unreadable input gives a report with a ``problem``. Raises as ``check_bundle`` does.
    """
    path, source = path_text(bundle, "bundle"), path_text(image, "image")
    selection = settled(selection, SPECIFICATION, IMAGE_CHOICES)
    ref, platform, follow_links, max_size, registry = given(options, ConversionOptions, "options")
    at_least_one(max_size, "max_size")
    given(registry, RegistryOptions, "registry")
    refuse_no_platform(platform)
    subject = f"{path} as made of {source}"
    limits = Limits(document=max_size)
    try:
        found = sources.bundle_source(path, max_size, follow_links=follow_links)
        if found.data is None:
            return Report("conversion", subject, SPECIFICATION, problem="the bundle has no config.json")
        with open_image(source, limits, follow_links=follow_links, registry=registry) as opened:
            chosen = choose(opened, ref, platform, Selection(), limits)
    except (Unreadable, UnpackError) as problem:
        return Report("conversion", subject, SPECIFICATION, problem=str(problem))
    document = read_document(found.data, found.name)
    if not document.usable or not isinstance(document.value, dict):
        return Report("conversion", subject, SPECIFICATION, problem=f"{found.name} is not a JSON object")
    return _judge(subject, document, chosen, found, selection, follow_links=follow_links)


def _judge(
    subject: str,
    document: Document,
    chosen: Chosen,
    bundle: sources.Source,
    selection: Selection,
    *,
    follow_links: bool,
) -> Report:
    release = selection.spec_version or IMAGE_RELEASES[-1]
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
        noted(release),
        (),
        "",
        *ledger.verdicts(),
        facts={"image": chosen.name, "digests": _digests(chosen)},
        file=document.name,
    )


def _digests(chosen: Chosen) -> list[dict[str, str]]:
    digest = chosen.image.manifest.digest
    return [{"name": chosen.name, "digest": str(digest)}] if digest else []


def _add(ledger: Ledger, document: Document, violation: Violation) -> None:
    place = located(document.name, violation.pointer, document.span(violation.pointer), document)
    ledger.add(violation.clause, place, violation.message, got=violation.got, want=violation.want)


def _attached(chosen: Chosen) -> dict[str, str]:
    """The annotations of the manifest, and of the index entries that refer to it."""
    manifest, found = chosen.image.manifest, chosen.context.found
    index, own = found.root_of(manifest.file), found.root_of(manifest.path)
    entries = [entry for entry in (index.elements("manifests") if index else []) if entry.pointer == manifest.pointer]
    attached: dict[str, str] = {}
    for node in (index, *entries, own):
        if node is not None:
            attached |= {child.name: child.value for child in node.each("annotations") if isinstance(child.value, str)}
    return attached


def _open_root(document: Document, bundle: sources.Source, *, follow_links: bool) -> int | None:
    """The root file system of the bundle; ``None`` when there is none to read.

    An absolute path may be anywhere, as runtime-spec says; a relative one that leaves the bundle through a link does
    not count.
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
