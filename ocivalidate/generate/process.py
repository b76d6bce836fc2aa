"""Options about the process: what runs, as whom, where, with which environment and limits."""

from __future__ import annotations

import os
from typing import Self

from ocivalidate.generate import units
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.errors import OptionError
from ocivalidate.generate.sources import read_text
from ocivalidate.generate.table import Arguments, Phase, option
from ocivalidate.generate.texts import pair, parts
from ocivalidate.generate.units import Number
from ocivalidate.generate.values import from_json

RLIM_INFINITY = 2**64 - 1


def _read_env(text: str) -> Arguments:
    name, equals, value = text.partition("=")
    return (name, value) if equals else (name,)


def _read_user(text: str) -> Arguments:
    return tuple(parts(text, 1, 2, "UID[:GID]"))


def _read_ulimit(text: str) -> Arguments:
    name, limits = pair(text, form="NAME=SOFT[:HARD]")
    return name, *parts(limits, 1, 2, "SOFT[:HARD]")


def _read_command(text: str) -> Arguments:
    """``["a","b"]``, or one word."""
    if not text.startswith("["):
        return (text,)
    words = from_json(text, "the command")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise OptionError(f"{text!r} is not an array of strings")
    return tuple(words)


def _limit(written: Number) -> int:
    return RLIM_INFINITY if str(written) in ("-1", "unlimited", "infinity") else units.size(written)


class ProcessOptions(Draft):
    """``process`` without what belongs to security."""

    _entrypoint: tuple[str, ...] = ()
    _command: tuple[str, ...] = ()

    @option(
        "--",
        group="process",
        metavar="CMD ARGS...",
        help="what to run, with its arguments; nothing after it is an option",
    )
    def command(self, *words: str) -> Self:
        """What to run: its path (or its name, to be found in ``PATH``) and its arguments."""
        self._command = words
        return self._put("process.args", [*self._entrypoint, *self._command])

    @option(
        "--entrypoint",
        group="process",
        metavar="CMD",
        reads=_read_command,
        help='what stands before the command; ["a","b"] for several words',
    )
    def entrypoint(self, *words: str) -> Self:
        """Words that stand before those of :meth:`command`."""
        self._entrypoint = words
        return self._put("process.args", [*self._entrypoint, *self._command])

    @option(
        "-e",
        "--env",
        group="process",
        metavar="NAME[=VALUE]",
        reads=_read_env,
        help="a variable; without =VALUE its value here, if it has one",
    )
    def env(self, name: str, value: str | None = None) -> Self:
        """Set an environment variable in place of an earlier one.

        ``None`` takes its value from this process, if it has one.
        """
        if not name or "=" in name:
            raise OptionError(f"{name!r} is no name of an environment variable")
        value = os.environ.get(name) if value is None else value
        if value is None:
            return self
        entries = self._entries("process.env")
        same = [
            index for index, entry in enumerate(entries) if isinstance(entry, str) and entry.partition("=")[0] == name
        ]
        place = f"process.env[{same[-1]}]" if same else "process.env[+]"
        return self._put(place, f"{name}={value}")

    @option(
        "--env-file",
        group="process",
        metavar="FILE",
        help="variables from a file, a NAME=VALUE on each line; # starts a comment",
    )
    def env_file(self, file: str | os.PathLike[str]) -> Self:
        """Set the variables of a file: lines of ``NAME=VALUE`` or ``NAME``.

        Empty lines and those that start with ``#`` are passed over.
        """
        for line in read_text(file).splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                self.env(*_read_env(line.lstrip()))
        return self

    @option("-w", "--workdir", group="process", metavar="PATH", help="the working folder in the container")
    def workdir(self, path: str) -> Self:
        """The working folder, an absolute path in the container."""
        return self._put("process.cwd", path)

    @option(
        "-u",
        "--user",
        group="process",
        metavar="UID[:GID]",
        reads=_read_user,
        help="who runs it, in numbers; on Windows a name",
    )
    def user(self, uid: int | str, gid: int | str | None = None) -> Self:
        """The ids of the process; on Windows ``uid`` is a user name. Without ``gid`` the group stays."""
        if self._on("windows") and not self._on("linux"):
            return self._put("process.user.username", str(uid))
        user = {"uid": _id(uid), "gid": self._get("process.user.gid", 0) if gid is None else _id(gid)}
        for name, number in user.items():
            self._put(f"process.user.{name}", number)
        return self

    @option("--group-add", group="process", metavar="GID", help="a further group; may be repeated")
    def group_add(self, gid: int | str) -> Self:
        """A further group of the process."""
        return self._put("process.user.additionalGids[+]", _id(gid))

    @option("--umask", group="process", metavar="MODE", help="the mask of new files, in octal: 022")
    def umask(self, mask: int | str) -> Self:
        """The mask of new files; a text is octal."""
        return self._put("process.user.umask", units.octal(mask))

    @option("-t", "--tty", group="process", help="give it a terminal")
    def tty(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Whether the process gets a terminal (and a ``TERM``, unless it has one)."""
        names = [entry.partition("=")[0] for entry in self._entries("process.env") if isinstance(entry, str)]
        if wanted and self._on("linux") and "TERM" not in names:
            self.env("TERM", "xterm")
        return self._put("process.terminal", wanted)

    @option(
        "--ulimit",
        group="process",
        metavar="NAME=SOFT[:HARD]",
        reads=_read_ulimit,
        help="a resource limit: nofile=1024:2048, core=0, memlock=64k, unlimited",
    )
    def ulimit(self, name: str, soft: Number, hard: Number | None = None) -> Self:
        """A resource limit (getrlimit(2)): ``nofile`` or ``RLIMIT_NOFILE``.

        -1 is unlimited; without ``hard`` both are the same.
        """
        from ocivalidate.bundle.values import LINUX_RLIMITS, SOLARIS_RLIMITS

        kind = f"RLIMIT_{name.upper().removeprefix('RLIMIT_')}"
        if kind not in LINUX_RLIMITS and kind not in SOLARIS_RLIMITS:
            known = " ".join(limit.removeprefix("RLIMIT_").lower() for limit in LINUX_RLIMITS)
            raise OptionError(f"unknown resource limit {name!r}; known are {known}")
        low = _limit(soft)
        high = low if hard is None else _limit(hard)
        if low > high:
            raise OptionError(f"the soft limit {soft} of {name} is above its hard limit {hard}")
        return self._put_entry("process.rlimits", {"type": kind, "soft": low, "hard": high}, key="type")

    @option(
        "--oom-score-adj",
        group="process",
        metavar="N",
        help="how soon the kernel ends it when memory runs out: -1000 to 1000",
        phase=Phase.NORMAL,
    )
    def oom_score_adj(self, score: int | str) -> Self:
        """How soon the kernel ends the process when memory runs out: -1000 (never) to 1000."""
        return self._put("process.oomScoreAdj", units.count(score))


def _id(written: int | str) -> int:
    try:
        return units.count(written)
    except OptionError:
        raise OptionError(f"{written!r} is not an id: a config has numbers, as names are those of the image") from None
