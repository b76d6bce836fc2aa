from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ocivalidate import resources
from ocivalidate.bundle import check_config
from ocivalidate.errors import BadCase
from ocivalidate.rules.clauses import PLATFORMS, Selection, Severity, load
from ocivalidate.rules.schema import everything
from ocivalidate.runtime import case_helpers, changed, document_clauses, judge_document, objects_of
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving.configs import base
from ocivalidate.runtime.driving.subject import Dialect, RuntimeUnderTest
from ocivalidate.runtime.kernel.host import Host
from ocivalidate.runtime.properties import by_pointer
from ocivalidate.runtime.running.loading import load_cases
from ocivalidate.runtime.running.needs import NEEDS, missing
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES, holds

FOLDER = resources.folder("conformance")
CASES = load_cases(FOLDER)


def module(name: str) -> ModuleType:
    """A module of cases, which :func:`load_cases` has loaded."""
    return sys.modules[f"ocivalidate_conformance_{name}"]


# ---------------------------------------------------------------------------------------------------- ours


def test_every_module_has_cases() -> None:
    assert {case.id.partition(".")[0] for case in CASES} == {
        file.stem.replace("_", "-") for file in FOLDER.glob("*.py") if not file.name.startswith("_")
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_is_declared_well(case: Case) -> None:
    inventory = load("runtime", "safety")
    # What a document breaks is judged of a runtime when the runtime wrote the document.
    kinds = {clause for kind in ("state", "features") for clause in document_clauses(kind)}
    strange = [clause for clause in case.judges if inventory[clause].judged != "dynamic" and clause not in kinds]
    assert not strange, "is no clause on what a runtime does"
    assert not [pointer for pointer in case.sets if pointer not in by_pointer()]
    assert re.fullmatch(r"[A-Z`/].{10,150}\.", case.summary), case.summary
    assert re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", case.id)
    assert not [need for need in case.needs if need.partition(":")[0] not in NEEDS]


# A host without anything.
BARE = Host(
    root=False,
    uid=1000,
    gid=1000,
    kernel=(3, 10),
    release="3.10",
    machine="none",
    cpus=(0,),
    cgroup_mode="none",
    controllers=(),
    unmounted=("hugetlb",),
    bounding=(),
    namespaces=(),
    lsms=(),
    seccomp_actions=(),
    resctrl=False,
    numa=False,
    rlimit_nofile=1024,
)
SUBJECT = RuntimeUnderTest(("/bin/true",), "", "", "", "1.0.0", "1.0.0", Dialect(""))


def test_details_of_needs_can_be_read() -> None:
    for need in sorted({need for case in CASES for need in case.needs}):
        reason = missing([need], BARE, SUBJECT)[1]
        # These do not depend on what is known of the host: the last one asks the kernel itself.
        own = need.partition(":")[0] in ("isolation", "program", "propagation")
        assert reason or own, f"{need} is met by a host without anything"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("memory", ""),
        ("hugetlb", "the control group controller hugetlb is not mounted on this host"),
        ("moon", "this kernel has no control group controller moon"),
    ],
)
def test_why_a_controller_cannot_be_used(name: str, reason: str) -> None:
    host = replace(BARE, root=True, controllers=("memory",))
    assert missing([f"controller:{name}"], host, SUBJECT)[1] == reason


def with_errors(config: Mapping[str, Any], release: str) -> list[str]:
    report = check_config(json.dumps(config).encode(), Selection(spec_version=release, platform="linux"))
    return [
        f"{finding.location.pointer}: {finding.message}"
        for finding in report.findings
        if finding.severity is Severity.ERROR
    ]


def trial(release: str) -> Any:
    """What the functions that make configs ask of a trial."""
    return SimpleNamespace(
        release=release,
        config=lambda *steps: base(release, *steps),
        holds=lambda since="1.0.0", until=None: holds(release, since, until),
        host=SimpleNamespace(
            controllers=("memory", "cpu", "pids"), seccomp_actions=("errno",), namespaces=("time",), cpus=(0,)
        ),
    )


@pytest.mark.parametrize("release", RUNTIME_RELEASES)
def test_valid_values_are_valid_and_invalid_ones_are_others(release: str) -> None:
    values = module("values")
    for table in values.TABLES:
        control = values._control(trial(release), table)
        assert with_errors(control, release) == []
        for row in table.rows:
            assert changed(control, row.pointer, row.bad) != control


