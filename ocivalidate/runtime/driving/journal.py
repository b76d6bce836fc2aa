"""What happened in a case, in order, as plain data: enough to do it again without us.

A journal is only kept where dumps are. It notes files as a call finds them, never what the runtime or a container made
of them, so that whoever replays it shows what the runtime does now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from ocivalidate.runtime.driving import snapshots
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.snapshots import Entry
from ocivalidate.runtime.kernel.namespaces import namespaces_of

MOST_STEPS = 2000
_PROCESS = re.compile(rb"/proc/([1-9][0-9]{0,9})/ns/")


@dataclass(frozen=True, slots=True)
class Written:
    """Files that somebody but the runtime wrote since the step before; ``gone``: paths that were removed."""

    entries: tuple[Entry, ...]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A process that holds namespaces which a config joins: kinds and links as in ``/proc``, and its mappings."""

    pid: int
    kinds: tuple[str, ...]
    links: tuple[str, ...] = ()
    uid_map: str = ""
    gid_map: str = ""


@dataclass(frozen=True, slots=True)
class Grouped:
    """A control group that the case made, or a value that it wrote into a file of one."""

    path: str
    controller: str = ""
    file: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """A command of the runtime, without what precedes every command, and what came of it."""

    words: tuple[str, ...]
    call: Call
    cwd: str = ""
    wrapper: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()
    output: str = ""


@dataclass(frozen=True, slots=True)
class Waited:
    """The case waited: for the ``end`` of the container process, or its ``output`` (so many lines of it).

    ``death``: it ended the container process itself.
    """

    what: str
    container: str
    lines: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Saw:
    """A record of the probe that the case looked at."""

    container: str
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Looked:
    """What the case looked at from the host, and found.

    ``left`` behind, ``alive``, ``names`` of a trace, a ``value`` in a group; ``peeked`` is what no script can look at.
    """

    what: str
    subject: str = ""
    found: Any = None
    container: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A comparison of the case."""

    clause: str
    message: str
    got: str = ""
    want: str = ""
    pointer: str = ""
    held: bool = False


Step: TypeAlias = Written | Held | Grouped | Called | Waited | Saw | Looked | Judged
"""One step of a journal."""


@dataclass(slots=True)
class Journal:
    """The journal of one case. ``folder``: that of the case; ``base``: the root filesystem that bundles are made of.

    ``missing``: what a replay lacks, in words. ``files``: what there was in the folder when a comparison failed.
    ``namespaces``: our own.
    """

    folder: Path
    base: Path
    steps: list[Step] = field(default_factory=list)
    missing: dict[str, None] = field(default_factory=dict)
    files: dict[int, tuple[str, ...]] = field(default_factory=dict)
    namespaces: Mapping[str, str] = field(default_factory=namespaces_of)
    _known: Mapping[str, snapshots.Signature] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)
    _holders: set[int] = field(default_factory=set)
    _over: bool = False

    def note(self, step: Step) -> None:
        """Add a step."""
        if self._over:
            return
        if len(self.steps) >= MOST_STEPS:
            self.missing[f"the case took more than {MOST_STEPS} steps"] = None
        else:
            self.steps.append(step)

    def over(self) -> None:
        """What follows is only cleaning up."""
        self._over = True

    def before(self, wrapper: Sequence[str] = ()) -> None:
        """Note what the case wrote since the last call. ``wrapper``: the words in front of the next one."""
        if self._over:
            return
        self._hold(*(word.encode("utf-8", "surrogateescape") for word in wrapper))
        scan = snapshots.scan(self.folder, self.base, self.missing)
        changed = [path for path, signature in scan.items() if self._known.get(path) != signature]
        gone = [path for path in self._known if path not in scan]
        if self._running:
            # A program that runs may have written anything but this: a config, and what is in a new bundle.
            tops = {path.partition("/")[0] for path in self._known}
            known = [path for path in changed if path.endswith("/config.json") or path.partition("/")[0] not in tops]
            if gone or changed != known:
                self.note(Looked("peeked", "what changed while the container ran"))
            changed, gone = known, []
        entries = snapshots.entries(self.folder, scan, changed, self.missing)
        self._known = scan
        if entries or gone:
            self._hold(*(one.data for one in entries if one.path.endswith("config.json")))
            self.note(Written(tuple(entries), tuple(gone)))

    def called(self, step: Called) -> None:
        """Note a call, and take what it changed for the runtime's doing."""
        self.note(step)
        if self._over:
            return
        match step.words[:1]:
            case ("start",) if step.call.ok:
                self._running.add(step.words[-1])
            case ("delete",) if step.call.ok:
                self._running.discard(step.words[-1])
        if step.words[:1] not in (("state",), ("kill",)):
            self._known = snapshots.scan(self.folder, self.base, self.missing)

    def hung(self) -> None:
        """Note of the last call that it would not have ended by itself: the case has helped it."""
        for place in range(len(self.steps) - 1, -1, -1):
            step = self.steps[place]
            if isinstance(step, Called):
                self.steps[place] = replace(step, call=replace(step.call, ended="timeout"))
                return

    def judged(self, step: Judged) -> None:
        """Note a comparison, and of one that failed the files that are there."""
        if not self._over and not step.held:
            now = snapshots.scan(self.folder, self.base, self.missing)
            if self._running and now != self._known:
                self.note(Looked("peeked", "what changed while the container ran"))
            # What the case has removed since the last call is no doing of the runtime.
            self.files[len(self.steps)] = tuple({**self._known, **now})
        self.note(step)

    def _hold(self, *texts: bytes) -> None:
        """Note the holders of namespaces that configs and callers name."""
        for text in texts:
            for found in _PROCESS.findall(text):
                self.hold(int(found))

    def hold(self, pid: int) -> None:
        """Note a process that holds namespaces."""
        if pid in self._holders:
            return
        self._holders.add(pid)
        ours, its = namespaces_of("self"), namespaces_of(pid)
        kinds = tuple(name for name, link in its.items() if link != ours.get(name))
        maps = {name: _read(f"/proc/{pid}/{name}") for name in ("uid_map", "gid_map")} if "user" in kinds else {}
        self.note(Held(pid, kinds, tuple(its[kind] for kind in kinds), **maps))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
