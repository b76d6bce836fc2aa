"""A record becomes a folder: both files of it, or none."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ocivalidate.errors import UsageError
from ocivalidate.programme.readme import NAME, readme
from ocivalidate.programme.record import FILE, Record, folder_of, packed
from ocivalidate.system.reasons import reason

FILES = frozenset({FILE, NAME})
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def store(record: Record, results: Path) -> Path:
    """Write the folder of a record below ``results``, and return it.

    It is made beside its place and renamed, and replaces an older one. ``results`` may be a link; what is below it is
    never followed, whatever becomes of it meanwhile. Raises :class:`UsageError`: nothing was written then, and what
    is there already stays.
    """
    name, _, run = folder_of(record).partition("/")
    place = results / name / run
    try:
        results.mkdir(parents=True, exist_ok=True)
        with _inside(results, name) as runtime, _staging(runtime) as staging:
            _fill(staging, record)
            _swap(staging, runtime, run, place)
    except OSError as problem:
        raise UsageError(f"cannot write {place}: {reason(problem)}") from problem
    return place


@contextlib.contextmanager
def _inside(results: Path, name: str) -> Iterator[int]:
    """The folder of a runtime, made if need be and held open. Raises :class:`OSError` for a link."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(results / name)
    try:
        folder = os.open(results / name, _FOLDER)
    except OSError as problem:
        if os.path.islink(results / name):
            raise OSError(errno.ELOOP, f"{results / name} is a link") from problem
        raise
    try:
        yield folder
    finally:
        os.close(folder)


@contextlib.contextmanager
def _staging(runtime: int) -> Iterator[int]:
    """A folder in that of a runtime, which nobody else can enter, and which is gone at the end."""
    name = f".ocivalidate-{secrets.token_hex(8)}"
    os.mkdir(name, 0o700, dir_fd=runtime)
    try:
        folder = os.open(name, _FOLDER, dir_fd=runtime)
        try:
            yield folder
        finally:
            os.close(folder)
    finally:
        shutil.rmtree(name, ignore_errors=True, dir_fd=runtime)


def _fill(staging: int, record: Record) -> None:
    content = packed(record)
    os.mkdir("new", dir_fd=staging)
    for name, data in ((FILE, content), (NAME, readme(record, content).encode())):
        with os.fdopen(os.open(f"new/{name}", _NEW_FILE, 0o666, dir_fd=staging), "wb") as file:
            file.write(data)


def _swap(staging: int, runtime: int, run: str, place: Path) -> None:
    """Put what is new in its place; what stood there goes, if it is a record and nothing else."""
    try:
        if not _is_record(runtime, run):
            raise UsageError(f"cannot write {place}: what stands there is no record of a run alone")
    except FileNotFoundError:
        os.rename("new", run, src_dir_fd=staging, dst_dir_fd=runtime)
        return
    try:
        os.rename(run, "old", src_dir_fd=runtime, dst_dir_fd=staging)
        os.rename("new", run, src_dir_fd=staging, dst_dir_fd=runtime)
    except BaseException:  # Ctrl-C between the two is no reason to lose what was there
        with contextlib.suppress(OSError):
            os.rename("old", run, src_dir_fd=staging, dst_dir_fd=runtime)
        raise


def _is_record(runtime: int, run: str) -> bool:
    """Whether what stands there is a folder with a record alone. Raises :class:`OSError`."""
    if not stat.S_ISDIR(os.lstat(run, dir_fd=runtime).st_mode):
        return False
    folder = os.open(run, _FOLDER, dir_fd=runtime)
    try:
        return FILES.issuperset(os.listdir(folder))
    finally:
        os.close(folder)
