"""Which certificates count for a registry: those of the system, and those in the folders of docker and podman."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping

from ocivalidate.registry.failing import RegistryError
from ocivalidate.system.reasons import reason

_MOST_FILES = 1000
_LARGEST = 16 << 20


def context_for(host: str, cert_dir: str, environment: Mapping[str, str], *, verify: bool) -> ssl.SSLContext:
    """What TLS with a host (and its port, if it is named with one) goes by.

    Raises :class:`RegistryError` for a certificate that cannot be used.
    """
    if verify:
        context = ssl.create_default_context()
    else:
        # Without the authorities of the system, which take long to load.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    folder = _folder(host, cert_dir, environment)
    for name in _names(folder, is_named=bool(cert_dir)) if folder else ():
        path = os.path.join(folder, name)
        problem = _load(context, path)
        if problem:
            raise RegistryError(f"{path}: {problem}")
    return context


def _folder(host: str, cert_dir: str, environment: Mapping[str, str]) -> str:
    """The folder whose certificates count: the first that is there."""
    return cert_dir or next(filter(os.path.isdir, _folders(host, environment)), "")


def _folders(host: str, environment: Mapping[str, str]) -> Iterator[str]:
    home = environment.get("HOME") or os.path.expanduser("~")
    yield os.path.join(home, ".config", "containers", "certs.d", host)
    yield os.path.join("/etc/containers/certs.d", host)
    yield os.path.join("/etc/docker/certs.d", host)


def _names(folder: str, *, is_named: bool) -> list[str]:
    try:
        return sorted(os.listdir(folder))[:_MOST_FILES]
    except (OSError, ValueError) as error:
        problem = reason(error)
    if is_named:
        raise RegistryError(f"{folder}: {problem}")
    return []


def _load(context: ssl.SSLContext, path: str) -> str:
    """Take an authority (``.crt``) or a certificate of the client (``.cert``, its key in ``.key``); or why not."""
    stem, suffix = os.path.splitext(path)
    key = f"{stem}.key"
    files = {".crt": (path,), ".cert": (path, key)}.get(suffix, ())
    if problem := next(filter(None, map(_odd, files)), ""):
        return problem
    try:
        if suffix == ".crt":
            context.load_verify_locations(path)
        elif suffix == ".cert":
            if not os.path.exists(key):
                return f"there is no {os.path.basename(key)} beside it"
            # A key with a password would ask on the terminal.
            context.load_cert_chain(path, key, password=_no_password)
    except ssl.SSLError:
        return "not a certificate in PEM form" + (", or its key does not fit" if suffix == ".cert" else "")
    except (OSError, ValueError) as error:
        return reason(error)
    return ""


def _odd(path: str) -> str:
    """Why a file is not read: OpenSSL would wait for a pipe, and read a device for ever."""
    if os.path.lexists(path) and not os.path.isfile(path):
        return f"{os.path.basename(path)} is not a regular file"
    is_large = os.path.exists(path) and os.path.getsize(path) > _LARGEST
    return f"{os.path.basename(path)} has more than {_LARGEST} bytes" if is_large else ""


def _no_password() -> str:
    raise ValueError("its key has a password")
