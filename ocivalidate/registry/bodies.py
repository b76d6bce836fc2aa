"""The body of an answer as a stream, which goes on by ranges where a connection breaks."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from ocivalidate.registry.answers import BLOB, Answer
from ocivalidate.registry.failing import ConnectionFailed, RegistryError
from ocivalidate.registry.options import MIB
from ocivalidate.registry.transport import Transport, failure

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse as Response

    from ocivalidate.registry.options import RegistryLimits

_PORTION = 1 << 18
# A body of which so much arrived between two breaks makes progress.
_PROGRESS = MIB
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/(?:[0-9]{1,18}|\*)")

# Asks for the body again, from an offset on.
Reopen = Callable[[int], "Response"]


class Body:
    """What a registry sends, read once from its first byte on. ``answers``: what it said beside it, at the end.

    ``most``: after so many bytes it ends, whatever else there is.
    """

    def __init__(
        self,
        response: Response,
        said: Answer,
        reopen: Reopen,
        transport: Transport,
        limits: RegistryLimits,
        shown: str,
    ) -> None:
        self._response = response
        self._said = said
        self._reopen = reopen
        self._transport = transport
        self._limits = limits
        self._shown = shown
        self.most = limits.blob
        self._position = 0
        self._ended = False
        self._breaks = 0
        self._broke_at = 0
        self._start()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What the server said beside the body."""
        return (self._said._replace(got=self._position if self._ended else None),)

    def _start(self) -> None:
        # Of what has arrived since; some of it may be passed over.
        self._since, self._arrived = time.monotonic(), 0

    def readinto(self, buffer: memoryview, /) -> int:
        """Read what has arrived. Raises :class:`OSError`, with one line that says what is wrong."""
        buffer = buffer[: max(0, self.most - self._position)]
        if self._ended or not buffer:
            return 0
        chunk, problem = self._next(min(len(buffer), _PORTION))
        while problem is not None:
            problem = self._resumed(problem) if isinstance(problem, ConnectionFailed) else problem
            if problem is None:
                chunk, problem = self._next(min(len(buffer), _PORTION))
            elif not isinstance(problem, ConnectionFailed):
                raise OSError(str(problem))
        count = len(chunk)
        buffer[:count] = chunk
        self._position += count
        if not count:
            self._ended = True
            if self._said.kind == BLOB:
                # Small documents may come from elsewhere than what is large.
                self._transport.heard(silence=False)
            self._response.release_conn()
        return count

    def _next(self, most: int) -> tuple[bytes, RegistryError | None]:
        """The next bytes, or why there are none."""
        try:
            chunk = self._transport.read(self._response, most)
        except (HTTPError, OSError, ValueError) as error:
            return b"", failure(error, self._shown)
        seconds = time.monotonic() - self._since
        if seconds > self._limits.window:
            if chunk and self._arrived + len(chunk) < self._limits.slowest * seconds:
                return b"", RegistryError(f"{self._shown}: less than {self._limits.slowest} bytes a second arrive")
            self._start()
        else:
            self._arrived += len(chunk)
        return chunk, None

    def _resumed(self, problem: ConnectionFailed) -> RegistryError | None:
        """Go on where it broke, or why that is not possible."""
        try:
            self._go_on(problem)
        except RegistryError as error:
            return error
        return None

    def _go_on(self, problem: ConnectionFailed) -> None:
        """Open it again where it broke. Raises :class:`RegistryError` if that does not help any more."""
        self._response.close()
        # Where all is sent again each time, going on for ever would be quadratic.
        if self._position - self._broke_at >= _PROGRESS and self._said.ranges is not False:
            self._breaks = 0
        self._breaks, self._broke_at = self._breaks + 1, self._position
        if self._breaks >= self._limits.attempts:
            if problem.silent:
                self._transport.heard(silence=True)
            raise RegistryError(f"{problem}, after {self._position} bytes ({self._breaks} attempts)")
        self._transport.pause(self._breaks)
        self._response = self._reopen(self._position)
        self._start()
        if not self._position:
            return
        match = _RANGE.fullmatch(self._response.headers.get("Content-Range", ""))
        partial = self._response.status == 206 and match is not None and int(match[1]) == self._position
        self._said = self._said._replace(ranges=partial)
        if self._response.status == 206 and not partial:
            raise RegistryError(f"{self._shown} sends another part of the body than was asked for")
        if not partial:
            self._skip(self._position)

    def _skip(self, count: int) -> None:
        """Pass over what has been read already, where a server sends all of it again."""
        while count:
            chunk, problem = self._next(min(count, _PORTION))
            if problem is not None or not chunk:
                raise problem or ConnectionFailed(f"{self._shown}: the body ends early")
            count -= len(chunk)

    def read(self, most: int) -> bytes:
        """All of it, or its first ``most`` bytes. Raises :class:`OSError`."""
        parts: list[bytes] = []
        buffer = memoryview(bytearray(min(most, _PORTION)))
        while most > 0 and (count := self.readinto(buffer[:most])):
            parts.append(bytes(buffer[:count]))
            most -= count
        return b"".join(parts)

    def seekable(self) -> bool:
        """Never."""
        return False

    def seek(self, _offset: int, _whence: int = os.SEEK_SET, /) -> int:
        """Not possible."""
        raise OSError("a body that comes over a network cannot be read from another place")

    def close(self) -> None:
        """Close it; a connection that is not at its end is of no further use."""
        with contextlib.suppress(HTTPError, OSError):
            if self._ended:
                self._response.release_conn()
            else:
                self._response.close()
