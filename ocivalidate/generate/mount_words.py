"""The words of ``-v``, ``--mount`` and ``--tmpfs``: which a config takes, and what happens to the others.

Container engines take words that ask them to do something before the container starts. A config cannot express these: a
word that would change what the container sees is refused, one that changes nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable

from ocivalidate.errors import OptionError

PROPAGATIONS = tuple(f"{r}{mode}" for r in ("", "r") for mode in ("private", "shared", "slave", "unbindable"))

REFUSED = {
    "z": "relabels files for SELinux, which is up to an engine; chcon -Rt container_file_t SOURCE does it",
    "Z": "relabels files for SELinux, which is up to an engine; chcon -Rt container_file_t SOURCE does it",
    "relabel": "relabels files for SELinux, which is up to an engine; chcon -Rt container_file_t SOURCE does it",
    "U": "changes the owner of files, which is up to an engine; chown -R UID:GID SOURCE does it",
    "chown": "changes the owner of files, which is up to an engine; chown -R UID:GID SOURCE does it",
    "O": "makes an overlay, which is up to an engine; "
    "--mount type=overlay,dst=PATH,lowerdir=SOURCE,upperdir=PATH,workdir=PATH writes one",
    "copy": "fills a new volume with files of the image, which is up to an engine",
    "upperdir": "is part of an overlay that an engine makes; --mount type=overlay writes one",
    "workdir": "is part of an overlay that an engine makes; --mount type=overlay writes one",
}
"""Words for an engine with an effect that the container would see, and why a config cannot have them."""

LEFT_OUT = {
    "nocopy": "says what a new volume starts with, but a folder of the host is not a new volume",
    **dict.fromkeys(
        ("consistent", "cached", "delegated", "default", "consistency"),
        "is for the shared folders of Docker Desktop; runtimes do not know it",
    ),
    "notmpcopyup": "is what runtimes do by default",
}
"""Words that change nothing in the container, and why."""

_PAIRS = "suid/nosuid dev/nodev exec/noexec atime/noatime diratime/nodiratime relatime/norelatime"
_PAIRS += " strictatime/nostrictatime symfollow/nosymfollow"
# Of each of these, one can hold.
_ONE_OF: tuple[tuple[str, ...], ...] = (
    ("ro", "rw", "rro", "rrw"),
    ("bind", "rbind"),
    PROPAGATIONS,
    ("idmap", "ridmap"),
    ("tmpcopyup", "notmpcopyup"),
    *(tuple(f"{r}{word}" for r in ("", "r") for word in pair.split("/")) for pair in _PAIRS.split()),
)
BIND_WORDS = frozenset(word for group in _ONE_OF for word in group if not word.endswith("tmpcopyup"))
"""What runtime-spec lets a bind mount have: config.md, Linux mount options, those that mount_setattr(2) knows."""

TMPFS_DEFAULTS = ("nosuid", "nodev", "noexec")
_LIFTED = {"exec": "noexec", "suid": "nosuid", "dev": "nodev"}


def kept(words: Iterable[str]) -> list[str]:
    """The words without those that change nothing.

    Raises :class:`OptionError` for one that asks an engine for something, and for two that contradict each other.
    """
    found: list[str] = []
    for word in words:
        name = word.partition("=")[0]
        if name in REFUSED:
            raise OptionError(f"the option {word} {REFUSED[name]}")
        if not word:
            raise OptionError("an option is empty: two commas in a row, or one at an end")
        if word not in found:
            found.append(word)
    for group in _ONE_OF:
        both = [word for word in found if word in group]
        if len(both) > 1:
            raise OptionError(f"{both[0]} and {both[1]} contradict each other")
    return [word for word in found if word.partition("=")[0] not in LEFT_OUT]


def bind_options(words: Iterable[str]) -> list[str]:
    """The options of a bind mount on Linux: recursive and private, as engines have it, unless the words say otherwise.

    Raises :class:`OptionError`.
    """
    found = kept(words)
    for word in found:
        if word not in BIND_WORDS:
            raise OptionError(f"{word!r} is not an option of a bind mount; examples are ro, rw, noexec, rslave")
    binding = [word for word in found if word in ("bind", "rbind")] or ["rbind"]
    propagation = [word for word in found if word in PROPAGATIONS] or ["rprivate"]
    return [*binding, *propagation, *(word for word in found if word not in (*binding, *propagation))]


def tmpfs_options(words: Iterable[str]) -> list[str]:
    """The options of a tmpfs: nosuid, nodev and noexec unless the words lift it. Raises :class:`OptionError`."""
    found = kept(words)
    lifted = {_LIFTED[word] for word in found if word in _LIFTED}
    return [*(word for word in TMPFS_DEFAULTS if word not in lifted and word not in found), *found]


def root_propagation(options: Iterable[str], now: str | None) -> str | None:
    """How the root has to propagate for a mount with these options to do so, or ``None`` if it does as it is.

    What is mounted in a shared or slave mount only gets through if the root is no less.
    """
    words = set(options)
    if words & {"shared", "rshared"}:
        return None if now in ("shared", "rshared") else "shared"
    if words & {"slave", "rslave"}:
        return None if now in ("shared", "rshared", "slave", "rslave") else "rslave"
    return None
