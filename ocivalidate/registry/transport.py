"""HTTP with limits: attempts, redirects, time, and where credentials go. The only user of urllib3."""

from __future__ import annotations

import contextlib
import email.utils
import functools
import os
import random
import re
import ssl
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit
from weakref import WeakSet

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.response import BaseHTTPResponse as Response

from ocivalidate.registry import certificates
from ocivalidate.registry.connections import Watch, manager
from ocivalidate.registry.failing import ConnectionFailed, RegistryError
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.registry.proxies import is_loopback, proxy_for

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_BROKEN = 500
_PORTS = {"http": 80, "https": 443}
_LONGEST_WAIT = 15.0
_LONGEST_ADDRESS = 16384
_MOST_HOSTS = 64
_SECONDS = re.compile(r"[0-9]{1,9}")
# An address of which nobody can doubt where the host ends.
_PLAIN = re.compile(r"(https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)/[A-Za-z0-9/:._~+=%&?,-]*")
_NUMBER = re.compile(r"[0-9]{1,18}")
_AGENT = "ocivalidate"


# Answers that came from another host than the one that was asked.
_LED_AWAY: WeakSet[Response] = WeakSet()


def is_led_away(answer: Response) -> bool:
    """Whether an answer came, by redirects, from another host than the one that was asked."""
    return answer in _LED_AWAY


