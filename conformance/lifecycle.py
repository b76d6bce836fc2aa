"""The life of a container: create, start, kill, delete and state in every order that is allowed.

What must fail, and what failing must not change, is in ``refusals.py``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, changed, steps

_NAMESPACES = {"pid": "pid", "ipc": "ipc", "uts": "uts", "mount": "mnt"}


def _command_line(container: Container) -> list[str]:
    """That of the container process; the runtime may have named one that is not there."""
    try:
        text = Path(f"/proc/{container.pid}/cmdline").read_text(encoding="utf-8")
    except OSError:
        return []
    return text.rstrip("\0").split("\0")


def _environment_built(container: Container, config: Mapping[str, Any]) -> dict[str, bool]:
    """Which of the resources that a config asks for are there, as the kernel tells it of the container process."""
    folder = f"/proc/{container.pid}"
    if not os.path.isdir(folder):
        return {"the container process": False}
    own = {
        kind: os.readlink(f"{folder}/ns/{file}") != os.readlink(f"/proc/self/ns/{file}")
        for kind, file in _NAMESPACES.items()
        if {"type": kind} in config["linux"]["namespaces"]
    }
    mounted = {line.split()[4] for line in Path(f"{folder}/mountinfo").read_text(encoding="utf-8").splitlines()}
    mounts = {entry["destination"]: entry["destination"] in mounted for entry in config["mounts"]}
    group = {"control group": container.group in container.groups.values()} if container.group else {}
    return own | mounts | group


@case(
    "runtime.operations.supported",
    "runtime.scope.creator-can-operate",
    "runtime.create.creates",
    "runtime.create.args-deferred",
    "runtime.lifecycle.create-resources",
    "runtime.lifecycle.no-run-at-create",
    "runtime.lifecycle.run-program",
    "runtime.lifecycle.destroy-undo",
    "runtime.start.runs-process",
    "runtime.delete.removes-resources",
    "runtime.delete.keeps-foreign-resources",
    needs=["root"],
)
def one_life(trial: CaseContext) -> None:
    """Create builds the environment and runs nothing, start runs the program, kill ends it, delete undoes create."""
    config = trial.config(*steps(["argv"], ["read", "/tmp/before-start"], ["write", "/tmp/ran", "by the program"]))
    if trial.subject.isolates:
        config["mounts"].append({"destination": "/var", "type": "tmpfs", "source": "tmpfs"})
    config["process"]["args"] += [",", "wait"]
    container = trial.container(config)
    answers = {"create": container.create().ok, "state": container.state().get("status") == "created"}
    root = container.bundle / "rootfs"
    trial.expect_that(
        "runtime.create.creates",
        "create does not make a container with a process of its own",
        held=answers["create"] and container.alive(),
        got=answers,
        want="a container that state knows, and a process",
    )
    built = _environment_built(container, config)
    _judge_created(trial, container, config)
    (root / "tmp" / "before-start").write_text("after create", encoding="utf-8")
    answers["start"] = container.start().ok
    facts = container.facts(timeout=10)
    for clause in ("runtime.start.runs-process", "runtime.lifecycle.run-program"):
        trial.expect(clause, "another program was run", got=facts.value("argv"), want=config["process"]["args"])
        trial.expect(clause, "the program did not run", got=facts.outcome("write", "/tmp/ran"), want=True)
    _judge_environment(trial, container, config, built)
    trial.expect(
        "runtime.lifecycle.no-run-at-create",
        "the program ran before start: it does not see what was written before",
        got=facts.outcome("read", "/tmp/before-start"),
        want="after create",
    )
    answers["kill"] = container.kill().ok
    container.wait_stopped()
    # A root may be covered by something that takes what the program writes.
    files = [path for path in (root / "tmp" / "ran", root / "tmp" / "before-start") if path.is_file()]
    answers["delete"] = container.delete().ok
    wanted = dict.fromkeys(("create", "state", "start", "kill", "delete"), True)
    for clause in ("runtime.operations.supported", "runtime.scope.creator-can-operate"):
        trial.expect(clause, "an operation does not work", got=answers, want=wanted)
    _judge_deleted(trial, container, files)


def _judge_created(trial: CaseContext, container: Container, config: Mapping[str, Any]) -> None:
    """After create the program was not run."""
    for clause in ("runtime.lifecycle.no-run-at-create", "runtime.create.args-deferred"):
        trial.expect(
            clause,
            "the program runs before start",
            got=_command_line(container) == config["process"]["args"],
            want=False,
        )
        trial.expect(
            clause,
            "the program ran before start",
            got=(container.bundle / "rootfs" / "tmp" / "ran").exists(),
            want=False,
        )


def _judge_environment(
    trial: CaseContext, container: Container, config: Mapping[str, Any], built: Mapping[str, bool]
) -> None:
    """After create the environment is there: looked at from outside, and judged when it is known at which process."""
    clause, missing = "runtime.lifecycle.create-resources", [name for name, there in built.items() if not there]
    if missing and container.alive() and _command_line(container) != config["process"]["args"]:
        # Of a container with a kernel of its own, the process outside is one that runs this kernel.
        trial.skip("not reached: the process that state names does not run the program of the container", clause)
        return
    trial.expect(clause, "what config.json asks for is not there after create", got=missing, want=[])


def _judge_deleted(trial: CaseContext, container: Container, files: Sequence[Path]) -> None:
    """After delete nothing is left of what create made, and all that is in the bundle."""
    for clause in ("runtime.delete.removes-resources", "runtime.lifecycle.destroy-undo"):
        trial.expect(clause, "delete leaves behind what create made", got=container.leftovers(), want=[])
        trial.expect(clause, "state still knows the container", got=container.exists(), want=False)
    kept = [container.bundle / "config.json", *files]
    gone = [str(path.relative_to(container.bundle)) for path in kept if not path.is_file()]
    trial.expect("runtime.delete.keeps-foreign-resources", "delete removes what is in the bundle", got=gone, want=[])


@case(
    "runtime.lifecycle.config-updates-no-effect",
    "runtime.create.later-config-changes-ignored",
    needs=["root"],
)
def config_is_rewritten(trial: CaseContext) -> None:
    """What becomes of config.json after create means nothing to start, state, kill and delete."""
    config = trial.config(*steps(["argv"], ["environ"], ["uname"], ["wait"]))
    host = os.uname().nodename
    config |= {"annotations": {"org.example.which": "first"}}
    if trial.subject.isolates:
        config["hostname"] = host = "first"
    config["process"]["env"].append("WHICH=first")
    container = trial.container(config).must_create()
    other = trial.config(*steps(["argv"], ["environ"], ["uname"], ["ids"], ["wait"]))
    other["process"]["env"] = ["WHICH=second"]
    late = trial.folder / "a-hook-ran"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"cat > /dev/null; echo > '{late}'"]}
    other |= {
        "hostname": "second",
        "annotations": {"org.example.which": "second"},
        "hooks": {"poststart": [hook], "poststop": [hook]},
    }
    trial.rewrite(container.bundle, other)
    container.must_start()
    facts = container.facts()
    got = {
        "args": facts.value("argv"),
        "hostname": facts.value("uname")["nodename"],
        "env": [entry for entry in facts.value("environ") if entry in ("WHICH=first", "WHICH=second")],
        "annotations": container.state().get("annotations"),
    }
    trial.rewrite(container.bundle, b"no JSON")
    answers = {"state": container.status(), "kill": container.kill().ok}
    container.wait_exit()
    answers["stopped"] = container.wait_for_status("stopped")
    trial.rewrite(container.bundle, other)
    answers["delete"] = container.delete().ok
    want = {
        "args": config["process"]["args"],
        "hostname": host,
        "env": ["WHICH=first"],
        "annotations": config["annotations"],
    }
    fine = {"state": "running", "kill": True, "stopped": "stopped", "delete": True}
    for clause in ("runtime.lifecycle.config-updates-no-effect", "runtime.create.later-config-changes-ignored"):
        trial.expect(clause, "a config.json that was written after create has an effect", got=got, want=want)
        trial.expect(clause, "operations need the config.json of create", got=answers, want=fine)
        trial.expect(clause, "a hook was run that config.json did not have at create", got=late.exists(), want=False)


@case("runtime.create.creates", "runtime.state.bundle.absolute", "runtime.state-op.returns-state", needs=["root"])
def bundle_is_named_relatively(trial: CaseContext) -> None:
    """A path from the working directory, with spaces and letters beyond ASCII; state gives the absolute one."""
    bundle = trial.bundle(trial.config("cwd"), "a bündle, 包")
    _lives_in(trial, trial.container(bundle=bundle), bundle.name, str(trial.folder))


@case("runtime.create.creates", "runtime.state.bundle.absolute", "runtime.state-op.returns-state", needs=["root"])
def bundle_is_a_link(trial: CaseContext) -> None:
    """A symbolic link to a bundle is as good as the bundle."""
    bundle = trial.bundle(trial.config("cwd"))
    link = trial.folder / "link"
    link.symlink_to(bundle.name)
    _lives_in(trial, trial.container(bundle=bundle), str(link), None)


def _lives_in(trial: CaseContext, container: Container, named: str, cwd: str | None) -> None:
    created = container.create(named, cwd=cwd)
    trial.expect("runtime.create.creates", f"no container of the bundle {named}", got=created.ok, want=True)
    container.must_start()
    ran = container.facts().value("cwd")
    trial.expect("runtime.create.creates", "the program does not run in the bundle's root", got=ran, want="/")
    told = str(container.state().get("bundle"))
    trial.expect_that(
        "runtime.state.bundle.absolute", "bundle is not absolute", held=os.path.isabs(told), got=told, want="/…"
    )
    trial.expect_that(
        "runtime.state-op.returns-state",
        "bundle is not the bundle's folder",
        held=os.path.isabs(told) and os.path.isdir(told) and os.path.samefile(told, container.bundle),
        got=told,
        want=str(container.bundle),
    )


@case("runtime.create.creates", needs=["root"])
def id_is_used_again(trial: CaseContext) -> None:
    """The id of a deleted container, or of one whose creation failed, is free for another container."""
    refused = trial.container(changed(trial.config("wait"), "/root/path", "nosuch"))
    created = refused.create()
    trial.expect("runtime.create.creates", "a root that is not there is accepted", got=created.ok, want=False)
    for number in (1, 2):
        config = trial.config(*steps(["read", "/tmp/number"], ["wait"])) | {
            "annotations": {"org.example.number": str(number)}
        }
        if trial.subject.isolates:
            config["linux"]["cgroupsPath"] = f"{trial.stage.group}/{refused.id}"
        bundle = trial.bundle(config)
        (bundle / "rootfs" / "tmp" / "number").write_text(str(number), encoding="utf-8")
        container = trial.container(bundle=bundle, container_id=refused.id)
        created = container.create()
        trial.expect(
            "runtime.create.creates", f"the id is not free: {created.last_error_line}", got=created.ok, want=True
        )
        container.must_start()
        state = container.state()
        got = {
            "bundle": state.get("bundle"),
            "annotations": state.get("annotations"),
            "number": container.facts().value("read"),
        }
        want = {"bundle": str(bundle), "annotations": {"org.example.number": str(number)}, "number": str(number)}
        trial.expect("runtime.create.creates", "it is not the new container", got=got, want=want)
        container.must_kill()
        container.wait_stopped()
        container.must_delete()


@case("runtime.create.creates", "runtime.start.no-process-error", needs=["root"])
def no_process(trial: CaseContext) -> None:
    """A config without process makes a container, which cannot be started, also not when config.json gets one."""
    config = trial.config("cwd")
    process = config.pop("process")
    container = trial.container(config)
    created = container.create()
    message = f"a config without process, which only start requires, is refused: {created.last_error_line}"
    trial.expect("runtime.create.creates", message, got=created.ok, want=True)
    before = container.snapshot()
    clause = "runtime.start.no-process-error"
    trial.expect(clause, "it can be started", got=container.start().refused, want=True)
    trial.rewrite(container.bundle, config | {"process": process})
    trial.expect(clause, "it runs a process that config.json got later", got=container.start().refused, want=True)
    trial.expect(clause, "a start that failed changed it", got=container.snapshot(), want=before)


@case("runtime.warnings.continue", needs=["root"])
def delete_goes_on_after_a_warning(trial: CaseContext) -> None:
    """A poststop hook that fails is warned of, and the container is deleted all the same."""
    mark = trial.folder / "hook-ran"
    hooks = [{"path": "/bin/sh", "args": ["sh", "-c", f"cat > /dev/null; echo > '{mark}'; exit 3"]}]
    container = trial.container(trial.config("wait") | {"hooks": {"poststop": hooks}}).must_create().must_start()
    container.must_kill()
    container.wait_stopped()
    # Whether that is an error of delete is judged with the hooks.
    container.delete()
    trial.expect("runtime.warnings.continue", "the hook was not run", got=mark.exists(), want=True)
    trial.expect("runtime.warnings.continue", "state still knows the container", got=container.exists(), want=False)
    trial.expect("runtime.warnings.continue", "delete leaves things behind", got=container.leftovers(), want=[])
