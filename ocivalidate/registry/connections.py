"""Connections of urllib3 with a limit on how long an answer may take to begin.

The time-out of a socket is one of silence: a server that sends a byte now and then would hold us for ever.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse, HTTPResponse

_CONNECTIONS = 16
_IDLE = 1.0


# The socket of an answer, which its connection may have let go of.
_SOCKETS: WeakKeyDictionary[HTTPResponse, socket.socket] = WeakKeyDictionary()


class _Plain(HTTPConnection):
    longest: float = 0

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 declares it
        with _watched(self) as sock:
            return _of(sock, super().getresponse())


class _Secure(HTTPSConnection):
    longest: float = 0

    def connect(self) -> None:
        super().connect()
        # urllib3 would warn on standard error where the user has asked for no verification.
        self.is_verified = True

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 declares it
        with _watched(self) as sock:
            return _of(sock, super().getresponse())


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS = {"http": _PlainPool, "https": _SecurePool}


@contextlib.contextmanager
def _watched(connection: _Plain | _Secure) -> Iterator[socket.socket | None]:
    """Cut the connection when its answer is not there in time."""
    if not connection.longest or connection.sock is None:
        yield connection.sock
        return
    number = _CLOCK.begin(connection.sock, connection.longest)
    try:
        yield connection.sock
    finally:
        _CLOCK.end(number)


class _Clock:
    """Cuts connections when their time is over: one thread for all, which ends when there has been nothing to do."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[int, tuple[float, socket.socket]] = {}
        self._number = 0
        self._runs = False
        self._next = 0.0

    def begin(self, sock: socket.socket, seconds: float) -> int:
        """Cut a connection in so many seconds, unless :meth:`end` is called with the number that this returns."""
        with self._changed:
            self._number += 1
            end = time.monotonic() + seconds
            self._ends[self._number] = end, sock
            if not self._runs:
                self._runs, self._next = True, end
                threading.Thread(target=self._watch, name="ocivalidate-clock", daemon=True).start()
            elif end < self._next:
                self._changed.notify()
            return self._number

    def end(self, number: int) -> None:
        """Leave a connection alone."""
        with self._changed:
            self._ends.pop(number, None)

    def _watch(self) -> None:
        with self._changed:
            idle = 0
            while idle < 2:
                now = time.monotonic()
                for number in [one for one, (end, _sock) in self._ends.items() if end <= now]:
                    cut(self._ends.pop(number)[1])
                idle = 0 if self._ends else idle + 1
                self._next = min((end for end, _sock in self._ends.values()), default=now + _IDLE)
                self._changed.wait(max(0.0, self._next - now))
            self._runs = False


def _of(sock: socket.socket | None, answer: HTTPResponse) -> HTTPResponse:
    if sock is not None:
        _SOCKETS[answer] = sock
    return answer


_CLOCK = _Clock()
if hasattr(os, "register_at_fork"):
    # A child has none of the threads.
    os.register_at_fork(after_in_child=_CLOCK.__init__)  # type: ignore[misc]  # as good as new


class Watch:
    """Cuts answers of which one read takes longer than ``longest`` seconds.

    What a read looks for may be lines that never end, of which each byte comes in time.
    """

    def __init__(self, longest: float, stopped: threading.Event) -> None:
        self._longest = longest
        self._stopped = stopped
        self._since: dict[object, float] = {}
        self._lock = threading.Lock()
        self._runs = False

    def read(self, answer: BaseHTTPResponse, most: int) -> bytes:
        """What has arrived of an answer. Errors are those of urllib3."""
        with self._lock:
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._look, name="ocivalidate-watch", daemon=True).start()
            self._since[answer] = time.monotonic()
        try:
            return answer.read1(most, decode_content=False)
        finally:
            with self._lock:
                del self._since[answer]

    def _look(self) -> None:
        while not self._stopped.wait(self._longest / 4):
            now = time.monotonic()
            with self._lock:
                late = [answer for answer, since in self._since.items() if now - since > self._longest]
                for answer in late:
                    if isinstance(answer, HTTPResponse) and (sock := _SOCKETS.get(answer)) is not None:
                        cut(sock)


def cut(sock: socket.socket) -> None:
    """End a connection, whoever reads from it."""
    with contextlib.suppress(OSError, ValueError):
        sock.shutdown(socket.SHUT_RDWR)


def manager(context: ssl.SSLContext | None, proxy: str, answer: float) -> urllib3.PoolManager:
    """Connections to one host, by a proxy if there is one; each answer begins within ``answer`` seconds.

    Raises ``ValueError`` for a proxy that makes no sense.
    """
    options: dict[str, Any] = {"ssl_context": context, "maxsize": _CONNECTIONS, "num_pools": 2, "retries": False}
    found: urllib3.PoolManager
    if proxy:
        address = urllib3.util.parse_url(proxy)
        if address.scheme not in ("http", "https") or not address.host:
            raise ValueError("neither http:// nor https://")
        headers = urllib3.make_headers(proxy_basic_auth=address.auth) if address.auth else None
        found = urllib3.ProxyManager(address._replace(auth=None).url, proxy_headers=headers, **options)
    else:
        found = urllib3.PoolManager(**options)
    found.pool_classes_by_scheme = {
        scheme: _timed(pool, answer)  # the class of a connection is all that urllib3 lets one choose
        for scheme, pool in _POOLS.items()
    }
    return found


def _timed(pool: type[HTTPConnectionPool], answer: float) -> type[HTTPConnectionPool]:
    connection = type("Timed", (pool.ConnectionCls,), {"longest": answer})
    return type("TimedPool", (pool,), {"ConnectionCls": connection})
