"""Hands chunks to hashes and other consumers, here or in a helper thread while a core is idle."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from ocivalidate.image.layers.buffers import Chunk
from ocivalidate.vocabulary.digests import Digest, Hasher, computable, hasher

# How many chunks may wait for the helper, and how many buffers are needed so that none is overwritten.
_DEPTH = 4
BUFFERS = _DEPTH + 3


class Hashes:
    """Several hashes over the same bytes."""

    def __init__(self, algorithms: Sequence[str]) -> None:
        self._states: dict[str, Hasher] = {name: hasher(name) for name in algorithms if computable(name)}

    def update(self, chunk: Chunk) -> None:
        """Take more bytes."""
        for state in self._states.values():
            state.update(chunk)

    def digests(self) -> tuple[Digest, ...]:
        """The digests, for the algorithms that are supported."""
        return tuple(Digest(name, state.hexdigest()) for name, state in self._states.items())


class Consumer(Protocol):
    """A consumer of chunks: hashes, a scanner."""

    def update(self, chunk: Chunk, /) -> None:
        """Take the next chunk."""


class Feeder(Protocol):
    """Hands chunks to their consumers, each of them in order."""

    def feed(self, consumer: Consumer, chunk: Chunk) -> None:
        """Hand over a chunk, perhaps later: it must not change while :meth:`busy`."""

    def busy(self) -> bool:
        """Whether earlier chunks are still in use."""

    def finish(self) -> None:
        """Wait until every chunk has been consumed; raises what a consumer raised."""


class Inline:
    """Hands chunks over at once, in the calling thread."""

    def feed(self, consumer: Consumer, chunk: Chunk) -> None:
        """Hand over a chunk."""
        consumer.update(chunk)

    def busy(self) -> bool:
        """Never."""
        return False

    def finish(self) -> None:
        """Nothing is left to do."""


class Helper:
    """Hands chunks over in a helper thread while ``spare`` says that a core is idle."""

    def __init__(self, spare: Callable[[], bool]) -> None:
        self._spare = spare
        self._waiting: queue.Queue[tuple[Consumer, Chunk] | None] = queue.Queue(_DEPTH)
        self._pending = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def feed(self, consumer: Consumer, chunk: Chunk) -> None:
        """Hand over a chunk; in order, so never directly while others wait."""
        if not self._pending and not self._spare():
            consumer.update(chunk)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ocivalidate-helper", daemon=True)
            self._thread.start()
        with self._lock:
            self._pending += 1
        self._waiting.put((consumer, chunk))

    def busy(self) -> bool:
        """Whether chunks are waiting or being consumed."""
        return self._pending > 0

    def finish(self) -> None:
        """Wait for all chunks, and end the thread. Raises what a consumer raised."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            consumer, chunk = work
            try:
                if self._error is None:
                    consumer.update(chunk)
            except BaseException as error:  # noqa: BLE001  # finish() raises it
                self._error = error
            with self._lock:
                self._pending -= 1
