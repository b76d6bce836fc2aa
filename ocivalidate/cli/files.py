"""Writes the files that the user names: completely or not at all, and never blocking forever."""

from __future__ import annotations

import contextlib
import os
import re
import select
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator

from ocivalidate.cli.planted import planted
from ocivalidate.cli.streams import chunks
from ocivalidate.errors import UsageError
from ocivalidate.system import portable
from ocivalidate.system.reasons import reason

_OPEN_FILE = re.compile(r"/dev/(?:fd/([0-9]{1,9})|std(out|err))|/proc/(?:self|thread-self|[0-9]+)/fd/([0-9]{1,9})")
_STANDARD = {"out": 1, "err": 2}
# A reader started at the same time gets a moment; one that reads nothing for a minute counts as gone.
_READER_COMES = 1.0
_READER_READS = 60.0
_TICK = 0.02
_CHUNK = 1 << 16


def write_file(file: str, text: Iterable[str]) -> None:
    """Write a whole file or nothing: beside the target first, then renamed. ``text`` comes in pieces.

    A FIFO, a device, and an open file (``/dev/stdout``) are written to: a new file must not take their place. Raises
    :class:`UsageError`.
    """
    try:
        data = chunks(text)
        number = _open_file(file)
        if number is not None:
            _into_open_file(number, data)
        elif trap := planted(file):
            raise UsageError(f"cannot write {file}: {trap}")
        elif (mode := _mode(file)) is None or stat.S_ISREG(mode):
            _replace(os.path.realpath(file), data)
        elif stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            _pour(file, data)
        else:
            raise UsageError(f"cannot write {file}: {'Is a directory' if stat.S_ISDIR(mode) else 'Not a file'}")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else reason(error)
        raise UsageError(f"cannot write {file}: {why}") from error


def _mode(file: str) -> int | None:
    """The mode of what stands there, links followed, or ``None`` when nothing does."""
    try:
        return os.stat(file).st_mode
    except FileNotFoundError:
        if os.path.islink(file):
            raise UsageError(f"cannot write {file}: it is a link that leads nowhere") from None
        return None


def _replace(file: str, data: Iterator[bytes]) -> None:
    descriptor, beside = tempfile.mkstemp(prefix=".ocivalidate-", dir=os.path.dirname(file) or ".")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(data)
            _open_to_readers(stream.fileno(), beside)
        os.replace(beside, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _open_to_readers(descriptor: int, path: str) -> None:
    """Give an open file the mode of any new one. By its path, somebody could have put a link there meanwhile."""
    os.chmod(descriptor if os.chmod in os.supports_fd else path, 0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _open_file(file: str) -> int | None:
    """The number of the open file of this process that the path means, if it means one."""
    path = file
    for _ in range(8):
        named = _OPEN_FILE.fullmatch(path)
        if named and (not path.startswith("/proc/") or path.split("/")[2] in ("self", "thread-self", str(os.getpid()))):
            return _STANDARD[named[2]] if named[2] else int(named[1] or named[3])
        if not os.path.islink(path):
            return None
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    return None


def _into_open_file(number: int, data: Iterator[bytes]) -> None:
    """Write where an open file stands, and wait as long as its reader takes: so does all that we print."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    _pour_into(number, data, patience=None)


def _pour(file: str, data: Iterator[bytes]) -> None:
    descriptor = _opened(file)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISFIFO(mode) and not stat.S_ISCHR(mode):
            raise UsageError(f"cannot write {file}: another process changed it")
        _pour_into(descriptor, data, patience=_READER_READS)
    finally:
        os.close(descriptor)


def _opened(file: str) -> int:
    flags = os.O_WRONLY | portable.flags("O_NONBLOCK O_NOCTTY O_CLOEXEC O_BINARY")
    patience = time.monotonic() + _READER_COMES
    while True:
        try:
            return os.open(file, flags)
        except OSError as problem:
            if not stat.S_ISFIFO(os.stat(file).st_mode):
                raise
            # ENXIO: a FIFO that nobody reads.
            if time.monotonic() > patience:
                raise UsageError(f"cannot write {file}: this FIFO has no reader") from problem
            time.sleep(_TICK)


def _pour_into(descriptor: int, data: Iterator[bytes], *, patience: float | None) -> None:
    """Write it all; ``patience``: how many seconds a reader may take nothing. Raises :class:`OSError`."""
    for chunk in data:
        rest = memoryview(chunk)
        while rest:
            try:
                rest = rest[os.write(descriptor, rest[:_CHUNK]) :]
            except BlockingIOError:
                if not select.select([], [descriptor], [], patience)[1]:
                    raise TimeoutError(0, "Its reader has stopped reading") from None
