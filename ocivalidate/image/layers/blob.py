"""Verifies one blob in one streaming pass: size, digests, decompression, diffIDs and tar headers.

:func:`verify` is a plain function over plain data, for any thread, process or machine. It keeps no content.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ocivalidate.image.layers.buffers import CHUNK, Chunk, Ring
from ocivalidate.image.layers.compression import Compression, detect, inflate
from ocivalidate.image.layers.facts import TarFacts
from ocivalidate.image.layers.feeding import BUFFERS, Feeder, Hashes, Inline
from ocivalidate.image.layers.gzip_stream import fast_library
from ocivalidate.image.layers.keys import own_key
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.layers.problems import Kind, Problem
from ocivalidate.image.layers.scan import TarScanner
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary.digests import Digest

if TYPE_CHECKING:
    from ocivalidate.registry.answers import Answer

_SMALLEST_BUFFER = 4096
# Trailing bytes do not depend on the library that inflated the stream.
_CERTAIN = frozenset((Kind.STREAM_TRAILING_ZEROS,))
# Problems after which the whole stream has been inflated.
_AFTER_STREAM = frozenset((Kind.STREAM_TRAILING_ZEROS, Kind.STREAM_TRAILING_BYTES))


class Readable(Protocol):
    """An open blob: the part of the raw file interface that is used here.

    One that comes from a server has ``answers``, too, as :class:`BlobFacts` has them; so may its :class:`OSError`.
    """

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Read into the buffer; return how many bytes, 0 at the end."""

    def close(self) -> None:
        """Close it."""


class Scanner(Protocol):
    """Receives the bytes of a tar as a layer is decompressed."""

    def feed(self, chunk: Chunk) -> None:
        """Take the next bytes, valid until the next call."""

    def finish(self, *, whole: bool = True, used: bool = False) -> TarFacts:
        """Return what was seen; ``whole``: the tar was fed to its end."""


# Opens a blob at its first byte. It may be called twice: see `verify`.
Opener = Callable[[], Readable]
# Called with the number of bytes read since the last call. What it raises ends the pass.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class FilePart:
    """Opens a file, or ``length`` bytes of it from ``offset`` on (a blob in an uncompressed archive).

    ``stamp``: an earlier result of :func:`stamp_of`; the file must not have changed since.
    """

    path: str
    offset: int = 0
    length: int | None = None
    stamp: tuple[int, int] | None = None

    def __call__(self) -> Readable:
        """Open it. Raises :class:`OSError`."""
        return _OpenPart(self)


def stamp_of(status: os.stat_result) -> tuple[int, int]:
    """Identifies the state of a file in another process, or on another machine: its size and modification time."""
    return status.st_size, status.st_mtime_ns


class _OpenPart:
    def __init__(self, part: FilePart) -> None:
        self._file = open(part.path, "rb", buffering=0)  # noqa: SIM115  # closed by close()
        if part.stamp not in (None, stamp_of(os.fstat(self._file.fileno()))):
            self._file.close()
            raise OSError(errno.ESTALE, "the file changed while it was being read")
        if part.offset:
            self._file.seek(part.offset)
        self._left = part.length

    def readinto(self, buffer: memoryview, /) -> int:
        if self._left is not None:
            buffer = buffer[: self._left]
        count = self._file.readinto(buffer) if buffer else 0
        if self._left is not None:
            self._left -= count
        return count

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class BlobRequest:
    """What to find out about a blob, and how to open it: plain data, which pickles if its ``opener`` does.

    ``algorithms``: for the digests of its bytes. ``layer``: inflate it and scan the tar, within ``limits``; otherwise
    only hash it. ``diff_algorithms``: for the digests of the tar. ``size``: in bytes, if known, for the compression
    ratio and to read small blobs with little memory. ``used``: keep the paths that other layers of the image depend on;
    ``key``: for their hashes, the same for all layers that are compared.
    """

    opener: Opener
    algorithms: tuple[str, ...] = ("sha256",)
    layer: bool = False
    diff_algorithms: tuple[str, ...] = ("sha256",)
    size: int | None = None
    used: bool = False
    limits: LayerLimits = DEFAULT
    key: bytes = field(default_factory=own_key, repr=False)


