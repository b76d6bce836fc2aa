"""Runs a program that answers on standard output, within a time and a number of bytes."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import IO, NamedTuple

from ocivalidate.registry.failing import RegistryError

_CHUNK = 1 << 16


class Done(NamedTuple):
    """What a program printed, and its exit code."""

    code: int
    out: bytes
    errors: bytes


def run(command: Sequence[str], asked: bytes, seconds: float, most: int) -> Done:
    """Run a program, which reads ``asked`` and prints at most ``most`` bytes, in at most ``seconds``.

    Raises :class:`RegistryError`, whose text stands after the name of the program, if it was ended, and
    :class:`OSError` if it cannot be started. What it leaves running is not waited for.
    """
    end = time.monotonic() + seconds
    with contextlib.ExitStack() as ended:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ended.callback(process.wait)
        ended.callback(process.kill)
        streams = [_Stream(stream, most, process) for stream in (process.stdout, process.stderr) if stream is not None]
        if process.stdin is not None:
            with contextlib.suppress(OSError), process.stdin:
                # It is one line, which fits into a pipe.
                process.stdin.write(asked)
        for stream in streams:
            stream.join(max(0.0, end - time.monotonic()))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, end - time.monotonic()))
        code = process.returncode
    if any(stream.is_full for stream in streams):
        raise RegistryError(f"prints more than {most} bytes")
    if code is None or any(stream.is_alive() for stream in streams):
        raise RegistryError("takes too long")
    return Done(code, *(bytes(stream.data) for stream in streams))


class _Stream(threading.Thread):
    """Reads what a program prints; it does not keep this process alive."""

    def __init__(self, stream: IO[bytes], most: int, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self.data = bytearray()
        self.is_full = False
        self._stream, self._most, self._process = stream, most, process
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._stream:
            while chunk := self._stream.read1(_CHUNK):  # type: ignore[attr-defined]  # a pipe is buffered
                self.data += chunk
                if len(self.data) > self._most:
                    self.is_full = True
                    self._process.kill()
                    return
