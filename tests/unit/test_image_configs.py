from __future__ import annotations

from typing import Any

import pytest

from tests.imagedocs import REMOVED, Told, changed, told


def config(*changes: tuple[str, Any]) -> Told:
    return told("image-config", changed("image-config", *changes))


def broken(clause: str, pointer: str, severity: str = "error") -> Told:
    return [(severity, f"config.{clause}", pointer)]


@pytest.mark.parametrize("value", ["", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T00:00:00"])
def test_dates(value: str) -> None:
    assert config(("/created", value)) == broken("created.rfc3339", "/created")
    assert config(("/history/1/created", value)) == broken("history.created.rfc3339", "/history/1/created")


@pytest.mark.parametrize(
    "value", ["", "alice", "0", "1000:1000", "alice:users", "1000:users", "alice:100", "a b", "-1"]
)
def test_users(value: str) -> None:
    assert config(("/config/User", value)) == []


@pytest.mark.parametrize("value", [":", "alice:", ":users", "a:b:c", "1000:1000:"])
def test_users_of_no_known_form(value: str) -> None:
    assert config(("/config/User", value)) == broken("config.User.format", "/config/User")
    assert config(("/config/User", value), ("/os", "windows"), ("/os.features", [])) == []


@pytest.mark.parametrize(
    ("port", "severity"),
    [
        ("80", None),
        ("65535/tcp", None),
        ("53/udp", None),
        ("99/sctp", "note"),
        ("8000-8010", "warning"),
        ("8000-8010/udp", "warning"),
        ("33060-33061/tcp", "warning"),
        ("5000-5001/sctp", "warning"),
        ("0", "warning"),
        ("0/tcp", "warning"),
        ("0-10", "warning"),
        ("65536", "error"),
        ("80-70000", "error"),
        ("http", "error"),
        ("", "error"),
        ("80/", "error"),
        ("80/TCP", "warning"),
        ("80/Udp", "warning"),
        ("90-80", "error"),
        ("80/icmp", "error"),
        ("-80", "error"),
        ("8080:80", "error"),
        ("127.0.0.1:80", "error"),
        ("80 ", "error"),
    ],
)
def test_ports(port: str, severity: str | None) -> None:
    pointer = f"/config/ExposedPorts/{port.replace('/', '~1')}"
    found = config((pointer, {}))
    assert found == (broken("config.ExposedPorts.keys", pointer, severity) if severity else [])


@pytest.mark.parametrize("name", ["ExposedPorts", "Volumes"])
def test_sets(name: str) -> None:
    pointer = f"/config/{name}/80"
    assert config((pointer, {})) == []
    assert config((pointer, {"a": 1})) == broken(f"config.{name}.values", pointer)
    assert config((pointer, None)) == broken(f"config.{name}.type", pointer)
    assert config((f"/config/{name}", {})) == []


@pytest.mark.parametrize(
    ("value", "fine"), [("A=b", True), ("A=", True), ("A=b=c", True), ("A", False), ("", False), ("=b", False)]
)
def test_variables(value: str, fine: bool) -> None:  # noqa: FBT001 - a column of the table
    expected = [] if fine else broken("config.Env.format", "/config/Env/0")
    assert config(("/config/Env/0", value)) == expected


def test_variables_of_windows() -> None:
    document = changed("image-config-windows", ("/config/Env/0", "=C:=C:\\"))
    assert told("image-config", document) == []


@pytest.mark.parametrize("name", ["Env", "Entrypoint", "Cmd"])
@pytest.mark.parametrize(("value", "pointer"), [("x", ""), ({}, ""), ([None], "/0"), (["A=b", 1], "/1")])
def test_lists(name: str, value: Any, pointer: str) -> None:
    assert config((f"/config/{name}", value)) == broken(f"config.{name}.type", f"/config/{name}{pointer}")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/config/User", "a\0"),
        ("/config/Env/0", "A=\0"),
        ("/config/Entrypoint/0", "\0"),
        ("/config/Cmd/1", "x\0y"),
        ("/config/WorkingDir", "/\0"),
        ("/config/Volumes/\0", {}),
    ],
)
def test_nul_characters(pointer: str, value: Any) -> None:
    assert config((pointer, value)) == [("error", "safety/image.config.text.nul", pointer)]


def test_nul_characters_in_labels_reach_no_system_call() -> None:
    assert config(("/config/Labels/com.example.a", "\0")) == []


@pytest.mark.parametrize("user", ["4294967295", "app:4294967296", "0:99999999999", "04294967295:0", "9" * 5000])
def test_numbers_that_nobody_can_have(user: str) -> None:
    assert config(("/config/User", user)) == [("error", "safety/image.config.user.no-id", "/config/User")]


