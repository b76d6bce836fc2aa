"""Registries, and hosts to which they lead, that want credentials which are not theirs, or never end."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ocivalidate.registry.answers import BLOB
from ocivalidate.registry.client import Registry
from ocivalidate.registry.failing import RegistryError
from ocivalidate.registry.options import RegistryLimits, RegistryOptions
from ocivalidate.registry.pages import Pages

PASSWORD = "pa55word-that-must-not-show"
DIGEST = f"sha256:{'0' * 64}"
LIMITS = RegistryLimits(
    connect=2, silence=0.2, answer=2, pause=0.01, window=0.2, attempts=2, failures=1000, page=1 << 20
)


class Server:
    """Answers each request with what a function gives for it, byte for byte."""

    def __init__(self, answer: Callable[[str], bytes | Iterator[bytes]]) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=[self._listener.accept()[0]], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            data = b""
            while b"\r\n\r\n" not in data:
                more = sock.recv(65536)
                data += more
                if not more or not data.startswith((b"G", b"H")):
                    # Somebody who speaks TLS.
                    return
            text = data.decode("latin-1")
            self.asked.append(text)
            told = self.answer(text)
            for part in [told] if isinstance(told, bytes) else told:
                if self.over.is_set():
                    return
                sock.sendall(part)

    def close(self) -> None:
        self.over.set()
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str], bytes | Iterator[bytes]]], Server]]:
    with contextlib.ExitStack() as stack:

        def start(answer: Callable[[str], bytes | Iterator[bytes]]) -> Server:
            server = Server(answer)
            stack.callback(server.close)
            return server

        yield start


Serve = Callable[[Callable[[str], "bytes | Iterator[bytes]"]], Server]


def told(status: int, headers: str = "", body: bytes = b"") -> bytes:
    lines = f"HTTP/1.1 {status} Said\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return lines.encode("latin-1") + body


@pytest.fixture
def registry(tmp_path: object) -> Iterator[Callable[[Server], Registry]]:
    opened: list[Registry] = []

    def connect(server: Server) -> Registry:
        host = f"127.0.0.1:{server.port}"
        auths = {"auths": {host: {"username": "somebody", "password": PASSWORD}}}
        path = f"{tmp_path}/auth.json"
        with open(path, "w") as file:
            json.dump(auths, file)
        opened.append(Registry(host, RegistryOptions(tls_verify=None, authfile=path, limits=LIMITS), {}))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


Connect = Callable[[Server], Registry]


def wants_basic(answer: Callable[[str], bytes]) -> Callable[[str], bytes]:
    basic = 'WWW-Authenticate: Basic realm="x"\r\n'
    return lambda asked: answer(asked) if "authorization: basic" in asked.lower() else told(401, basic)


@pytest.mark.parametrize("trick", ["\\", ":80\\", "#\\", "?\\", "/\\", "\\\\", "%5c"])
def test_an_address_that_is_read_in_two_ways_gets_no_credentials(trick: str, serve: Serve, registry: Connect) -> None:
    thief = serve(lambda _asked: told(404))
    honest = serve(
        wants_basic(lambda asked: told(307, f"Location: http://127.0.0.1:{thief.port}{trick}@{_host(asked)}/x\r\n"))
    )
    with pytest.raises(RegistryError):
        registry(honest).open(BLOB, "app", DIGEST)
    assert not any("authorization" in asked.lower() for asked in thief.asked)


def _host(asked: str) -> str:
    return next(line.partition(": ")[2] for line in asked.split("\r\n") if line.lower().startswith("host:"))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_target_of_a_redirect_cannot_ask_for_the_credentials_of_the_registry(
    scheme: str, serve: Serve, registry: Connect
) -> None:
    thief = serve(lambda _asked: b"")
    realm = f'WWW-Authenticate: {scheme} realm="http://127.0.0.1:{thief.port}/token"\r\n'
    thief.answer = lambda asked: told(200, "", b'{"token": "x"}') if "/token" in asked else told(401, realm)
    honest = serve(lambda _asked: told(307, f"Location: http://127.0.0.1:{thief.port}/blob\r\n"))
    with pytest.raises(RegistryError, match="wants credentials of its own"):
        registry(honest).open(BLOB, "app", DIGEST)
    assert not any("authorization" in asked.lower() for asked in thief.asked)


def test_a_registry_on_this_machine_cannot_lead_to_tokens_without_tls_elsewhere(
    serve: Serve, registry: Connect
) -> None:
    server = serve(lambda _asked: told(401, 'WWW-Authenticate: Bearer realm="http://tokens.example.invalid/x"\r\n'))
    with pytest.raises(RegistryError, match="without TLS"):
        registry(server).open(BLOB, "app", DIGEST)


@pytest.mark.parametrize("shape", ["https://{}.invalid/", "http://x.{}.invalid/", "https://{}/x"])
def test_a_host_that_is_called_by_the_password_is_not_shown(shape: str, serve: Serve, registry: Connect) -> None:
    location = shape.format(PASSWORD)
    server = serve(wants_basic(lambda _asked: told(302, f"Location: {location}\r\n")))
    with pytest.raises(RegistryError) as caught:
        registry(server).open(BLOB, "app", DIGEST)
    assert PASSWORD not in str(caught.value).lower()


def _endless(begin: bytes, part: bytes, pause: float) -> Callable[[str], Iterator[bytes]]:
    def answer(_asked: str) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + begin
        while True:
            yield part
            time.sleep(pause)

    return answer


@pytest.mark.parametrize(
    ("begin", "part", "pause"), [(b"3\r\nabc\r\n0\r\n", b"X-More: 1\r\n", 0.001), (b"", b"0", 0.02)]
)
def test_lines_of_a_chunked_body_that_never_end_have_an_end(
    begin: bytes, part: bytes, pause: float, serve: Serve, registry: Connect
) -> None:
    server = serve(_endless(begin, part, pause))
    begun = time.monotonic()
    body = registry(server).open(BLOB, "app", DIGEST)
    with contextlib.suppress(OSError):
        body.read(1 << 20)
    body.close()
    assert time.monotonic() - begun < 10


def test_a_size_of_ages_does_not_keep_a_stream_open_for_ages(serve: Serve, registry: Connect) -> None:
    body = registry(serve(lambda _asked: told(200, "", b"x"))).open(BLOB, "app", DIGEST, size=1 << 62)
    assert body.most <= RegistryLimits().largest
    body.close()


def test_a_list_of_too_many_names_has_an_end() -> None:
    pages = Pages("r", most=10, names=5)
    pages.take("/1", 5)
    with pytest.raises(RegistryError, match="does not end"):
        pages.take("/2", 1)
