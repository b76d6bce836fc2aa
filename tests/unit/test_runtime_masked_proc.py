"""A sandboxed kernel may lack any file of /proc: what can be learned without it is still learned."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.errors import NotShown, RuntimeFailed
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.inside import RECORDER_SOURCE, probe
from ocivalidate.runtime.inside.facts import Facts, find_facts
from ocivalidate.runtime.judging import judge
from ocivalidate.runtime.running.attempt import attempt
from tests.unit import faking
from tests.unit.faking import Faked

# Runs a script in an interpreter for which some paths have no file, or an empty one.
MASKED = """
import io, os, sys
how, hidden, script, *rest = sys.argv[1:]

def masked(real, empty):
    def call(path, *more, **named):
        text = os.fspath(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
        if hidden and isinstance(text, str) and (text == hidden or text.startswith(hidden + "/")):
            if how == "absent" or empty is None:
                raise FileNotFoundError(2, os.strerror(2), path)
            return empty()
        return real(path, *more, **named)
    return call

void = lambda: os_open("/dev/null", os.O_RDONLY)
os_open = os.open
os.open = masked(os.open, void)
os.readlink, os.listdir = masked(os.readlink, None), masked(os.listdir, list)
os.ttyname = masked(os.ttyname, None)
builtin_open = open
import builtins
builtins.open = masked(open, lambda: io.BytesIO(b""))
sys.argv = [script, *rest]
with builtin_open(script) as file:
    exec(compile(file.read(), script, "exec"), {"__name__": "__main__", "__file__": script})
"""
# Every file of /proc that the probe reads, and the steps that nothing but this file can answer.
FILES = {
    "/proc": {"fds", "label", "idmaps", "mountinfo", "namespaces", "oom-score-adj"},
    "/proc/self/attr": {"label"},
    "/proc/self/cmdline": set(),
    "/proc/self/environ": set(),
    "/proc/self/fd": {"fds"},
    "/proc/self/gid_map": set(),
    "/proc/self/mountinfo": {"mountinfo"},
    "/proc/self/ns": {"namespaces"},
    "/proc/self/ns/net": set(),
    "/proc/self/oom_score_adj": {"oom-score-adj"},
    "/proc/self/status": set(),
    "/proc/self/uid_map": set(),
    "/proc/sys/kernel/domainname": set(),
}
STEPS = [name for name in probe.LOOKS if name != "label"]
# Of the facts, what another process has of its own.
OWN = {"argv", "environ", "fds"}


def look(how: str, hidden: str) -> Facts:
    words = " , ".join(STEPS).split()
    line = [sys.executable, "-I", "-S", "-c", MASKED, how, hidden, str(probe.__file__), *words]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=30)
    facts = find_facts(done.stdout)
    assert facts is not None
    return facts


def _stable(step: str, value: Any) -> Any:
    if step == "ids":
        return {name: member for name, member in value.items() if name not in ("pid", "ppid")}
    if step == "status":
        return {name: value.get(name) for name in (*probe.CAPABILITY_SETS, "NoNewPrivs", "Seccomp")}
    return value


@pytest.mark.parametrize("hidden", FILES)
def test_a_file_that_is_absent_takes_nothing_else_with_it(hidden: str) -> None:
    whole, without = look("absent", ""), look("absent", hidden)
    for step in STEPS:
        if step in FILES[hidden]:
            assert without.error(step) == "ENOENT"
        elif step in OWN:
            assert without.value(step), step
        elif (step, hidden) == ("namespaces", "/proc/self/ns/net"):
            assert without.value(step) == {name: link for name, link in whole.value(step).items() if name != "net"}
        elif step == "idmaps" and hidden.endswith("_map"):
            kind = Path(hidden).name.removesuffix("_map")
            assert without.value(step) == {name: map_ for name, map_ in whole.value(step).items() if name != kind}
        else:
            assert _stable(step, without.outcome(step)) == _stable(step, whole.outcome(step)), step


def test_without_status_capabilities_are_asked_of_the_kernel() -> None:
    whole = look("absent", "").value("status")
    for how in ("absent", "empty"):
        asked = look(how, "/proc/self/status").value("status")
        assert asked == {name: whole[name] for name in (*probe.CAPABILITY_SETS, "NoNewPrivs", "Seccomp")}


@pytest.mark.parametrize("line", [*probe.CAPABILITY_SETS, "NoNewPrivs", "Seccomp"])
def test_a_line_that_status_lacks_is_asked_of_the_kernel(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = probe.read("/proc/self/status")
    kept = "".join(f"{row}\n" for row in text.splitlines() if not row.startswith(f"{line}:"))
    monkeypatch.setattr(probe, "read", lambda *_: kept)
    asked = probe.status()
    monkeypatch.setattr(probe, "read", lambda *_: text)
    assert asked[line] == probe.status()[line]


def test_what_a_kernel_does_not_show_is_no_failure_of_a_runtime() -> None:
    facts = Facts(
        (
            {"step": "mountinfo", "args": [], "error": "ENOENT"},
            {"step": "read", "args": ["/proc/self/cgroup"], "error": "ENOENT"},
            {"step": "read", "args": ["/etc/passwd"], "error": "ENOENT"},
            {"step": "cwd", "args": [], "error": "ENOENT"},
        )
    )
    with pytest.raises(NotShown, match="the kernel in the container does not show mountinfo: ENOENT"):
        facts.value("mountinfo")
    with pytest.raises(NotShown, match="does not show read /proc/self/cgroup: ENOENT"):
        facts.value("read", "/proc/self/cgroup")
    for step, word in (("read", "/etc/passwd"), ("cwd", "")):
        with pytest.raises(RuntimeFailed):
            facts.value(step, *filter(None, [word]))
    assert facts.not_shown() == ["mountinfo: ENOENT", "read /proc/self/cgroup: ENOENT"]


def test_a_line_that_status_lacks_is_not_shown() -> None:
    status = Facts(({"step": "status", "args": [], "value": {"CapBnd": "0"}},)).value("status")
    assert status["CapBnd"] == "0"
    assert status.get("Umask") is None
    with pytest.raises(NotShown, match="does not show the line Umask of /proc/self/status"):
        status["Umask"]


def test_a_call_that_a_sandbox_forbids_is_not_shown() -> None:
    with pytest.raises(NotShown, match="does not show ioprio: EPERM"):
        Facts(({"step": "ioprio", "args": [], "error": "EPERM"},)).value("ioprio")
    with pytest.raises(RuntimeFailed):
        Facts(({"step": "chown", "args": ["/file"], "error": "EPERM"},)).value("chown", "/file")


@pytest.mark.parametrize("hidden", ["/proc", "/proc/self/cmdline", "/proc/self/environ", "/proc/self/ns"])
def test_a_recorder_records_without_a_file_of_proc(hidden: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    words = [str(RECORDER_SOURCE), str(trace), "startContainer/0", "note", "a word"]
    line = [sys.executable, "-I", "-S", "-c", MASKED, "absent", hidden, *words]
    subprocess.run(line, input='{"pid": 1}', text=True, check=True, timeout=30, env={"KIND": "hook"})
    record = ast.literal_eval(trace.read_text(encoding="ascii"))
    assert record["name"] == "startContainer/0"
    assert record["argv"][-2:] == ["note", "a word"]
    assert "KIND=hook" in record["environ"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts over /proc")
def test_the_probe_reports_without_any_proc() -> None:
    script = (
        f"mount -t tmpfs none /proc && exec {json.dumps(sys.executable)} -I -S {probe.__file__} status , uname , ids"
    )
    # Not by unshare(1), which fails in a chroot.
    alone = "import os, sys; sys.path[:0] = {!r}; from ocivalidate.runtime.kernel.isolation import private_mounts"
    program = f"{alone.format(sys.path)}; private_mounts(); os.execvp('sh', ['sh', '-c', sys.argv[1]])"
    line = [sys.executable, "-c", program, script]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=30)
    facts = find_facts(done.stdout)
    assert facts is not None
    assert facts.value("uname")["nodename"] == os.uname().nodename
    assert set(facts.value("status")) >= set(probe.CAPABILITY_SETS)
    assert facts.value("ids")["pid"] > 0


CONFIG = {
    "process": {"capabilities": {"bounding": [], "effective": []}, "noNewPrivileges": True, "cwd": "/"},
    "linux": {"uidMappings": [{"containerID": 0, "hostID": 5, "size": 1}], "namespaces": [{"type": "user"}]},
}


def test_a_line_that_is_missing_leaves_the_others_judged() -> None:
    status = {"CapBnd": "0", "CapInh": "0", "CapPrm": "0", "CapAmb": "0", "Seccomp": "0"}
    ids = {"uids": [0] * 3, "gids": [0] * 3, "groups": [], "umask": 18, "pid": 1}
    facts = {"status": status, "ids": ids, "idmaps": {"gid": []}, "paths": {}, "cwd": "/"}
    held = {one.pointer: one.held for one in judge(CONFIG, facts, "1.0.2")}
    assert held["/process/capabilities/bounding"] is True
    assert held["/process/capabilities/effective"] is None
    assert held["/process/noNewPrivileges"] is None
    assert held["/linux/uidMappings"] is None


STARTS, CREATES, APPLIES = (
    f"runtime/runtime.{name}" for name in ("start.runs-process", "create.creates", "create.applies-config")
)
NOT_SHOWN = "not reached: the kernel in the container does not show"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faked]:
    yield from faking.faked(tmp_path_factory.mktemp("fake"))


def tried(fake: Faked, run: Callable[[CaseContext], None], sets: tuple[str, ...] = ()) -> list[Result]:
    stage = replace(fake.stage, folder=Path(tempfile.mkdtemp(dir=fake.stage.folder)), accepted=set())
    clauses = (CREATES, APPLIES) if sets else (CREATES, STARTS)
    case = Case("a.case", run, clauses, sets=sets)
    return list(attempt(stage, case, [load("runtime")[clause] for clause in clauses]).results)


def test_a_case_that_cannot_see_keeps_what_it_has_seen_and_skips_the_rest(fake: Faked) -> None:
    def looks(trial: CaseContext) -> None:
        trial.expect(CREATES, "it is not there", got=True)
        trial.expect(STARTS, "it is another", got=Facts(({"step": "fds", "args": [], "error": "ENOENT"},)).value("fds"))

    assert [(one.outcome, one.reason) for one in tried(fake, looks)] == [
        (Outcome.PASS, ""),
        (Outcome.SKIP, f"{NOT_SHOWN} fds: ENOENT"),
    ]


def test_facts_without_a_look_leave_its_clauses_unjudged_and_are_no_error(fake: Faked) -> None:
    def looks(trial: CaseContext) -> None:
        trial.expect(CREATES, "it is not there", got=True)
        config = {"process": {"env": ["A=b"]}}
        trial.judge_facts(config, Facts(({"step": "environ", "args": [], "error": "ENOENT"},)))

    assert [(one.outcome, one.reason) for one in tried(fake, looks, ("/process/env",))] == [
        (Outcome.PASS, ""),
        (Outcome.SKIP, f"{NOT_SHOWN} environ: ENOENT"),
    ]
