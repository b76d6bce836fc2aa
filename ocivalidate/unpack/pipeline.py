"""One pass over a layer: read and inflated in this thread; hashed, judged and written in another.

Inflating, hashing and most of writing release the interpreter's lock. No more than a few chunks wait between the
threads, so that memory does not grow with the layer.
"""

from __future__ import annotations

import queue
import threading

from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, Progress, single_pass
from ocivalidate.image.layers.buffers import Chunk
from ocivalidate.image.layers.feeding import Consumer, Hashes
from ocivalidate.unpack.entries import LayerReader

# Fewer than the buffers that `single_pass` goes round, so that none is written over while it waits.
_DEPTH = 4


class Writing:
    """Hands what comes out of a layer to a thread. What goes wrong there is raised at the next chunk, or at the end."""

    def __init__(self) -> None:
        # An interrupt in the middle of queue.Queue.put can leave its lock taken for ever. SimpleQueue has no such lock.
        self._waiting: queue.SimpleQueue[tuple[Consumer, Chunk] | None] = queue.SimpleQueue()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(_DEPTH):
            self._room.put(None)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ocivalidate-write", daemon=True)
        self._thread.start()

    def feed(self, consumer: Consumer, chunk: Chunk) -> None:
        """Hand over a chunk; the compressed bytes are hashed here and now, which keeps both threads busy."""
        if isinstance(consumer, Hashes):
            consumer.update(chunk)
            return
        if self._error is not None:
            raise self._error
        self._room.get()
        self._waiting.put((consumer, chunk))

    def busy(self) -> bool:
        """Always: chunks are in use until several more have come."""
        return True

    def finish(self) -> None:
        """Wait for all chunks. Raises what went wrong."""
        self.end()
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Wait for all chunks, and end the thread."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            self._room.put(None)
            consumer, chunk = work
            if self._error is None:
                try:
                    consumer.update(chunk)
                except BaseException as error:  # noqa: BLE001  # the caller's thread raises it
                    self._error = error


def write_layer(request: BlobRequest, progress: Progress, reader: LayerReader, *, exact: bool) -> BlobFacts:
    """Verify a layer and write it in one pass.

    Whether what was written may be used, only the facts say. Raises :class:`OSError`, :class:`UnpackError`, and what
    ``progress`` raises; then no thread of ours runs any more.
    """
    writing = Writing()
    try:
        return single_pass(request, progress, writing, reader, exact=exact)
    finally:
        writing.end()
        reader.abandon()
