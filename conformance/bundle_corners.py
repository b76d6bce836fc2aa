"""Bundles where few have theirs, and several at once: where one lies, and what else goes on, is nobody's business."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ocivalidate.runtime import CaseContext, Container, case, mounting, steps

RUNS = "runtime.lifecycle.run-program"
CREATES = "runtime.create.creates"
DESTINATION = "/mounts/*/destination"
# Longer than the address of a socket may be, and far below what the kernel takes for a path.
DEEP = ("d" * 120,) * 6
# Folders that create makes for one mount: the more, the surer two of them meet.
LEVELS = tuple(f"level-{number}" for number in range(60))
PLACES = tuple(f"/{name}/{'/'.join(LEVELS)}" for name in "abcdefgh")
ROUNDS = 5
# What the kernel writes in octal where it lists mounts, and what shells, overlays and lists give a meaning.
ODD = "a b\\c\td\ne:f,g#h'i\"j$k%l=m*n"


def _lives(trial: CaseContext, bundle: Path, what: str) -> None:
    """Judge that a container of a bundle is created, runs, and sees its own root filesystem."""
    (bundle / "rootfs" / "marker").write_text("ours", encoding="ascii")
    container = trial.container(bundle=bundle)
    done = container.create()
    trial.expect(CREATES, f"{what} there is no container: {done.last_error_line}", got=done.ok, want=True)
    if not done.ok:
        trial.skip("there is no container", RUNS)
        return
    done = container.start()
    got = container.facts().outcome("read", "/marker") if done.ok else done.last_error_line
    trial.expect(RUNS, f"{what} the program does not run in its root filesystem", got=got, want="ours")
    container.clean_up()


@case(CREATES, RUNS, needs=["root"])
def far_down(trial: CaseContext) -> None:
    """A bundle whose path is longer than the address of a socket may be is as good as any other."""
    config = trial.config(*steps(["read", "/marker"], ["wait"]))
    trial.control(config)
    (trial.folder.joinpath(*DEEP[:-1])).mkdir(parents=True)
    _lives(trial, trial.bundle(config, "/".join(DEEP)), "where the path of the bundle is long,")


@case(CREATES, RUNS, needs=["root", "isolation"])
def on_a_mount_with_an_odd_name(trial: CaseContext) -> None:
    """A bundle may be on a mount, and its root filesystem another, whose paths have blanks and line breaks in them."""
    config = trial.config(*steps(["read", "/marker"], ["wait"]))
    trial.control(config)
    bundle = trial.bundle(config, ODD)
    for folder in (bundle, bundle / "rootfs"):
        mounting.host_mount(trial, folder, "bind", kind="none", source=str(folder))
    _lives(trial, bundle, "where the bundle is on a mount whose path has odd letters in it,")


@case(CREATES, RUNS, sets=[DESTINATION], needs=["root", "isolation"])
def containers_of_one_root_filesystem_at_once(trial: CaseContext) -> None:
    """Containers that are created at once in one root filesystem, in which destinations are missing, are all there."""
    config = trial.config(*steps(["ids"], *(["stat", place] for place in PLACES), ["wait"]))
    config["mounts"] += [{"destination": place, "type": "tmpfs", "source": "tmpfs"} for place in PLACES]
    container = trial.container(config)
    if not container.create().ok:
        trial.skip("the runtime makes no destinations")
    for number in range(ROUNDS):
        root = {"path": str(trial.bundle(config, f"shared-{number}") / "rootfs")}
        containers = [trial.container(config | {"root": root}) for _ in range(2)]
        with ThreadPoolExecutor(len(containers)) as pool:
            done = list(pool.map(Container.create, containers))
        failed = [one.last_error_line for one in done if not one.ok]
        message = "of two containers that are created at once, one is not there"
        if not trial.expect(CREATES, message, got=failed, want=[]):
            trial.skip("there are no two containers")
        if number == ROUNDS - 1:
            _judge_places(trial, containers)


def _judge_places(trial: CaseContext, containers: Sequence[Container]) -> None:
    for container in containers:
        facts = container.must_start().facts()
        got = [place for place in PLACES if facts.error("stat", place)]
        trial.applied(DESTINATION, got=got, want=[], message="mounts are not at their destinations")
        trial.expect(RUNS, "the program does not run", got="ids" in facts)
