"""What can be wrong with the bytes of a layer: a closed table of kinds, and the problems found.

Plain data; ``judging`` says which clause a kind breaks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Every kind of problem found in the bytes of a layer. :data:`SUMMARIES` says what each of them means."""

    # The compressed stream.
    STREAM_CORRUPT = "stream-corrupt"
    STREAM_CHECKSUM = "stream-checksum"
    STREAM_TRUNCATED = "stream-truncated"
    STREAM_TRAILING_ZEROS = "stream-trailing-zeros"
    STREAM_TRAILING_BYTES = "stream-trailing-bytes"
    STREAM_DICTIONARY = "stream-dictionary"
    STREAM_UNKNOWN = "stream-unknown"
    # Limits.
    LIMIT_INFLATED = "limit-inflated"
    LIMIT_RATIO = "limit-ratio"
    LIMIT_WINDOW = "limit-window"
    LIMIT_ENTRIES = "limit-entries"
    LIMIT_PATH = "limit-path"
    LIMIT_PAX = "limit-pax"
    LIMIT_SIZE = "limit-size"
    # The structure of the tar.
    NOT_TAR = "not-tar"
    HEADER_CHECKSUM = "header-checksum"
    HEADER_NUMBER = "header-number"
    SIZE_NEGATIVE = "size-negative"
    TRUNCATED = "truncated"
    END_MISSING = "end-missing"
    END_TRAILING = "end-trailing"
    END_LONE = "end-lone"
    PAX_MALFORMED = "pax-malformed"
    PAX_GLOBAL = "pax-global"
    EXTENSION_ALONE = "extension-alone"
    SPARSE_MALFORMED = "sparse-malformed"
    # Entries.
    READERS_DIFFER = "readers-differ"
    TYPE_UNKNOWN = "type-unknown"
    CONTENT_UNEXPECTED = "content-unexpected"
    ATTRIBUTE_BLANK = "attribute-blank"
    OWNER_RANGE = "owner-range"
    SPARSE = "sparse"
    DEVICE = "device"
    DEVICE_NUMBER = "device-number"
    XATTR_FORM = "xattr-form"
    XATTR_OVERLAY = "xattr-overlay"
    XATTR_HOST = "xattr-host"
    NAME_EMPTY = "name-empty"
    NAME_NUL = "name-nul"
    NAME_LONG = "name-long"
    NAME_NOT_UTF8 = "name-not-utf8"
    DUPLICATE_PATH = "duplicate-path"
    DUPLICATE_DIRECTORY = "duplicate-directory"
    PATH_ABSOLUTE = "path-absolute"
    PATH_DOTDOT = "path-dotdot"
    PATH_ESCAPES = "path-escapes"
    PARENT_NO_FOLDER = "parent-no-folder"
    ROOT_NO_FOLDER = "root-no-folder"
    THROUGH_SYMLINK = "through-symlink"
    THROUGH_HARDLINK = "through-hardlink"
    SYMLINK_EMPTY = "symlink-empty"
    HARDLINK_ESCAPES = "hardlink-escapes"
    HARDLINK_ABSOLUTE = "hardlink-absolute"
    HARDLINK_SELF = "hardlink-self"
    HARDLINK_DIRECTORY = "hardlink-directory"
    HARDLINK_WHITEOUT = "hardlink-whiteout"
    HARDLINK_THROUGH_SYMLINK = "hardlink-through-symlink"
    WHITEOUT_EMPTY = "whiteout-empty"
    WHITEOUT_DOTS = "whiteout-dots"
    WHITEOUT_CONTENT = "whiteout-content"
    WHITEOUT_TYPE = "whiteout-type"
    WHITEOUT_FOLDER = "whiteout-folder"
    WHITEOUT_OF_WHITEOUT = "whiteout-of-whiteout"
    WHITEOUT_LATE = "whiteout-late"
    WHITEOUT_OPAQUE = "whiteout-opaque"


