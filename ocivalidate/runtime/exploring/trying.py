"""Running one config, and judging what was seen, from inside and from outside."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ocivalidate.errors import ConfigRefused, RuntimeFailed
from ocivalidate.runtime import judging
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers.tracing import Trace
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.journal import Journal, Looked
from ocivalidate.runtime.exploring.ground import Ground
from ocivalidate.runtime.judging import Judgement
from ocivalidate.runtime.kernel import cgroups, kernelnames, processes
from ocivalidate.runtime.kernel.cgroup_values import expected
from ocivalidate.runtime.kernel.namespaces import namespaces_of
from ocivalidate.runtime.properties import CREATES_ENVIRONMENT, in_release, property_clause
from ocivalidate.runtime.verdicts import shown

JOURNALS = "journals"
"""The note of a case that holds the journals of what no other case has shown: a script is made of each."""
REMOVES = "runtime/runtime.delete.removes-resources"


class Problem(NamedTuple):
    """Something wrong with a config. ``config``: as it was run."""

    clause: str
    message: str
    got: str = ""
    want: str = ""
    pointer: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What it has in common with the same problem of another config: the clause, and the property."""
        return self.clause, judging.property_of(self.pointer) if self.pointer else ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a config.

    ``config``: as it was run. ``refused``: what the runtime said that would not create it, ``""`` where it did.
    ``held``: the clauses of which something was seen that is as it should be; ``problems``: what is not. ``journal``:
    of this try alone, where journals are kept.
    """

    config: Mapping[str, Any]
    refused: str = ""
    held: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    journal: Journal | None = field(default=None, compare=False, repr=False)

    def has(self, key: tuple[str, str]) -> bool:
        """Whether it has a problem of this kind."""
        return any(problem.key == key for problem in self.problems)


def attempt(ground: Ground, config: Mapping[str, Any]) -> Tried:
    """Create, start, look at, kill and delete a container with this config, and judge all of it.

    Raises :class:`CannotJudge`.
    """
    ground.begin_anew()
    return replace(_attempt(ground, config), journal=ground.trial.runtime.journal)


def _attempt(ground: Ground, config: Mapping[str, Any]) -> Tried:
    trial = ground.trial
    container, made, trace = ground.container(config)
    try:
        return _lived(ground, container, made, trace)
    except ConfigRefused as problem:
        return Tried(problem.config, refused=problem.said)
    except RuntimeFailed as problem:
        return Tried(made, problems=(Problem(CREATES_ENVIRONMENT, str(problem)),))
    finally:
        container.clean_up()
        trial.containers.remove(container)
        shutil.rmtree(container.bundle, ignore_errors=True)
        mine = (container.output, container.errors, container.pid_file)
        trial.runtime.outputs[:] = [file for file in trial.runtime.outputs if file not in mine]
        for file in mine:
            # Whatever a runtime has put in its place.
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)


def _lived(ground: Ground, container: Container, config: Mapping[str, Any], trace: Trace | None) -> Tried:
    trial = ground.trial
    _create(trial, container, terminal=bool(config["process"].get("terminal")))
    facts: dict[str, Any] = {
        "host": {"namespaces": namespaces_of(), "joined": ground.joined(config)},
        "groups": _groups(trial, container, config),
        "sources": _sources(config),
        "state": _state(container),
    }
    facts = container.must_start().facts().looks() | facts
    if trial.stage.own_kernel:
        facts = of_another_kernel(facts, processes.oom_score(container.pid))
    container.must_kill().wait_stopped().must_delete()
    left = container.leftovers_of_failure()
    if trace is not None:
        facts["hooks"] = _ran(ground, trace, config)
    return judged(trial, config, facts, left)


def of_another_kernel(facts: Mapping[str, Any], score: int | None) -> dict[str, Any]:
    """What can be judged of what was seen in a container with a kernel of its own.

    Namespaces and files have other numbers there than here, and for want of memory the host chooses by the ``score`` of
    the process that runs that kernel; ``None`` if it is not known.
    """
    left = {name: value for name, value in facts.items() if name not in ("namespaces", "sources", "oom-score-adj")}
    return left if score is None else {**left, "oom-score-adj": score}


def _create(trial: CaseContext, container: Container, *, terminal: bool) -> None:
    if not terminal:
        container.must_create()
        return
    console = trial.console_socket()
    container.must_create(console_socket=str(console.path))
    console.receive()
    console.pump(container.output)


def _groups(trial: CaseContext, container: Container, config: Mapping[str, Any]) -> dict[str, Any]:
    """The files of the groups of a container in which its resources show."""
    unified = trial.stage.layout.mode == "v2"
    files: dict[str, dict[str, str]] = {}
    for one in expected((config.get("linux") or {}).get("resources") or {}, unified=unified):
        folder = container.group_folder(one.controller)
        texts = {place.file: cgroups.content(folder, place.file) for place in one.places} if folder else {}
        there = {name: text for name, text in texts.items() if text is not None}
        for place in one.places:
            if place.file in there:
                found = [place.value(there[place.file]), there[place.file]]
                container.runtime.note(Looked("value", f"{one.controller}/{place.file}", found, container.id))
        files.setdefault(one.controller, {}).update(there)
    return {"unified": unified, "paths": container.groups, "files": files}


def _state(container: Container) -> dict[str, Any]:
    """What a hook is to be told, and what state tells of annotations."""
    annotations = container.state().get("annotations")
    told = {name: str(text) for name, text in annotations.items()} if isinstance(annotations, dict) else {}
    return {"id": container.id, "bundle": str(container.bundle), "annotations": told}


def _sources(config: Mapping[str, Any]) -> dict[str, Any]:
    """What stands at the sources of mounts that bind, by the name that the config has for it."""
    found: dict[str, Any] = {}
    for entry in config.get("mounts") or ():
        source = str(entry.get("source"))
        if {"bind", "rbind"} & set(entry.get("options") or ()) and source.startswith("/"):
            # A runtime may have taken it away: then nothing is known of it.
            with contextlib.suppress(OSError):
                node = os.stat(source)
                found[source] = {"inode": node.st_ino, "uid": node.st_uid, "gid": node.st_gid}
    return found


def _ran(ground: Ground, trace: Trace, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The hooks that ran, in the order in which they did."""
    for kind, hooks in (config.get("hooks") or {}).items():
        for number in range(len(hooks)):
            ground.wait_for_hook(trace, f"{kind}/{number}", late=kind in ("poststart", "poststop"))
    return [
        {
            "kind": record.kind,
            "number": int(record.name.rpartition("/")[2]),
            "argv": [*record.argv],
            "environ": [*record.environ],
            "namespaces": dict(record.namespaces),
            "state": record.state(),
        }
        for record in trace.records()
    ]


