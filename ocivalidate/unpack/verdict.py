"""Which findings keep an image from being unpacked: every error, as with exit code 1 of ``ocivalidate image``."""

from __future__ import annotations

from collections.abc import Iterable

from ocivalidate.image.layers import judging
from ocivalidate.image.layers.problems import Kind
from ocivalidate.rules.clauses import Clause, Selection, Severity, load
from ocivalidate.rules.findings import Finding
from ocivalidate.rules.ledger import reported_as
from ocivalidate.vocabulary.versions import IMAGE_RELEASES

# Clauses that say that the bytes are not the promised ones, or have no clear meaning: they cannot be ignored.
_VERIFIED = (
    "image/image-layout.blobs.content-matches",
    "image/config.diffID.uncompressed-tar",
    "image/layer.tar-packaged",
    "image/layer.gzip.payload",
    "image/layer.zstd.payload",
)


def refusing(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that keep an image from being unpacked."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def can_ignore(clause: Clause) -> bool:
    """Whether an image may be unpacked in spite of findings on the clause."""
    return clause.id not in _VERIFIED


def fatal_kinds(selection: Selection) -> frozenset[Kind]:
    """The problems of a layer that end its extraction."""
    release = selection.spec_version or IMAGE_RELEASES[-1]
    told = reported_as(clause for clause in load("image", "safety").values() if clause.holds_in(release))
    ignored = set()
    for kind, broken in judging.BROKEN.items():
        clause = told[broken.clause]
        if can_ignore(clause) and selection.ignores(clause):
            ignored.add(kind)
    return judging.fatal_kinds() - ignored
