"""The workers of a Dask cluster: one that is there, or processes on this machine.

Whoever can speak to a Dask scheduler or worker can make it do anything, and so can they with what they send back: a
cluster has to be as trusted as this machine.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

from ocivalidate.audit.executors import Elsewhere, Task
from ocivalidate.audit.facts_json import MEANING
from ocivalidate.audit.pace import Pace
from ocivalidate.errors import UsageError
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, Opener, verify
from ocivalidate.image.pool import cores
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary.wording import shortened

# A scheduler, or a first worker, that is not there so many seconds after the start will not come.
_PATIENCE = 30
_GLANCE = 10
_GOODBYE = 2
_EACH = 4
_FEWEST, _MOST = 16, 4096
_SCHEMES = {"dask": "tcp", "dask+tls": "tls"}


class Dask(Elsewhere):
    """The workers of a cluster, by a client of it; ``ours`` is what ends with them."""

    def __init__(self, client: Any, name: str, *, pace: Pace | None = None, ours: Sequence[Any] = ()) -> None:
        self._client = client
        self._ours = ours
        self._run = secrets.token_hex(4)
        self._connection = client.scheduler_comm
        threads = sum(client.nthreads().values())
        width = min(max(_FEWEST, _EACH * threads), _MOST)
        super().__init__(client.get_executor(pure=False), pace, name=name, width=width)

    def processes(self) -> int:
        """The workers that there are now."""
        return max(1, len(self._client.nthreads()))

    def submit(self, task: Task, request: BlobRequest) -> Future[BlobFacts]:
        """Hand over a request, under a key that has its digest."""
        key = (f"verify-{self._run}", task.digest, task.path)
        begin: Callable[..., Future[BlobFacts]] = self.executor.submit
        return begin(verify, request, key=key)

    def ask(self, function: Callable[[Opener], str], opener: Opener) -> list[str]:
        """What a function says on each worker that there is now."""
        meanings = self._client.run(_meaning)
        if any(meaning != MEANING for meaning in meanings.values()):
            return ["another release of ocivalidate is installed there"]
        return list(self._client.run(function, opener).values())

    def owed(self, problem: Exception) -> str:
        """A blob during which several workers were lost is verified here."""
        return "" if type(problem).__name__ == "KilledWorker" else super().owed(problem)

    def check(self) -> None:
        """See that the scheduler is there: it forgets what a client has asked for as soon as that one is away."""
        if self._client.scheduler_comm is not self._connection:
            raise self.lost()

    def close(self) -> None:
        """Leave the cluster, and end it if it is ours."""
        for end in self._ours:
            with contextlib.suppress(Exception):  # one that is gone cannot be closed
                end.close(timeout=_GOODBYE)


def _meaning() -> int:
    from ocivalidate.audit.facts_json import MEANING as ITS_OWN

    return ITS_OWN


def connected(name: str, *, jobs: int | None = None, pace: Pace | None = None) -> Dask:
    """The workers of ``dask`` or ``dask://HOST:PORT``. Raises :class:`UsageError`."""
    address = "" if name == "dask" else _address(name)
    try:
        import distributed
    except ImportError as problem:
        raise UsageError(
            "--executor dask needs the extra ocivalidate[dask]: pip install 'ocivalidate[dask]'"
        ) from problem
    _hush()
    if address:
        _see(name)
    cluster = None if address else _local(distributed, jobs or cores())
    shown = "the local Dask cluster" if cluster is not None else name
    try:
        # One that never had a connection tells of it once more when it goes away, on standard error.
        client_of = type("Client", (distributed.Client,), {"__del__": lambda _client: None})
        client = client_of(cluster or address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, RuntimeError, TypeError) as problem:
        said = " ".join(str(problem).split())
        raise UsageError(f"{shown}: no Dask scheduler answers: {shortened(said, 200)}") from problem
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except (OSError, CancelledError) as problem:
        client.close()
        raise UsageError(f"{shown}: no worker has joined within {_PATIENCE} seconds") from problem
    return Dask(client, shown, pace=pace, ours=(client,) if cluster is None else (client, cluster))


def _hush() -> None:
    """What these have to say of lost workers and schedulers says our report, in one line."""
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _local(distributed: Any, count: int) -> Any:
    """A cluster of so many processes, with a thread each."""
    import dask

    try:
        # Its profiler looks at each worker a hundred times a second, and nobody looks at what it finds.
        with dask.config.set({"distributed.worker.profile.enabled": False}):
            return distributed.LocalCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
            )
    except (OSError, RuntimeError) as problem:
        raise UsageError(f"a local Dask cluster cannot be started: {problem}") from problem


def _address(name: str) -> str:
    scheme, _, place = name.partition("://")
    host, colon, port = place.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    if not colon or not host or not 0 < number < 1 << 16 or any(map(str.isspace, host)):
        raise UsageError(f"not a Dask scheduler: {shortened(name, 80)}; write dask://HOST:PORT")
    return f"{_SCHEMES[scheme]}://{place}"


def _see(name: str) -> None:
    """See that somebody listens there, as Dask would try for long and then not say why. Raises :class:`UsageError`."""
    host, _, port = name.partition("://")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _GLANCE).close()
    except OSError as problem:
        raise UsageError(f"{name}: no Dask scheduler answers: {reason(problem)}") from problem
