"""Creating: what cannot be applied is refused and leaves nothing; what was there before outlives the container."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, case, changed, programs, steps

NO_SIDE_EFFECTS = "runtime.errors.no-side-effects"
REFUSALS = (
    "runtime.create.unappliable-error",
    "runtime.create.unappliable-no-container",
    "runtime.lifecycle.create-env-error",
    "runtime.lifecycle.destroy-undo",
    "runtime.errors.no-side-effects",
)
FOREIGN = "runtime.delete.keeps-foreign-resources"

# What no runtime can apply, from what is seen before anything is made to what fails last: pointer and value.
UNAPPLIABLE: Mapping[str, tuple[str, Any]] = {
    "a root that is not there": ("/root/path", "nosuch"),
    "a namespace that is not there": ("/linux/namespaces/-", {"type": "network", "path": "/proc/self/nosuch"}),
    "a mount source that is not there": (
        "/mounts/-",
        {"destination": "/mnt", "source": "/nosuch", "options": ["bind"]},
    ),
    "a file system that there is none of": ("/mounts/-", {"destination": "/mnt", "source": "x", "type": "nosuchfs"}),
    "a kernel parameter that is not there": ("/linux/sysctl", {"kernel.nosuch": "1"}),
    "a hostname that is too long": ("/hostname", "h" * 65),
    "a device on a folder that is a file": (
        "/linux/devices/-",
        {"path": "/usr/bin/python3/given", "type": "c", "major": 1, "minor": 3},
    ),
}


@case(*REFUSALS, needs=["root"])
def unappliable_properties(trial: CaseContext) -> None:
    """What cannot be applied is refused, no container comes of it, and what was made on the way is gone."""
    control = trial.config("wait") | ({"hostname": "h"} if trial.subject.isolates else {})
    trial.control(control)
    for what, (pointer, value) in UNAPPLIABLE.items():
        _judge_refusal(trial, what, changed(control, pointer, value))


@case(*REFUSALS, needs=["root", "isolation", "controller:cpu"])
def unappliable_resources(trial: CaseContext) -> None:
    """A limit that the kernel refuses, which is seen when the control groups are made, leaves none of them."""
    control = changed(trial.config("wait"), "/linux/resources/cpu", {"period": 100000, "quota": 50000})
    trial.control(control)
    _judge_refusal(trial, "a period of 1 microsecond", changed(control, "/linux/resources/cpu/period", 1))


def _judge_refusal(trial: CaseContext, what: str, config: Mapping[str, Any]) -> None:
    container = trial.container(config)
    done = container.create()
    got = "created" if done.ok else done.last_error_line
    for clause in ("runtime.create.unappliable-error", "runtime.lifecycle.create-env-error"):
        trial.expect_that(clause, f"{what} is accepted", held=done.refused, got=got, want="an error")
    if not done.refused:
        # One defect, one finding: what an error leaves behind cannot be seen without one.
        about = ("runtime.create.unappliable-no-container", "runtime.lifecycle.destroy-undo", NO_SIDE_EFFECTS)
        trial.skip("create did not refuse what it had to", *about)
        container.clean_up()
        return
    known, left = container.exists(), container.leftovers_of_failure()
    clause = "runtime.create.unappliable-no-container"
    trial.expect(clause, f"{what}: state knows a container of it", got=known, want=False)
    for clause in ("runtime.lifecycle.destroy-undo", NO_SIDE_EFFECTS):
        trial.expect(clause, f"{what}: a create that failed leaves things behind", got=left, want=[])
    container.clean_up()


@case("runtime.create.unappliable-error", "runtime.create.unappliable-no-container", needs=["root"])
def config_that_is_none(trial: CaseContext) -> None:
    """A config.json that is empty, cut off, no JSON, no object or a folder is refused."""
    config = trial.config("wait")
    container = trial.container(config)
    whole = (container.bundle / "config.json").read_bytes()
    texts = {
        "empty": b"",
        "cut off": whole[: len(whole) // 2],
        "no JSON": b"ociVersion: 1.0.0\n",
        "an array": b"[]",
        "a word": b"null",
    }
    for what, text in texts.items():
        trial.rewrite(container.bundle, text)
        done = container.create()
        message = f"a config.json that is {what} is accepted"
        got = "created" if done.ok else done.last_error_line
        trial.expect_that("runtime.create.unappliable-error", message, held=done.refused, got=got, want="an error")
    (container.bundle / "config.json").unlink()
    (container.bundle / "config.json").mkdir()
    done = container.create()
    trial.expect("runtime.create.unappliable-error", "a folder config.json is accepted", got=done.refused, want=True)
    if done.refused:
        known = container.exists()
        trial.expect("runtime.create.unappliable-no-container", "there is a container of it", got=known, want=False)
    else:
        trial.skip("create did not refuse what it had to", "runtime.create.unappliable-no-container")
    (container.bundle / "config.json").rmdir()
    trial.rewrite(container.bundle, whole)
    done = container.create()
    trial.expect(
        "runtime.create.unappliable-error", f"the whole file is refused: {done.last_error_line}", got=done.ok, want=True
    )


def _foreign_process(trial: CaseContext, group: str) -> tuple[subprocess.Popen[bytes], list[str]]:
    """A process of ours in a control group of ours, beside that of the container."""
    process = subprocess.Popen(programs.command("sleep", "1000"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    folders = [f"{mount}{group}" for mount in trial.stage.layout.hierarchies]

    def undo() -> None:
        process.kill()
        process.wait()
        for folder in folders:
            with contextlib.suppress(OSError):
                os.rmdir(folder)

    trial.undo(undo)
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
        # Where a group of cpuset has no processors, nothing can be put.
        with contextlib.suppress(OSError):
            Path(folder, "cgroup.procs").write_text(str(process.pid), encoding="utf-8")
    return process, folders


@case(FOREIGN, needs=["root", "isolation", "program:sleep", "program:mount"])
def foreign_resources(trial: CaseContext) -> None:
    """Delete leaves alone what create did not make: files, a mount, a process, control groups beside and above."""
    shared, mounted = trial.folder / "shared", trial.folder / "mounted"
    for folder in (shared, mounted):
        folder.mkdir()
    subprocess.run(
        programs.command("mount", "-t", "tmpfs", "none", str(mounted)), check=True, stdin=subprocess.DEVNULL, timeout=60
    )
    trial.undo(
        lambda: (
            []
            if subprocess.run(programs.command("umount", str(mounted)), check=False, timeout=60).returncode == 0
            else [str(mounted)]
        )
    )
    for folder in (shared, mounted):
        (folder / "ours").write_text("ours", encoding="utf-8")
    process, groups = _foreign_process(trial, f"{trial.stage.group}/foreign")
    config = trial.config(*steps(["write", "/var/theirs", "theirs"], ["write", "/run/theirs", "theirs"], ["wait"]))
    config["mounts"] += [
        {"destination": target, "source": str(source), "options": ["rbind"]}
        for target, source in (("/var", shared), ("/run", mounted))
    ]
    container = trial.container(config)
    beside = [container.bundle / "beside", container.bundle / "rootfs" / "tmp" / "ours"]
    for file in beside:
        file.write_text("ours", encoding="utf-8")
    container.must_create().must_start().facts()
    container.must_kill()
    container.wait_stopped()
    container.must_delete()
    kept: dict[str, Callable[[], bool]] = {
        "the bundle": (container.bundle / "config.json").is_file,
        "files of the root": (container.bundle / "rootfs" / "usr" / "bin" / "python3").is_file,
        "a file in the bundle": beside[0].is_file,
        "a file in the root": beside[1].is_file,
        "what is bound": lambda: sorted(path.name for path in shared.iterdir()) == ["ours", "theirs"],
        "a mount that is bound": lambda: mounted.is_mount() and sorted(os.listdir(mounted)) == ["ours", "theirs"],
        "a process": lambda: process.poll() is None,
        "a control group beside": lambda: all(map(os.path.isdir, groups)),
        "the control group above": lambda: all(map(os.path.isdir, map(os.path.dirname, groups))),
    }
    gone = [what for what, there in kept.items() if not there()]
    trial.expect(FOREIGN, "delete removes what create did not make", got=gone, want=[])
    trial.expect(FOREIGN, "the container is not deleted", got=container.leftovers(), want=[])
