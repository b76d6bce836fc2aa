"""Mounts that kernels or runtimes refuse, though the specification does not forbid them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sayings import ERROR, NAMESPACES, WARNING, config, findings, linux, said

BIND_TYPE, NO_TYPE = "safety/config.mounts.bind-type", "safety/config.mounts.no-type"
BIND_DATA, NO_SOURCE = "safety/config.mounts.bind-data", "safety/config.mounts.bind-without-source"


def of(**members: Any) -> list[tuple[str, Any]]:
    """What is said of a mount with these members."""
    return said(config(mounts=[{"destination": "/m"} | members]))


@pytest.mark.parametrize(
    ("mount", "clause"),
    [
        ({"type": "bind", "source": "/s"}, BIND_TYPE),
        ({"type": "bind", "source": "/s", "options": ["ro"]}, BIND_TYPE),
        ({"type": "bind", "source": "/s", "options": ["rbind", "ro"]}, None),
        ({"type": "bind", "source": "/s", "options": ["remount", "ro"]}, None),
        ({"source": "/s"}, NO_TYPE),
        ({"source": "/s", "options": ["ro"]}, NO_TYPE),
        ({"source": "/s", "type": "", "options": []}, NO_TYPE),
        ({"source": "/s", "type": "none"}, NO_TYPE),
        ({"source": "/s", "options": ["bind"]}, None),
        ({"source": "/s", "type": "none", "options": ["rbind"]}, None),
        ({"source": "tmpfs", "type": "tmpfs"}, None),
        ({"source": "/dev/sdb1", "type": "ext4", "options": ["data=journal"]}, None),
    ],
)
def test_type(mount: dict[str, Any], clause: str | None) -> None:
    """mount(2) knows no file system of the name bind or none."""
    assert of(**mount) == ([(clause, WARNING)] if clause else [])


@pytest.mark.parametrize("options", ["bind", [1], ["ro", None]])
def test_options_that_cannot_be_read_may_have_what_is_missing(options: Any) -> None:
    assert {clause.rpartition(".")[2] for clause, _severity in of(source="/s", options=options)} == {"type"}


def test_engines_of_windows_bind_what_has_no_type() -> None:
    document = config(
        windows={"layerFolders": ["C:\\l"], "hyperv": {}}, mounts=[{"destination": "/m", "source": "C:\\s"}]
    )
    assert said(document) == []


@pytest.mark.parametrize("option", ["mode=777", "size=64k", "uid=5", "table", "ro,nosuid", "noatime=1"])
def test_option_of_a_file_system_on_a_bind_mount(option: str) -> None:
    assert of(source="/s", type="none", options=["rbind", option]) == [(BIND_DATA, WARNING)]
    assert of(source="tmpfs", type="tmpfs", options=[option]) == []


@pytest.mark.parametrize(
    "option",
    ["ro", "rro", "rslave", "nosymfollow", "tmpcopyup", "idmap", "ridmap", "idmap=uids=0-1-10", "copy-symlink", "z"],
)
def test_option_that_specification_runtimes_or_engines_have(option: str) -> None:
    told = of(source="/s", options=["bind", option])
    assert [clause for clause, _severity in told if clause == BIND_DATA] == []


@pytest.mark.parametrize("source", [{}, {"source": ""}])
def test_bind_mount_of_nothing(source: dict[str, Any]) -> None:
    assert of(options=["bind"], **source) == [(NO_SOURCE, WARNING)]


def test_lint_tells_the_same_as_the_hazard_once() -> None:
    from ocivalidate.rules.clauses import Selection

    mount = {"destination": "/m", "type": "bind", "source": "/s"}
    told = said(config(mounts=[mount]), selection=Selection(select=("lint/config.mounts.bind-type",)))
    assert told == [("lint/config.mounts.bind-type", WARNING)]


def test_relative_destination_weighs_what_it_did() -> None:
    (finding,) = findings(config("1.1.0", mounts=[{"destination": "m", "type": "tmpfs", "source": "tmpfs"}]))
    assert finding.severity is ERROR


# --- File systems of a namespace that a new user namespace does not own

FOREIGN = "safety/config.mounts.foreign-namespace"
_IDS = [{"containerID": 0, "hostID": 100000, "size": 65536}]


@pytest.mark.parametrize(
    ("kind", "namespace", "severity"),
    [("proc", "pid", ERROR), ("mqueue", "ipc", ERROR), ("sysfs", "network", WARNING), ("tmpfs", "ipc", None)],
)
def test_file_system_of_a_namespace_of_the_host(kind: str, namespace: str, severity: Any) -> None:
    """mount(2) answers EPERM: whoever mounts has to rule the user namespace that the other one belongs to."""
    mounts = [{"destination": "/m", "type": kind, "source": kind}]
    others = [entry for entry in NAMESPACES if entry["type"] != namespace]
    mapped: dict[str, Any] = {"uidMappings": _IDS, "gidMappings": _IDS}
    user = {"type": "user"}
    lacking = config(mounts=mounts, linux=linux(*others, user, **mapped))
    assert said(lacking) == ([(FOREIGN, severity)] if severity else [])
    # With a namespace of its own, without a new user namespace, and bound from the host all is well.
    assert said(config(mounts=mounts, linux=linux(*NAMESPACES, user, **mapped))) == []
    assert said(config(mounts=mounts, linux=linux(*others))) == []
    assert said(config(mounts=mounts, linux=linux(*others, user | {"path": "/run/user"}))) == []
    bound = [{"destination": "/m", "type": kind, "source": "/m", "options": ["rbind"]}]
    assert said(config(mounts=bound, linux=linux(*others, user, **mapped))) == []
