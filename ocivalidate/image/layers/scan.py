"""Scans a tar as a stream: ustar, GNU, pax and older formats, fed in chunks of any size.

``tarfile`` silently repairs what a validator must report, and is several times slower. Content is skipped by arithmetic
and never copied. Only hashes of paths are kept, so memory depends only on the number of entries, which is limited.
"""

from __future__ import annotations

from collections.abc import Callable

from ocivalidate.errors import Malformed
from ocivalidate.image.layers import header, pax, readers, xattrs
from ocivalidate.image.layers.entry import (
    LONGEST_NAME,
    attribute_faults,
    judge_names,
    judge_records,
    judge_type,
    number_faults,
    owner_fault,
)
from ocivalidate.image.layers.facts import TarFacts
from ocivalidate.image.layers.header import BLOCK, ZERO, padded, text
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.layers.paths import BLOCK_DEVICE, CHARACTER, FOLDER, REGULAR, SPARSE, SYMLINK, Paths
from ocivalidate.image.layers.problems import Kind, Problems, shown
from ocivalidate.image.layers.readers import GLOBAL, LONG_LINK, LONG_NAME, PAX, SOLARIS, Header, Names, Said
from ocivalidate.image.layers.sparse import InlineMap, SparseMap, judge_pax

_LARGEST = (1 << 63) - 1
_CACHED = 20_000
# The usual form of a number: octal digits, and a NUL or a space at the end.
_OCTAL, _ENDS = b"01234567", frozenset((b"", b"\0", b" "))
_PLAIN = frozenset((REGULAR, FOLDER, SYMLINK))
_WITHOUT_CONTENT = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_REGULAR = frozenset((b"0", b"\0", b"7"))
_EXTENSIONS = frozenset((LONG_NAME, LONG_LINK, GLOBAL, PAX, SOLARIS))
_OWNERS = (b"uid", b"gid")
_DEVICES = frozenset((CHARACTER, BLOCK_DEVICE))
# Where the device numbers are in the fields of user, group and device.
_DEVICE_NUMBERS = slice(64, 80)


def kind_of(name: bytes, kind: bytes) -> bytes:
    """The type of an entry by its type byte: a constant of :mod:`~ocivalidate.image.layers.paths`, or the byte itself.

    Old readers treat a name that ends in a slash as a directory.
    """
    if kind not in _REGULAR:
        return kind
    return FOLDER if kind == b"\0" and name[-1:] == b"/" else REGULAR


