"""Users and groups of an image: ``Config.User`` against the image's own /etc/passwd and /etc/group, never the host's.

image-spec config.md#properties (``user``, ``uid``, ``user:group``, …) and conversion.md#configuser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ocivalidate.unpack.errors import Refused

_LARGEST_ID = (1 << 32) - 1

Read = Callable[[str], bytes | None]
"""Gives the content of a file inside the root, such as ``etc/passwd``; ``None`` when there is none."""


class User(NamedTuple):
    """Who the process runs as. ``additional``: further groups; ``None``: the image has no say in them."""

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


def resolve(text: str, read: Read) -> User:
    """Who ``Config.User`` is. Raises :class:`Refused` for somebody whom the image does not know."""
    user, colon, group = text.partition(":")
    if colon and not group:
        raise Refused(f"Config.User is {text!r}: nothing stands after the colon")
    account = _account(user, read)
    if group:
        return User(account.uid, _gid(group, read))
    if is_number(user):
        return User(account.uid, account.gid)
    additional = tuple(dict.fromkeys(found.gid for found in _groups(read) if user in found.members))
    return User(account.uid, account.gid, additional)


def _account(user: str, read: Read) -> Account:
    if is_number(user):
        uid = _id(user, "user")
        known = next((account for account in _accounts(read) if account.uid == uid), None)
        return known or Account("", uid, 0)
    found = next((account for account in _accounts(read) if account.name == user and user), None)
    if found is None:
        raise Refused(f"Config.User names {user!r}, and /etc/passwd of the image has no such user")
    return found


def _gid(group: str, read: Read) -> int:
    if is_number(group):
        return _id(group, "group")
    found = next((known for known in _groups(read) if known.name == group), None)
    if found is None:
        raise Refused(f"Config.User names the group {group!r}, and /etc/group of the image has no such group")
    return found.gid


def _id(text: str, what: str) -> int:
    if len(text) > 10 or int(text) > _LARGEST_ID:
        raise Refused(f"Config.User has a number that no {what} can have: {text[:40]}")
    return int(text)


def _accounts(read: Read) -> list[Account]:
    return [
        Account(fields[0], int(fields[2]), int(fields[3]))
        for fields in _lines(read("etc/passwd"))
        if len(fields) >= 4 and _is_id(fields[2]) and _is_id(fields[3])
    ]


def _groups(read: Read) -> list[Group]:
    return [
        Group(fields[0], int(fields[2]), frozenset(fields[3].split(",") if len(fields) > 3 else ()))
        for fields in _lines(read("etc/group"))
        if len(fields) >= 3 and _is_id(fields[2])
    ]


def _is_id(text: str) -> bool:
    return is_number(text) and len(text) <= 10 and int(text) <= _LARGEST_ID


def _lines(data: bytes | None) -> list[list[str]]:
    text = (data or b"").decode("utf-8", "surrogateescape")
    return [line.strip().split(":") for line in text.split("\n") if line.strip()]
