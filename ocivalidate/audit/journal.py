"""What an audit has verified so far, in a file, so that it can go on where it was stopped.

JSON lines, only ever appended to: the first one says by whom the journal is kept, and each other one has the facts of
one blob. A line that was not written to its end, or that nobody of ours can have written, is passed over. Only blobs
whose bytes match their digest are in it: whatever else becomes of a registry, nothing that is true of those bytes
changes. What did not match is read again, as it may have been mended.

A line is believed in what it says of the blob at its own place, and in nothing else: it has to name the digest that is
asked for, its size, and what was looked at. One run at a time has a journal. Whoever may write to it can claim that a
blob was verified, so it is made for its owner alone, and one to which everybody may write is refused.
"""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, NamedTuple, NoReturn, Self

from ocivalidate.audit import facts_json
from ocivalidate.errors import Malformed, UsageError
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest
from ocivalidate.image.layers.keys import own_key
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary.wording import shortened

_HEAD = "ocivalidate audit journal"
_MAGIC = f'{{"{_HEAD}": '.encode()
_LONGEST_HEAD = 1 << 12
# A million files in as many directories, and what else is said of a layer.
_LONGEST_LINE = 64 << 20
_MOST_BEFORE_HEAD = 16
_KEY_BYTES = 16
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_MEMBERS = frozenset(("target", "path", "digest", "when", "layer", "diff", "facts"))


class Kept(NamedTuple):
    """A blob that was verified: its bytes match ``digest``.

    ``target`` and ``path``: the store, a folder by its whole path, and where in it. ``when``: seconds since 1970.
    ``layer`` and ``diff`` are what was asked (:class:`BlobRequest`): ``facts`` answer that, and no other request.
    """

    target: str
    path: str
    digest: str
    when: int
    layer: bool
    diff: tuple[str, ...]
    facts: BlobFacts

    def answers(self, request: BlobRequest) -> bool:
        """Whether these facts are what this request would find."""
        known = {digest.algorithm for digest in self.facts.digests}
        size = request.size is None or request.size == self.facts.size
        asked = self.layer == request.layer and (not self.layer or set(request.diff_algorithms) == set(self.diff))
        return size and asked and set(request.algorithms) == known

    def older_than(self, age: int, now: float) -> bool:
        """Whether it was verified more than ``age`` seconds ago, or says that it will be."""
        return not 0 <= now - self.when <= age


def age(written: str) -> int:
    """The seconds that ``12h`` or ``1d`` means. Raises :class:`UsageError`."""
    text = "".join(written.split()).lower()
    number, unit = text[:-1], text[-1:]
    if not number.isascii() or not number.isdigit() or len(number) > 9 or unit not in _UNITS:
        said = shortened(written, 80)
        raise UsageError(f"not an age: {said}; write a number and s, m, h, d or w, for example 12h or 30d")
    return int(number) * _UNITS[unit]


