"""Mutants change one thing, and what they wrap is otherwise as it is."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fixtures.fake_runtime.faults import FAULTS
from fixtures.mutants import Mutant
from fixtures.mutants.operators import OPERATORS
from fixtures.mutants.tables import mutants
from fixtures.mutants.tables.properties import UNSEEN
from ocivalidate import resources
from ocivalidate.rules.clauses import matches
from ocivalidate.runtime.running.loading import load_cases

CONFIG: dict[str, Any] = {
    "hostname": "h",
    "process": {"rlimits": [{"soft": 8}, {"soft": 4}], "env": ["A=b", "PATH=/bin"], "terminal": False},
    "annotations": {"one": "1", "two": "2"},
    "linux": {"maskedPaths": ["/m"], "readonlyPaths": ["/r"]},
    "mounts": [{"destination": "/b", "options": ["ro", "rro"]}, {"destination": "/a"}],
}
# Says with which arguments it was called, and what config.json is; its exit status is 3.
RUNTIME = """#!/bin/sh
echo "$@"
case "$*" in *create*) cat "$3/config.json";; esac
exit 3
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "runtime").write_text(RUNTIME)
    (tmp_path / "runtime").chmod(0o755)
    return folder


def mutated(bundle: Path, operator: str, *command: str, **arguments: Any) -> tuple[int, str]:
    mutant = Mutant("loses /a/*/b of all", operator, (), arguments).write(bundle.parent, str(bundle.parent / "runtime"))
    words = command or ("create", "--bundle", str(bundle), "id")
    done = subprocess.run([str(mutant), *words], capture_output=True, text=True, check=False)
    assert json.loads((bundle / "config.json").read_text()) == CONFIG
    return done.returncode, done.stdout


def seen(bundle: Path, operator: str, **arguments: Any) -> Any:
    code, text = mutated(bundle, operator, **arguments)
    said, _, config = text.partition("\n")
    assert (code, said) == (3, f"create --bundle {bundle} id")
    return json.loads(config)


def test_configs_are_another_as_long_as_create_lasts(bundle: Path) -> None:
    assert "hostname" not in seen(bundle, "drop", pointer="/hostname")
    assert seen(bundle, "drop", pointer="/process/rlimits/*/soft")["process"]["rlimits"] == [{}, {}]
    assert seen(bundle, "drop", pointer="/mounts/-1")["mounts"] == CONFIG["mounts"][:1]
    assert seen(bundle, "drop", pointer="/not/there") == CONFIG
    assert seen(bundle, "set", pointer="/linux", value=1)["linux"] == 1
    assert seen(bundle, "set", pointer="/domainname", value="d", beside="/nothing") == CONFIG
    limits = "/process/rlimits/*/soft"
    assert seen(bundle, "scale", pointer=limits, by=0.5)["process"]["rlimits"] == [{"soft": 4}, {"soft": 2}]
    assert seen(bundle, "shift", pointer=limits, by=1)["process"]["rlimits"] == [{"soft": 9}, {"soft": 5}]
    assert seen(bundle, "reverse", pointer="/process/env")["process"]["env"] == ["PATH=/bin", "A=b"]
    assert seen(bundle, "add", pointer="/process/env", value="C=d")["process"]["env"][-1] == "C=d"
    assert seen(bundle, "add", pointer="/process/groups", value=5)["process"]["groups"] == [5]
    assert seen(bundle, "drop-words", pointer="/mounts/*/options", pattern="rr.*")["mounts"][0]["options"] == ["ro"]
    assert seen(bundle, "sort", pointer="/mounts", member="destination")["mounts"] == CONFIG["mounts"][::-1]
    renamed = seen(bundle, "replace-words", pointer="/mounts/*/destination", words={"/a": "/c"})
    assert [mount["destination"] for mount in renamed["mounts"]] == ["/b", "/c"]


def test_words_members_and_lists_of_configs_change(bundle: Path) -> None:
    assert seen(bundle, "drop", pointer="/annotations/-1")["annotations"] == {"one": "1"}
    assert seen(bundle, "flip", pointer="/process/terminal")["process"]["terminal"] is True
    assert seen(bundle, "double", pointer="/mounts/0/options")["mounts"][0]["options"] == ["ro", "ro", "rro", "rro"]
    cut = seen(bundle, "rewrite", pointer="/process/env", pattern="=.*", by="=")
    assert cut["process"]["env"] == ["A=", "PATH="]
    assert seen(bundle, "rewrite", pointer="/hostname", pattern="$", by="-x")["hostname"] == "h-x"
    split = seen(bundle, "split-words", pointer="/process/env")
    assert split["process"]["env"] == ["A=b", "PATH=/bin"]
    linux = seen(bundle, "move", member="maskedPaths", to="readonlyPaths")["linux"]
    assert linux == {"readonlyPaths": ["/r", "/m"]}
    linux = seen(bundle, "swap", pointer="/linux", members=["maskedPaths", "readonlyPaths"])["linux"]
    assert linux == {"maskedPaths": ["/r"], "readonlyPaths": ["/m"]}
    linux = seen(bundle, "copy", pointer="/linux", member="maskedPaths", to="readonlyPaths")["linux"]
    assert linux == {"maskedPaths": ["/m"], "readonlyPaths": ["/m"]}
    assert seen(bundle, "copy", pointer="/linux", member="maskedPaths", to="nothing") == CONFIG


