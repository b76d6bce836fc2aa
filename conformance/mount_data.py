"""Mount options that nothing shows, and those that are not for the runtime but for the file system.

All are given to a file system in memory, which refuses what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, mounting, option_rows, steps

UNKNOWN = "ocivalidate-unknown"
# The clause on an option → the options of a mount that has it.
UNSEEN = {
    "config.mounts.options.linux.iversion": "iversion",
    "config.mounts.options.linux.loud": "silent loud",
    "config.mounts.options.linux.noiversion": "iversion noiversion",
    "config.mounts.options.linux.norelatime": "norelatime",
    "config.mounts.options.linux.silent": "silent",
}
DEFAULTS = "config.mounts.options.linux.defaults"
AS_DATA = ("config.mounts.options.unknown-as-data", "config.mounts.options.unknown-as-data-verbatim")


def tmpfs(name: str, *options: str) -> dict[str, Any]:
    """A file system in memory at ``/m/name``; one that refuses data that it does not know."""
    return {"destination": f"/m/{name}", "type": "tmpfs", "source": "tmpfs", "options": list(options)}


def takes_anything(trial: CaseContext) -> bool:
    """Whether the runtime takes an option that nobody knows, on a file system that refuses such: it drops it then."""
    config = trial.config("wait")
    container = trial.container(config | {"mounts": [*config["mounts"], tmpfs("unknown", UNKNOWN)]})
    (container.bundle / "rootfs" / "m" / "unknown").mkdir(parents=True)
    done = container.create()
    container.clean_up()
    return done.ok


def judge_known(trial: CaseContext, options: Mapping[str, str]) -> None:
    """Judge options by whether they are taken, and leave the mount as it was. Whether any is taken is asked before."""
    names = {clause: option_rows.option_of(clause) for clause in options}
    looks = [step for name in names.values() for step in mounting.effects_of(trial, f"/m/{name}")]
    mounts = {names[clause]: [tmpfs(names[clause], *words.split())] for clause, words in options.items()}
    done = mounting.create_with(trial, trial.config(*steps(*looks, ["mountinfo"])), mounts)
    facts = done.container.must_start().facts()
    judge = option_rows.Judge(trial)
    for clause, words in options.items():
        name = names[clause]
        mounted = mounting.at(facts.value("mountinfo"), f"/m/{name}")
        got = facts.outcome("effects", f"/m/{name}") if mounted else "not mounted"
        judge.option(clause, words, got=got, want=option_rows.USUAL, refused=done.refused.get(name))
    judge.close()


@case(
    option_rows.TABLE,
    *UNSEEN,
    *AS_DATA,
    needs=["root", "isolation", mounting.MACHINES],
)
def options_without_effect_are_known(trial: CaseContext) -> None:
    """Options that nothing on this kernel shows are known: not given to a file system that refuses what it knows not.

    That it refuses is seen with an option that nobody knows. ``silent`` and ``loud`` bear on the kernel's log alone,
    ``iversion`` on a number that only file servers see; ``norelatime`` leaves what is the default.
    """
    anything = takes_anything(trial)
    for clause in AS_DATA:
        trial.expect(
            clause,
            "an option that nobody knows does not reach the file system, which would refuse it",
            got="taken" if anything else "refused",
            want="refused",
        )
    if anything:
        trial.skip("the runtime takes an option that nobody knows, so that taking these proves nothing")
    judge_known(trial, UNSEEN)


@case(option_rows.TABLE, DEFAULTS, needs=["root", "isolation", mounting.MACHINES])
def defaults_is_known(trial: CaseContext) -> None:
    """The option defaults is known: not given to a file system that refuses what it knows not."""
    if takes_anything(trial):
        trial.skip("the runtime takes an option that nobody knows, so that taking this proves nothing")
    judge_known(trial, {DEFAULTS: "defaults"})


@case(
    *AS_DATA,
    sets=[option_rows.OPTIONS],
    needs=["root", "isolation"],
)
def other_options_reach_the_file_system(trial: CaseContext) -> None:
    """Options that are no mount flags reach the file system, all of them: size, files and owner of a tmpfs."""
    options = ["size=1m", "noexec", "nr_inodes=77", "nosuid", "uid=5", "gid=6"]
    config = trial.config(*steps(["stat", "/m/data"], ["statvfs", "/m/data"]))
    done = mounting.create_with(trial, config, {"data": [tmpfs("data", *options)]})
    facts = done.container.must_start().facts()
    looked = facts.value("stat", "/m/data") | facts.value("statvfs", "/m/data")
    got = {name: looked[name] for name in ("files", "size", "uid", "gid")}
    judge_data(trial, got, {"files": 77, "size": 1 << 20, "uid": 5, "gid": 6})


@case(
    *AS_DATA,
    sets=[option_rows.OPTIONS],
    needs=["root", "isolation"],
)
def mode_reaches_the_file_system(trial: CaseContext) -> None:
    """The option mode is the mode of a tmpfs, also where the folder that it covers has another."""
    config = trial.config("stat", "/m/mode")
    done = mounting.create_with(trial, config, {"mode": [tmpfs("mode", "mode=0710")]})
    facts = done.container.must_start().facts()
    judge_data(trial, oct(facts.value("stat", "/m/mode")["mode"]), oct(0o710))


@case(sets=[option_rows.OPTIONS], needs=["root", "isolation"])
def made_destination_has_the_mode_of_the_file_system(trial: CaseContext) -> None:
    """A tmpfs on a destination that is made has the mode 1777 of its kind, or that of the option mode; none of its own.

    The folder that the runtime makes is covered, and its mode is nobody's concern.
    """
    wanted = {"/made-too/deep": (0o710, ["mode=0710"]), "/made": (0o1777, [])}
    config = trial.config(*steps(*(["stat", path] for path in wanted), ["wait"]))
    for path, (_, options) in wanted.items():
        config["mounts"].append({"destination": path, "type": "tmpfs", "source": "tmpfs", "options": options})
    container = trial.container(config)
    done = container.create()
    if done.refused:
        # Nothing says that a runtime must make destinations that are not there.
        trial.skip_refused(done.last_error_line, odd=True)
    facts = container.must_start().facts()
    got = {path: oct(facts.value("stat", path)["mode"]) for path in wanted}
    want = {path: oct(mode) for path, (mode, _) in wanted.items()}
    message = "a tmpfs on a destination that is made does not have its mode"
    trial.applied(option_rows.OPTIONS, got=got, want=want, message=message)


@case(sets=[option_rows.OPTIONS], needs=["root", "isolation"])
def sticky_modes_stay_sticky(trial: CaseContext) -> None:
    """A tmpfs has the sticky bit that its option mode gives it; without the option, on a folder that has it, as well.

    That is the mode of its kind: who copies that of the folder has to copy all of it.
    """
    mounts = {"given": [tmpfs("given", "mode=1777")], "covered": [tmpfs("covered")]}

    def make_sticky(container: Container) -> None:
        (container.bundle / "rootfs" / "m" / "covered").chmod(0o1777)

    config = trial.config(*steps(*(["stat", f"/m/{name}"] for name in mounts), ["wait"]))
    facts = mounting.create_with(trial, config, mounts, make_sticky).container.must_start().facts()
    got = {name: oct(facts.value("stat", f"/m/{name}")["mode"]) for name in mounts}
    message = "a tmpfs does not have the sticky bit"
    trial.applied(option_rows.OPTIONS, got=got, want=dict.fromkeys(mounts, oct(0o1777)), message=message)


def judge_data(trial: CaseContext, got: Any, want: Any) -> None:
    """Judge that options reached a file system: by the clause of the release, or else as part of the property."""
    trial.applied(option_rows.OPTIONS, got=got, want=want)
    for clause in AS_DATA:
        message = "options of a file system do not reach it"
        trial.expect(clause, message, got=got, want=want, pointer=option_rows.OPTIONS)


@case("config.mounts.options.custom-follow-mount8", needs=["root", "isolation", mounting.MACHINES])
def options_of_mount8_are_as_there(trial: CaseContext) -> None:
    """A runtime that knows an option of mount(8) beyond the table does with it what mount(8) does.

    ``user`` stands for nosuid, nodev and noexec, ``nofail`` for nothing that can be seen here.
    """
    customs = {
        "user": option_rows.USUAL | {"exec": "EACCES", "suid": "EACCES", "dev": "EACCES"},
        "nofail": option_rows.USUAL,
    }
    taken = []
    for name, want in customs.items():
        config = trial.config(*steps(*mounting.effects_of(trial, f"/m/{name}"), ["mountinfo"]))
        container = trial.container(config | {"mounts": [*config["mounts"], tmpfs(name, name)]})
        (container.bundle / "rootfs" / "m" / name).mkdir(parents=True)
        if not container.create().ok:
            continue
        taken.append(name)
        facts = container.must_start().facts()
        mounted = mounting.at(facts.value("mountinfo"), f"/m/{name}")
        trial.expect(
            "config.mounts.options.custom-follow-mount8",
            f"the option {name} does not do what it does in mount(8)",
            got=facts.outcome("effects", f"/m/{name}") if mounted else "not mounted",
            want=want,
            pointer=option_rows.OPTIONS,
        )
    if not taken:
        trial.skip(f"the runtime knows none of {', '.join(customs)}: they go to the file system, which refuses them")
