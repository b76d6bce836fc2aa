"""Connections of urllib3 with a limit on how long an answer may take to begin.

The time-out of a socket is one of silence: a server that sends a byte now and then would hold us for ever.
"""

from __future__ import annotations

import contextlib
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
    watch = threading.Timer(connection.longest, cut, [connection.sock])
    watch.daemon = True
    watch.start()
    try:
        yield connection.sock
    finally:
        watch.cancel()


def _of(sock: socket.socket | None, answer: HTTPResponse) -> HTTPResponse:
    if sock is not None:
        _SOCKETS[answer] = sock
    return answer


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