def test_rows_that_the_specification_forbids_are_found_by_the_check_of_bundles() -> None:
    values = module("values")
    # These are refused by kernels; no document tells.
    kernels = {
        "process-io-priority-range",
        "root-path-missing",
        "mount-type-unknown",
        "mount-source-missing",
        "mount-option-unknown",
        "bind-option-unknown",
        "namespace-path-missing",
        "namespace-path-no-namespace",
        "sysctl-unknown",
        "sysctl-value",
        "time-offset-clock-unknown",
        "cpu-period-range",
        "cpu-quota-range",
        "cpu-cpus-too-many",
    }
    unseen = set()
    for table in values.TABLES:
        control = values._control(trial("1.3.0"), table)
        unseen |= {row.name for row in table.rows if not with_errors(changed(control, row.pointer, row.bad), "1.3.0")}
    assert unseen == kernels


# ---------------------------------------------------------------------------------------------- unknown members

# Objects that no config can have on every host, or not beside the others: what has them is in other cases.
ELSEWHERE = {
    "/linux/gidMappings/*": "needs a user namespace, without which the other cases want to be",
    "/linux/uidMappings/*": "needs a user namespace, without which the other cases want to be",
    "/mounts/*/gidMappings/*": "needs a file system that maps ids",
    "/mounts/*/uidMappings/*": "needs a file system that maps ids",
    "/linux/intelRdt": "needs a processor with resource control",
    "/linux/netDevices/*": "needs a network device to give away",
    "/linux/resources/blockIO": "needs a block device and its controller",
    "/linux/resources/blockIO/throttleReadBpsDevice/*": "needs a block device and its controller",
    "/linux/resources/blockIO/throttleReadIOPSDevice/*": "needs a block device and its controller",
    "/linux/resources/blockIO/throttleWriteBpsDevice/*": "needs a block device and its controller",
    "/linux/resources/blockIO/throttleWriteIOPSDevice/*": "needs a block device and its controller",
    "/linux/resources/blockIO/weightDevice/*": "needs a block device and its controller",
    "/linux/resources/hugepageLimits/*": "needs a controller that few hosts have",
    "/linux/resources/network": "needs controllers that few hosts have",
    "/linux/resources/network/priorities/*": "needs controllers that few hosts have",
    "/linux/resources/rdma/*": "needs a device for remote memory",
}


def objects_in_schema(node: Mapping[str, Any], pointer: str = "") -> Iterator[str]:
    """The pointers of the objects whose members the schema names."""
    if "properties" in node:
        yield pointer
    for name, child in node.get("properties", {}).items():
        if pointer or name not in PLATFORMS or name == "linux":
            yield from objects_in_schema(child, f"{pointer}/{name}")
    for below in (node.get("items"), node.get("additionalProperties")):
        if isinstance(below, dict):
            yield from objects_in_schema(below, f"{pointer}/*")


def test_unknown_members_get_into_every_object() -> None:
    config = module("extensibility")._rich(trial("1.3.0"))
    assert with_errors(config, "1.3.0") == []
    for found in [*objects_of(config)]:
        found["mark"] = True
    text = json.dumps(config)
    schema = {*objects_in_schema(everything("runtime-config"))}

    def marked(value: Any, pointer: str = "") -> Iterator[str]:
        if isinstance(value, dict):
            if "mark" in value:
                yield pointer
            for name, member in value.items():
                free = f"{pointer}/{name}" not in schema and any(place == f"{pointer}/*" for place in schema)
                yield from marked(member, f"{pointer}/*" if free else f"{pointer}/{name}")
        if isinstance(value, list):
            for entry in value:
                yield from marked(entry, f"{pointer}/*")

    there = {*marked(json.loads(text))}
    memory_policy = {"/linux/memoryPolicy"}  # where this host has NUMA nodes
    assert schema - there - memory_policy == {*ELSEWHERE}
    assert there <= schema


# ------------------------------------------------------------------------------------------------- reading cases

HEAD = "from ocivalidate.runtime import CaseContext, case\n\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            '@case("runtime.create.creates")\ndef a(trial: CaseContext) -> None: ...\n',
            "has no docstring, which must say what the case shows",
        ),
        (
            '@case()\ndef a(trial: CaseContext) -> None:\n    """It shows."""\n',
            "declares neither clauses nor properties",
        ),
        ('@case("runtime.no.such")\ndef a(trial: CaseContext) -> None:\n    """It shows."""\n', "not in the inventory"),
        ('@case(sets=["/no/such"])\ndef a(trial: CaseContext) -> None:\n    """It shows."""\n', "unknown properties"),
        ("raise ValueError('no')\n", ": ValueError: no"),
    ],
)
def test_bad_cases_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "some.py").write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(BadCase, match=complaint):
        load_cases(tmp_path)