HOOK = """#!/bin/sh
echo "$0 $@"
cat
"""


@pytest.mark.parametrize(
    ("how", "said", "want"),
    [
        ("swallow", None, '{path} a b\n{{"id": "c"}}'),
        ("no-state", None, "{path} a b\n"),
        ("other-state", '{"id": "d", "pid": null, "x": 1}', '{path} a b\n{{"id": "d", "x": 1}}'),
    ],
)
def test_hooks_get_something_else(bundle: Path, how: str, said: str | None, want: str) -> None:
    hook = bundle / "hook"
    hook.write_text(HOOK)
    hook.chmod(0o755)
    text = json.dumps(CONFIG | {"hooks": {"poststop": [{"path": str(hook), "args": ["named", "a", "b"]}]}})
    (bundle / "config.json").write_text(text)
    more = {} if said is None else {"said": said}
    arguments = {"kind": "poststop", "how": how, **more}
    mutant = Mutant("hooks", "hooks-around", (), arguments).write(bundle.parent, str(bundle.parent / "runtime"))
    done = subprocess.run([str(mutant), "create", "--bundle", str(bundle), "id"], stdout=subprocess.PIPE, check=False)
    around = json.loads(done.stdout.partition(b"\n")[2])["hooks"]["poststop"][0]
    state = '{"id": "c"}' if how != "other-state" else '{"id": "c", "pid": 7}'
    ran = subprocess.run(
        around["args"], executable=around["path"], input=state, stdout=subprocess.PIPE, text=True, check=True
    )
    assert ran.stdout == want.format(path=hook)


def test_what_is_told_is_something_else(bundle: Path) -> None:
    state = {"id": "c", "annotations": {"a": "b"}}
    (bundle.parent / "runtime").write_text(f"#!/bin/sh\necho '{json.dumps(state)}'\nexit 0\n")

    def told(operator: str, **arguments: Any) -> Any:
        code, text = mutated(bundle, operator, "state", "c", **arguments)
        assert code == 0
        return json.loads(text)

    assert told("told", command="state", pointer="/id", value="d")["id"] == "d"
    assert told("told", command="state", pointer="/id", value="d", only="running") == state
    changed = told("retold", command="state", change="rewrite", pointer="/annotations/*", pattern="b", by="c")
    assert changed["annotations"] == {"a": "c"}
    assert told("other-pid")["pid"] > 1
    assert told("more", commands=["start"], text="more") == state
    assert mutated(bundle, "more", "state", "c", commands=["state"], text="more")[1] == f"{json.dumps(state)}\nmore"
    assert mutated(bundle, "elsewhere", "state", "c", commands=["state"]) == (0, "")


def test_other_commands_are_those_of_the_runtime(bundle: Path) -> None:
    assert mutated(bundle, "drop", "--version", pointer="/hostname") == (3, "--version\n")
    assert mutated(bundle, "status", "--root", "/x", "state", "id", commands=["start"], code=0) == (
        3,
        "--root /x state id\n",
    )
    assert mutated(bundle, "status", "--root", "/x", "start", "id", commands=["start"], code=0) == (
        0,
        "--root /x start id\n",
    )
    assert mutated(bundle, "swallow", "start", "id", commands=["start"]) == (0, "")
    replaced = mutated(bundle, "words", "kill", "id", "TERM", command="kill", replace={"TERM": "HUP"}, add=["-a"])
    assert replaced == (3, "kill -a id HUP\n")


def test_the_table_is_in_order() -> None:
    cases = load_cases(resources.folder("conformance"))
    every = mutants(cases)
    assert [name for name, count in Counter(mutant.name for mutant in every).items() if count > 1] == []
    assert [mutant.name for mutant in every if mutant.operator not in OPERATORS] == []
    idle = [
        (mutant.name, pattern)
        for mutant in every
        for pattern in mutant.cases
        if not any(matches(case.id, pattern) for case in cases)
    ]
    assert idle == []
    assert [pointer for pointer in UNSEEN if not any(pointer in case.sets for case in cases)] == []


def test_each_case_has_something_to_notice() -> None:
    """A case that nothing names cannot be seen to fail: a mutant, or a fault of the fake, is missing."""
    cases = load_cases(resources.folder("conformance"))
    of_faults = {case for fault in FAULTS.values() for case in fault.cases}
    patterns = {pattern for mutant in mutants(cases) for pattern in mutant.cases}
    idle = [
        case.id for case in cases if case.id not in of_faults and not any(matches(case.id, one) for one in patterns)
    ]
    assert idle == []
