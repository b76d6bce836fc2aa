"""Which workers verify the blobs of an audit: those of an executor of the caller, or those that a name means."""

from __future__ import annotations

from concurrent.futures import Executor

from ocivalidate.audit.executors import Elsewhere, Threads, Workers
from ocivalidate.audit.pace import Pace
from ocivalidate.errors import UsageError
from ocivalidate.vocabulary.wording import shortened


def of(executor: Executor, pace: Pace | None = None) -> Elsewhere:
    """The workers of an executor that the caller keeps."""
    client = getattr(executor, "_client", None)
    if client is not None and type(executor).__module__.startswith("distributed."):
        from ocivalidate.audit import dask_cluster

        return dask_cluster.Dask(client, "the Dask cluster", pace=pace)
    return Elsewhere(executor, pace)


def named(name: str, *, jobs: int | None = None, pace: Pace | None = None) -> Workers:
    """The workers that ``--executor`` names: ``threads``, ``dask`` or ``dask://HOST:PORT``.

    Raises :class:`UsageError` for anything else, and when they cannot be had.
    """
    if name == "threads":
        return Threads(jobs, pace)
    if name == "dask" or name.partition("://")[0] in ("dask", "dask+tls"):
        from ocivalidate.audit import dask_cluster

        return dask_cluster.connected(name, jobs=jobs, pace=pace)
    raise UsageError(f"no such executor: {shortened(name, 80)}; it is threads, dask or dask://HOST:PORT")
