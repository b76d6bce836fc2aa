"""How cases judge mount options: tables that say with which options a mount shows one, and what is to be seen then.

An option that only undoes another (``exec``, ``rw``, ``async`` …) stands behind the one that it undoes: alone, its
absence would look the same. Of two that contradict each other the later counts, as in mount(8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers.mounting import at, host_mount, lay_out
from ocivalidate.runtime.inside.facts import Facts

OPTIONS = "/mounts/*/options"
APPLIES = "runtime.create.applies-config"
TABLE = "config.mounts.options.linux-table"
STALE, NEVER, ALWAYS = "when stale", "never", "always"
SHOULD = frozenset({"nosymfollow", "symfollow"})
"""Options that the table does not require, of those that :class:`Judge` sees."""
# What a mount with none but the options of mount(8) that are the default allows.
USUAL: dict[str, Any] = {
    "write": True,
    "exec": 0,
    "suid": 0,
    "dev": True,
    "follow": True,
    "file": STALE,
    "folder": STALE,
}


@dataclass(frozen=True, slots=True)
class Row:
    """The clause on an option, the options of the mount that shows it, and what is then to be seen.

    ``look``: an effect of the probe's step ``effects``, or ``super`` for the options of the file system. ``want``: its
    value; for ``super`` whether the word is there. ``source``: of a bind mount, the option of the mount that is bound.
    """

    clause: str
    options: str
    look: str
    want: Any
    source: str | None = None
    word: str = ""

    @property
    def name(self) -> str:
        """The option itself, as it stands in the config."""
        return option_of(self.clause)

    @property
    def point(self) -> str:
        """The path of its mount in the container."""
        return f"/m/{'bind-' if self.source is not None else ''}{self.name}"


def option_of(clause: str) -> str:
    """The option that a clause of the table of options is about: the last part of its id."""
    return clause.rpartition(".")[2]


def source(trial: CaseContext, option: str) -> str:
    """The path of a folder to bind, laid out as for ``effects``, on a mount of ours with this option.

    Below it is another such mount, in ``below``. It is made once a case. Raises :class:`OSError`.
    """
    top = trial.folder / f"source-{option}"
    if not top.exists():
        for place in (top, top / "below"):
            host_mount(trial, place, *([] if option == "ro" else option.split()))
            lay_out(trial, place)
        for place in (top, top / "below") if option == "ro" else ():
            host_mount(trial, place, "remount", "bind", "ro")
    return str(top)


def mount_of(trial: CaseContext, row: Row) -> dict[str, Any]:
    """The entry of ``mounts`` that shows a row: a tmpfs, or a bind mount of :func:`source`."""
    made: dict[str, Any] = {"destination": row.point, "options": row.options.split()}
    if row.source is None:
        return made | {"type": "tmpfs", "source": "tmpfs"}
    return made | {"type": "none", "source": source(trial, row.source)}


def seen(facts: Facts, row: Row) -> Any:
    """What the probe saw of a row, to be compared with its ``want``; ``not mounted`` if nothing is there."""
    if row.look == "super":
        return row.word in at(facts.value("mountinfo"), row.point).get("super", ())
    if not at(facts.value("mountinfo"), row.point):
        return "not mounted"
    return facts.value("effects", row.point)[row.look]


class Judge:
    """Takes what was seen of options, and at the end judges the table as a whole."""

    def __init__(self, trial: CaseContext) -> None:
        self.trial = trial
        self.failed: set[str] = set()

    def option(self, clause: str, options: str, *, got: Any, want: Any, refused: str | None = None) -> None:
        """Judge an option: by its clause, or, where the release has none, as part of the property.

        ``options``: all of its mount, for the message. ``refused``: what create said to it, ``None`` if it was taken.
        """
        name = option_of(clause)
        message = f"with {options.replace(' ', ',')} the option {name} does not have its effect"
        if not self.trial.holds("1.1.0"):
            # mount(8) says what options do, but nothing says which of them a runtime knows.
            if refused is None:
                self.trial.applied(OPTIONS, got=got, want=want, message=message)
            return
        if refused is not None:
            got, message = refused, f"the option {name} is refused"
        if not self.trial.expect(clause, message, got=got, want=want, pointer=OPTIONS):
            self.failed.add(name)

    def close(self) -> None:
        """Judge the clause on the table as a whole, by the options that it demands (MUST). Call it once, at the end."""
        failed = sorted(self.failed - SHOULD)
        self.trial.expect(TABLE, "options that the table requires are not implemented", got=failed, want=[])
        if self.trial.holds("1.1.0"):
            self.trial.skip("since 1.1.0 each option is a clause of its own", APPLIES)
