"""What stands in the header Authorization: a password, or a token that a token service gives for it.

The protocol of token services is that of distribution (docs/content/spec/auth). Only reading is ever asked for.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from ocivalidate.registry.challenges import Challenge, challenges
from ocivalidate.registry.credentials import Credential
from ocivalidate.registry.failing import RegistryError

CATALOG = "registry:catalog:*"
_CLIENT = "ocivalidate"
_LONGEST_TOKEN = 64 << 10
# Tokens without a lifetime are good for this many seconds; of each, the last few are not used.
_LIFETIME, _MARGIN, _LONGEST_LIFETIME = 60, 5, 24 * 3600
# A registry has a scope for each repository.
_MOST_SCOPES = 256
_FORM = "application/x-www-form-urlencoded"

# method, address, headers, body → status and content of the answer of a token service.
Ask = Callable[[str, str, dict[str, str], bytes], tuple[int, bytes]]
FindCredential = Callable[[], Credential]


class _Known(NamedTuple):
    header: str
    until: float


class Authority:
    """The headers for one registry, by scope; for several threads."""

    def __init__(self, host: str, ask: Ask, may_be_plain: Callable[[str], bool]) -> None:
        self._host = host
        self._ask = ask
        self._may_be_plain = may_be_plain
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._own: set[str] = set()

    def __repr__(self) -> str:
        return f"<authority for {self._host}>"

    def header(self, scope: str) -> str:
        """The header for a scope as far as it is known; empty before the first challenge."""
        known = self._known.get(scope)
        return known.header if known is not None and known.until > time.monotonic() else ""

    def secrets(self) -> frozenset[str]:
        """What was sent, or may be, and is never shown."""
        with self._lock:
            sent = {known.header.partition(" ")[2] for known in self._known.values()}
            return frozenset(self._own | sent)

    def answer(self, written: str, scope: str, refused: str, find: FindCredential) -> str:
        """The header that answers a challenge. ``refused``: the header that was not enough.

        Raises :class:`RegistryError` where there is none.
        """
        with self._lock:
            known = self.header(scope)
            if known and known != refused:
                # Another thread was here in the meantime.
                return known
            credential = find()
            self._own.update(credential.secrets())
            found = self._answered(challenges(written), scope, credential)
            if found is None or found.header == refused:
                raise RegistryError(self._refusal(credential), status=401)
            self._known.pop(scope, None)
            self._known[scope] = found
            while len(self._known) > _MOST_SCOPES:
                del self._known[next(iter(self._known))]
            return found.header

    def _refusal(self, credential: Credential) -> str:
        if credential:
            return f"{self._host} refuses the credentials for it: log in again, with skopeo login or docker login"
        return f"{self._host} wants credentials, and there are none for it; skopeo login or docker login keeps them"

    def _answered(self, found: list[Challenge], scope: str, credential: Credential) -> _Known | None:
        for challenge in found:
            if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
                return self._token(challenge, scope, credential)
            if challenge.scheme == "basic" and credential.password:
                return _Known(credential.basic(), float("inf"))
        return None

    def _token(self, challenge: Challenge, scope: str, credential: Credential) -> _Known:
        realm = challenge.parameters["realm"]
        self._refuse_plain(realm)
        query = {"service": challenge.parameters.get("service", ""), "scope": scope}
        if credential.identity:
            form = {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": credential.identity, **query}
            status, data = self._ask("POST", realm, {"Content-Type": _FORM}, urlencode(form).encode())
        else:
            headers = {"Authorization": credential.basic()} if credential else {}
            asked = {name: value for name, value in query.items() if value}
            mark = "&" if urlsplit(realm).query else "?"
            status, data = self._ask("GET", f"{realm}{mark}{urlencode(asked)}", headers, b"")
        if status in (401, 403):
            raise RegistryError(self._refusal(credential), status=status)
        token, lifetime = _read(data) if status == 200 else ("", 0)
        if not token:
            raise RegistryError(
                f"the token service of {self._host} gives no token (HTTP status {status})", status=status
            )
        return _Known(f"Bearer {token}", time.monotonic() + max(1, lifetime - _MARGIN))

    def _refuse_plain(self, realm: str) -> None:
        """A registry may not lead its users to a place without TLS, unless they allow it or it is this machine."""
        with contextlib.suppress(ValueError):
            parts = urlsplit(realm)
            if parts.scheme == "https" or (parts.scheme == "http" and self._may_be_plain(parts.hostname or "")):
                return
        raise RegistryError(f"{self._host} names a token service without TLS; no credential is sent there")


def _read(data: bytes) -> tuple[str, int]:
    """The token in an answer and for how many seconds it is good, or nothing."""
    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError):
        return "", 0
    members = found if isinstance(found, dict) else {}
    token = next((text for text in map(members.get, ("token", "access_token")) if isinstance(text, str) and text), "")
    if len(token) > _LONGEST_TOKEN or not token.isascii() or not token.isprintable():
        return "", 0
    lifetime = members.get("expires_in")
    if not isinstance(lifetime, int) or isinstance(lifetime, bool):
        lifetime = _LIFETIME
    return token, min(max(lifetime, 0), _LONGEST_LIFETIME)
