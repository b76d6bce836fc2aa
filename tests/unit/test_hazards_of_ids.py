"""Ids that there are not in the container: setresuid(2), setgroups(2) and mount(2) refuse them, whoever calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sayings import ERROR, NAMESPACES, NOTE, config, linux, said

UNMAPPED = "safety/config.process.user.unmapped"
NO_ID = "safety/config.process.user.no-id"
OWNER = "safety/config.mounts.options.no-id"
NONE = 2**32 - 1
NEW_USER = {"type": "user"}


def mapping(*ranges: tuple[int, int, int]) -> list[dict[str, int]]:
    return [{"containerID": inside, "hostID": outside, "size": size} for inside, outside, size in ranges]


MAPPED = mapping((0, 100000, 1000), (5000, 105000, 10))


def with_user(
    user: dict[str, Any], *more: dict[str, Any], uids: Any = MAPPED, gids: Any = MAPPED, **members: Any
) -> dict[str, Any]:
    """A configuration with this user, further namespaces, and mappings."""
    process = {"user": {"uid": 0, "gid": 0} | user, "cwd": "/", "args": ["/bin/tides"]}
    maps = {name: value for name, value in (("uidMappings", uids), ("gidMappings", gids)) if value is not None}
    return config(process=process, linux=linux(*NAMESPACES, *more, **maps), **members)


@pytest.mark.parametrize(
    ("user", "count"),
    [
        ({"uid": 1000}, 1),
        ({"uid": 4999}, 1),
        ({"uid": 5010}, 1),
        ({"gid": 1000}, 1),
        ({"uid": 1000, "gid": 1000}, 2),
        ({"additionalGids": [44, 5000, 1000, 6000]}, 2),
        ({"uid": 999, "gid": 5009, "additionalGids": [0, 999]}, 0),
    ],
)
def test_id_outside_of_the_mappings(user: dict[str, Any], count: int) -> None:
    assert said(with_user(user, NEW_USER)) == [(UNMAPPED, ERROR)] * count


@pytest.mark.parametrize(
    "document",
    [
        with_user({"uid": 7000}, uids=None, gids=None),
        # What a namespace that is joined maps, the document does not say.
        with_user({"uid": 7000}, {"type": "user", "path": "/run/user-of-others"}, uids=None, gids=None),
        with_user({"gid": 7000}, NEW_USER, gids=mapping((0, 0, 2**32 - 1))),
    ],
)
def test_id_that_may_exist(document: dict[str, Any]) -> None:
    assert said(document) == []


def test_uid_by_its_own_mapping() -> None:
    document = with_user({"uid": 50, "gid": 50}, NEW_USER, uids=mapping((0, 100000, 10)))
    assert said(document) == [(UNMAPPED, ERROR)]


def test_tool_without_privileges_maps_its_own_id_and_keeps_the_user_of_the_image() -> None:
    own = mapping((0, 1000, 1))
    assert said(with_user({"uid": 33, "gid": 33}, NEW_USER, uids=own, gids=own)) == [(UNMAPPED, NOTE)] * 2
    given = mapping((0, 100000, 1))
    assert said(with_user({"uid": 33}, NEW_USER, uids=given)) == [(UNMAPPED, ERROR)]


@pytest.mark.parametrize("user", [{"uid": NONE}, {"gid": NONE}, {"additionalGids": [0, NONE]}])
@pytest.mark.parametrize("namespaces", [[], [NEW_USER]])
def test_id_that_stands_for_none(user: dict[str, Any], namespaces: list[dict[str, Any]]) -> None:
    maps = MAPPED if namespaces else None
    assert said(with_user(user, *namespaces, uids=maps, gids=maps)) == [(NO_ID, ERROR)]


@pytest.mark.parametrize(
    ("kind", "option", "wrong"),
    [
        ("tmpfs", "uid=50", False),
        ("tmpfs", "uid=1000", True),
        ("tmpfs", "gid=70000", True),
        ("devpts", "gid=5", False),
        ("devpts", "gid=4000", True),
        ("tmpfs", "size=4000", False),
        ("ext4", "resuid=4000", False),
        ("tmpfs", f"uid={NONE}", True),
    ],
)
def test_owner_of_a_mount(kind: str, option: str, wrong: bool) -> None:  # noqa: FBT001 - a column of the table
    mount = {"destination": "/m", "type": kind, "source": kind, "options": ["nosuid", option]}
    assert said(with_user({}, NEW_USER, mounts=[mount])) == ([(OWNER, ERROR)] if wrong else [])


def test_owner_of_a_mount_on_the_host() -> None:
    mount = {"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["uid=70000"]}
    assert said(config(mounts=[mount])) == []
    mount = mount | {"options": [f"gid={NONE}"]}
    assert said(config(mounts=[mount])) == [(OWNER, ERROR)]


def test_mappings_beside_a_user_namespace_that_is_joined_are_a_note() -> None:
    document = with_user({"uid": 7000}, {"type": "user", "path": "/run/user-of-others"})
    assert said(document) == [("safety/config.idMappings.joined-user-namespace", NOTE)]
