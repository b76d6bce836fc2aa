"""One pass over a layer: read and inflated in one thread, hashed in a second, judged and written in a third.

Inflating, hashing and most of writing release the interpreter's lock. No more than a few chunks wait between the
threads, so that memory does not grow with the layer.
"""

from __future__ import annotations

import queue
import threading

from ocivalidate.image.blob import BlobFacts, Expectation, Opener, Progress, single_pass
from ocivalidate.image.compression import Chunk
from ocivalidate.image.hashing import Hashes, Helper
from ocivalidate.image.layer_limits import LayerLimits
from ocivalidate.image.tarfacts import TarFacts
from ocivalidate.unpack.entries import LayerReader

# Fewer than the buffers that `single_pass` goes round, so that none is written over while it waits.
_DEPTH = 4


class _Busy:
    """Hashes in a thread of its own; every chunk stays as it is until several more have come."""

    def __init__(self) -> None:
        self._helper = Helper(lambda: True)

    def update(self, hashes: Hashes, chunk: Chunk) -> None:
        self._helper.update(hashes, chunk)

    def busy(self) -> bool:
        return True

    def finish(self) -> None:
        self._helper.finish()


class _Writer:
    """Hands the bytes of a tar to a thread that judges and writes them. What that raises, the next call raises."""

    def __init__(self, reader: LayerReader) -> None:
        self._reader = reader
        self._waiting: queue.Queue[Chunk | None] = queue.Queue(_DEPTH)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ocivalidate-write", daemon=True)
        self._thread.start()

    def feed(self, chunk: Chunk) -> None:
        self._raise()
        self._waiting.put(chunk)

    def finish(self, *, whole: bool = True, keys: bool = False) -> TarFacts:
        self.join()
        self._raise()
        return self._reader.finish(whole=whole, keys=keys)

    def join(self) -> None:
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()
        self._reader.abandon()

    def stop(self) -> None:
        """Write nothing more, and wait until the thread has seen it."""
        if self._error is None:
            self._error = InterruptedError()
        self.join()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (chunk := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._reader.feed(chunk)
                except BaseException as error:  # noqa: BLE001  # the caller's thread raises it
                    self._error = error


def write_layer(
    opener: Opener,
    expectation: Expectation,
    limits: LayerLimits,
    progress: Progress,
    reader: LayerReader,
    *,
    exact: bool,
) -> BlobFacts:
    """Verify a layer and write it in one pass.

    Whether what was written may be used, only the facts say. Raises :class:`OSError`, :class:`UnpackError`, and what
    ``progress`` raises; then no thread of ours runs any more.
    """
    writer = _Writer(reader)
    try:
        return single_pass(opener, expectation, limits, progress, _Busy(), writer, exact=exact)
    finally:
        writer.stop()
