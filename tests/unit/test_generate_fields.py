"""Every field of the specification can be set and read back. The schema says which there are, not a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ocivalidate.errors import OptionError
from ocivalidate.generate import ConfigBuilder
from ocivalidate.generate.paths import fields, resolve
from ocivalidate.rules.clauses import load
from ocivalidate.rules.schema import derive
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES
from tests.unit.generating import refused, run

NEWEST = "1.3.0"
KIND = "runtime-config"


class Sample(NamedTuple):
    """One field: how it is written on a command line, where it is read back, and a value that fits."""

    path: str
    steps: tuple[str | int, ...]
    value: Any

    @property
    def text(self) -> str:
        """The value as it stands on a command line: permission bits in octal, anything but a text as JSON."""
        if self.steps[-1] in ("umask", "fileMode", "mode") and isinstance(self.value, int):
            return f"0{self.value:o}"
        return self.value if isinstance(self.value, str) else json.dumps(self.value)


def walk(node: dict[str, Any], path: str, steps: tuple[str | int, ...]) -> Iterator[Sample]:
    """Every field below a node of the schema, found without the code under test."""
    for name, child in node.get("properties", {}).items():
        yield from field(child, f"{path}.{name}" if path else name, (*steps, name))
    if "items" in node:
        yield from field(node["items"], f"{path}[+]", (*steps, -1))
    if "additionalProperties" in node:
        yield from field(node["additionalProperties"], f'{path}["key.of.it"]', (*steps, "key.of.it"))


def field(node: dict[str, Any], path: str, steps: tuple[str | int, ...]) -> Iterator[Sample]:
    yield Sample(path, steps, "1.3.0" if path == "ociVersion" else sample(node))
    yield from walk(node, path, steps)


def sample(node: dict[str, Any]) -> Any:
    if "enum" in node:
        return node["enum"][-1]
    if node["type"] == "integer":
        return 7 if node["maximum"] > 2**20 else node["maximum"] - 1
    if node["type"] == "array":
        return [sample(node["items"])]
    if node["type"] == "object":
        required = {name: sample(node["properties"][name]) for name in node.get("required", ())}
        others = {"some": sample(node["additionalProperties"])} if "additionalProperties" in node else {}
        return required | others
    return {"string": "rwm" if "pattern" in node else "some text", "boolean": True}[node["type"]]


SAMPLES = list(walk(derive(KIND, NEWEST), "", ()))


def read(config: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        config = config[step]
    return config


def test_the_schema_has_fields_to_test() -> None:
    assert len(SAMPLES) > 350


@pytest.mark.parametrize("field_sample", SAMPLES, ids=lambda field_sample: field_sample.path)
def test_every_field_can_be_set_and_read_back(field_sample: Sample) -> None:
    ran = run("--force", "--set", f"{field_sample.path}={field_sample.text}")
    assert ran.code == 0, ran.err
    assert read(json.loads(ran.out), field_sample.steps) == field_sample.value


@pytest.mark.parametrize("field_sample", SAMPLES, ids=lambda field_sample: field_sample.path)
def test_every_field_can_be_unset(field_sample: Sample) -> None:
    builder = ConfigBuilder.linux().set(field_sample.path, field_sample.value)
    path = field_sample.path.replace("[+]", "[-1]")
    left = builder.unset(path).get(path.rpartition("[-1]")[0] if path.endswith("[-1]") else path)
    assert left is None or (isinstance(left, list) and path.endswith("[-1]"))


def test_list_paths_prints_every_field_of_every_release() -> None:
    lines = run("--list-paths").out.decode().splitlines()
    listed = {line.split()[0] for line in lines if not line.startswith("#")}
    for release in RUNTIME_RELEASES:
        for entry in walk(derive(KIND, release), "", ()):
            assert entry.path.replace("[+]", "[]").replace('["key.of.it"]', ".*") in listed


def test_list_paths_tells_type_releases_and_a_clause_that_there_is() -> None:
    clauses = load()
    rows = {
        line.split()[0]: line.split()[1:]
        for line in run("--list-paths").out.decode().splitlines()
        if not line.startswith("#")
    }
    assert rows["linux.resources.memory.limit"] == [
        "1.0.0-1.3.0",
        "integer",
        "(bytes)",
        "runtime/config-linux.resources.memory.limit.type",
    ]
    assert rows["linux.netDevices.*.name"][0] == "1.3.0-1.3.0"
    assert rows["zos.devices[].path"][0] == "1.1.0-1.2.0"
    assert {row[-1] for row in rows.values()} <= set(clauses)


def test_a_member_has_at_least_the_bounds_of_what_it_stands_in() -> None:
    found = {entry.path: (entry.since, entry.until) for entry in fields()}
    assert found["linux.memoryPolicy.nodes"] == ("1.3.0", None)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("linux.resources.memory.limt", "did you mean linux.resources.memory.limit?"),
        ("linux.resources.Memory.limit", "did you mean linux.resources.memory?"),
        ("memory.limit", "did you mean linux.resources.memory.limit?"),
        ("mounts[0].destinatoin", "did you mean mounts[0].destination?"),
        ("proces.args", "did you mean process?"),
        ("qqqqqq", "--list-paths prints all"),
        ("process.cwd.x", "process.cwd has type string"),
        ("process.args.x", "process.args has type array"),
        ("process[0]", "process has type object"),
        ("mounts[99].type", "the array has 7 entries"),
        ("mounts[0", "expected a dot before '[0=x'"),
        ('annotations["a\\q"]', "is not a JSON string"),
        ("/process/args/x", "'x' is not the index of an array entry"),
        ("/process/~2", "is not a path"),
        ("process..cwd", "expected a name before '.cwd=x'"),
        ("process.cwd.", "expected a name before '=x'"),
    ],
)
def test_a_wrong_path_is_refused_with_a_hint(path: str, hint: str) -> None:
    assert hint in refused("--set", f"{path}=x")


@pytest.mark.parametrize("argument", ["process.cwd", "", "=x"])
def test_set_wants_path_and_value(argument: str) -> None:
    refused("--set", argument)


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        ("process.terminal=yes", "'yes' is neither true nor false"),
        ("process.user.uid=-1", "process.user.uid is out of range (got -1, want 0 to 4294967295)"),
        ("process.user.uid=root", "'root' is not an integer"),
        ("process.args=sh", 'process.args is an array: write it as JSON, such as ["a","b"]; --append adds one entry'),
        ("process.args=[1]", "process.args[0] is not a string (got 1, want a string)"),
        ("process.args=[", "process.args is not valid JSON"),
        ("process.scheduler.policy=FIFO", "is not one of the values that the specification lists"),
        ('linux.memoryPolicy={"modes":"MPOL_LOCAL"}', "did you mean mode?"),
        ('mounts=[{"destination":"/x","x":1}]', "there is no field mounts[0].x"),
        ('linux={"seccomp":{"defaultAction":1}}', "linux.seccomp.defaultAction is not a string"),
        ("linux.resources.blockIO.weight=70000", "out of range"),
    ],
)
def test_a_value_of_another_type_is_refused(assignment: str, problem: str) -> None:
    assert problem in refused("--set", assignment)


@pytest.mark.parametrize(
    ("assignment", "steps", "value"),
    [
        ("linux.resources.memory.limit=1.5g", ("linux", "resources", "memory", "limit"), 1610612736),
        ("linux.resources.memory.limit=-1", ("linux", "resources", "memory", "limit"), -1),
        ("linux.resources.cpu.quota=50ms", ("linux", "resources", "cpu", "quota"), 50_000),
        ("process.user.umask=022", ("process", "user", "umask"), 0o22),
        ("process.oomScoreAdj=0x10", ("process", "oomScoreAdj"), 16),
        ("/process/cwd=/a=b", ("process", "cwd"), "/a=b"),
        ("linux.sysctl.net.ipv4.ip_forward=1", ("linux", "sysctl", "net.ipv4.ip_forward"), "1"),
        ('annotations["org.example.a=b"]=c', ("annotations", "org.example.a=b"), "c"),
        ("/process/env/-=A=b", ("process", "env", -1), "A=b"),
        ("mounts[-1].source=x", ("mounts", -1, "source"), "x"),
        ('windows.credentialSpec={"CmsPlugins":["x"]}', ("windows", "credentialSpec"), {"CmsPlugins": ["x"]}),
        ("windows.credentialSpec.DomainJoinConfig={}", ("windows", "credentialSpec", "DomainJoinConfig"), {}),
    ],
)
def test_values_are_read_by_their_type(assignment: str, steps: tuple[str | int, ...], value: Any) -> None:
    ran = run("--force", "--set", assignment)
    assert ran.code == 0, ran.err
    assert read(json.loads(ran.out), steps) == value


def test_append_adds_an_entry_and_refuses_what_is_no_array() -> None:
    config = run("--append", "process.args=-c", "--append", "process.args=ls").config
    assert config["process"]["args"] == ["sh", "-c", "ls"]
    assert "is not an array" in refused("--append", "process.cwd=/")
    with pytest.raises(OptionError, match="is not an array"):
        ConfigBuilder.linux().append("process.cwd", "/")


def test_fields_are_written_after_every_friendly_option_in_their_own_order() -> None:
    config = run("--set", "process.cwd=/first", "--set", "process.cwd=/second", "--workdir", "/friendly").config
    assert config["process"]["cwd"] == "/second"


def test_a_field_that_the_release_does_not_have_is_refused_and_the_release_that_has_it_named() -> None:
    problem = refused("--spec-version", "1.0.2", "--set", "domainname=example")
    assert problem == "--set: domainname was added in runtime-spec 1.1.0, but this config is for 1.0.2"
    assert run("--spec-version", "1.1.0", "--set", "domainname=example").config["ociVersion"] == "1.1.0"


def test_a_member_of_a_value_that_the_release_does_not_have_is_refused() -> None:
    problem = refused("--spec-version", "1.0.2", "--append", 'mounts={"destination":"/x","uidMappings":[]}')
    assert "mounts[7].uidMappings was added in runtime-spec 1.1.0" in problem


def test_a_removed_field_is_refused_and_the_last_release_that_had_it_named() -> None:
    problem = refused("--spec-version", "1.3.0", "--set", "linux.intelRdt.enableCMT=true")
    assert "was removed after runtime-spec 1.2.1" in problem


def test_the_release_named_is_the_oldest_that_has_all_members() -> None:
    assert run().config["ociVersion"] == "1.0.2"
    assert run("--set", "linux.resources.cpu.idle=1").config["ociVersion"] == "1.1.0"
    assert run("--set", "linux.intelRdt.enableCMT=true", "--force").config["ociVersion"] == "1.1.0"
    assert run("--timens", "private").config["ociVersion"] == "1.1.0"
    assert run("--set", "linux.netDevices.eth0.name=x").config["ociVersion"] == "1.3.0"


def test_no_release_may_have_it_all() -> None:
    problem = refused("--set", "zos.devices=[]", "--set", "linux.memoryPolicy.mode=MPOL_LOCAL")
    assert "zos.devices was removed after 1.2.0, and linux.memoryPolicy was added in 1.3.0" in problem


def test_the_version_itself_is_a_field() -> None:
    assert run("--set", "ociVersion=1.1.0", "--set", "domainname=x").config["ociVersion"] == "1.1.0"


def test_a_path_says_itself_again() -> None:
    for text in ("process.cwd", "mounts[0].options[+]", 'annotations["a.b"]', "linux.timeOffsets.boottime.secs"):
        assert resolve(text).text == text
