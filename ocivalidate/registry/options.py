"""How registries are reached, and how much they may cost."""

from __future__ import annotations

from typing import NamedTuple

MIB = 1 << 20


class RegistryLimits(NamedTuple):
    """How long a registry is waited for, and how much of what it says is read.

    Seconds: ``connect``, ``silence`` (nothing at all arrives), ``answer`` (until the headers are there), ``wait`` (the
    longest wait that a registry may ask for), ``pause`` (before the second attempt, and twice as long before
    each other one), ``window`` (over which ``slowest`` bytes a second have to arrive).
    ``attempts`` at a request before it counts as failed, ``redirects`` of one request. Bytes: ``page`` of a list,
    ``token`` of an answer of a token service. ``pages`` of one list. ``failures``: so many requests in a row that fail
    mean that the registry is gone; ``refusals``: so many with the status 500, as it answers for what it has and cannot
    read (after ``failures`` of them each is asked for once). ``names`` in all pages of one list. ``blob``: bytes of a
    blob of which nobody says the size; ``largest``: of any, whatever is said.
    """

    connect: float = 20
    silence: float = 60
    answer: float = 120
    wait: float = 60
    pause: float = 0.5
    window: float = 60
    slowest: int = 1024
    attempts: int = 5
    redirects: int = 5
    page: int = 16 * MIB
    pages: int = 10_000
    token: int = MIB
    failures: int = 3
    refusals: int = 1000
    names: int = 10_000_000
    blob: int = 64 << 30
    largest: int = 4 << 40


class RegistryOptions(NamedTuple):
    """How to reach registries.

    ``tls_verify``: verify certificates; ``False`` takes any certificate, and plain HTTP where no HTTPS is spoken
    (default: verify, but for this machine itself, as docker does). ``cert_dir``: a folder with authorities (``*.crt``)
    and certificates of the client (``*.cert`` with ``*.key``) for every registry (default: the folders of docker and
    podman for each). ``authfile``: the file with the credentials (default: ``$REGISTRY_AUTH_FILE``, then the files of
    podman and docker).
    """

    tls_verify: bool | None = None
    cert_dir: str = ""
    authfile: str = ""
    limits: RegistryLimits = RegistryLimits()
