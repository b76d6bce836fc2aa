"""Which findings keep an image from being unpacked."""

from __future__ import annotations

from collections.abc import Iterable

from ocivalidate.clauses import Clause, Selection, Severity, load
from ocivalidate.findings import Finding
from ocivalidate.image.layers import BROKEN
from ocivalidate.image.problems import Kind

# What says that the bytes are not those that were promised, or that nobody can tell what they mean. An error against
# any other clause of image-spec is told and does not keep the image from being unpacked: a label with a malformed key
# harms nobody.
_VERIFIED = (
    "image/considerations.json.",
    "image/image-layout.blobs.content-matches",
    "image/descriptor.size.",
    "image/config.diffID.",
    "image/config.rootfs.",
    "image/layer.tar-packaged",
    "image/layer.gzip.payload",
    "image/layer.zstd.payload",
)


def is_refusal(clause: Clause, severity: Severity) -> bool:
    """Whether a finding of this severity on the clause keeps an image from being unpacked."""
    return severity is Severity.ERROR and (clause.family == "safety" or clause.id.startswith(_VERIFIED))


def refusing(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of the findings that keep an image from being unpacked."""
    return tuple(finding for finding in findings if is_refusal(finding.clause, finding.severity))


def fatal_kinds(selection: Selection) -> frozenset[Kind]:
    """The problems of a layer after which nothing more of it is written."""
    clauses = load("image", "safety")
    fatal = set()
    for kind, broken in BROKEN.items():
        clause = clauses[broken.clause]
        ignored = clause.family == "safety" and selection.ignores(clause)
        if is_refusal(clause, broken.severity or clause.severity) and not ignored:
            fatal.add(kind)
    return frozenset(fatal)
