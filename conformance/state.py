"""The state that a runtime tells: its form in every status, and whether it is true."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ocivalidate.runtime import (
    RUNTIME_RELEASES,
    CaseContext,
    Container,
    case,
    document_clauses,
    judge_document,
    text_of,
)

RETURNS = "runtime.state-op.returns-state"
# Before 1.1.0 a pattern in the text, since then a JSON Schema: both say what the clauses above say one by one.
WHOLE_FORM = ("runtime/runtime.state.json-pattern", "runtime/runtime.state.json-schema")
FORM = tuple(clause for clause in document_clauses("state") if clause not in WHOLE_FORM)
ANNOTATIONS = {
    "org.example.plain": "a value",
    "org.example.empty": "",
    "org.example.number": "2",
    "org.example.letters": 'ä 包 \u2028 \U0001f600 <&> \\ " /',
    "org.example.lines": "one\n\ttwo",
    "key": '{"json": [1, 2.50]}',
}


def _judge_form(trial: CaseContext, container: Container) -> None:
    """Judge the text that ``state`` prints by the clauses on such a document."""
    text = trial.runtime.state(container.id).stdout
    file = trial.folder / "state.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    judged = judge_document("state", file, trial.release)
    broken = {clause: found.broken for clause, found in judged.items() if found.broken and "lint/" not in clause}
    # A text that is no JSON has nothing of what a state has to have.
    no_json = "; ".join(message for clause, message in broken.items() if "/glossary." in clause)
    for clause in FORM:
        if clause in judged:
            message = broken.get(clause, no_json)
            trial.expect_that(clause, message, held=not message, got=text, want="a state as runtime.md has it")
    for clause in WHOLE_FORM:
        message = "; ".join(broken.values())
        trial.expect_that(clause, message, held=not broken, got=text, want="a state as runtime.md has it")


def _judge_truth(trial: CaseContext, container: Container, status: str) -> None:
    """Judge whether what ``state`` says is what the kernel and we know."""
    state = container.state()
    got = {name: state.get(name) for name in ("id", "status", "annotations")}
    want = {"id": container.id, "status": status, "annotations": ANNOTATIONS}
    trial.expect(RETURNS, f"the state of a container that is {status} is not true", got=got, want=want)
    version = str(state.get("ociVersion"))
    # One that is not known yet is believed to the runtime that claims it.
    known = {*RUNTIME_RELEASES, trial.subject.claim, trial.subject.oci_version}
    held = re.split("[-+]", version)[0] in known or version in known
    trial.expect_that(
        RETURNS, "ociVersion is not a version of runtime-spec", held=held, got=version, want="as in 1.2.1"
    )
    told = str(state.get("bundle"))
    same = os.path.isdir(told) and os.path.samefile(told, container.bundle)
    trial.expect_that(RETURNS, "bundle is another folder", held=same, got=told, want=str(container.bundle))
    if status != "stopped":
        if trial.subject.isolates:
            trial.expect(RETURNS, "pid is not the container process", got=_init_of(state.get("pid")), want=container.id)
        said = text_of(container.pid_file, 64).strip()
        trial.expect(RETURNS, "the pid file names another process", got=said, want=str(state.get("pid")))


def _init_of(pid: object) -> str:
    """The last part of the control group of a process, if it is the first in a process namespace of its own."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").split()
    except OSError:
        return f"no process {pid}"
    inside = next((line.split()[-1] for line in text.splitlines() if line.startswith("NSpid:")), "")
    own = os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    if inside != "1" or not own:
        return f"process {pid}, which is {inside} in its namespace"
    return next((line.rpartition("/")[2] for line in groups if "ocivalidate-" in line), "in no group of ours")


@case(*FORM, *WHOLE_FORM, RETURNS, sets=["/annotations/*"], needs=["root"])
def every_status(trial: CaseContext) -> None:
    """State is well-formed and true when the container is created, runs and has stopped; annotations are verbatim."""
    container = trial.container(trial.config("ids", ",", "wait") | {"annotations": ANNOTATIONS}).must_create()
    for status in ("created", "running", "stopped"):
        if status == "running":
            container.must_start()
            inside = container.facts().value("ids")["pid"]
            want = 1 if trial.subject.isolates else container.pid
            trial.expect(RETURNS, "pid is not that of the program", got=inside, want=want)
        if status == "stopped":
            container.must_kill()
            container.wait_exit()
            container.wait_for_status("stopped")
        _judge_form(trial, container)
        _judge_truth(trial, container, status)
        trial.applied("/annotations/*", got=container.state().get("annotations"), want=ANNOTATIONS)


@case(RETURNS, *FORM, *WHOLE_FORM, needs=["root"])
def ends_by_itself(trial: CaseContext) -> None:
    """A container whose program ends has stopped; one without annotations has none, or an empty map of them."""
    container = trial.container(trial.config("exit", "3")).must_create()
    trial.expect_that(
        RETURNS,
        "there are annotations that config.json does not have",
        held=not container.state().get("annotations"),
        got=container.state().get("annotations"),
        want="none, or an empty map",
    )
    _judge_form(trial, container)
    container.must_start()
    container.wait_exit()
    trial.expect(RETURNS, "the process has ended", got=container.wait_for_status("stopped"), want="stopped")
    _judge_form(trial, container)


@case(RETURNS, needs=["root"])
def killed_behind_the_back(trial: CaseContext) -> None:
    """A container whose process somebody else kills, before and after start, has stopped."""
    for started in (False, True):
        container = trial.container().must_create()
        if started:
            container.must_start()
        container.end_process()
        status = container.wait_for_status("stopped")
        trial.expect(RETURNS, "the container process was killed", got=status, want="stopped")
        deleted = container.delete()
        trial.expect(
            RETURNS, f"what has stopped cannot be deleted: {deleted.last_error_line}", got=deleted.ok, want=True
        )
