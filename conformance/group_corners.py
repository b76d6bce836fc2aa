"""Control groups in which more is than a runtime put there: groups below, and processes that outlive the first one."""

from __future__ import annotations

import os
from pathlib import Path

from ocivalidate.runtime import CaseContext, Container, case, grouping

REMOVES = "runtime.delete.removes-resources"
BELOW = ("one", "one/deep", "one/deep/er", "two")
# Its child goes on in a session of its own; what it prints says that both are there.
FORKS = "import os, time\nif os.fork() == 0:\n    os.setsid()\nelse:\n    print('both', flush=True)\ntime.sleep(3600)"


def own_folders(trial: CaseContext, container: Container) -> set[str]:
    """The folders of the groups that the container process is in, without those at the top, which nobody removes."""
    found = {container.group_folder(name) for name in (*trial.stage.layout.controllers, "")}
    return {folder for folder in found if folder and trial.stage.group in folder}


@case(REMOVES, needs=["root", "isolation"])
def groups_below_the_own_one(trial: CaseContext) -> None:
    """The groups of a container are gone after delete, also where its program, as it may, has made some below."""
    config = grouping.with_path(trial, grouping.own_path(trial, "nested"))
    grouping.remove_later(trial, grouping.own_path(trial))
    container = trial.container(config).must_create().must_start()
    folders = own_folders(trial, container)
    for folder in folders:
        for name in BELOW:
            os.mkdir(Path(folder, name))
    container.must_kill().wait_stopped()
    done = container.delete()
    message = f"a container with groups below its own cannot be deleted: {done.last_error_line}"
    trial.expect(REMOVES, message, got=done.ok, want=True)
    left = sorted(folder for folder in folders if os.path.isdir(folder))
    trial.expect(REMOVES, "groups with others below are there after delete", got=left, want=[])


@case(REMOVES, needs=["root", "isolation"])
def processes_that_outlive_the_first(trial: CaseContext) -> None:
    """In the PID namespace of others a child outlives the killed container process: delete ends it, or is refused."""
    config = trial.config("wait")
    config["linux"]["namespaces"] = [entry for entry in config["linux"]["namespaces"] if entry["type"] != "pid"]
    config["process"]["args"] = [config["process"]["args"][0], "-c", FORKS]
    container = trial.container(config).must_create().must_start()
    container.wait_output(lambda text: "both" in text or None)
    folders = own_folders(trial, container)
    container.must_kill().wait_stopped()
    done = container.delete()
    if done.refused:
        # What is left is not denied; our own cleaning ends it.
        trial.skip(f"the runtime refuses to delete what still has processes: {done.last_error_line}")
    left = sorted(folder for folder in folders if os.path.isdir(folder))
    trial.expect(REMOVES, "delete succeeds, and groups with processes are there", got=left, want=[])
