"""Standard output and standard error, which may be closed, full, or a pipe that nobody reads any more."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO, TextIO

from ocivalidate.errors import OciValidateError

_CHUNK = 1 << 16


class UnwritableOutput(OciValidateError):
    """Standard output takes no more. The message is one line."""


def print_text(text: str) -> None:
    """Write to standard output as UTF-8, whatever the locale says: JSON, SARIF and JUnit are UTF-8.

    Raises :class:`BrokenPipeError` when nobody reads on, and :class:`UnwritableOutput`.
    """
    print_pieces((text,))


def print_pieces(pieces: Iterable[str]) -> None:
    """The same for a text that is made while it is written."""
    try:
        sys.stdout.flush()
        for chunk in chunks(pieces):
            _write_all(sys.stdout.buffer, chunk)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnwritableOutput(f"cannot write to standard output: {error.strerror}") from error


def print_bytes(data: bytes) -> None:
    """Write to standard output what need not be text. Raises as :func:`print_text` does."""
    try:
        sys.stdout.flush()
        _write_all(sys.stdout.buffer, data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnwritableOutput(f"cannot write to standard output: {error.strerror}") from error


def chunks(pieces: Iterable[str]) -> Iterator[bytes]:
    """The text of all pieces, so much at a time as is worth a write."""
    gathered: list[str] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield "".join(gathered).encode()
            gathered, size = [], 0
    yield "".join(gathered).encode()


def _write_all(stream: BinaryIO, data: bytes) -> None:
    """Write all of it, also to a pipe that does not let its writers wait (O_NONBLOCK), as some programs make them."""
    if os.name == "nt" or not _is_a_file(stream):
        # A console takes characters, and the stream knows how; so does one in memory, as callers of main() may have.
        stream.write(data)
        stream.flush()
        return
    stream.flush()
    number, rest = stream.fileno(), memoryview(data)
    while rest:
        try:
            rest = rest[os.write(number, rest) :]
        except BlockingIOError:
            import select

            select.select([], [number], [])


def _is_a_file(stream: TextIO | BinaryIO) -> bool:
    try:
        stream.fileno()
    except (OSError, ValueError):
        return False
    return True


def give_up(stream: TextIO | None) -> None:
    """Drop what could not be written. Python would try again at the end, and complain."""
    if stream is not None and _is_a_file(stream):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def errors_on_terminal() -> bool:
    """Whether somebody watches standard error, which may be closed."""
    return sys.stderr is not None and sys.stderr.isatty()


def tell(line: str) -> None:
    """Write a line to standard error, which is no command of a build service, whatever it begins with.

    Where it cannot be written, the exit code has to do.
    """
    from ocivalidate.report.escape import line_start

    try:
        if sys.stderr is not None:
            sys.stderr.write(f"{line_start(line)}\n")
            sys.stderr.flush()
    except OSError:
        give_up(sys.stderr)