@dataclass(frozen=True, slots=True)
class BlobFacts:
    """What was found: plain data.

    ``digests``: over ``size`` bytes, for the requested algorithms that are supported. For a layer: ``compression`` by
    its bytes; ``diff_ids`` if all of it could be inflated, to ``inflated`` bytes. ``problems``: of the stream and the
    limits; ``tar`` has its own. ``failure``: why the blob could not be read to its end; then nothing else can be
    trusted. ``answers``: what a server said beside it, if it came from one.
    """

    size: int = 0
    digests: tuple[Digest, ...] = ()
    compression: Compression | None = None
    diff_ids: tuple[Digest, ...] = ()
    inflated: int = 0
    problems: tuple[Problem, ...] = ()
    tar: TarFacts | None = None
    failure: str = ""
    answers: tuple[Answer, ...] = ()

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """The problems of the stream, then those of the tar."""
        return self.problems + (self.tar.problems if self.tar else ())

    @property
    def counts(self) -> dict[Kind, int]:
        """How many problems there were of each kind, including those not kept."""
        counts = Counter(problem.kind for problem in self.problems)
        counts.update(self.tar.counts if self.tar else {})
        return dict(counts)

    @property
    def limit(self) -> Kind | None:
        """The limit that ended the pass over the inflated bytes, if one did."""
        return next((kind for kind in self.counts if kind in _ENDING_LIMITS), None)


_ENDING_LIMITS = (Kind.LIMIT_INFLATED, Kind.LIMIT_RATIO, Kind.LIMIT_WINDOW, Kind.LIMIT_ENTRIES)


def verify(request: BlobRequest, progress: Progress | None = None, feeder: Feeder | None = None) -> BlobFacts:
    """Verify one blob. Never raises, whatever is in it; :attr:`BlobFacts.failure` says why it could not be read.

    Any :class:`concurrent.futures.Executor` may run it: arguments and result pickle.

    A gzip stream that the fast library rejects is read a second time with the standard library, which decides.
    """
    tell = progress or _silent
    try:
        facts = single_pass(request, tell, feeder or Inline(), exact=False)
        if facts.compression is Compression.GZIP and fast_library() is not None and not certain(facts):
            facts = single_pass(request, lambda _more: tell(0), feeder or Inline(), exact=True)
    except OSError as error:
        return BlobFacts(failure=reason(error), answers=getattr(error, "answers", ()))
    return facts


def certain(facts: BlobFacts) -> bool:
    """Whether a pass that was not exact can be trusted: the fast library may reject a valid stream."""
    return all(problem.kind in _CERTAIN for problem in facts.problems)


def _silent(_more: int) -> None:
    pass


class _Reader:
    """The bytes of an open blob, chunk by chunk, hashed as they are read."""

    def __init__(self, file: Readable, size: int | None, hashes: Hashes, feeder: Feeder, progress: Progress) -> None:
        self._file = file
        self._hashes = hashes
        self._feeder = feeder
        self._progress = progress
        known = CHUNK if size is None else size + 1
        self._ring = Ring(min(CHUNK, max(known, _SMALLEST_BUFFER)), BUFFERS, feeder.busy)
        self._held: Chunk = b""
        self.size = 0

    def peek(self) -> Chunk:
        """The first bytes, which :meth:`pull` returns again."""
        self._held = self._load()
        return self._held

    def pull(self) -> Chunk:
        """The next bytes; none at the end. Valid until the next call."""
        if self._held:
            chunk, self._held = self._held, b""
            return chunk
        return self._load()

    def _load(self) -> Chunk:
        buffer = self._ring.next()
        filled, length = 0, len(buffer)
        while filled < length:
            count = self._file.readinto(buffer[filled:])
            if not count:
                break
            filled += count
        chunk = buffer[:filled]
        if filled:
            self.size += filled
            self._feeder.feed(self._hashes, chunk)
            self._progress(filled)
        return chunk


