"""Control groups in which more is than a runtime put there: groups below, and processes that outlive the first one."""

from __future__ import annotations

import os
from pathlib import Path

from ocivalidate.runtime import CaseContext, Container, case, changed, grouping, steps

REMOVES = "runtime.delete.removes-resources"
KEEPS = "runtime.delete.keeps-foreign-resources"
CPUS = "/linux/resources/cpu/cpus"
PATH = "/linux/cgroupsPath"
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


@case(REMOVES, KEEPS, needs=["root", "isolation"])
def group_above_that_another_container_is_in(trial: CaseContext) -> None:
    """Two containers are below one group, which the first made: each is deleted, and the other one stays as it was."""
    grouping.remove_later(trial, grouping.own_path(trial))
    config = trial.config("wait")
    first, second = (
        trial.container(changed(config, PATH, grouping.own_path(trial, "above", name))).must_create().must_start()
        for name in ("first", "second")
    )
    folders, others = own_folders(trial, first), own_folders(trial, second)
    first.must_kill().wait_stopped()
    done = first.delete()
    message = f"a container cannot be deleted while another is in a group beside its own: {done.last_error_line}"
    trial.expect(REMOVES, message, got=done.ok, want=True)
    left = sorted(folder for folder in folders if os.path.isdir(folder))
    trial.expect(REMOVES, "its groups are there after delete", got=left, want=[])
    gone = sorted(folder for folder in others if not os.path.isdir(folder))
    trial.expect(KEEPS, "delete removes groups of another container", got=gone, want=[])
    trial.expect(KEEPS, "delete ends another container", got=second.status(), want="running")
    done = second.must_kill().wait_stopped().delete()
    trial.expect(REMOVES, f"the other one cannot be deleted: {done.last_error_line}", got=done.ok, want=True)


@case(sets=[CPUS], needs=["root", "controller:cpuset", "cgroup:v1", "cpus:2"])
def processors_of_the_group_above(trial: CaseContext) -> None:
    """The group above keeps its processors where that of the container has fewer of them."""
    above = trial.make_group("above", above_others=True)
    file = Path(f"{trial.stage.layout.controllers['cpuset']}{above}", "cpuset.cpus")
    before = file.read_text(encoding="ascii").strip()
    config = trial.config(*steps(["affinity"], ["wait"]))
    one = str(min(os.sched_getaffinity(0)))
    config["linux"] |= {"cgroupsPath": f"{above}/own", "resources": {"cpu": {"cpus": one}}}
    facts = trial.container(config).must_create().must_start().facts()
    trial.judge_facts(config, facts)
    after = file.read_text(encoding="ascii").strip()
    trial.applied(CPUS, got=after, want=before, message="the processors of the group above are other ones")


@case("config-linux.cgroupsPath.absolute-from-mount", sets=[PATH], needs=["root"])
def path_with_odd_letters(trial: CaseContext) -> None:
    """A group is called as the config says, with blanks, colons and whatever else a name may have in it."""
    name = "a b:c,d%e\\f#g=h;ü"
    path = grouping.own_path(trial, name)
    grouping.remove_later(trial, grouping.own_path(trial))
    config = trial.config("wait")
    config["linux"]["cgroupsPath"] = path
    container = trial.container(config).must_create().must_start()
    got = grouping.places(trial, container)
    message = "the process is not in the group at cgroupsPath, which has odd letters in it"
    trial.expect("config-linux.cgroupsPath.absolute-from-mount", message, got=got, want=dict.fromkeys(got, path))
    trial.applied(PATH, got=got, want=dict.fromkeys(got, path), message=message)
