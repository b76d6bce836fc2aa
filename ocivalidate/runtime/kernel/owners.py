"""Who owns the things that a run creates on a host, as their names say.

Directories, control groups and containers of a run are called ``ocivalidate-<token>…``. A token is 16 letters and
digits: 5 for the world in which a pid means something (this boot of this kernel, its PID and time namespaces), 5 for
the pid of the owner, 4 for its start time, 2 random. So the name alone tells whether its owner is alive, is dead, or
is in a world that we cannot see.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Literal

from ocivalidate.runtime.kernel import processes

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_WORLD, _PID, _BEGAN, _CHANCE = 5, 5, 4, 2
TOKEN = f"[{_LETTERS}]{{{_WORLD + _PID + _BEGAN + _CHANCE}}}"
"""A pattern of tokens."""

Fate = Literal["alive", "dead", "unknown"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that owns what a run creates.

    ``boot``: the id of this boot of the kernel. ``began``: the start time of the process, in clock ticks since boot.
    The namespaces are as ``/proc/PID/ns`` names them. What the kernel does not report is ``""``.
    """

    boot: str
    pid: int
    began: str
    pid_namespace: str
    time_namespace: str
    mount_namespace: str

    @classmethod
    def this_process(cls) -> Owner:
        """This process. To be called before it enters namespaces of its own."""
        return cls(boot_id(), os.getpid(), processes.began(os.getpid()), *map(_namespace, ("pid", "time", "mnt")))

    @property
    def world(self) -> str:
        """The first part of its tokens: the world."""
        words = (self.boot, self.pid_namespace, self.time_namespace)
        return _digits(int(hashlib.sha256("\0".join(words).encode()).hexdigest(), 16), _WORLD)

    def token(self) -> str:
        """A new token."""
        chance = _digits(secrets.randbelow(len(_LETTERS) ** _CHANCE), _CHANCE)
        return self.world + _digits(self.pid, _PID) + _moment(self.began) + chance

    def facts(self) -> dict[str, str | int]:
        """Everything known about it, to be written to a file."""
        return asdict(self)


def boot_id() -> str:
    """The id of this boot of the kernel; ``""`` if the kernel has none."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
    return ""


def token_of(name: str, prefix: str) -> str:
    """The token in a name with this prefix, or ``""`` if there is none."""
    found = re.match(rf"{re.escape(prefix)}({TOKEN})(?![{_LETTERS}])", name)
    return found[1] if found else ""


def fate(token: str, here: Owner) -> Fate:
    """What became of the owner that a token names, as seen by the process ``here``."""
    if not here.boot or not token.startswith(here.world):
        return "unknown"
    pid = int(token[_WORLD : _WORLD + _PID], len(_LETTERS))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "dead"
    except (OSError, OverflowError):
        pass
    began = processes.began(pid)
    if not began:
        # It is a zombie, or it is hidden from us.
        return "dead" if os.path.exists(f"/proc/{pid}/stat") else "unknown"
    return "alive" if _moment(began) == token[_WORLD + _PID : -_CHANCE] else "dead"


def _namespace(name: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/self/ns/{name}")
    return ""


def _moment(began: str) -> str:
    return _digits(int(began or 0), _BEGAN)


def _digits(number: int, width: int) -> str:
    """The last digits of a number."""
    text = ""
    for _ in range(width):
        number, digit = divmod(number, len(_LETTERS))
        text = _LETTERS[digit] + text
    return text
