"""Options about the process: what runs, as whom, where, with which limits."""

from __future__ import annotations

import re
from typing import Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.environment import EnvironmentOptions
from ocivalidate.generate.table import Arguments, Phase, option
from ocivalidate.generate.texts import pair, parts
from ocivalidate.generate.units import Number
from ocivalidate.generate.values import from_json

RLIM_INFINITY = 2**64 - 1
STOP_SIGNAL = "org.opencontainers.image.stopSignal"
# The name in crun and podman for: the process keeps the groups of the runtime's caller.
_KEEP_GROUPS = ("keep-groups", "run.oci.keep_original_groups")


def _read_user(text: str) -> Arguments:
    uid, _colon, gid = text.partition(":")
    if ":" in gid or not (uid or gid):
        raise OptionError(f"{text!r} is not of the form UID[:GID]")
    return uid or None, gid or None


def _read_ulimit(text: str) -> Arguments:
    if text == "host":
        return (text,)
    name, limits = pair(text, form="NAME=SOFT[:HARD]")
    return name, *parts(limits, 1, 2, "SOFT[:HARD]")


def _read_command(text: str) -> Arguments:
    """``["a","b"]``, one word, or nothing at all."""
    if not text.startswith("["):
        return (text,) if text else ()
    words = from_json(text, "the command")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise OptionError(f"{text!r} is not an array of strings")
    return tuple(words)


def _limit(written: Number) -> int:
    return RLIM_INFINITY if str(written) in ("-1", "unlimited", "infinity") else units.size(written)


class ProcessOptions(EnvironmentOptions):
    """``process`` without its environment and what belongs to security."""

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
        help='words before the command; ["a","b"] for several',
    )
    def entrypoint(self, *words: str) -> Self:
        """Words that stand before those of :meth:`command`; none takes them away again."""
        self._entrypoint = words
        args = [*self._entrypoint, *self._command]
        return self._put("process.args", args) if args else self

    @option("-w", "--workdir", group="process", metavar="PATH", help="the working directory in the container")
    def workdir(self, path: str) -> Self:
        """The working folder, an absolute path in the container."""
        return self._put("process.cwd", path)

    @option(
        "-u",
        "--user",
        group="process",
        metavar="UID[:GID]",
        reads=_read_user,
        help="the uid and gid of the process, as numbers; on Windows a name",
    )
    def user(self, uid: int | str | None, gid: int | str | None = None) -> Self:
        """The ids of the process; on Windows ``uid`` is a user name. What is ``None`` stays as it is."""
        if self._on("windows") and not self._on("linux"):
            return self._put("process.user.username", str(uid))
        user = {
            "uid": self._get("process.user.uid", 0) if uid is None else _id(uid),
            "gid": self._get("process.user.gid", 0) if gid is None else _id(gid),
        }
        for name, number in user.items():
            self._put(f"process.user.{name}", number)
        return self

    @option(
        "--group-add",
        group="process",
        metavar="GID",
        help="an additional group id; may be repeated; keep-groups keeps those of the caller (crun)",
    )
    def group_add(self, gid: int | str) -> Self:
        """A further group of the process; ``keep-groups`` keeps those of the runtime's caller (crun)."""
        if gid == _KEEP_GROUPS[0]:
            return self._put(f'annotations["{_KEEP_GROUPS[1]}"]', "1")
        return self._put("process.user.additionalGids[+]", _id(gid))

    @option("--umask", group="process", metavar="MODE", help="the umask, in octal: 022")
    def umask(self, mask: int | str) -> Self:
        """The mask of new files; a text is octal."""
        return self._put("process.user.umask", units.octal(mask))

    @option("-t", "--tty", group="process", help="attach a terminal")
    def tty(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Whether the process gets a terminal (and a ``TERM``, unless it has one)."""
        names = [entry.partition("=")[0] for entry in self._entries("process.env") if isinstance(entry, str)]
        if wanted and self._on("linux") and "TERM" not in names:
            self.env("TERM", "xterm")
        return self._put("process.terminal", wanted)

    @option(
        "-i", "--interactive", group="process", help="has no effect on a config: a runtime passes on its standard input"
    )
    def interactive(self, wanted: bool = True) -> Self:  # noqa: ARG002, FBT001, FBT002  # taken from docker, and nothing to do
        """No effect: the standard input of a container is that of the runtime's caller."""
        return self

    @option(
        "--stop-signal",
        group="process",
        metavar="SIGNAL",
        help="the stop signal, for engines that read the annotation: SIGTERM, RTMIN+3, 15",
    )
    def stop_signal(self, signal: int | str) -> Self:
        """The signal that asks the process to end: an annotation of the image specification, which engines read."""
        from ocivalidate.generate.signals import signal_name

        return self._put(f'annotations["{STOP_SIGNAL}"]', signal_name(signal))

    @option(
        "--personality",
        group="process",
        metavar="DOMAIN",
        help="the execution domain: LINUX, or LINUX32 to report a 32-bit machine",
    )
    def personality(self, domain: str) -> Self:
        """The execution domain (personality(2)): ``LINUX`` or ``LINUX32``."""
        return self._put("linux.personality.domain", domain)

    @option(
        "--ulimit",
        group="process",
        metavar="NAME=SOFT[:HARD]",
        reads=_read_ulimit,
        help="a resource limit: nofile=1024:2048, core=0, memlock=64k, -1; host for those of the runtime's caller",
    )
    def ulimit(self, name: str, soft: Number = "", hard: Number | None = None) -> Self:
        """A resource limit (getrlimit(2)): ``nofile`` or ``RLIMIT_NOFILE``.

        -1 is unlimited; without ``hard`` both are the same. ``host`` alone keeps all limits of the runtime's caller.
        """
        if name == "host" and soft == "":
            return self._drop("process.rlimits")
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
        help="how early the kernel kills it when memory runs out: -1000 to 1000",
        phase=Phase.NORMAL,
    )
    def oom_score_adj(self, score: int | str) -> Self:
        """How early the kernel kills the process when memory runs out: -1000 (never) to 1000."""
        return self._put("process.oomScoreAdj", units.count(score))


def _id(written: int | str) -> int:
    # Decimal digits alone: whatever else engines take for a name.
    if isinstance(written, int) or re.fullmatch("-?[0-9]{1,20}", written):
        return int(written)
    hint = "the ids are in etc/passwd and etc/group of its root filesystem"
    raise OptionError(f"{written!r} is not a numeric id: a config cannot look up names in the image; {hint}")