def judged(trial: CaseContext, config: Mapping[str, Any], facts: Mapping[str, Any], left: Sequence[str]) -> Tried:
    """Judge facts by the rules, as far as the case declares: a clause of its own, or that of a property."""
    grantable = kernelnames.CAPABILITIES if has_own_users(config) else trial.host.bounding
    held: set[str] = set()
    problems: list[Problem] = []
    for one in judging.judge(config, facts, trial.release, grantable=grantable):
        clause = _clause_of(trial, one)
        if one.held is None or not clause:
            continue
        if one.held:
            held.add(clause)
        else:
            problems.append(Problem(clause, one.message, shown(one.got), shown(one.want), one.pointer))
    if left:
        problems.append(Problem(REMOVES, "delete leaves things behind", shown([*left]), "[]"))
    else:
        held.add(REMOVES)
    return Tried(config, held=frozenset(held), problems=tuple(dict.fromkeys(problems)))


def has_own_users(config: Mapping[str, Any]) -> bool:
    """Whether a config has a user namespace."""
    return any(entry.get("type") == "user" for entry in (config.get("linux") or {}).get("namespaces") or ())


def _clause_of(trial: CaseContext, one: Judgement) -> str:
    if one.clause in trial.case.clauses:
        return one.clause
    if not one.pointer:
        return ""
    leaf = judging.property_of(one.pointer)
    known = property_clause(leaf)
    try:
        return known if known in trial.case.clauses and in_release(leaf, trial.release) else ""
    except KeyError:
        return known if known in trial.case.clauses else ""
