"""The context of a case: its bundles and containers, and its verdicts."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocivalidate.errors import CannotJudge, OciValidateError, RuntimeFailed
from ocivalidate.rules.clauses import Severity, load
from ocivalidate.runtime import judging, refusing
from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.driving.console import ConsoleSocket
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.journal import Grouped, Journal, Judged
from ocivalidate.runtime.driving.operations import Operations
from ocivalidate.runtime.inside import rootfs
from ocivalidate.runtime.inside.facts import Facts
from ocivalidate.runtime.kernel import cgroups, kernelnames
from ocivalidate.runtime.properties import full_id, in_release, property_clause
from ocivalidate.runtime.run_context import Declared, RunContext
from ocivalidate.runtime.verdicts import Verdict, shown
from ocivalidate.vocabulary.versions import holds

_CLEANING_PATIENCE = 30.0  # seconds for cleaning up after a case, whatever the runtime does

NO_CONTAINER = "runtime/runtime.create.unappliable-no-container"
NO_SIDE_EFFECTS = "runtime/runtime.errors.no-side-effects"


class Skipped(OciValidateError):
    """The rest of a case cannot be judged here. The message is the reason, a fact."""


class ControlFailed(OciValidateError):
    """The control of a refusal was refused too, so the refusal proves nothing. The message is one line."""


class ControlRefused(ControlFailed):
    """What a refusal is compared with was refused too, as the runtime may. The message is what it said."""


class CaseContext:
    """One case being tried.

    ``release`` is the release of the specification judged by, ``folder`` the case's own folder (any user may pass
    through it), ``runtime`` the operations of the runtime under test.
    """

    def __init__(self, stage: RunContext, case: Declared) -> None:
        self.stage = stage
        self.case = case
        self.subject = stage.subject
        self.host = stage.host
        self.release = stage.subject.release
        self.folder = stage.folder / case.id
        self.folder.mkdir(mode=0o755)
        self.folder.chmod(0o755)
        until = time.monotonic() + case.timeout * stage.pace
        self.runtime = Operations(stage.subject, self.folder, until, stage.prefix.rstrip("-"), pace=stage.pace)
        self.containers: list[Container] = []
        self.verdicts: list[Verdict] = []
        self.skips: dict[str, str] = {}
        self.notes: dict[str, Any] = {}
        # What the kernel in a container does not show: without it, some clause may have no verdict.
        self.not_shown: list[str] = []
        self._undo: list[Any] = []
        self._numbers = iter(range(1, 10**6))
        if stage.keeps:
            self.runtime.journal = Journal(self.folder, stage.rootfs)

    # ---------------------------------------------------------------------------------------------------- making

    def config(self, *steps: str) -> dict[str, Any]:
        """A new config whose program is the probe with these steps, for the release and the user of this run."""
        config = configs.base(self.subject.oci_version, *steps)
        if not self.subject.isolates:
            return configs.bare(config, self.host.uid, self.host.gid)
        return config if self.host.root else configs.rootless(config, self.host.uid, self.host.gid)

    def bundle(self, config: Mapping[str, Any] | bytes, name: str = "") -> Path:
        """Write a bundle with its own root filesystem, and return its folder. ``config`` may be any bytes."""
        folder = self.folder / (name or f"bundle-{next(self._numbers)}")
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        rootfs.link_tree(self.stage.rootfs, folder / "rootfs")
        self.rewrite(folder, config)
        return folder

    def rewrite(self, bundle: Path, config: Mapping[str, Any] | bytes) -> None:
        """Replace the ``config.json`` of a bundle."""
        content = config if isinstance(config, bytes) else json.dumps(config, indent=1).encode()
        (bundle / "config.json").write_bytes(content)

    def container(
        self, config: Mapping[str, Any] | None = None, *, bundle: Path | None = None, container_id: str | None = None
    ) -> Container:
        """A container that is not created yet.

        From a config (default: a probe that waits), in a new bundle, or from an existing ``bundle``. A
        config without a cgroupsPath gets a control group of its own.
        """
        own_id = container_id
        if own_id is None:
            own_id = f"{self.stage.prefix}{self.case.id.replace('.', '-')}-{next(self._numbers)}"
        group = ""
        if bundle is None:
            made = copy.deepcopy(dict(self.config("wait") if config is None else config))
            group = self._give_group(made, own_id)
            bundle = self.bundle(made)
        container = Container(self.runtime, own_id, bundle, self.stage.layout, group)
        container.keeps_groups = self.stage.keeps
        self.containers.append(container)
        return container

    def _give_group(self, config: dict[str, Any], container_id: str) -> str:
        linux = config.get("linux")
        if not isinstance(linux, dict):
            return ""
        if linux.get("cgroupsPath", "") is None:
            # The case wants no group.
            del linux["cgroupsPath"]
            return ""
        if not self.subject.isolates or not self.host.root or not self.stage.group:
            return ""
        return str(linux.setdefault("cgroupsPath", f"{self.stage.group}/{container_id}"))

    @property
    def probe_path(self) -> str:
        """The path of the probe in containers, for steps that execute it again."""
        return rootfs.PROBE

    def allow_real_time(self, config: dict[str, Any]) -> None:
        """Give the group of a container a real-time budget, where groups need one.

        Only one case at a time may do so: ``alone=["real-time"]``.
        """
        layout, group = self.stage.layout, self.stage.group
        if not group or not cgroups.has_real_time_budgets(layout):
            return
        try:
            cgroups.give_real_time(layout, group, 250_000)
        except OSError as problem:
            self.skip(f"this kernel gives a control group no real-time budget: {problem.strerror}")
        # It goes with the group, at the end of the run: before, the kernel still counts what groups below, which are
        # being removed, have of it.
        cpu = config["linux"].setdefault("resources", {}).setdefault("cpu", {})
        cpu |= {"realtimePeriod": 1_000_000, "realtimeRuntime": 100_000}

    def make_group(self, name: str, *, above_others: bool = False) -> str:
        """Create a control group in all hierarchies, removed when the case is over, and return its path.

        ``above_others``: it is to hold groups, not processes.
        """
        layout, group = self.stage.layout, f"{self.stage.group}/{self.case.id.replace('.', '-')}-{name}"
        cgroups.make(layout, group, above_others=above_others)
        self.runtime.note(Grouped(group))
        seconds = cgroups.DYING_PATIENCE * self.stage.pace
        self.undo(lambda: [f"control group {folder}" for folder in cgroups.remove(layout, group, seconds)])
        return group

    def console_socket(self) -> ConsoleSocket:
        """A socket for ``create(console_socket=…)`` that receives the terminal of a container."""
        # Beside the folders of the cases: socket paths are limited to 108 bytes.
        made = ConsoleSocket(self.stage.folder.parent / f"console-{os.urandom(6).hex()}")
        self.undo(made.close)
        return made

    def run(self, config: Mapping[str, Any]) -> Facts:
        """Create and start a container, read the facts of its probe, and delete it.

        Raises :class:`RuntimeFailed` if the runtime fails at any of these.
        """
        container = self.container(config).must_create().must_start()
        facts = container.facts()
        container.clean_up()
        return facts

    def undo(self, step: Any) -> None:
        """Call ``step()`` when the case is over, however it ends; the last step first."""
        self._undo.append(step)

    # --------------------------------------------------------------------------------------------------- judging

    def expect(self, clause: str, message: str, *, got: Any, want: Any = True, pointer: str = "") -> bool:
        """Judge a clause: ``got`` must equal ``want``. ``message`` says what is wrong if it does not.

        A clause that the release of this run does not have is ignored. Returns whether they are equal.
        """
        held = bool(got == want)
        self._note(clause, Verdict("", held, message, shown(got), shown(want), pointer))
        return held

    def expect_that(  # noqa: PLR0913  # all that is said of a comparison
        self,
        clause: str,
        message: str,
        *,
        held: bool,
        got: Any = "",
        want: str = "",
        pointer: str = "",
        severity: Severity | None = None,
        hint: str = "",
    ) -> bool:
        """Judge a clause by a condition; ``got``, ``want`` and ``hint`` are for the reader.

        ``severity``: of a failure, where it is less than that of the clause.
        """
        self._note(clause, Verdict("", bool(held), message, shown(got), want, pointer, severity, hint))
        return bool(held)

    def applied(self, pointer: str, *, got: Any, want: Any, message: str = "") -> bool:
        """Judge whether the property at ``pointer`` (one that the case declares in ``sets``) was applied.

        A property that the release of this run does not have is ignored.
        """
        if pointer not in self.case.sets:
            raise ValueError(f"case {self.case.id} does not declare that it sets {pointer}")
        if not in_release(pointer, self.release):
            return bool(got == want)
        said = message or f"{pointer.strip('/').replace('/', '.')} is not applied"
        return self.expect(property_clause(pointer), said, got=got, want=want, pointer=pointer)

    def judge_facts(self, config: Mapping[str, Any], facts: Facts) -> None:
        """Judge what a probe saw against the config of its container, by the rules of :mod:`judging`.

        Only judgements that the case declares are used: on clauses in ``judges``, on properties in ``sets``.
        """
        self.not_shown += facts.not_shown()
        grantable = kernelnames.CAPABILITIES if _has_own_users(config) else self.host.bounding
        for one in judging.judge(config, facts.looks(), self.release, grantable=grantable):
            if one.held is None:
                continue
            leaf = judging.property_of(one.pointer)
            declared = [one.clause] if one.clause in self.case.clauses else []
            declared += [property_clause(leaf)] if leaf in self.case.sets and in_release(leaf, self.release) else []
            for clause in declared:
                self.expect_that(
                    clause, one.message, held=one.held, got=one.got, want=shown(one.want), pointer=one.pointer
                )

    def _note(self, clause: str, verdict: Verdict) -> None:
        full = full_id(clause)
        if full not in self.case.clauses:
            raise ValueError(f"case {self.case.id} does not declare that it judges {full}")
        entry = load("runtime", "safety")[full]
        if holds(self.release, entry.since, entry.until):
            self.verdicts.append(replace(verdict, clause=full))
            if self.runtime.journal is not None:
                told = Judged(full, verdict.message, verdict.got, verdict.want, verdict.pointer, held=verdict.held)
                self.runtime.journal.judged(told)

    def skip(self, reason: str, *clauses: str) -> None:
        """Skip clauses, for a reason that is a fact; by default all that have no verdict yet.

        By default it raises :class:`Skipped`, which ends the case.
        """
        if not clauses:
            raise Skipped(reason)
        self.skips |= {full_id(clause): reason for clause in clauses}

    def skip_refused(self, said: str, *clauses: str, odd: bool = False) -> None:
        """The same, as the runtime refused a valid config with these words, and may do so; with ``--strict`` they fail.

        ``odd``: what was refused is no value of the config, but what is odd beside it: no failure, ever. Without
        clauses it raises :class:`Skipped`, or :class:`RuntimeFailed`.
        """
        if odd or not self.stage.strict:
            self.skip(f"{refusing.REFUSED}: {said}", *clauses)
            return
        if not clauses:
            raise RuntimeFailed(f"create failed: {said}")
        for clause in clauses:
            self.expect_that(clause, f"create failed: {said}", held=False)

    def holds(self, since: str = "1.0.0", until: str | None = None) -> bool:
        """Whether the release of this run is between two releases, both included."""
        return holds(self.release, since, until)

    # -------------------------------------------------------------------------------------------------- refusals

    def refused(
        self,
        clause: str,
        config: Mapping[str, Any],
        message: str,
        *,
        control: Mapping[str, Any] | None = None,
        pointer: str = "",
    ) -> Call:
        """Judge a clause by which ``create`` must refuse ``config``.

        The same runtime must first accept ``control`` (default: the usual config), or the refusal proves nothing.
        If the case declares the clauses, it is also judged that no container is created and nothing is left behind.
        """
        self.control(self.config("wait") if control is None else control)
        container = self.container(config)
        done = container.create()
        got = "created" if done.ok else done.last_error_line
        self.expect_that(clause, message, held=done.refused, got=got, want="an error", pointer=pointer)
        if done.refused:
            self.judge_refusal(container)
        else:
            # One defect, one finding: without an error, nothing can be said about what an error leaves behind.
            about = {NO_CONTAINER, NO_SIDE_EFFECTS} & set(self.case.clauses)
            self.skips |= dict.fromkeys(about - {clause}, "create did not generate the error that it must")
        container.clean_up()
        return done

    def judge_refusal(self, container: Container) -> None:
        """Judge that a refused ``create`` left no container and nothing else, if the case declares that."""
        if NO_CONTAINER in self.case.clauses:
            self.expect(NO_CONTAINER, "state knows a container that create refused", got=container.exists(), want=False)
        if NO_SIDE_EFFECTS in self.case.clauses:
            self.expect(
                NO_SIDE_EFFECTS, "a refused create leaves things behind", got=container.leftovers_of_failure(), want=[]
            )

    def control(self, config: Mapping[str, Any]) -> None:
        """Make sure that the runtime accepts a config. Raises :class:`ControlFailed`."""
        key = json.dumps(config, sort_keys=True)
        if not self.stage.trying.acquire(timeout=max(0.0, self.runtime.deadline - time.monotonic())):
            raise CannotJudge("the time of the case was over while another case tried the same control")
        try:
            if key in self.stage.accepted:
                return
            container = self.container(config)
            done = container.create()
            container.clean_up()
            if done.generates_error and self.may_refuse(config):
                raise ControlRefused(done.last_error_line)
            if not done.ok:
                raise ControlFailed(f"the runtime refused a valid config: {done.last_error_line}")
            self.stage.accepted.add(key)
        finally:
            self.stage.trying.release()

    def may_refuse(self, config: Mapping[str, Any]) -> bool:
        """Whether a runtime that has accepted the usual config may refuse this one."""
        return refusing.may_refuse(config, self.config(), self.subject.features, self.release)

    def first_accepted(self, *configs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The first config that the runtime accepts. Raises :class:`ControlFailed` if it accepts none."""
        *others, last = configs
        for config in others:
            with contextlib.suppress(ControlFailed):
                self.control(config)
                return config
        self.control(last)
        return last

    # ------------------------------------------------------------------------------------------------- cleaning up

    def clean_up(self) -> list[str]:
        """Undo everything, and return what could not be undone."""
        left: list[str] = []
        if self.runtime.journal is not None:
            self.runtime.journal.over()
        self.runtime.last = time.monotonic() + _CLEANING_PATIENCE * self.stage.pace
        known = [container.clean_up for container in self.containers]
        for step in [*known, self._delete_strays, *reversed(self._undo)]:
            try:
                left += step() or []
            except Exception as problem:  # noqa: BLE001  # the next step must run, too
                left.append(f"{type(problem).__name__}: {problem}")
        return left

    def _delete_strays(self) -> None:
        """Delete unexpected containers: a runtime may have created some from a config that it must refuse."""
        root = self.runtime.root
        for name in sorted(os.listdir(root)) if root.is_dir() else ():
            # Runtimes keep other files and directories there, too.
            if not name.startswith(".") and (root / name).is_dir() and not (root / name).is_symlink():
                self.runtime.delete(name, force=True, may_hang=True)


def _has_own_users(config: Mapping[str, Any]) -> bool:
    """Whether the container has a user namespace, in which every capability can be granted."""
    entries = (config.get("linux") or {}).get("namespaces") or ()
    return any(entry.get("type") == "user" for entry in entries)