class Journal:
    """A journal at ``path``, of blobs that were verified within ``limits``; it is made if there is none.

    ``key``: for the hashes of paths in the requests whose facts it takes, so that facts of several runs compare.
    ``passed_over``: how many lines could not be believed, once :meth:`entries` came to its end. The file is locked
    until it is closed.

    Raises :class:`UsageError` for a file that is none, one that another release with another meaning of facts, or other
    limits, made, and one that another run has.
    """

    def __init__(self, path: str, limits: LayerLimits) -> None:
        self._path = path
        self._limits = asdict(limits)
        self.passed_over = 0
        # What would wait for another end, or is written elsewhere.
        if os.path.lexists(path) and not os.path.isfile(path):
            raise UsageError(f"{path}: not a journal of an audit: not a regular file")
        self._file = self._locked()
        try:
            self.key, self._start, self._end = self._begun()
        except OSError as problem:
            self.close()
            self._refuse(f"cannot be read: {reason(problem)}")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another run have it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_problem: object) -> None:
        self.close()

    @property
    def is_new(self) -> bool:
        """Whether nothing was in it when it was opened."""
        return self._start == self._end

    def entries(self) -> Iterator[Kept]:
        """What was in it when it was opened, in order: of two lines on one blob the later one counts.

        One line at a time is in memory.
        """
        with open(self._path, "rb") as file:
            file.seek(self._start)
            left = self._end - self._start
            while left > 0:
                line = file.readline(min(left, _LONGEST_LINE))
                if not line:
                    return
                left -= len(line)
                kept = _kept(line, self.key)
                if kept is not None:
                    yield kept
                elif line.strip():
                    self.passed_over += 1

    def take(self, target: str, path: str, digest: str, request: BlobRequest, facts: BlobFacts) -> None:
        """Keep the facts of a blob, if its bytes match its digest. Raises :class:`UsageError` if that cannot be."""
        if facts.failure or digest not in map(str, facts.digests):
            return
        line = {
            "target": target,
            "path": path,
            "digest": digest,
            "when": int(time.time()),
            "layer": request.layer,
            "diff": list(request.diff_algorithms) if request.layer else [],
            "facts": facts_json.written(facts),
        }
        self._append(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def _refuse(self, why: str) -> NoReturn:
        raise UsageError(f"{self._path}: {why}")

    def _locked(self) -> io.FileIO:
        """The file, which no other run may have."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            file = io.FileIO(os.open(self._path, flags, 0o600), "ab")
        except OSError as problem:
            self._refuse(f"cannot be written: {reason(problem)}")
        why = _may_be_forged(self._path, os.fstat(file.fileno()))
        if why:
            file.close()
            self._refuse(why)
        try:
            _lock(file.fileno())
        except BlockingIOError:
            file.close()
            self._refuse("another run is writing this journal")
        except OSError as problem:
            file.close()
            self._refuse(f"cannot be locked: {reason(problem)}")
        return file

    def _begun(self) -> tuple[bytes, int, int]:
        """Its key, where its lines begin, and where they end; a new one gets its head."""
        size = os.path.getsize(self._path)
        if size:
            with open(self._path, "rb") as file:
                found = self._head(file)
                if found is not None:
                    start = file.tell()
                    file.seek(size - 1)
                    # The last line may have been cut.
                    self._append(b"" if file.read(1) == b"\n" else b"\n")
                    return found, start, size
        key = own_key()
        said = {_HEAD: facts_json.MEANING, "limits": self._limits, "key": key.hex()}
        self._append((b"\n" if size else b"") + json.dumps(said).encode() + b"\n")
        size = os.path.getsize(self._path)
        return key, size, size

    def _head(self, file: io.BufferedReader) -> bytes | None:
        """The key in the head; ``None`` when the head was cut before anything else was written."""
        for _line in range(_MOST_BEFORE_HEAD):
            line = file.readline(_LONGEST_HEAD)
            if not line:
                return None
            if line.endswith(b"\n") and line.startswith(_MAGIC) and (found := _object(line)):
                return self._key_of(found)
            # What is left of a head: nobody has written a whole line yet.
            if not line.startswith(_MAGIC[: len(line.rstrip(b"\n"))]):
                break
        return self._refuse("not a journal of an audit: it has no head of one")

    def _key_of(self, found: dict[str, Any]) -> bytes:
        meaning, key = found.get(_HEAD), found.get("key")
        if meaning != facts_json.MEANING or type(meaning) is not int:
            self._refuse("the journal of another release of ocivalidate, to which facts mean something else")
        if found.get("limits") != self._limits:
            self._refuse("the journal of a run with other limits for layers")
        try:
            known = bytes.fromhex(key) if isinstance(key, str) else b""
        except ValueError:
            known = b""
        return known if len(known) == _KEY_BYTES else self._refuse("not a journal of an audit: it has no key")

    def _append(self, data: bytes) -> None:
        """Add something to the file, in one call. Raises :class:`UsageError`."""
        try:
            count = self._file.write(data)
        except OSError as problem:
            self._refuse(f"cannot be written: {reason(problem)}")
        if count != len(data):
            self._refuse("cannot be written: no space left")


def _may_be_forged(path: str, status: os.stat_result) -> str:
    """Why a journal cannot be believed: others may have written it. A group that may write to it was given that."""
    if sys.platform == "win32":
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "everybody may write to this journal, and claim that blobs are sound: chmod o-w"
    folder = os.stat(os.path.dirname(path) or ".")
    common = folder.st_mode & stat.S_IWOTH
    if common and status.st_uid not in (0, os.geteuid(), folder.st_uid):
        # As the kernel has it for such folders (fs.protected_regular).
        return "somebody else's file, in a folder to which everybody may write"
    return ""


def _lock(descriptor: int) -> None:
    """Raises :class:`BlockingIOError` if another run has the file, and :class:`OSError` if it cannot be locked."""
    if sys.platform == "win32":
        import msvcrt

        # Far beyond all that is ever read.
        os.lseek(descriptor, 1 << 40, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as problem:
            raise BlockingIOError from problem
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _kept(line: bytes, key: bytes) -> Kept | None:
    """What a line says; ``None`` if it is none of ours, or was not written to its last brace."""
    found = _object(line)
    if found.keys() != _MEMBERS:
        return None
    target, path, digest, when, layer, diff = (found[name] for name in ("target path digest when layer diff".split()))
    texts = isinstance(diff, list) and all(isinstance(one, str) for one in (target, path, digest, *diff))
    if not texts or type(when) is not int or not isinstance(layer, bool):
        return None
    try:
        facts = facts_json.read(found["facts"], key)
    except Malformed:
        return None
    if digest not in map(str, facts.digests):
        return None
    return Kept(target, path, digest, when, layer, tuple(diff), facts)
