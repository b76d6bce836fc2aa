"""Where ``--dump-dir`` keeps what an engine sends of a case: nothing of anybody else's is written to, or removed.

The engine may run anywhere, and a runtime may speak in its place: a path leads nowhere but below the folder of its
case, which is held open and closed to others until all is there, and what is kept of a case has limits.
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


class DumpFolder:
    """The folders of cases below ``folder``; without one nothing is to be kept."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._open: dict[str, _KeptCase] = {}
        self._told: dict[str, str] = {}

    def take(self, piece: Dump) -> None:
        """Write a piece. Raises :class:`ProtocolError` when it is not one that may come now."""
        if self._folder is None or piece.case in self._told:
            raise ProtocolError(f"nothing more is to be kept of {piece.case!a}")
        _check_path(piece)
        if piece.case not in self._open:
            self._open[piece.case] = _KeptCase(Path(self._folder, piece.case))
        self._open[piece.case].take(piece)

    def settle(self, case: str) -> str:
        """All has come of a case: its folder, and why it is not whole if it is not; ``""`` where nothing was kept."""
        if case in self._open:
            self._told[case] = self._open.pop(case).close()
        return self._told.get(case, "")

    def close(self) -> None:
        """Nothing more will come of any case."""
        for case in [*self._open]:
            self.settle(case)


def place(wanted: Path) -> Path:
    """Where to keep a case: what an earlier run kept there goes; anything else stays, and a number is added."""
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
        raise ProtocolError(f"cannot be kept: {piece.path[:200]!a} of {piece.case[:200]!a}")


@dataclass(slots=True)
class _KeptCase:
    """The folder of a case while its pieces come, open as ``folder``, which is ``-1`` before and when nothing goes."""

    target: Path
    folder: int = -1
    mode: int = 0
    files_left: int = field(default_factory=lambda: MOST_FILES)
    bytes_left: int = field(default_factory=lambda: MOST_BYTES)
    problem: str = ""
    # The file of which pieces come now, open.
    file: int = -1
    path: str = ""
    size: int = 0

    def take(self, piece: Dump) -> None:
        """Write a piece; where that fails, the problem is kept, and nothing more is written."""
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
        """See to it that the pieces of a file follow each other, and that there are not too many."""
        continued = piece.offset > 0
        if continued and (piece.path, piece.offset) != (self.path, self.size):
            raise ProtocolError(f"a piece of {piece.path[:200]!a} comes out of turn")
        self.path, self.size = piece.path, piece.offset + len(piece.data)
        self.files_left -= 1 if piece.path and not continued else 0
        self.bytes_left -= len(piece.data)
        if self.files_left < 0 or self.bytes_left < 0:
            raise ProtocolError(f"too much is to be kept of {piece.case[:200]!a}")

    def _make(self) -> None:
        self.target = place(self.target)
        self.target.mkdir(parents=True)
        self.folder = os.open(self.target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        made = os.fstat(self.folder)
        # Whoever owns the folder around it may have put another in its place.
        if made.st_uid != os.geteuid():
            raise OSError(errno.EPERM, "it is another user's now")
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
        """Open the folder to whom the mask of new files lets in, and say where it is and why it is not whole."""
        self._close_file()
        if self.folder >= 0:
            with contextlib.suppress(OSError):
                os.fchmod(self.folder, self.mode)
            os.close(self.folder)
            self.folder = -1
        return f"{self.target} (not whole: {self.problem})" if self.problem else str(self.target)
