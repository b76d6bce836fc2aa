"""One pass over a layer: read and inflated in this thread; hashed, judged and written in another.

Inflating, hashing and most of writing release the interpreter's lock. Only a few chunks wait between the threads, so
memory does not grow with the layer.
"""

from __future__ import annotations

import queue
import threading

from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, Progress, single_pass
from ocivalidate.image.layers.buffers import Chunk
from ocivalidate.image.layers.feeding import Consumer, Hashes
from ocivalidate.unpack.entries import LayerReader

# Fewer than the buffers that `single_pass` cycles through, so that none is overwritten while it waits.
_DEPTH = 4


class Writing:
    """Hands the uncompressed layer to a thread. Its exceptions are raised at the next chunk, or at the end."""

    def __init__(self) -> None:
        # An interrupt in the middle of queue.Queue.put can leave its lock held forever. SimpleQueue has no such lock.
        self._waiting: queue.SimpleQueue[tuple[Consumer, Chunk] | None] = queue.SimpleQueue()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(_DEPTH):
            self._room.put(None)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ocivalidate-write", daemon=True)
        self._thread.start()

    def feed(self, consumer: Consumer, chunk: Chunk) -> None:
        """Hand over a chunk; compressed bytes are hashed in this thread, which keeps both busy."""
        if isinstance(consumer, Hashes):
            consumer.update(chunk)
            return
        if self._error is not None:
            raise self._error
        self._room.get()
        self._waiting.put((consumer, chunk))

    def busy(self) -> bool:
        """Always: a chunk is in use until several more have come."""
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

    Only the facts say whether the written files may be used. Raises :class:`OSError`, :class:`UnpackError`, and what
    ``progress`` raises, after the thread has ended.
    """
    writing = Writing()
    try:
        return single_pass(request, progress, writing, reader, exact=exact)
    finally:
        writing.end()
        reader.abandon()
