"""What the problems of a layer's bytes mean: which clause each kind breaks, and how severe it is."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.layers.compression import Compression
from ocivalidate.image.layers.problems import SUMMARIES, Kind, Problem
from ocivalidate.rules.clauses import Severity, load
from ocivalidate.rules.declared import judged_by_table

GZIP, ZSTD, TAR = "image/layer.gzip.payload", "image/layer.zstd.payload", "image/layer.tar-packaged"
# The clause on the payload of each compression that a media type promises.
PAYLOAD = {"gzip": GZIP, "zstd": ZSTD, "none": TAR}
WHITEOUT_NAME = "image/layer.whiteout.name"
WHITEOUT_FILE = "image/layer.whiteout.empty-file"
NO_WH_FILES = "image/layer.whiteout.no-wh-files"
WHITEOUT_OF_NOTHING = "image/layer.whiteout.basename"
LIMIT, NAME, PARENT = "safety/layer.limit", "safety/layer.name", "safety/layer.parent"
LINK_TARGET, THROUGH_LINK = "safety/layer.link-target", "safety/layer.through-link"


class Broken(NamedTuple):
    """The clause that a kind of problem breaks, and the severity if it is below that of the clause."""

    clause: str
    severity: Severity | None = None


# A kind not listed here breaks the payload clause of the stream's compression.
BROKEN: dict[Kind, Broken] = {
    Kind.STREAM_TRAILING_ZEROS: Broken("safety/layer.stream-end"),
    Kind.STREAM_TRAILING_BYTES: Broken("safety/layer.stream-end"),
    Kind.STREAM_UNKNOWN: Broken(TAR),
    **{kind: Broken(LIMIT) for kind in Kind if kind.value.startswith("limit-")},
    Kind.NOT_TAR: Broken(TAR),
    Kind.HEADER_CHECKSUM: Broken(TAR),
    Kind.HEADER_NUMBER: Broken(TAR),
    Kind.SIZE_NEGATIVE: Broken(TAR),
    Kind.TRUNCATED: Broken(TAR),
    # Go refuses such an archive.
    Kind.END_LONE: Broken(TAR),
    Kind.PAX_MALFORMED: Broken(TAR),
    Kind.SPARSE_MALFORMED: Broken(TAR),
    Kind.EXTENSION_ALONE: Broken("safety/layer.tar-form"),
    Kind.PAX_GLOBAL: Broken("safety/layer.tar-form"),
    Kind.READERS_DIFFER: Broken("safety/layer.tar-form"),
    Kind.TYPE_UNKNOWN: Broken("safety/layer.tar-form"),
    Kind.CONTENT_UNEXPECTED: Broken("safety/layer.tar-form"),
    Kind.END_MISSING: Broken("safety/layer.tar-end"),
    Kind.END_TRAILING: Broken("safety/layer.tar-end"),
    Kind.ATTRIBUTE_BLANK: Broken("image/layer.attributes"),
    Kind.OWNER_RANGE: Broken("safety/layer.owner"),
    Kind.SPARSE: Broken("image/layer.no-sparse"),
    Kind.DEVICE: Broken("safety/layer.device"),
    Kind.DEVICE_NUMBER: Broken("safety/layer.device-number"),
    Kind.XATTR_FORM: Broken("safety/layer.attribute-form"),
    Kind.XATTR_OVERLAY: Broken("safety/layer.overlay-attribute"),
    Kind.XATTR_HOST: Broken("safety/layer.host-attribute"),
    Kind.NAME_EMPTY: Broken(NAME),
    Kind.NAME_NUL: Broken(NAME),
    Kind.NAME_LONG: Broken(NAME),
    Kind.NAME_NOT_UTF8: Broken("safety/layer.name-encoding"),
    Kind.DUPLICATE_PATH: Broken("image/layer.no-duplicate-paths"),
    Kind.DUPLICATE_DIRECTORY: Broken("image/layer.no-duplicate-paths"),
    # Every reader resolves such a path from the root of the layer, and widely used builders write no other.
    Kind.PATH_ABSOLUTE: Broken("safety/layer.path-form", Severity.NOTE),
    Kind.PATH_DOTDOT: Broken("safety/layer.path-form"),
    Kind.PATH_ESCAPES: Broken("safety/layer.path-escapes"),
    Kind.PARENT_NO_FOLDER: Broken(PARENT),
    Kind.ROOT_NO_FOLDER: Broken(PARENT),
    Kind.THROUGH_SYMLINK: Broken(THROUGH_LINK),
    Kind.THROUGH_HARDLINK: Broken(THROUGH_LINK),
    Kind.SYMLINK_EMPTY: Broken(LINK_TARGET),
    Kind.HARDLINK_ABSOLUTE: Broken("safety/layer.path-form", Severity.NOTE),
    Kind.HARDLINK_ESCAPES: Broken("safety/layer.path-escapes"),
    Kind.HARDLINK_SELF: Broken(LINK_TARGET),
    Kind.HARDLINK_DIRECTORY: Broken(LINK_TARGET),
    Kind.HARDLINK_WHITEOUT: Broken(LINK_TARGET),
    Kind.HARDLINK_THROUGH_SYMLINK: Broken(THROUGH_LINK),
    Kind.WHITEOUT_EMPTY: Broken(WHITEOUT_OF_NOTHING),
    Kind.WHITEOUT_DOTS: Broken("safety/layer.whiteout-name"),
    Kind.WHITEOUT_CONTENT: Broken(WHITEOUT_FILE),
    Kind.WHITEOUT_TYPE: Broken(WHITEOUT_FILE),
    Kind.WHITEOUT_FOLDER: Broken(NO_WH_FILES),
    # Such a name has the required form and hides something that cannot exist: AUFS left them in layers.
    Kind.WHITEOUT_OF_WHITEOUT: Broken(WHITEOUT_NAME, Severity.WARNING),
    Kind.WHITEOUT_LATE: Broken("image/layer.whiteout.before-siblings"),
    Kind.WHITEOUT_OPAQUE: Broken("image/layer.whiteout.prefer-explicit"),
}

judged_by_table(__name__, "BROKEN", (broken.clause for broken in BROKEN.values()))
judged_by_table(__name__, "PAYLOAD", PAYLOAD.values())

# The clauses that every scanned layer gives occasion to judge.
_OF_ANY_LAYER = frozenset(
    {TAR, *(broken.clause for kind, broken in BROKEN.items() if not kind.value.startswith(("stream-", "whiteout-")))}
)
_OF_WHITEOUTS = frozenset(
    {
        WHITEOUT_NAME,
        WHITEOUT_FILE,
        NO_WH_FILES,
        WHITEOUT_OF_NOTHING,
        "image/layer.whiteout.before-siblings",
        "image/layer.whiteout.prefer-explicit",
        "safety/layer.whiteout-name",
    }
)


class LayerProblem(NamedTuple):
    """One problem of a layer as a violation. ``more`` counts others of its kind that are not listed."""

    kind: Kind
    clause: str
    severity: Severity | None
    message: str
    member: str
    more: int


def problems_of(facts: BlobFacts) -> Iterator[LayerProblem]:
    """The problems of a layer, each with the clause that it breaks."""
    listed = Counter(problem.kind for problem in facts.all_problems)
    left = dict(listed)
    for problem in facts.all_problems:
        broken = BROKEN.get(problem.kind) or Broken(PAYLOAD[_promised(facts)])
        left[problem.kind] -= 1
        more = 0 if left[problem.kind] else max(0, facts.counts[problem.kind] - listed[problem.kind])
        yield LayerProblem(problem.kind, broken.clause, broken.severity, _message(problem), problem.member or "", more)


@functools.cache
def fatal_kinds() -> frozenset[Kind]:
    """The problems that are errors: a layer with one must not be unpacked."""
    clauses = load("image", "safety")
    found = set(Kind) - set(BROKEN)
    for kind, broken in BROKEN.items():
        if (broken.severity or clauses[broken.clause].severity) is Severity.ERROR:
            found.add(kind)
    return frozenset(found)


def _promised(facts: BlobFacts) -> str:
    return facts.compression.value if facts.compression in (Compression.GZIP, Compression.ZSTD) else "none"


def _message(problem: Problem) -> str:
    return problem.message or SUMMARIES[problem.kind]


def judged_by(facts: BlobFacts) -> frozenset[str]:
    """The clauses that a layer gave occasion to judge."""
    clauses = {PAYLOAD[_promised(facts)], "safety/layer.stream-end"} if facts.compression else set()
    if facts.tar is None:
        return frozenset(clauses)
    clauses |= _OF_ANY_LAYER
    if facts.tar.whiteouts or facts.tar.opaque_whiteouts:
        clauses |= _OF_WHITEOUTS
    return frozenset(clauses)