SUMMARIES: dict[Kind, str] = {
    Kind.STREAM_CORRUPT: "the compressed stream breaks its format",
    Kind.STREAM_CHECKSUM: "a checksum or length in the compressed stream does not match the inflated bytes",
    Kind.STREAM_TRUNCATED: "the compressed stream ends before its last member or frame does",
    Kind.STREAM_TRAILING_ZEROS: "zero bytes follow the compressed stream",
    Kind.STREAM_TRAILING_BYTES: "bytes that are not another member or frame follow the compressed stream",
    Kind.STREAM_DICTIONARY: "a zstd frame needs a dictionary, which a layer cannot carry",
    Kind.STREAM_UNKNOWN: "the layer is compressed in a way that no layer media type allows",
    Kind.LIMIT_INFLATED: "the compressed stream inflates to more bytes than allowed",
    Kind.LIMIT_RATIO: "the compressed stream grows by a larger factor than allowed",
    Kind.LIMIT_WINDOW: "a zstd frame needs a larger window than allowed",
    Kind.LIMIT_ENTRIES: "the layer has more entries than allowed",
    Kind.LIMIT_PATH: "a path or a link target is longer than allowed",
    Kind.LIMIT_PAX: "extension headers are larger than allowed",
    Kind.LIMIT_SIZE: "an entry declares a larger size than allowed",
    Kind.NOT_TAR: "the bytes do not begin with a tar header",
    Kind.HEADER_CHECKSUM: "a header's checksum does not match its bytes",
    Kind.HEADER_NUMBER: "a number in a header is malformed",
    Kind.SIZE_NEGATIVE: "an entry declares a negative size",
    Kind.TRUNCATED: "the tar ends inside a header or the content of an entry",
    Kind.END_MISSING: "the two zero blocks that end a tar are missing",
    Kind.END_LONE: "a header follows a single zero block",
    Kind.END_TRAILING: "bytes other than zeros follow the end of the tar",
    Kind.PAX_MALFORMED: "a pax header breaks its format",
    Kind.PAX_GLOBAL: "a global pax header sets a value that belongs to a single entry",
    Kind.EXTENSION_ALONE: "an extension header has no entry after it",
    Kind.SPARSE_MALFORMED: "the map of a sparse file is malformed",
    Kind.READERS_DIFFER: "tar readers disagree on what a header means",
    Kind.TYPE_UNKNOWN: "an entry has a type that layers do not have",
    Kind.CONTENT_UNEXPECTED: "an entry of a type without content declares a size",
    Kind.ATTRIBUTE_BLANK: "a header leaves mode, uid, gid or mtime blank",
    Kind.OWNER_RANGE: "the uid or gid of an entry is out of range",
    Kind.SPARSE: "an entry is a sparse file",
    Kind.DEVICE: "an entry is a device node",
    Kind.DEVICE_NUMBER: "the major or minor number of a device node is out of range",
    Kind.XATTR_FORM: "an extended attribute has a name or a size that Linux does not accept",
    Kind.XATTR_OVERLAY: "an entry has an extended attribute of overlayfs",
    Kind.XATTR_HOST: "an entry has an extended attribute for the host's security modules",
    Kind.NAME_EMPTY: "an entry has an empty name",
    Kind.NAME_NUL: "a name or link target has a NUL byte",
    Kind.NAME_LONG: "a name or link target is longer than a file system can hold",
    Kind.NAME_NOT_UTF8: "a name or link target is not UTF-8",
    Kind.DUPLICATE_PATH: "two entries have the same path",
    Kind.DUPLICATE_DIRECTORY: "two entries are the same directory",
    Kind.PATH_ABSOLUTE: "a path begins with /",
    Kind.PATH_DOTDOT: "a path has '..' but stays below the root",
    Kind.PATH_ESCAPES: "a path leaves the root",
    Kind.PARENT_NO_FOLDER: "an entry lies below something that is not a directory",
    Kind.ROOT_NO_FOLDER: "an entry that is not a directory has the path of the root",
    Kind.THROUGH_SYMLINK: "an entry is written through a symbolic link from an earlier entry",
    Kind.THROUGH_HARDLINK: "an entry is written over a hard link from an earlier entry",
    Kind.SYMLINK_EMPTY: "a symbolic link has an empty target",
    Kind.HARDLINK_ESCAPES: "the target of a hard link leaves the root",
    Kind.HARDLINK_ABSOLUTE: "the target of a hard link begins with /",
    Kind.HARDLINK_SELF: "a hard link is its own target or has none",
    Kind.HARDLINK_DIRECTORY: "the target of a hard link is a directory",
    Kind.HARDLINK_WHITEOUT: "the target of a hard link is a whiteout",
    Kind.HARDLINK_THROUGH_SYMLINK: "the target of a hard link lies behind a symbolic link from an earlier entry",
    Kind.WHITEOUT_EMPTY: "a whiteout names nothing",
    Kind.WHITEOUT_DOTS: "a whiteout names '.' or '..'",
    Kind.WHITEOUT_CONTENT: "a whiteout has content",
    Kind.WHITEOUT_TYPE: "a whiteout is not a regular file",
    Kind.WHITEOUT_FOLDER: "a directory has a name that begins with .wh.",
    Kind.WHITEOUT_OF_WHITEOUT: "a whiteout names something that begins with .wh., which cannot exist",
    Kind.WHITEOUT_LATE: "a whiteout comes after an entry of the same directory",
    Kind.WHITEOUT_OPAQUE: "a whiteout hides a whole directory instead of naming each entry",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. ``member`` is the entry as the layer names it (``None``: no entry is concerned).

    ``offset`` counts bytes from the start of the tar for a problem of the tar, and of the blob for one of the stream.
    """

    kind: Kind
    message: str
    offset: int
    member: str | None = None


class Problems:
    """Collects problems: all are counted, and the first ``keep`` of each kind are kept, so that memory stays flat."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: list[Problem] = []
        self.counts: Counter[Kind] = Counter()
        # The total: every entry of a layer asks whether there are new ones.
        self.total = 0

    def add(self, kind: Kind, message: str, offset: int, member: bytes | None = None) -> None:
        """Count a problem, and keep it unless enough of its kind are kept."""
        self.counts[kind] += 1
        self.total += 1
        if self.counts[kind] <= self._keep:
            self._kept.append(Problem(kind, message, offset, None if member is None else shown(member)))

    def kept(self) -> tuple[Problem, ...]:
        """The problems that were kept, in the order they were found."""
        return tuple(self._kept)


def shown(name: bytes, longest: int = 300) -> str:
    r"""A name for display: bytes that are not UTF-8 become ``\xNN``, and the middle of a long one is left out."""
    if len(name) > longest:
        name = name[: longest // 2] + b"..." + name[-longest // 2 :]
    return name.decode("utf-8", "backslashreplace")