def test_cases_are_named_by_module_and_function(tmp_path: Path) -> None:
    text = (
        '@case("runtime.create.creates", sets=["/hostname"], needs=["root"])\n'
        'def an_id(trial: CaseContext) -> None:\n    """It shows.\n\n    More.\n    """\n'
    )
    (tmp_path / "some_area.py").write_text(HEAD + text, encoding="utf-8")
    (tmp_path / "_helper.py").write_text("raise SystemExit\n", encoding="utf-8")
    (case,) = load_cases(tmp_path)
    assert (case.id, case.summary, case.needs) == ("some-area.an-id", "It shows.", ("root",))
    assert case.clauses == ("runtime/runtime.create.creates", "runtime/runtime.create.applies-config")


def test_cases_made_from_a_table_stand_in_a_list(tmp_path: Path) -> None:
    text = """
def made(name):
    def function(trial):
        pass
    function.__name__ = name
    function.__doc__ = f"It shows {name}."
    return case("runtime.create.creates")(function)

MADE = [made(name) for name in ("first", "second_one")]

@case("runtime.create.creates")
def third(trial):
    '''It shows.'''
"""
    (tmp_path / "some.py").write_text(HEAD + text, encoding="utf-8")
    assert [case.id for case in load_cases(tmp_path)] == ["some.first", "some.second-one", "some.third"]


def test_no_cases_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadCase, match="no cases"):
        load_cases(tmp_path)


# ---------------------------------------------------------------------------------------------- helpers of cases


@pytest.mark.parametrize(
    ("pointer", "value", "result"),
    [
        ("/b", 1, {"a": {"list": [1, 2]}, "b": 1}),
        ("/a/list", [], {"a": {"list": []}}),
        ("/a/list/-", 3, {"a": {"list": [1, 2, 3]}}),
        ("/a/list/0", 3, {"a": {"list": [3, 2]}}),
        ("/c/d/e", 3, {"a": {"list": [1, 2]}, "c": {"d": {"e": 3}}}),
        ("/c/-", 3, {"a": {"list": [1, 2]}, "c": [3]}),
        ("/c/-/d", 3, {"a": {"list": [1, 2]}, "c": [{"d": 3}]}),
    ],
)
def test_changing_a_config_leaves_the_old_one(pointer: str, value: Any, result: Any) -> None:
    config = {"a": {"list": [1, 2]}}
    assert changed(config, pointer, value) == result
    assert config == {"a": {"list": [1, 2]}}


STATE = {"ociVersion": "1.3.0", "id": "x", "status": "running", "pid": 5, "bundle": "/b"}


def test_documents_of_runtimes_are_judged_by_their_clauses(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(json.dumps(STATE | {"bundle": "b", "own": 1}), encoding="utf-8")
    judged = judge_document("state", file, "1.3.0")
    broken = {clause: found.broken for clause, found in judged.items() if found.broken}
    assert list(broken) == ["runtime/runtime.state.bundle.absolute"]
    assert judged["runtime/runtime.state.annotations.type"].skipped == "not present"
    held = {clause for clause in document_clauses("state") if load()[clause].holds_in("1.3.0")}
    assert held <= {*judged}

    file.write_text("no JSON", encoding="utf-8")
    assert judge_document("state", file, "1.3.0")["runtime/glossary.json.syntax"].broken


def test_a_program_that_is_not_written_for_every_machine_is_needed_by_name() -> None:
    """On another machine the program is empty, and a runtime would be blamed for not running it."""
    without = set()
    for file in FOLDER.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        if re.search(r"mounting\.(euid_program|lay_out|effects_of)\(", text) and "mounting.MACHINES" not in text:
            without.add(file.name)
    assert without == set()


def test_no_case_ignores_what_an_operation_came_to() -> None:
    """A kill that fails, and is not looked at, ends as a verdict on something else."""
    # What these come to is judged elsewhere, or does not matter: their effects alone are looked at.
    unjudged = {
        "cgroup_trees.py: outer.delete()",
        "cgroup_v2.py: container.create()",
        "escapes.py: container.start()",
        "lifecycle.py: container.delete()",
        "net_devices.py: container.state()",
    }
    operations = {"create", "start", "kill", "delete", "state"}
    found = set()
    for file in [*FOLDER.glob("*.py"), *Path(case_helpers.__path__[0]).glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            call = node.value if isinstance(node, ast.Expr) else None
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            whose = ast.unparse(call.func.value)
            if call.func.attr in operations and whose != "process":
                found.add(f"{file.name}: {whose}.{call.func.attr}()")
    assert found == unjudged
