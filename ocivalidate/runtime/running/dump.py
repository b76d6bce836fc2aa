"""Keeping what a case did that did not pass: bundles, calls and what they printed, logs, facts, control groups."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from ocivalidate.errors import Unreadable
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.kernel import handed
from ocivalidate.runtime.running.attempt import Attempt

# What is kept of one case: files and folders, bytes in all of them, and levels.
_MOST_FILES, _MOST_BYTES, _DEEPEST = 2000, 64 * 1024 * 1024, 32
# What every kept case has, written last.
_MARK = "verdicts.json"


def keep(done: Attempt, folder: str | None, umask: int | None = None) -> str:
    """Copy the files of a case to a folder of its own below ``folder``, and return that; ``""`` where none is kept.

    ``umask``: the mask of new files that holds for this folder, where it is not that of this process.
    """
    fine = all(result.outcome in (Outcome.PASS, Outcome.SKIP) for result in done.results)
    if not folder or done.trial is None or fine:
        return ""
    target = place(Path(folder, done.case.id))
    try:
        target.mkdir(0o700 if umask is not None else 0o777, parents=True)
        _copy_files(done.trial.folder, target)
        _write_calls(done.trial, target)
        if umask is not None:
            target.chmod(0o777 & ~umask)
    except OSError as problem:
        return f"{target} (not whole: {problem.strerror})"
    return str(target)


def place(wanted: Path) -> Path:
    """Where to keep a case: what an earlier run kept there goes; anything else stays, and a number is added."""
    target, number = wanted, 1
    while os.path.lexists(target):
        if not target.is_symlink() and target.is_dir() and (target / _MARK).is_file():
            shutil.rmtree(target, ignore_errors=True)
        if os.path.lexists(target):
            number += 1
            target = wanted.with_name(f"{wanted.name}.{number}")
    return target


@contextlib.contextmanager
def _held(made: Path) -> Iterator[Path]:
    """A way to a folder that we just made which stays the same: whoever owns the one around it may put a link there."""
    descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise OSError(errno.EPERM, "it is another user's now")
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _copy_files(source: Path, target: Path) -> None:
    """Regular files, without root filesystems and what is special, up to what anybody looks at."""
    files_left, bytes_left = _MOST_FILES, _MOST_BYTES
    for below, folders, files in os.walk(source):
        inner = Path(below).relative_to(source)
        folders[:] = [name for name in folders if name != "rootfs"] if len(inner.parts) < _DEEPEST else []
        into = target / inner
        into.mkdir(exist_ok=True)
        files_left -= 1
        for name in files[: max(0, files_left)]:
            with contextlib.suppress(FileNotFoundError, Unreadable):
                data = handed.content(Path(below, name), min(handed.MOST_TEXT, bytes_left))
                (into / name).write_bytes(data)
                bytes_left -= len(data)
        files_left -= len(files)
        if files_left <= 0 or bytes_left <= 0:
            return


def _write_calls(trial: CaseContext, target: Path) -> None:
    calls = [asdict(call) for call in trial.runtime.calls]
    (target / "calls.json").write_text(json.dumps(calls, indent=1) + "\n", encoding="utf-8")
    for container in trial.containers:
        if container.group_files:
            (target / f"{container.id}.cgroups.json").write_text(
                json.dumps(container.group_files, indent=1) + "\n", encoding="utf-8"
            )
    verdicts = [asdict(verdict) for verdict in trial.verdicts]
    (target / _MARK).write_text(json.dumps(verdicts, indent=1) + "\n", encoding="utf-8")
