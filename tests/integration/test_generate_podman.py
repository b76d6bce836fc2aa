"""Every flag of podman has an answer, and those that we take over mean what they mean to podman."""

from __future__ import annotations

import itertools
import json
import platform
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle.api import check_config
from ocivalidate.bundle.values import CAPABILITIES
from ocivalidate.generate.engines import ENGINE_FLAGS
from ocivalidate.generate.table import TABLE
from ocivalidate.rules.findings import ExitCode, exit_code
from tests.integration.enclosure import why_not_enclosed
from tests.integration.makers import MAKERS, podman_help, save_podman_configs
from tests.integration.podman_flags import NOT_COMPARED, ROWS, Row
from tests.unit.generating import run

pytestmark = pytest.mark.integration

BATCH = 40
"""Containers in one session of podman; a session has a time limit."""
ABSENT = "absent"
OURS = {flag for option in TABLE.values() for flag in option.flags} | {"--os", "--help"}
_FLAG = re.compile(r"^ +(?:(-[a-zA-Z]), )?(?: {4})?(--[a-z0-9-]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def podman() -> None:
    maker = next(maker for maker in MAKERS if maker.name == "podman")
    lacking = maker.missing() or why_not_enclosed()
    if lacking:
        pytest.skip(lacking)


@pytest.fixture(scope="module")
def flags(podman: None, tmp_path_factory: pytest.TempPathFactory) -> set[str]:  # noqa: ARG001  # it skips
    work = tmp_path_factory.mktemp("help")
    text = podman_help(work, "create") + podman_help(work, "run")
    found = {flag for pair in _FLAG.findall(text.partition("Options:")[2]) for flag in pair if flag}
    assert len(found) > 140
    return found


def test_every_flag_of_podman_has_an_answer(flags: set[str]) -> None:
    assert not flags - OURS - set(ENGINE_FLAGS)


def test_every_flag_that_both_have_is_compared(flags: set[str]) -> None:
    compared = {word.partition("=")[0] for row in ROWS for word in shlex.split(row.options) if word.startswith("-")}
    compared |= {"-i", "-t"}  # together in one word
    long = {flag for flag in flags & OURS if flag.startswith("--")}
    assert not long - compared - set(NOT_COMPARED)
    assert not {flag for flag in flags & OURS if not flag.startswith("--")} - compared


# --- Configs beside each other


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to show, and files to read."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / "host").mkdir()
    (folder / "env").write_text("# a comment\nA=b c\nNOT_HERE\n")
    (folder / "labels").write_text("a.b=c\n")
    (folder / "profile.json").write_text(json.dumps(profile()))
    return folder


def profile() -> dict[str, Any]:
    """A profile whose rules have every pair of conditions that podman knows: it passes over minKernel."""
    conditions: list[dict[str, Any] | None] = [
        *(None, {}, {"arches": []}, {"arches": ["amd64"]}, {"arches": ["arm64"]}, {"arches": ["x86", "x32"]}),
        *({"caps": ["CAP_MKNOD"]}, {"caps": ["CAP_SYS_ADMIN"]}, {"caps": ["CAP_SYS_ADMIN", "CAP_MKNOD"]}),
        *({"caps": ["CAP_CHOWN"], "arches": ["amd64"]}, {"caps": ["CAP_CHOWN"], "arches": ["arm64"]}),
    ]
    rules: list[dict[str, Any]] = []
    for number, (included, excluded) in enumerate(itertools.product(conditions, repeat=2)):
        rule: dict[str, Any] = {"names": [f"call{number}"], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "x"}
        rule |= {"includes": included} if included is not None else {}
        rule |= {"excludes": excluded} if excluded is not None else {}
        rule |= {"action": "SCMP_ACT_ERRNO", "errno": "EINVAL"} if number % 3 == 0 else {}
        if number % 5 == 0:
            rule["name"] = rule.pop("names")[0]
        if number % 7 == 0:
            rule["args"] = [{"index": 0, "value": 5, "valueTwo": number % 2, "op": "SCMP_CMP_EQ"}]
        rules.append(rule)
    maps = [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
    ]
    head = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS", "defaultErrnoRet": 38}
    return {**head, "archMap": maps, "syscalls": rules}


def words(row: Row, folder: Path) -> list[str]:
    return shlex.split(row.options.format(host=folder / "host", files=folder))


def possible(row: Row) -> bool:
    """Whether this host has the device that a row names."""
    named = re.findall(r"/dev/(?:loop0|ptmx)", row.options)
    return all(Path(path).exists() for path in named)


@pytest.fixture(scope="module")
def theirs(podman: None, folder: Path) -> dict[str, Any]:  # noqa: ARG001  # it skips
    found: dict[str, Any] = {}
    variants = {"none": [], **{str(number): words(row, folder) for number, row in enumerate(ROWS) if possible(row)}}
    for start in range(0, len(variants), BATCH):
        batch = dict(itertools.islice(variants.items(), start, start + BATCH))
        saved = save_podman_configs(folder, batch)
        found |= {name: json.loads(text) for name, text in saved.items()}
    return found


@pytest.mark.parametrize("number", range(len(ROWS)), ids=lambda number: ROWS[number].options)
def test_a_flag_means_what_it_means_to_podman(
    number: int, theirs: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[number]
    if not possible(row):
        pytest.skip("this host lacks the device")
    if "profile.json" in row.options and platform.machine() != "x86_64":
        pytest.skip("podman converts for x86_64 here")
    # A variable that podman is given.
    monkeypatch.setenv("CONTAINERS_CONF", str(folder / "containers.conf"))
    ran = run(*words(row, folder), "--", "/bin/true")
    assert exit_code([check_config(ran.out)]) is ExitCode.CONFORMS
    default = run("--", "/bin/true").config
    differing = {
        member: (ours, other)
        for member in row.members.split()
        if (ours := look(ran.config, default, member)) != (other := look(theirs[str(number)], theirs["none"], member))
    }
    assert differing.keys() == row.differs.keys(), differing


def look(config: Any, default: Any, member: str) -> Any:
    """A member in a form that can be compared: what has no order is sorted, and what is the default left out.

    With ``~``: what is there besides the defaults.
    """
    name = member.removesuffix("~")
    found = _found(config, name)
    if member == name:
        return _plain(found, name)
    # podman gives its containers a name of its own.
    before, now = (
        {word for word in _found(each, name) if not word.startswith("HOSTNAME=")} for each in (default, config)
    )
    return sorted(now - before)


def _found(config: Any, name: str) -> Any:
    path, _bracket, key = name.removesuffix("]").partition("[")
    at: Any = config["linux"]["namespaces"] if path == "namespaces" else config
    for step in path.split(".") if path != "namespaces" else ():
        at = at.get(step, ABSENT) if isinstance(at, dict) else ABSENT
    if not key or at == ABSENT:
        return at
    if isinstance(at, dict):
        return at.get(key, ABSENT)
    return next(_entries(at, key), ABSENT)


def _entries(at: list[Any], key: str) -> Iterator[Any]:
    for entry in at:
        named = (entry.get("type"), entry.get("destination")) if isinstance(entry, dict) else (entry.partition("=")[0],)
        if key in named:
            yield entry


def _plain(found: Any, name: str) -> Any:
    if name.startswith("process.capabilities"):
        # What this host itself lacks, podman leaves out of all.
        return sorted(set(found if found != ABSENT else []) & _held())
    if isinstance(found, dict) and "destination" in found:
        return {**found, "options": sorted(set(found.get("options", [])) - {"rw"} - _self_evident(found))}
    if isinstance(found, list) and name == "linux.devices":
        # The type of the file stands in a member of its own.
        return [{**entry, "fileMode": entry.get("fileMode", 0) & 0o7777} for entry in found]
    return ABSENT if found is False or found in ([], {}) else found


def _self_evident(mount: Any) -> set[str]:
    """Podman says of some filesystems that they are private, and every one is that is mounted in the container."""
    return {"rprivate"} if mount["type"] not in ("bind", "tmpfs") else set()


def _held() -> set[str]:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    bounding = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:")), 16)
    from tests.integration.test_generate_runs import CAPABILITY_NUMBERS

    held = {f"CAP_{name}" for number, name in enumerate(CAPABILITY_NUMBERS) if bounding >> number & 1}
    return held & set(CAPABILITIES)