class TarScanner:
    """Feed it the bytes of a tar with :meth:`feed`, then ask :meth:`finish` for the facts.

    ``key``: for the hashes of paths in them (default: that of this process).
    """

    def __init__(self, limits: LayerLimits = DEFAULT, key: bytes | None = None) -> None:
        self._limits = limits
        self._problems = Problems(limits.problems)
        self._paths = Paths(self._problems, limits.entries, key)
        self._size = 0
        # The next piece to parse: its offset, its size, its handler, and the bytes already received.
        self._next = 0
        self._need = BLOCK
        self._then: Callable[[bytes], None] = self._header
        self._partial = b""
        # Parsing is over, because the end was reached or the rest cannot be read.
        self._stopped = self._ended = self._zero_block = False
        # The current entry: offset of its header, end of its content, extension headers before it.
        self._start = self._content_end = 0
        self._extension: pax.Extension | None = None
        # For a sparse file whose content begins with a map.
        self._inline: InlineMap | None = None
        self._entries = self._content = self._xattrs = 0
        self._types: dict[bytes, int] = {}
        # Values of the mode, uid and gid fields that were found valid.
        self._fine: set[bytes] = set()

    def feed(self, chunk: bytes | memoryview) -> None:
        """Take the next bytes of the tar."""
        start, size = self._size, len(chunk)
        self._size = start + size
        position = self._next - start
        if self._partial:
            missing = self._need - len(self._partial)
            self._partial += chunk[:missing]
            if size < missing:
                return
            block, self._partial = self._partial, b""
            self._next = start + missing
            self._then(block)
            position = self._next - start
        while position + self._need <= size and not self._stopped:
            end = position + self._need
            self._next = start + end
            self._then(bytes(chunk[position:end]))
            position = self._next - start
        if self._stopped:
            if self._ended:
                self._after_end(chunk[max(position, 0) :], start + max(position, 0))
        elif position < size:
            self._partial = bytes(chunk[position:])

    def skip(self) -> int:
        """The offset of the next bytes that matter: a caller that can seek may continue feeding there."""
        if not self._partial:
            self._size = max(self._size, self._next)
        return self._size

    def finish(self, *, whole: bool = True, used: bool = False) -> TarFacts:
        """Return what was seen; with ``used`` also the paths that other layers depend on.

        ``whole``: the tar was fed to its end, which is then judged; otherwise its stream broke off.
        """
        if whole and not self._stopped:
            self._judge_end()
        return TarFacts(
            entries=self._entries,
            types={shown(kind): count for kind, count in sorted(self._types.items())},
            content=self._content,
            size=self._size,
            xattrs=self._xattrs,
            whiteouts=self._paths.whiteouts,
            opaque_whiteouts=self._paths.opaque_whiteouts,
            hardlinks=self._paths.unknown_hardlinks(),
            hardlinks_unknown=self._paths.hardlinks_unknown,
            ended=self._ended,
            problems=self._problems.kept(),
            counts=dict(self._problems.counts),
            used=self._paths.used() if used else None,
        )

    def _header(self, block: bytes) -> None:
        name, owner, size_field, mtime, sum_field, kind, link, magic, names, prefix = header.unpack(block)
        if not name[0] and block == ZERO:
            self._zero()
            return
        self._start = start = self._next - BLOCK
        if self._zero_block or not header.checksum_holds(block, sum_field):
            self._bad_header(start)
            return
        if size_field[:11].isdigit() and size_field.strip(_OCTAL) in _ENDS:
            size = int(size_field[:11], 8) if size_field[11] in b"\0 " else int(size_field, 8)
        else:
            size = self._read_size(size_field, text(name))
            if size < 0:
                return
        if kind in _EXTENSIONS:
            if kind == SOLARIS and self._extension is not None and self._extension.size is not None:
                size = self._extension.size  # Go reads an entry, with the size from a pax header
            self._begin_extension(kind, size)
            return
        name, link = text(name), text(link) if link[0] else b""
        if prefix[0] or self._extension is not None:
            name, link, size = self._named(Header(name, prefix, magic, link), kind, size)
        if owner not in self._fine or mtime.strip(_OCTAL) not in _ENDS:
            self._judge_attributes(owner, mtime, name)
        if names[_DEVICE_NUMBERS] not in self._fine and kind not in _DEVICES:
            self._judge_device_numbers(names[_DEVICE_NUMBERS], magic, name)
        self._extension = None
        self._entry(name, kind, link, size, block)

    def _entry(self, name: bytes, kind: bytes, link: bytes, size: int, block: bytes) -> None:
        start, inline, self._inline = self._start, self._inline, None
        if self._entries >= self._limits.entries:
            self._stop(Kind.LIMIT_ENTRIES, f"there are more than {self._limits.entries} entries", start)
            return
        self._entries += 1
        if kind in _REGULAR:
            if name[-1:] == b"/" and kind != b"\0":
                self._differ(
                    "the name of the file ends in /, which makes it a directory for GNU tar and libarchive", name
                )
            kind = kind_of(name, kind)
        self._types[kind] = self._types.get(kind, 0) + 1
        if link or not name or not name.isascii() or len(name) > LONGEST_NAME:
            judge_names(name, link, kind, self._limits.path, start, self._problems)
        self._paths.add(name, kind, link, size, start)
        if kind not in _PLAIN:
            judge_type(name, kind, block, start, self._problems)
        if kind in _WITHOUT_CONTENT:
            self._without_content(name, size)
            return
        if size > self._limits.entry_size:
            self._too_large(name, size)
        self._content += size
        self._content_end = self._next + size
        if kind == SPARSE:
            self._begin_sparse(name, size, block)
        elif inline is None:
            self._next += padded(size)
        else:
            self._read_map(inline, name, size)

    def _without_content(self, name: bytes, size: int) -> None:
        if size:
            message = f"its type has no content, yet it declares {size} bytes"
            self._problems.add(Kind.CONTENT_UNEXPECTED, message, self._start, name)

    def _zero(self) -> None:
        if self._zero_block:
            self._stopped = self._ended = True
            return
        self._zero_block = True
        self._alone()

    def _alone(self) -> None:
        """No entry follows, so there should be no extension header either."""
        if self._extension is not None:
            message = "no entry follows the extension header"
            self._problems.add(Kind.EXTENSION_ALONE, message, self._extension.start)

    def _bad_header(self, start: int) -> None:
        if self._zero_block:
            self._stop(Kind.END_LONE, "other bytes follow a single zero block", start)
        elif start:
            self._stop(Kind.HEADER_CHECKSUM, "the checksum of a header does not match its bytes", start)
        else:
            self._stop(Kind.NOT_TAR, "the bytes do not begin with a tar header", start)

    def _read_size(self, field: bytes, name: bytes) -> int:
        """The size in a header; -1 if it is invalid, so that nothing after it can be found."""
        try:
            size = header.number(field, "size")
        except Malformed as error:
            self._stop(Kind.HEADER_NUMBER, str(error), self._start, name)
            return -1
        if size < 0:
            self._stop(Kind.SIZE_NEGATIVE, f"it declares a size of {size} bytes", self._start, name)
            return -1
        if size > _LARGEST:
            self._stop(Kind.LIMIT_SIZE, f"it declares {size} bytes, more than any file can have", self._start, name)
            return -1
        if header.is_odd(field):
            self._differ(f"the size field has bytes besides its number: only Go reads {size}", name)
        return size

    def _too_large(self, name: bytes, size: int) -> None:
        message = f"it declares {size} bytes, more than {self._limits.entry_size}"
        self._problems.add(Kind.LIMIT_SIZE, message, self._start, name)

    def _judge_attributes(self, owner: bytes, mtime: bytes, name: bytes) -> None:
        given = self._extension.attributes if self._extension is not None else {}
        faults = attribute_faults(owner, mtime, given)
        for kind, message in faults:
            self._problems.add(kind, message, self._start, name)
        if not faults and not given and len(self._fine) < _CACHED:
            self._fine.add(owner)

    def _judge_device_numbers(self, fields: bytes, magic: bytes, name: bytes) -> None:
        """Readers parse them for any type of entry; Go only if the magic says that they exist."""
        faults = number_faults((("devmajor", fields[:8]), ("devminor", fields[8:])))
        for kind, message in faults:
            if kind is Kind.HEADER_NUMBER and readers.form_of(magic) not in (readers.POSIX, readers.GNU):
                self._differ(f"{message}, which only some readers look at here", name)
                continue
            self._problems.add(kind, message, self._start, name)
        if not faults and len(self._fine) < _CACHED:
            self._fine.add(fields)

    def _named(self, own: Header, kind: bytes, size: int) -> tuple[bytes, bytes, int]:
        """Name, link target and size of an entry with extension headers."""
        name, link = readers.go_name(own), own.link
        if self._extension is not None:
            name, link, size = self._extended(self._extension, Names(name, link), kind, size)
        self._judge_readings(own, name, link, kind)
        return name, link, size

    def _judge_readings(self, own: Header, name: bytes, link: bytes, kind: bytes) -> None:
        """Report where another reader has a different path or target than Go, and the hazards in that reading."""
        said = self._extension.said if self._extension is not None else []
        found = readers.compared(own, said, Names(name, link), kind)
        # For a sparse file other names are usual, and it is reported as sparse anyway.
        if found.difference and not (self._extension is not None and self._extension.sparse_form):
            self._differ(found.difference, name)
        for other in found.others:
            self._paths.add_other(other.path, kind, other.link, self._start)

    def _differ(self, message: str, name: bytes) -> None:
        self._problems.add(Kind.READERS_DIFFER, message, self._start, name)

    def _begin_extension(self, kind: bytes, size: int) -> None:
        if self._extension is None:
            self._extension = pax.Extension(start=self._start)
        self._extension.payload += size
        if self._extension.payload > self._limits.extension:
            message = f"extension headers have more than {self._limits.extension} bytes"
            self._problems.add(Kind.LIMIT_PAX, message, self._start)
            self._content_end = self._next + size
            self._next += padded(size)
        elif size:
            self._need, self._then = padded(size), lambda payload: self._take_extension(kind, payload[:size])
        else:
            self._take_extension(kind, b"")

    def _take_extension(self, kind: bytes, payload: bytes) -> None:
        self._need, self._then = BLOCK, self._header
        extension = self._extension or pax.Extension(start=self._start)
        if kind == LONG_NAME:
            extension.long_name = text(payload)
            extension.said.append(Said(kind, extension.long_name))
        elif kind == LONG_LINK:
            extension.long_link = text(payload)
            extension.said.append(Said(kind, extension.long_link))
        else:
            self._take_records(kind, payload, extension)

    def _take_records(self, kind: bytes, payload: bytes, extension: pax.Extension) -> None:
        try:
            found = pax.records(payload)
            self._extension = pax.taken(extension, kind, found)
        except Malformed as error:
            self._problems.add(Kind.PAX_MALFORMED, f"{error}", self._start)
            return
        judge_records(kind, found, self._start, self._problems)

    def _extended(self, said: pax.Extension, own: Names, kind: bytes, size: int) -> tuple[bytes, bytes, int]:
        """Name, link target and size of an entry as extension headers change them."""
        name = (said.sparse_form and said.sparse_name) or said.long_name or said.path or own.path
        link = said.long_link or said.link or own.link
        self._xattrs += said.xattrs
        for key in _OWNERS:
            if (value := said.attributes.get(key)) and (fault := owner_fault(key.decode(), int(value))):
                self._problems.add(*fault, self._start, name)
        if said.xattrs:
            for fault_kind, message in xattrs.faults(xattrs.xattrs(said.records)):
                self._problems.add(fault_kind, message, self._start, name)
        if said.sparse_form:
            self._problems.add(Kind.SPARSE, "the entry is a sparse file", self._start, name)
            if said.real_size > self._limits.entry_size:
                self._too_large(name, said.real_size)
            self._judge_map(said, name, kind, size if said.size is None else said.size)
        return name, link, size if said.size is None else said.size

    def _judge_map(self, said: pax.Extension, name: bytes, kind: bytes, size: int) -> None:
        """Judge the map in pax records; one at the start of the content is still to come."""
        try:
            self._inline = judge_pax(said.records, size, content=kind not in _WITHOUT_CONTENT)
        except Malformed as problem:
            self._problems.add(Kind.SPARSE_MALFORMED, str(problem), self._start, name)

    def _begin_sparse(self, name: bytes, size: int, block: bytes) -> None:
        self._problems.add(Kind.SPARSE, "the entry is a sparse file", self._start, name)
        found = SparseMap(block)
        if found.real_size > self._limits.entry_size:
            self._too_large(name, found.real_size)
        self._read_map(found, name, size)

    def _read_map(self, found: SparseMap | InlineMap, name: bytes, size: int) -> None:
        self._then = lambda further: self._sparse_block(found, name, size, further)
        self._sparse_block(found, name, size)

    def _sparse_block(self, found: SparseMap | InlineMap, name: bytes, size: int, block: bytes = b"") -> None:
        if block:
            found.extend(block)
        if found.more:
            return
        found.finish(size)
        if found.fault:
            self._problems.add(Kind.SPARSE_MALFORMED, found.fault, self._start, name)
        self._then = self._header
        left = max(size - found.used, 0)
        self._content_end = self._next + left
        self._next += padded(left)

    def _after_end(self, rest: bytes | memoryview, start: int) -> None:
        """Bytes after the end of the archive, where only zeros belong."""
        if not self._problems.counts[Kind.END_TRAILING] and bytes(rest) != bytes(len(rest)):
            message = "bytes other than zeros follow the end of the archive"
            self._problems.add(Kind.END_TRAILING, message, start)

    def _judge_end(self) -> None:
        """The bytes ended without the two zero blocks."""
        size, add = self._size, self._problems.add
        if self._content_end > size:
            missing = self._content_end - size
            add(Kind.TRUNCATED, f"{missing} bytes are missing from the content of the last entry", size)
        elif self._then != self._header:
            add(Kind.TRUNCATED, "the tar ends inside an extension header", size)
        elif self._partial.strip(b"\0"):
            add(Kind.TRUNCATED, "the tar ends inside a header", size)
        else:
            if not self._zero_block:
                self._alone()
            what = "one of the two zero blocks" if self._zero_block else "the two zero blocks"
            add(Kind.END_MISSING, f"{what} that end a tar {'is' if self._zero_block else 'are'} missing", size)

    def _stop(self, kind: Kind, message: str, offset: int, name: bytes | None = None) -> None:
        self._problems.add(kind, message, offset, name)
        self._stopped = True
