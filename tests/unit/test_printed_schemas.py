"""What editors get from a printed schema, and what the command says of its limits."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ocivalidate.printed import limits, standalone
from ocivalidate.rules.clauses import load
from ocivalidate.rules.schema import KINDS, releases
from tests.unit.command_line import Command
from tests.unit.sayings import config, linux


def at(schema: Any, *names: str) -> Any:
    """The node for a member, or for the entries of an array (``*``)."""
    for name in names:
        schema = schema["items"] if name == "*" else schema["properties"][name]
    return schema


@pytest.mark.parametrize(
    "document",
    [
        config(linux=linux(resources={"hugepageLimits": [{"pageSize": "64kB", "limit": 1}]})),
        config(linux=linux(intelRdt={"memBwSchema": "L3:0=f"})),
        config(linux=linux(rootfsPropagation="sideways")),
        config(linux=linux(seccomp={"defaultAction": "ALLOW"})),
        config(
            process={"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["x"], "execCPUAffinity": {"initial": "a-b"}}
        ),
        config(process={"user": {"gid": 0}, "cwd": "tides", "args": []}),
        config(root=None),
    ],
)
def test_document_that_bundle_refuses(document: dict[str, Any]) -> None:
    schema = Draft202012Validator(standalone("runtime-config", "1.3.0"))
    assert schema.is_valid(config())
    assert not schema.is_valid(document)


def test_state_with_a_negative_pid() -> None:
    schema = Draft202012Validator(standalone("runtime-state", "1.3.0"))
    state = {"ociVersion": "1.3.0", "id": "c", "status": "running", "pid": 5, "bundle": "/b"}
    assert schema.is_valid(state)
    assert schema.is_valid(state | {"status": "paused"})
    assert not schema.is_valid(state | {"pid": -5})


def test_what_is_a_warning_is_not_refused() -> None:
    schema = Draft202012Validator(standalone("runtime-config", "1.3.0"))
    odd = config(linux=linux(intelRdt={"closID": ""}, rootfsPropagation="rprivate"), hooks={"prestart": []})
    odd["process"]["capabilities"] = {"bounding": ["CAP_TIDES"]}
    assert schema.is_valid(odd)


def test_editors_complete_the_values_of_a_list_and_of_an_open_list() -> None:
    schema = standalone("runtime-config", "1.3.0")
    assert at(schema, "process", "ioPriority", "class")["enum"][0] == "IOPRIO_CLASS_RT"
    assert "time" in at(schema, "linux", "namespaces", "*", "type")["examples"]
    older = standalone("runtime-config", "1.0.2")
    assert "time" not in at(older, "linux", "namespaces", "*", "type")["examples"]
    bounding = at(schema, "process", "capabilities", "bounding", "*")
    assert "CAP_KILL" in bounding["examples"]
    assert {"type": "string"} in bounding["anyOf"]
    assert "class" in at(schema, "windows", "devices", "*", "idType")["examples"]


def test_editors_explain_a_member_with_its_clauses() -> None:
    cwd = at(standalone("runtime-config", "1.3.0"), "process", "cwd")
    assert cwd["description"] == "process.cwd is a string. process.cwd is an absolute path."
    assert cwd["$comment"] == "runtime/config.process.cwd (config.md#process)"
    size = at(standalone("image-manifest", "1.1.1"), "config", "size")
    assert size["description"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_is_explained(kind: str) -> None:
    def bare(node: Any, name: str) -> list[str]:
        found = [] if "description" in node else [name]
        inner = node.get("properties", {}) | node.get("items", {}).get("properties", {})
        for member, child in inner.items():
            found += bare(child, f"{name}.{member}")
        return found

    schema = standalone(kind, releases(kind)[-1])
    unexplained = [name for member, node in schema["properties"].items() for name in bare(node, member)]
    inventory = load()
    assert [name for name in unexplained if any(f".{name}.type" in clause for clause in inventory)] == []


def test_limits_are_listed_with_their_reasons(say: Command) -> None:
    said = say("schema", "runtime-config", "--limits")
    assert said.code == 0
    lines = said.out.splitlines()
    assert "safety/config.process.rlimits.soft-above-hard: it compares values that stand in different places" in lines
    assert len(lines) == len(limits("runtime-config", releases("runtime-config")[-1]))
    assert "runtime/config.process.cwd.absolute" not in said.out


def test_formats_of_our_own_have_no_limits(say: Command) -> None:
    said = say("schema", "report", "--limits")
    assert said.code == 2
    assert said.err == "ocivalidate: error: report is a format of ocivalidate, which takes no --limits\n"
