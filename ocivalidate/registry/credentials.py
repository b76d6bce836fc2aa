"""Credentials for a registry: from the files of podman and docker, and from the credential helpers that they name.

The files are those of containers-auth.json(5) and of docker's ``config.json``. A credential stays in this process: it
does not pickle, and its ``repr`` does not show it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from ocivalidate.registry import helpers
from ocivalidate.registry.failing import RegistryError
from ocivalidate.registry.names import is_hub
from ocivalidate.system.reasons import reason

_HUB_KEY = "https://index.docker.io/v1/"
_HUB_KEYS = (_HUB_KEY, "index.docker.io", "docker.io", "registry-1.docker.io")
# By which docker's helpers say that the secret is an identity token.
_TOKEN_USER = "<token>"
_HELPER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,100}")
_HELPER_SECONDS = 30
_LARGEST, _LARGEST_ANSWER = 4 << 20, 1 << 20


class Credential:
    """A user and a password, or an identity token, with which a token service gives tokens; none: anonymous."""

    __slots__ = ("identity", "password", "user")

    def __init__(self, user: str = "", password: str = "", identity: str = "") -> None:
        self.user = user
        self.password = password
        self.identity = identity

    def __bool__(self) -> bool:
        return bool(self.password or self.identity)

    def __repr__(self) -> str:
        return f"<{'a credential' if self else 'no credential'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential stays in its process")

    def basic(self) -> str:
        """The value of the header Authorization."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"

    def secrets(self) -> Iterator[str]:
        """What may never be shown."""
        yield from filter(None, (self.password, self.identity))
        if self.password:
            yield self.basic().partition(" ")[2]


def find(host: str, repository: str, authfile: str, environment: Mapping[str, str]) -> Credential:
    """The credential for a repository, or one that is empty. ``authfile``: the only file to look in, if given.

    Raises :class:`RegistryError` for a file or a helper that cannot be used.
    """
    named = authfile or environment.get("REGISTRY_AUTH_FILE", "")
    for path in [named] if named else _files(environment):
        content = _content(path, is_named=bool(named))
        found = _in_file(path, content, host, repository) if content else None
        if found:
            return found
    return Credential()


def _files(environment: Mapping[str, str]) -> Iterator[str]:
    """Where podman and docker keep credentials, in the order in which skopeo looks."""
    home = environment.get("HOME") or environment.get("USERPROFILE") or os.path.expanduser("~")
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield os.path.join(runtime, "containers", "auth.json")
    yield os.path.join(environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "containers", "auth.json")
    yield os.path.join(environment.get("DOCKER_CONFIG") or os.path.join(home, ".docker"), "config.json")


def _content(path: str, *, is_named: bool) -> dict[str, Any]:
    """The content of a file; nothing where there is none, unless it was asked for."""
    if not is_named and os.path.lexists(path) and not os.path.isfile(path):
        # Who names one may mean a pipe; any other would be waited for.
        raise RegistryError(f"credentials: {path} is not a regular file")
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        if is_named or not isinstance(error, FileNotFoundError | NotADirectoryError):
            problem = f"credentials: {path}: {reason(error)}"
        else:
            return {}
    else:
        # The reader's own message may have a part of the text in it.
        found = _json_object(data)
        if found is not None:
            return found
        problem = f"credentials: {path} is not a JSON object"
    raise RegistryError(problem)


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(data) if len(data) <= _LARGEST else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _in_file(path: str, content: Mapping[str, Any], host: str, repository: str) -> Credential | None:
    keys = [*_keys(host, repository)]
    helpers, auths = (value if isinstance(value, dict) else {} for value in map(content.get, ("credHelpers", "auths")))
    for key in keys:
        helper = helpers.get(key)
        if isinstance(helper, str) and helper:
            return _from_helper(helper, _asked_of_helper(host, key)) or None
    known = {_bare(key): value for key, value in auths.items()}
    for key in keys:
        entry = auths.get(key, known.get(_bare(key)))
        # With a store, docker leaves entries without credentials behind.
        if isinstance(entry, dict) and (found := _from_entry(path, entry)):
            return found
    store = content.get("credsStore")
    if isinstance(store, str) and store:
        return _from_helper(store, _asked_of_helper(host, host)) or None
    return None


def _keys(host: str, repository: str) -> Iterator[str]:
    """The names under which a credential may stand, the one for the smallest part first."""
    hosts = _HUB_KEYS if is_hub(host) else (host,)
    parts = repository.split("/") if repository else []
    for number in range(len(parts), 0, -1):
        yield from (f"{name}/{'/'.join(parts[:number])}" for name in hosts if "://" not in name)
    yield from hosts


def _bare(key: str) -> str:
    """A key without what docker wrote around a host: a scheme, and the path of the API."""
    text = re.sub(r"^https?://", "", key).rstrip("/")
    host, _, path = text.partition("/")
    return host if path in ("v1", "v2") else text


def _from_entry(path: str, entry: Mapping[str, Any]) -> Credential | None:
    texts = {name: value for name, value in entry.items() if isinstance(value, str)}
    if not all(map(_is_text, texts.values())):
        raise RegistryError(f"credentials: {path}: an entry has letters that are none")
    user, password = texts.get("username", ""), texts.get("password", "")
    if texts.get("auth"):
        decoded = _decoded(texts["auth"])
        if decoded is None:
            raise RegistryError(f"credentials: {path}: an entry auth is not base64 of USER:PASSWORD")
        user, _, password = decoded.partition(":")
    return Credential(user, password.rstrip("\0"), texts.get("identitytoken", "")) or None


def _is_text(text: str) -> bool:
    """Whether it can be sent. JSON can name half of a letter, at which an error of Python would show all of it."""
    return not any(0xD800 <= ord(letter) < 0xE000 for letter in text)


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _asked_of_helper(host: str, key: str) -> str:
    return _HUB_KEY if is_hub(host) else key


def _from_helper(name: str, server: str) -> Credential | None:
    """Ask a credential helper (docker-credential-helpers). Raises :class:`RegistryError` if it cannot be asked."""
    if not _HELPER.fullmatch(name):
        raise RegistryError("credentials: the name of a credential helper has characters that no program has")
    program = f"docker-credential-{name}"
    problem, out = "", b""
    try:
        done = helpers.run([program, "get"], server.encode(), _HELPER_SECONDS, _LARGEST_ANSWER)
        out = done.out
    except FileNotFoundError:
        problem = f"credentials: {program} is not installed"
    except OSError:
        problem = f"credentials: {program} cannot be started"
    except RegistryError as error:
        problem = f"credentials: {program} {error}"
    else:
        if done.code and b"not found" in (out + done.errors).lower():
            return None
        if done.code:
            # What it printed may be a secret.
            problem = f"credentials: {program} failed with exit code {done.code}"
    found = None if problem else _json_object(out)
    if found is None:
        raise RegistryError(problem or f"credentials: {program} printed no JSON object")
    user, secret = (value if isinstance(value, str) else "" for value in map(found.get, ("Username", "Secret")))
    if not _is_text(user + secret):
        raise RegistryError(f"credentials: {program} printed letters that are none")
    return Credential(identity=secret) if user == _TOKEN_USER else Credential(user, secret)