class Origin(NamedTuple):
    """Where an address is: credentials for one are never sent to another."""

    scheme: str
    host: str
    port: int

    @property
    def shown(self) -> str:
        """Host, and port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def origin(address: str) -> Origin:
    """The origin of an address. Raises :class:`RegistryError` for one that is none of HTTP."""
    found = _origin(address)
    if found is None:
        raise RegistryError("an address that is none of HTTP")
    return found


def _origin(address: str) -> Origin | None:
    """Only an address that everybody reads alike has one: urllib3 goes where *it* reads that the address leads."""
    if len(address) > _LONGEST_ADDRESS or not address.isprintable():
        return None
    plain = _PLAIN.fullmatch(address)
    return _parsed(plain[1] if plain else address)


@functools.lru_cache(maxsize=256)
def _parsed(address: str) -> Origin | None:
    with contextlib.suppress(ValueError, HTTPError):
        parts, theirs = urlsplit(address), urllib3.util.parse_url(address)
        usual = _PORTS.get(parts.scheme, 0)
        found = Origin(parts.scheme, parts.hostname or "", parts.port or usual)
        host = (theirs.host or "").removeprefix("[").removesuffix("]")
        if usual and found.host and found == (theirs.scheme, host, theirs.port or usual):
            return found
    return None


def _joined(address: str, target: str) -> str:
    """Where a redirect leads; nowhere, if that is no address."""
    try:
        return urljoin(address, target)
    except ValueError:
        return ""


class Transport:
    """Sends requests; for several threads. ``host``: that of the registry, as the folders of certificates call it."""

    def __init__(self, options: RegistryOptions, environment: Mapping[str, str] = os.environ) -> None:
        self._options = options
        self._limits = options.limits
        self._environment = environment
        self._managers: dict[Origin, urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._watch = Watch(self._limits.silence + self._limits.window, self._stopped)
        self._failed = self._refused = 0
        self._silent = 0
        self._open: WeakSet[Response] = WeakSet()

    # --- Requests

    def send(self, method: str, address: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """Send a request, again where that may help, and follow redirects. The caller closes the answer.

        Raises :class:`RegistryError`.
        """
        here = origin(address)
        failed = max(self._failed, self._silent)
        if failed >= self._limits.failures or self._refused >= self._limits.refusals:
            failed = max(failed, self._refused)
            raise RegistryError(f"{here.shown} is not asked any more: {failed} requests in a row failed")
        problem, attempt = RegistryError("not asked"), 0
        most = 1 if self._refused >= self._limits.failures else self._limits.attempts
        while attempt < most:
            attempt += 1
            wait = 0.0
            try:
                answer = self.once(method, address, headers, body)
            except ConnectionFailed as error:
                problem = error
            else:
                if answer.status not in _AGAIN:
                    self._failed = self._refused = 0
                    return answer
                answer.close()
                wait = retry_after(answer.headers.get("Retry-After"))
                problem = ConnectionFailed(f"{here.shown} answers {in_words(answer.status)}", status=answer.status)
            if wait > self._limits.wait:
                problem = RegistryError(
                    f"{problem}, and asks to come back in {wait:.0f} seconds", status=problem.status
                )
                break
            if attempt < most:
                self.pause(attempt, wait)
        if problem.status == _BROKEN:
            # It is there, and cannot give this: so answer registries for what is damaged in their storage.
            self._refused += 1
        else:
            self._failed += 1
        tries = f" ({attempt} attempts)" if attempt > 1 else ""
        raise RegistryError(f"{problem}{tries}", problem.hint, problem.status)

    def once(self, method: str, address: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """One attempt, with its redirects. Raises :class:`ConnectionFailed`, and :class:`RegistryError`."""
        first = here = origin(address)
        headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers}
        for _number in range(self._limits.redirects + 1):
            answer = self._attempt(method, address, here, headers, body)
            target = answer.headers.get("Location", "") if answer.status in _REDIRECTS else ""
            if not target:
                if here != first:
                    _LED_AWAY.add(answer)
                self._open.add(answer)
                return answer
            answer.close()
            if method == "POST":
                # Only tokens are asked for like this, and what is sent is a secret.
                raise RegistryError(f"{first.shown} redirects a request for a token")
            address = _joined(address, target)
            if _repeats(address, headers.get("Authorization", "")):
                # Others would see it, and every log of requests.
                raise RegistryError(f"{first.shown} redirects to an address with the credentials that were sent to it")
            there = _origin(address)
            if there is None:
                raise RegistryError(f"{first.shown} redirects to an address that is none of HTTP")
            if there.scheme == "http" and here.scheme == "https":
                raise RegistryError(f"{first.shown} redirects to {there.shown} without TLS, which is not followed")
            if there != first:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            here = there
        raise RegistryError(f"{first.shown} redirects more than {self._limits.redirects} times")

    def pause(self, attempt: int, wait: float = 0) -> None:
        """Wait before the next attempt, at least ``wait`` seconds. Raises :class:`RegistryError` once stopped."""
        backoff = min(self._limits.pause * 2 ** (attempt - 1), _LONGEST_WAIT)
        # Not all at the same moment: many clients wait for the same server.
        spread = backoff * random.uniform(0.5, 1)  # noqa: S311 - nobody has to be unable to guess it
        if self._stopped.wait(max(wait, spread)):
            raise RegistryError("stopped")

    def read(self, answer: Response, most: int) -> bytes:
        """What has arrived of the body of an answer. Errors are those of urllib3."""
        return self._watch.read(answer, most)

    def heard(self, *, silence: bool) -> None:
        """Learn that a body came to its end, or that in the midst of one nothing came any more."""
        self._silent = self._silent + 1 if silence else 0

    def stop(self) -> None:
        """Let nothing wait any more, in no thread."""
        self._stopped.set()
        for answer in [*self._open]:
            with contextlib.suppress(OSError, ValueError, RuntimeError, HTTPError):
                answer.shutdown()

    def close(self) -> None:
        """Close all connections."""
        self.stop()
        with self._lock:
            for one in self._managers.values():
                one.clear()
            self._managers.clear()

    def trusts_plain(self, host: str) -> bool:
        """Whether a registry may be reached without TLS: the user says so, or it is this machine."""
        return self._options.tls_verify is False or (self._options.tls_verify is None and is_loopback(host))

    # --- One attempt

    def _attempt(self, method: str, address: str, here: Origin, headers: Mapping[str, str], body: bytes) -> Response:
        found, seconds = self._manager(here), self._limits
        timeout = urllib3.Timeout(connect=seconds.connect, read=seconds.silence)
        try:
            answer = found.request(
                method,
                address,
                headers=dict(headers),
                body=body or None,
                timeout=timeout,
                preload_content=False,
                decode_content=False,
                redirect=False,
                retries=False,
            )
        except (HTTPError, OSError, ValueError) as error:
            problem = failure(error, here.shown)
        else:
            if method == "HEAD" or _NUMBER.fullmatch(answer.headers.get("Content-Length", "0").strip()):
                return answer
            answer.close()
            problem = ConnectionFailed(f"{here.shown}: its answer is not HTTP: a Content-Length that is no number")
        # Outside, so that no traceback shows the address, which may be a secret, through the error of the library.
        raise problem

    def _manager(self, here: Origin) -> urllib3.PoolManager:
        with self._lock:
            if here not in self._managers:
                if len(self._managers) >= _MOST_HOSTS:
                    self._managers.pop(next(iter(self._managers))).clear()
                self._managers[here] = self._made(here)
            return self._managers[here]

    def _made(self, here: Origin) -> urllib3.PoolManager:
        context, trusting = None, self.trusts_plain(here.host)
        if here.scheme == "https":
            context = certificates.context_for(
                here.shown, self._options.cert_dir, self._environment, verify=not trusting
            )
        proxy = proxy_for(here.scheme, here.host, here.port, self._environment)
        with contextlib.suppress(ValueError, HTTPError):
            return manager(context, proxy, self._limits.answer)
        raise RegistryError(f"the proxy for {here.shown} is not the address of one")


def _repeats(address: str, sent: str) -> bool:
    """Whether an address has in it what was sent as a credential."""
    secret = sent.partition(" ")[2]
    return bool(secret) and secret in unquote(address)


def failure(error: Exception, shown: str) -> RegistryError:
    """What went wrong with a connection, in words of ours: those of libraries have addresses in them."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "--cert-dir names a folder with authorities; --tls-verify=false takes any certificate"
            return RegistryError(f"{shown}: its certificate is not valid here: {cause.verify_message}; {hint}")
        if isinstance(cause, ssl.SSLError) and cause.reason in (
            "WRONG_VERSION_NUMBER",
            "HTTP_REQUEST",
            "RECORD_LAYER_FAILURE",
        ):
            return ConnectionFailed(f"{shown} does not speak TLS; --tls-verify=false allows plain HTTP")
        cause = cause.__cause__ or cause.__context__ or next(filter(_is_error, cause.args), None)
    if isinstance(error, NameResolutionError):
        return RegistryError(f"{shown}: there is no host of this name")
    if isinstance(error, NewConnectionError):
        # Refused, or no route: urllib3 takes it for a kind of timeout.
        return ConnectionFailed(f"{shown}: {_other(error)}")
    text = next((text for kinds, text in _FAILURES if isinstance(error, kinds)), "") or _other(error)
    return ConnectionFailed(f"{shown}: {text}", silent=isinstance(error, ReadTimeoutError))


def _is_error(value: object) -> bool:
    return isinstance(value, BaseException)


_FAILURES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((ProxyError,), "its proxy cannot be used"),
    ((ConnectTimeoutError,), "no connection in time"),
    ((ReadTimeoutError,), "nothing arrives any more"),
    ((IncompleteRead,), "the body ends early"),
    ((SSLError, ssl.SSLError), "TLS failed"),
)


def _other(error: BaseException) -> str:
    inner: object = error
    for _step in range(4):
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror[:1].lower() + inner.strerror[1:]
        args = getattr(inner, "args", ())
        inner = getattr(inner, "__cause__", None) or next(filter(_is_error, args), None)
    if isinstance(error, NewConnectionError):
        return "no connection"
    return "the connection broke" if isinstance(error, ProtocolError | OSError) else "its answer is not HTTP"


def retry_after(written: str | None) -> float:
    """For how many seconds a server wants to be left alone (RFC 9110, 10.2.3): 0 where it does not say."""
    text = (written or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text[:100]).timestamp() if text else 0.0
    except (ValueError, TypeError, OverflowError, OSError):
        return 0.0
    return max(0.0, moment - time.time())


def in_words(status: int) -> str:
    """A status with its usual phrase: the server's own may be anything."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