@pytest.mark.parametrize("user", ["4294967294", "0:4294967294", "00000000000001", "4294967295x", "-1", "0" * 5000])
def test_numbers_that_somebody_can_have_and_names(user: str) -> None:
    assert config(("/config/User", user)) == []


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "pointer"),
    [([""], ["sh"], "Entrypoint/0"), (["", "x"], [], "Entrypoint/0"), ([], [""], "Cmd/0"), (None, ["", "x"], "Cmd/0")],
)
def test_a_program_without_a_name(entrypoint: Any, cmd: Any, pointer: str) -> None:
    found = config(("/config/Entrypoint", entrypoint), ("/config/Cmd", cmd))
    assert found == [("error", "safety/image.config.program", f"/config/{pointer}")]


@pytest.mark.parametrize(("entrypoint", "cmd"), [(["sh"], [""]), (["sh", ""], []), ([], []), (None, None)])
def test_arguments_may_be_empty(entrypoint: Any, cmd: Any) -> None:
    assert config(("/config/Entrypoint", entrypoint), ("/config/Cmd", cmd)) == []


def test_a_label_has_a_key() -> None:
    errors = [found for found in config(("/config/Labels", {"": "x"})) if found[0] == "error"]
    assert errors == [("error", "safety/image.config.label.key", "/config/Labels/")]


@pytest.mark.parametrize(
    "value", ["", "x", "sha256:0a", "sha256:" + "A" * 64, "../../etc/passwd", "sha256:../../etc/passwd", "0a" * 32]
)
def test_diff_ids(value: str) -> None:
    expected = broken("rootfs.diff_ids.digest", "/rootfs/diff_ids/1")
    assert config(("/rootfs/diff_ids/1", value)) == expected


@pytest.mark.parametrize("value", ["", "layers ", "Layers", "base"])
def test_types_of_root_filesystems(value: str) -> None:
    assert config(("/rootfs/type", value)) == broken("rootfs.type.layers", "/rootfs/type")


ENTRY: dict[str, Any] = {"created_by": "x"}
EMPTY: dict[str, Any] = {"empty_layer": True}


@pytest.mark.parametrize(
    ("history", "severity"),
    [
        (None, None),
        ([], None),
        ([ENTRY, ENTRY], None),
        ([{**ENTRY, "empty_layer": False}, EMPTY, {**ENTRY, "empty_layer": None}], None),
        ([ENTRY], "warning"),
        ([ENTRY, ENTRY, ENTRY], "error"),
        ([ENTRY, EMPTY], "warning"),
        ([EMPTY], "warning"),
    ],
)
def test_history(history: Any, severity: str | None) -> None:
    expected = broken("history.empty_layer.count", "/history", severity) if severity else []
    assert config(("/history", history)) == expected


def test_history_that_cannot_be_counted() -> None:
    entry = broken("history.type", "/history/0")
    assert config(("/history", [None])) == entry
    assert config(("/history", [{"empty_layer": "yes"}])) == broken(
        "history.empty_layer.type", "/history/0/empty_layer"
    )
    assert config(("/rootfs/diff_ids", "x")) == broken("rootfs.diff_ids.type", "/rootfs/diff_ids")


@pytest.mark.parametrize("value", [True, False])
def test_escaped_arguments(value: bool) -> None:  # noqa: FBT001 - a column of the table
    pointer = "/config/ArgsEscaped"
    assert config((pointer, value)) == broken("config.ArgsEscaped.deprecated", pointer, "note")
    assert config((pointer, None)) == []


@pytest.mark.parametrize("value", ["SIGTERM", "SIGRTMIN+3", "9", "quit", ""])
def test_stop_signals_are_free(value: str) -> None:
    assert config(("/config/StopSignal", value)) == []


@pytest.mark.parametrize("name", ["architecture", "os", "rootfs"])
def test_what_is_required_may_not_be_null(name: str) -> None:
    others = [("/variant", REMOVED), ("/os.features", REMOVED)]
    assert config((f"/{name}", None), *others) == broken(f"{name}.type", f"/{name}")
    assert ("error", f"config.{name}.required", "") in config((f"/{name}", REMOVED), *others)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Entrypont", "misspelled"), ("Hostname", None), ("Image", None), ("com.example", None)],
)
def test_members_that_nobody_knows(name: str, expected: str | None) -> None:
    found = [("warning", f"lint/members.{expected}", f"/config/{name}")] if expected else []
    assert config((f"/config/{name}", 1)) == found


def test_the_first_releases_did_not_know_variants() -> None:
    document = changed("image-config", ("/variant", 7))
    found = told("image-config", document, "1.0.2")
    assert [one for one in found if one[2] == "/variant"] == [("warning", "lint/members.too-new", "/variant")]
