"""The dump of a case that did not pass: bundles, calls and their output, logs, facts, control groups, ``reproduce.sh``.

It is sent to the caller in messages, piece by piece. A runtime may write anything into the folder of a case, so it
is limited: the limits of :mod:`protocol` hold for each case as a whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ocivalidate.errors import Unreadable
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.driving.journal import Journal, Judged
from ocivalidate.runtime.driving.subject import dialects
from ocivalidate.runtime.exploring.trying import JOURNALS
from ocivalidate.runtime.inside import rootfs
from ocivalidate.runtime.kernel import handed
from ocivalidate.runtime.protocol import DEEPEST, LAST_KEPT, MOST_BYTES, MOST_FILES, MOST_PIECE, Dump
from ocivalidate.runtime.reproducing import script
from ocivalidate.runtime.running.attempt import Attempt

# Our own documents may take half of a case's limit; longer values are cut, as little as possible.
_MOST_DOCUMENTS = MOST_BYTES // 2
_CUTS = (handed.MOST_TEXT, 1 << 20, 1 << 16, 1 << 12, 1 << 8, 0)
_FOLDER, _FILE, _PROGRAM = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644, stat.S_IFREG | 0o755


def pieces(done: Attempt) -> Iterator[Dump]:
    """The dump of a case, piece by piece; nothing for a case that passed or was skipped.

    Of configs that are drawn, nothing is kept of what others have shown before.
    """
    fine = all(result.outcome in (Outcome.PASS, Outcome.SKIP) for result in done.results)
    if done.trial is None or fine or done.trial.notes.get(JOURNALS) == []:
        return
    yield Dump(done.case.id, "", _FOLDER)
    documents = _documents(done)
    room = MOST_BYTES - sum(map(len, documents.values()))
    try:
        yield from files(done.case.id, done.trial.folder, MOST_FILES - len(documents), room)
    except OSError as problem:
        yield Dump(done.case.id, "", _FOLDER, problem=problem.strerror or str(problem))
    for name, content in documents.items():
        for offset in range(0, len(content), MOST_PIECE):
            mode = _PROGRAM if name.endswith(".sh") else _FILE
            yield Dump(done.case.id, name, mode, content[offset : offset + MOST_PIECE], offset)


def files(case: str, source: Path, most_files: int, most_bytes: int) -> Iterator[Dump]:
    """Regular files in a folder, without root filesystems and special files, within the limits.

    Raises :class:`OSError`.
    """
    files_left, bytes_left = most_files, most_bytes
    for below, folders, names in os.walk(source):
        inner = Path(below).relative_to(source)
        folders[:] = [name for name in folders if name != "rootfs"] if len(inner.parts) < DEEPEST else []
        if inner.parts:
            yield Dump(case, str(inner), _FOLDER)
        files_left -= 1
        for name in names[: max(0, files_left)]:
            with contextlib.suppress(FileNotFoundError, Unreadable):
                for piece in _of_file(case, Path(below, name), str(inner / name), bytes_left):
                    yield piece
                    bytes_left -= len(piece.data)
        files_left -= len(names)
        if files_left <= 0 or bytes_left <= 0:
            return


def _of_file(case: str, file: Path, path: str, room: int) -> Iterator[Dump]:
    """The pieces of a file, up to ``room`` bytes. Raises as :func:`handed.opened` does."""
    with handed.opened(file) as descriptor:
        mode, offset, most = os.fstat(descriptor).st_mode, 0, min(room, handed.MOST_TEXT)
        while True:
            data = handed.read(descriptor, min(MOST_PIECE, most - offset), offset)
            if data or not offset:
                yield Dump(case, path, mode, data, offset)
            offset += len(data)
            if len(data) < MOST_PIECE:
                return


def _documents(done: Attempt) -> dict[str, bytes]:
    """Our own documents on a case, by file name."""
    trial = done.trial
    if trial is None:
        return {}
    of_groups = {one.id: one.group_files for one in trial.containers if one.group_files}
    documents: dict[str, Any] = {
        "calls.json": [asdict(call) for call in trial.runtime.calls],
        **{f"{container}.cgroups.json": found for container, found in of_groups.items()},
        LAST_KEPT: [asdict(verdict) for verdict in trial.verdicts],
    }
    share = _MOST_DOCUMENTS // len(documents)
    return _scripts(trial, done.results) | {name: _text(value, share) for name, value in documents.items()}


def _scripts(trial: CaseContext, results: Sequence[Result]) -> dict[str, bytes]:
    """``reproduce.sh`` for what failed in a case; of a drawn config, one for each thing that was found."""
    if trial.runtime.journal is None:
        return {}
    journals = trial.notes.get(JOURNALS)
    if not journals:
        return {script.FILE: reproduced(trial, results)}
    stem, _, suffix = script.FILE.partition(".")
    names = [script.FILE, *(f"{stem}-{number}.{suffix}" for number in range(2, len(journals) + 1))]
    return {name: reproduced(trial, _shown_in(one, results), one) for name, one in zip(names, journals, strict=True)}


def _shown_in(journal: Journal, results: Sequence[Result]) -> list[Result]:
    """The failures that a journal shows, with those findings alone."""
    shown = [step for step in journal.steps if isinstance(step, Judged) and not step.held]
    found = []
    for result in results:
        findings = tuple(
            finding
            for finding in result.findings
            for one in shown
            if (one.clause, one.message) == (result.clause.id, finding.message) and finding.got.endswith(one.got)
        )
        found += [replace(result, findings=findings)] if findings else []
    return found


def reproduced(trial: CaseContext, results: Sequence[Result], journal: Journal | None = None) -> bytes:
    """The text of ``reproduce.sh`` for what failed in a case, by its journal or another one; it must have one."""
    stage, journal = trial.stage, journal or trial.runtime.journal
    if journal is None:
        raise ValueError(f"nothing was noted of {trial.case.id}")
    subject, mode = stage.subject, stage.host.cgroup_mode
    python = {sys.executable, os.path.realpath(sys.executable)} - {rootfs.PYTHON}
    setting = script.Setting(
        case=trial.case.id,
        runtime=subject.command[0],
        version=f"{subject.name} {subject.version}".strip(),
        arguments=tuple(subject.argv("@WORK@/root", "@WORK@/runtime.log")[1:]),
        name=stage.prefix.rstrip("-"),
        python=tuple(sorted(python)),
        rootfs=stage.given_rootfs,
        covered=tuple(
            f"{dialect.name}:{one['path']}"
            for dialect in dialects()
            for one in dialect.cover
            if one.get("cgroup", mode) == mode
        ),
        root=stage.host.root,
    )
    return script.script(setting, journal, results)


def _text(value: Any, most: int) -> bytes:
    """A value as JSON of at most ``most`` bytes: strings in it are cut if needed; empty if that does not suffice."""
    for longest in _CUTS:
        text = (json.dumps(_cut(value, longest), indent=1) + "\n").encode()
        if len(text) <= most:
            return text
    return b"null\n"


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}…"
    if isinstance(value, dict):
        return {name: _cut(entry, longest) for name, entry in value.items()}
    return [_cut(entry, longest) for entry in value] if isinstance(value, list | tuple) else value