def single_pass(
    request: BlobRequest, progress: Progress, feeder: Feeder, scanner: Scanner | None = None, *, exact: bool
) -> BlobFacts:
    """One pass over a blob; ``scanner`` receives the tar of a layer (default: a :class:`TarScanner`).

    Without ``exact`` the fast library may be wrong about a gzip stream: see :func:`certain`. Raises :class:`OSError`,
    and what the scanner and ``progress`` raise.
    """
    hashes = Hashes(request.algorithms)
    file = request.opener()
    try:
        reader = _Reader(file, request.size, hashes, feeder, progress)
        layer = None
        if request.layer:
            scanner = scanner or TarScanner(request.limits, request.key)
            layer = _Layer(reader, request, feeder, scanner, exact=exact)
        if layer is not None:
            layer.inflate()
        while reader.pull():
            pass
    finally:
        feeder.finish()
        file.close()
    found = BlobFacts(reader.size, hashes.digests()) if layer is None else layer.facts(hashes.digests())
    answers = getattr(file, "answers", ())
    return replace(found, answers=answers) if answers else found


class _Layer:
    """The decompressed content of a layer's blob, in one pass."""

    def __init__(
        self,
        reader: _Reader,
        request: BlobRequest,
        feeder: Feeder,
        scanner: Scanner,
        *,
        exact: bool,
    ) -> None:
        self._reader = reader
        self._request = request
        self._feeder = feeder
        self._found = detect(reader.peek())
        wanted = request.diff_algorithms
        if self._found is Compression.NONE:
            # The tar is the blob, whose digests are already computed.
            wanted = tuple(name for name in wanted if name not in request.algorithms)
        self._hashes = Hashes(wanted)
        buffer = Ring(CHUNK, BUFFERS, feeder.busy).next
        self._stream = inflate(self._found, reader.pull, request.limits, exact=exact, buffer=buffer)
        self._scanner = scanner
        self._inflated = 0
        self._over: Problem | None = None

    def inflate(self) -> None:
        """Read the stream to its end, or to a limit."""
        while chunk := self._stream.read():
            self._inflated += len(chunk)
            self._feeder.feed(self, chunk)
            if self._is_over():
                return

    def update(self, chunk: Chunk, /) -> None:
        """Hash and scan the next inflated bytes."""
        self._hashes.update(chunk)
        self._scanner.feed(chunk)

    def _is_over(self) -> bool:
        limits, inflated = self._request.limits, self._inflated
        compressed = max(self._request.size or 0, self._reader.size)
        if inflated > limits.inflated:
            message = f"the layer inflates to more than {limits.inflated} bytes, from {compressed}"
            self._over = Problem(Kind.LIMIT_INFLATED, message, self._reader.size)
        elif inflated > limits.ratio_floor and inflated > limits.ratio * compressed:
            message = f"the layer grows more than {limits.ratio} times: {inflated} bytes from {compressed}"
            self._over = Problem(Kind.LIMIT_RATIO, message, self._reader.size)
        return self._over is not None

    def facts(self, digests: tuple[Digest, ...]) -> BlobFacts:
        """The facts, once everything is read and hashed."""
        problems = self._stream.problems + ((self._over,) if self._over else ())
        whole = all(problem.kind in _AFTER_STREAM for problem in problems)
        diff_ids: tuple[Digest, ...] = ()
        if whole:
            known = self._hashes.digests() + (digests if self._found is Compression.NONE else ())
            diff_ids = tuple(digest for digest in known if digest.algorithm in self._request.diff_algorithms)
        tar = self._scanner.finish(whole=whole, used=self._request.used)
        return BlobFacts(self._reader.size, digests, self._found, diff_ids, self._inflated, problems, tar)
