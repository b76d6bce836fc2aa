"""Writing what an engine sends of a case to ``--dump-dir``, without touching anything that is not ours.

The engine may run anywhere, and a runtime may forge its messages: every path stays below the folder of its
case, which is held open and is private until it is complete, and each case and the whole run have limits.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ocivalidate.errors import ProtocolError
from ocivalidate.runtime.protocol import DEEPEST, LAST_KEPT, MOST_BYTES, MOST_FILES, MOST_PIECE, Dump

# What a whole run may keep: far more than one where every case fails, and no full disk. The rest is left out, and said.
MOST_BYTES_OF_A_RUN, MOST_PIECES_OF_A_RUN = 2 * 1024**3, 500_000


class DumpFolder:
    """The folders of cases below ``folder``; with ``None`` nothing may be kept."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._bytes = self._pieces = 0
        self._open: dict[str, _KeptCase] = {}
        self._told: dict[str, str] = {}

    def take(self, piece: Dump) -> None:
        """Write a piece. Raises :class:`ProtocolError` if it is invalid or out of turn."""
        if self._folder is None or piece.case in self._told:
            raise ProtocolError(f"no more files may be kept for {piece.case!a}")
        _check_path(piece)
        self._bytes += len(piece.data)
        self._pieces += 1
        if piece.case not in self._open:
            self._open[piece.case] = _KeptCase(Path(self._folder, piece.case))
        kept = self._open[piece.case]
        if self._bytes > MOST_BYTES_OF_A_RUN or self._pieces > MOST_PIECES_OF_A_RUN:
            kept.problem = kept.problem or "the run has kept as much as it may"
        kept.take(piece)

    def settle(self, case: str) -> str:
        """Finish a case: return its folder, and why it is incomplete if it is; ``""`` if nothing was kept."""
        if case in self._open:
            self._told[case] = self._open.pop(case).close()
        return self._told.get(case, "")

    def close(self) -> None:
        """Finish: no case will get more files."""
        for case in [*self._open]:
            self.settle(case)


def place(wanted: Path) -> Path:
    """Where to keep a case: an earlier run's dump is replaced; beside anything else a number is added."""
    target, number = wanted, 1
    while os.path.lexists(target):
        if not target.is_symlink() and target.is_dir() and (target / LAST_KEPT).is_file():
            shutil.rmtree(target, ignore_errors=True)
        if os.path.lexists(target):
            number += 1
            target = wanted.with_name(f"{wanted.name}.{number}")
    return target


def _is_name(name: str) -> bool:
    """Whether a file may have this name, of which :func:`os.fsencode` makes the bytes."""
    try:
        return os.fsencode(name) not in (b"", b".", b"..") and not {"/", "\0"} & {*name}
    except UnicodeEncodeError:
        return False


def _check_path(piece: Dump) -> None:
    names = [piece.case, *(piece.path.split("/") if piece.path else [])]
    kind = stat.S_IFMT(piece.mode) if 0 <= piece.mode < 1 << 16 else 0
    good = (
        all(map(_is_name, names))
        and len(names) <= DEEPEST + 2
        and (kind == stat.S_IFREG if piece.data or piece.offset else kind in (stat.S_IFREG, stat.S_IFDIR))
        and (bool(piece.path) or kind == stat.S_IFDIR)
        and len(piece.data) <= MOST_PIECE
        and piece.offset >= 0
    )
    if not good:
        raise ProtocolError(f"cannot keep {piece.path[:200]!a} of {piece.case[:200]!a}")


@dataclass(slots=True)
class _KeptCase:
    """The folder of a case while its pieces come; ``folder`` is its descriptor, -1 before and after a failure."""

    target: Path
    folder: int = -1
    mode: int = 0
    files_left: int = field(default_factory=lambda: MOST_FILES)
    bytes_left: int = field(default_factory=lambda: MOST_BYTES)
    problem: str = ""
    # The open file that pieces are written to.
    file: int = -1
    path: str = ""
    size: int = 0

    def take(self, piece: Dump) -> None:
        """Write a piece; on failure, remember the problem, and write nothing more."""
        self._count(piece)
        if self.problem:
            return
        self.problem = piece.problem
        try:
            if self.folder < 0:
                self._make()
            self._write(piece)
        except OSError as problem:
            self.problem = problem.strerror or str(problem)

    def _count(self, piece: Dump) -> None:
        """Check that the pieces of a file are in order, and within the limits."""
        continued = piece.offset > 0
        if continued and (piece.path, piece.offset) != (self.path, self.size):
            raise ProtocolError(f"a piece of {piece.path[:200]!a} is out of turn")
        self.path, self.size = piece.path, piece.offset + len(piece.data)
        self.files_left -= 1 if piece.path and not continued else 0
        self.bytes_left -= len(piece.data)
        if self.files_left < 0 or self.bytes_left < 0:
            raise ProtocolError(f"too much to keep for {piece.case[:200]!a}")

    def _make(self) -> None:
        self.target = place(self.target)
        self.target.mkdir(parents=True)
        self.folder = os.open(self.target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        made = os.fstat(self.folder)
        # The owner of the parent folder may have replaced it.
        if made.st_uid != os.geteuid():
            raise OSError(errno.EPERM, "it belongs to another user now")
        self.mode = stat.S_IMODE(made.st_mode)
        os.fchmod(self.folder, 0o700)

    def _write(self, piece: Dump) -> None:
        if stat.S_ISDIR(piece.mode):
            if piece.path:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(piece.path, piece.mode & 0o777 | 0o700, dir_fd=self.folder)
            return
        if not piece.offset:
            self._close_file()
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self.file = os.open(piece.path, flags, piece.mode & 0o777 | 0o600, dir_fd=self.folder)
        data = piece.data
        while data:
            data = data[os.write(self.file, data) :]

    def _close_file(self) -> None:
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    def close(self) -> str:
        """Open the folder to others as the umask allows; return its path, and why it is incomplete."""
        self._close_file()
        if self.folder >= 0:
            with contextlib.suppress(OSError):
                os.fchmod(self.folder, self.mode)
            os.close(self.folder)
            self.folder = -1
        return f"{self.target} (incomplete: {self.problem})" if self.problem else str(self.target)
