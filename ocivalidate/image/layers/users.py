"""Users and groups of an image: ``config.User`` against the image's own /etc/passwd and /etc/group, never the host's.

image-spec config.md#properties (``user``, ``uid``, ``user:group``, …) and conversion.md#configuser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from ocivalidate.errors import OciValidateError, TooLarge

PASSWD, GROUP = "etc/passwd", "etc/group"

# 4294967295 means "none" to system calls (chown(2), setresuid(2)).
LARGEST_ID = (1 << 32) - 2
_DIGITS = len(str(LARGEST_ID))

# How much of the files is read; a group may have many members. The limit on groups is that of setgroups(2).
LARGEST, LONGEST_LINE = 16 << 20, 1 << 20
_MOST_GROUPS = 65536
_SHOWN = 100

Read = Callable[[str], Iterable[bytes]]
"""Returns the lines of a file inside the root, such as ``etc/passwd``; none if there is no such file."""


class Unknown(OciValidateError):
    """A user or group that the image does not define. The message is one line."""


class User(NamedTuple):
    """Who the process runs as. ``additional``: additional groups; ``None``: the image does not determine them."""

    uid: int
    gid: int
    additional: tuple[int, ...] | None = None


class Account(NamedTuple):
    """A line of passwd(5)."""

    name: str
    uid: int
    gid: int


class Group(NamedTuple):
    """A line of group(5)."""

    name: str
    gid: int
    members: frozenset[str]


def is_number(text: str) -> bool:
    """Whether a user or group is given by its number."""
    return text.isascii() and text.isdigit()


def is_id(text: str) -> bool:
    """Whether a text is a uid or gid in range, with or without leading zeros."""
    significant = text.lstrip("0")
    return is_number(text) and len(significant) <= _DIGITS and int(significant or "0") <= LARGEST_ID


def are_named(text: str) -> bool:
    """Whether ``Config.User`` has a name that the files of the image must resolve."""
    user, _colon, group = text.partition(":")
    return any(part and not is_number(part) for part in (user, group))


def lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, read as they are used. Raises :class:`TooLarge`."""
    left = LARGEST
    while line := file.readline(LONGEST_LINE + 1):
        left -= len(line)
        if left < 0:
            raise TooLarge(f"has more than {LARGEST} bytes")
        if len(line) > LONGEST_LINE:
            raise TooLarge(f"has a line of more than {LONGEST_LINE} bytes")
        yield line


def resolve(text: str, read: Read) -> User:
    """Resolve ``Config.User``. Raises :class:`Unknown` for a user or group that the image does not define."""
    user, colon, group = text.partition(":")
    if colon and not group:
        raise Unknown(f"Config.User is {_shown(text)}: nothing follows the colon")
    account = _account(user, read)
    if group:
        return User(account.uid, _gid(group, read))
    if is_number(user):
        return User(account.uid, account.gid)
    wanted = _bytes(user)
    additional = tuple(dict.fromkeys(found.gid for found in _groups(read, wanted) if user in found.members))
    if len(additional) > _MOST_GROUPS:
        raise Unknown(f"Config.User is in more than {_MOST_GROUPS} groups, the most that a process can have")
    return User(account.uid, account.gid, additional)


def _account(user: str, read: Read) -> Account:
    if is_number(user):
        uid = _id(user, "user")
        known = next((account for account in _accounts(read, b"%d" % uid) if account.uid == uid), None)
        return known or Account("", uid, 0)
    accounts = _accounts(read, _bytes(user)) if user else ()
    found = next((account for account in accounts if account.name == user), None)
    if found is None:
        raise Unknown(f"Config.User names {_shown(user)}, but /etc/passwd of the image has no such user")
    return found


def _gid(group: str, read: Read) -> int:
    if is_number(group):
        return _id(group, "group")
    found = next((known for known in _groups(read, _bytes(group)) if known.name == group), None)
    if found is None:
        raise Unknown(f"Config.User names the group {_shown(group)}, but /etc/group of the image has no such group")
    return found.gid


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _bytes(text: str) -> bytes:
    """A name as bytes in a file."""
    return text.encode("utf-8", "surrogatepass")


def _id(text: str, what: str) -> int:
    if not is_id(text):
        raise Unknown(f"Config.User has a number out of range for a {what}: {text[:40]}")
    return int(text)


def _accounts(read: Read, wanted: bytes) -> Iterator[Account]:
    """The accounts whose lines contain these bytes."""
    for fields in _lines(read(PASSWD), wanted):
        if len(fields) >= 4 and is_id(fields[2]) and is_id(fields[3]):
            yield Account(fields[0], int(fields[2]), int(fields[3]))


def _groups(read: Read, wanted: bytes) -> Iterator[Group]:
    """The groups whose lines contain these bytes."""
    for fields in _lines(read(GROUP), wanted):
        if len(fields) >= 3 and is_id(fields[2]):
            members = frozenset(fields[3].split(",") if len(fields) > 3 else ())
            yield Group(fields[0], int(fields[2]), members)


def _lines(found: Iterable[bytes], wanted: bytes) -> Iterator[list[str]]:
    """The fields of the lines that contain these bytes; other lines are not parsed."""
    for line in found:
        if wanted in line:
            yield line.decode("utf-8", "surrogateescape").strip().split(":")
