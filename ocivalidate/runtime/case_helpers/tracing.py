"""Hooks that leave a trace: putting recorders into a bundle, and reading what they noted."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.journal import Looked
from ocivalidate.runtime.inside import RECORDER_SOURCE
from ocivalidate.runtime.inside.recorder import clock
from ocivalidate.runtime.inside.rootfs import PYTHON
from ocivalidate.runtime.kernel import interpreter
from ocivalidate.runtime.kernel.handed import Growing
from ocivalidate.runtime.kernel.locks import is_locked

# In the container. The names are such as no host has: whoever looks for them in the wrong place finds nothing.
_TRACE, _SCRIPT, _HOOK = "/ocivalidate.trace", "/ocivalidate-recorder.py", "/ocivalidate-hook"


@dataclass(frozen=True, slots=True)
class Record:
    """What one recorder noted; see ``recorder.py``.

    ``name``: ``prestart/0``, ``program/0``. ``begun`` and ``ended`` are on the clock of ``time.monotonic`` of
    the kernel that ``clock`` names. ``place`` counts the records of a trace from 0. ``root`` is device and inode of its
    root folder. ``process`` is what it saw of the container process, empty for nothing.
    """

    name: str
    begun: float = 0.0
    ended: float = 0.0
    clock: str = ""
    place: int = 0
    argv: Sequence[str] = ()
    environ: Sequence[str] = ()
    cwd: str = ""
    root: Sequence[int] | None = None
    namespaces: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None
    there: Mapping[str, bool] = field(default_factory=dict)
    process: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of hook, or ``program``."""
        return self.name.partition("/")[0]

    def follows(self, other: Record) -> bool:
        """Whether it began when the other had ended; where they saw other clocks, whether it was noted later."""
        return self.begun >= other.ended if self.clock == other.clock else self.place > other.place

    def state(self) -> dict[str, Any] | None:
        """The state of the container that it got; ``None`` when that is no JSON object."""
        try:
            value = json.loads(self.stdin or "")
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


class Trace:
    """The hooks of a container that is not created yet, and what they noted.

    ``clock`` is that of this process. Hooks that are ``inside`` have paths in the container, all others on the host.
    """

    def __init__(self, container: Container) -> None:
        rootfs = container.bundle / "rootfs"
        self.container = container
        self.file = rootfs / _TRACE.lstrip("/")
        self._notes = Growing(self.file)
        self.clock = clock()
        self._records: list[Record] = []
        self._seen = 0
        self._python = os.path.realpath(sys.executable)
        self._config_file = container.bundle / "config.json"
        self.config: dict[str, Any] = json.loads(self._config_file.read_text(encoding="utf-8"))
        self._outside = container.bundle / "hook"
        self._outside.symlink_to(self._python)
        (rootfs / _HOOK.lstrip("/")).symlink_to(PYTHON)
        shutil.copyfile(RECORDER_SOURCE, rootfs / _SCRIPT.lstrip("/"))
        (rootfs / _SCRIPT.lstrip("/")).chmod(0o644)

    def add(
        self,
        kind: str,
        *action: str,
        inside: bool = False,
        env: Sequence[str] | None = None,
        timeout: int | None = None,
        path: str | None = None,
    ) -> dict[str, Any]:
        """Add a hook, the next one of its kind, and return its entry in the config.

        ``action``: what its recorder does beside noting (see ``recorder.py``). ``inside``: its path is one in the
        container. ``env`` and ``timeout`` (in seconds) are members of the entry, ``path`` is another path than that of
        the recorder.
        """
        hooks = self.config.setdefault("hooks", {}).setdefault(kind, [])
        name = f"{kind}/{len(hooks)}"
        hook: dict[str, Any] = {"path": path or (_HOOK if inside else str(self._outside))}
        hook["args"] = self._line(name, *action, inside=inside)
        hook |= {} if env is None else {"env": list(env)}
        hook |= {} if timeout is None else {"timeout": timeout}
        hooks.append(hook)
        return hook

    def program(self, *action: str) -> list[str]:
        """Make the program of the container a recorder too, and return its command line.

        :meth:`write` writes it.
        """
        line = self._line("program/0", *action, inside=True)
        line[0] = PYTHON
        self.config["process"]["args"] = line
        return line

    def _line(self, name: str, *action: str, inside: bool) -> list[str]:
        python, script, file = (
            (PYTHON, _SCRIPT, _TRACE) if inside else (self._python, str(RECORDER_SOURCE), str(self.file))
        )
        # Python finds its library by this name, which need not exist.
        own_name = f"{os.path.dirname(python)}/ocivalidate-{name.replace('/', '-')}"
        return [own_name, *interpreter.BARE, script, file, name, *action]

    def write(self) -> None:
        """Write the config, with all that was added, to the bundle."""
        self._config_file.write_text(json.dumps(self.config, indent=1), encoding="utf-8")

    def records(self) -> list[Record]:
        """What was noted so far, in this order.

        What is no record is passed over: a container may write anything there.
        """
        lines = self._notes.content().decode("ascii", "replace").split("\n")[:-1]
        for line in lines[self._seen :]:
            # Anything may stand there: whoever writes the file may be the container.
            with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                self._records.append(Record(**{**ast.literal_eval(line), "place": len(self._records)}))
        self._seen = len(lines)
        found = [record.name for record in self._records]
        self.container.runtime.note(Looked("names", str(self.file), found, self.container.id))
        return [*self._records]

    def names(self) -> list[str]:
        """The names of those that ran so far, in this order."""
        return [record.name for record in self.records()]

    def wait(self, name: str, seconds: float) -> Record | None:
        """Wait for what the recorder of this name notes, and return it; ``None`` if it does not come.

        ``seconds`` are those of a quick machine: on a slow one they are as much longer.
        """
        end = time.monotonic() + seconds * self.container.runtime.pace
        while True:
            found = next((record for record in self.records() if record.name == name), None)
            if found is not None or time.monotonic() > end:
                return found
            self._rest()  # the file may not be there yet, so that it cannot be watched

    def wait_for_end(self, name: str, seconds: float) -> float:
        """Wait for the end of a recorder that sleeps, for ``seconds`` at most.

        Returns the moment of its end, or of giving up, on ``time.monotonic``.
        """
        end = time.monotonic() + seconds
        while self._sleeps(name) and time.monotonic() < end:
            self._rest()  # a lock that may never be free cannot be waited for
        return time.monotonic()

    def _rest(self) -> None:
        with self.container.runtime.call_times.waiting():
            time.sleep(0.005)

    def _sleeps(self, name: str) -> bool:
        try:
            return is_locked(Path(f"{self.file}.{name.replace('/', '-')}"))
        except OSError:
            return False
