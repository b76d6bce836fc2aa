"""Mount options, judged by what can be done on the mounts: one container holds a mount for each.

An option that only undoes another (``exec``, ``rw``, ``async`` …) stands behind the one that it undoes: alone, its
absence would look the same. Of two that contradict each other the later counts, as in mount(8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocivalidate.runtime import Facts, Trial, case, steps
from ocivalidate.runtime.mounting import MACHINES, at, create_with, effects_of, host_mount, lay_out

OPTIONS = "/mounts/*/options"
APPLIES = "runtime.create.applies-config"
TABLE = "config.mounts.options.linux-table"
CLAUSE = "config.mounts.options.linux."
STALE, NEVER, ALWAYS = "when stale", "never", "always"


@dataclass(frozen=True, slots=True)
class Row:
    """An option, the options of the mount that shows it, and what is then to be seen.

    ``look``: an effect of the probe's step ``effects``, or ``super`` for the options of the file system. ``want``: its
    value; for ``super`` whether the word is there. ``source``: of a bind mount, the option of the mount that is bound.
    """

    name: str
    options: str
    look: str
    want: Any
    source: str | None = None
    word: str = ""

    @property
    def point(self) -> str:
        """Where its mount is in the container."""
        return f"/m/{'bind-' if self.source is not None else ''}{self.name}"


SETTING = (
    Row("ro", "ro", "write", "EROFS"),
    Row("noexec", "noexec", "exec", "EACCES"),
    Row("nosuid", "nosuid", "suid", 1000 & 0xFF),
    Row("nodev", "nodev", "dev", "EACCES"),
    Row("noatime", "noatime", "file", NEVER),
    Row("nodiratime", "nodiratime", "folder", NEVER),
    Row("strictatime", "strictatime", "file", ALWAYS),
    Row("sync", "sync", "super", True, word="sync"),
    Row("dirsync", "dirsync", "super", True, word="dirsync"),
    Row("lazytime", "lazytime", "super", True, word="lazytime"),
    Row("nosymfollow", "nosymfollow", "follow", "ELOOP"),
    # The same on bind mounts, where a runtime has to mount twice. Only there relatime can be seen: it is the default.
    Row("ro", "bind ro", "write", "EROFS", ""),
    Row("noexec", "bind noexec", "exec", "EACCES", ""),
    Row("nosuid", "bind nosuid", "suid", 1000 & 0xFF, ""),
    Row("nodev", "bind nodev", "dev", "EACCES", ""),
    Row("noatime", "bind noatime", "file", NEVER, ""),
    Row("nodiratime", "bind nodiratime", "folder", NEVER, ""),
    Row("strictatime", "bind strictatime", "file", ALWAYS, ""),
    Row("relatime", "bind relatime", "file", STALE, "strictatime"),
    Row("nosymfollow", "bind nosymfollow", "follow", "ELOOP", ""),
)
UNDOING = (
    Row("rw", "ro rw", "write", True),
    Row("exec", "noexec exec", "exec", 0),
    Row("suid", "nosuid suid", "suid", 0),
    Row("dev", "nodev dev", "dev", True),
    Row("atime", "noatime atime", "file", STALE),
    Row("diratime", "nodiratime diratime", "folder", STALE),
    Row("nostrictatime", "strictatime nostrictatime", "file", STALE),
    Row("async", "sync async", "super", False, word="sync"),
    Row("nolazytime", "lazytime nolazytime", "super", False, word="lazytime"),
    Row("symfollow", "nosymfollow symfollow", "follow", True),
)
NEEDS = ("root", "isolation", MACHINES, "kernel:5.10")
SHOULD = frozenset({"nosymfollow", "symfollow"})


def source(trial: Trial, option: str) -> str:
    """A folder of ours to bind, laid out, on a mount with this option; with another such mount below it."""
    top = trial.folder / f"source-{option}"
    if not top.exists():
        for place in (top, top / "below"):
            host_mount(trial, place, *([] if option == "ro" else option.split()))
            lay_out(trial, place)
        for place in (top, top / "below") if option == "ro" else ():
            host_mount(trial, place, "remount", "bind", "ro")
    return str(top)


def mount_of(trial: Trial, row: Row) -> dict[str, Any]:
    """The entry of ``mounts`` for a row."""
    made: dict[str, Any] = {"destination": row.point, "options": row.options.split()}
    if row.source is None:
        return made | {"type": "tmpfs", "source": "tmpfs"}
    return made | {"type": "none", "source": source(trial, row.source)}


def seen(facts: Facts, row: Row) -> Any:
    """What a row is to be judged by."""
    if row.look == "super":
        return row.word in at(facts.value("mountinfo"), row.point).get("super", ())
    if not at(facts.value("mountinfo"), row.point):
        return "not mounted"
    return facts.value("effects", row.point)[row.look]


class Judge:
    """Takes what was seen of options, and at the end judges the table as a whole."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.failed: set[str] = set()

    def option(self, name: str, options: str, *, got: Any, want: Any, refused: str | None = None) -> None:
        """Judge an option: by its clause, or, where the release has none, as part of the property."""
        message = f"with {options.replace(' ', ',')} the option {name} does not have its effect"
        if not self.trial.holds("1.1.0"):
            # mount(8) says what options do, but nothing says which of them a runtime knows.
            if refused is None:
                self.trial.applied(OPTIONS, got=got, want=want, message=message)
            return
        if refused is not None:
            got, message = refused, f"the option {name} is refused"
        if not self.trial.expect(f"{CLAUSE}{name}", message, got=got, want=want, pointer=OPTIONS):
            self.failed.add(name)

    def close(self) -> None:
        """Judge the table as far as it says MUST."""
        failed = sorted(self.failed - SHOULD)
        self.trial.expect(TABLE, "options that the table requires are not implemented", got=failed, want=[])
        if self.trial.holds("1.1.0"):
            self.trial.skip("since 1.1.0 each option is a clause of its own", APPLIES)


def judge_rows(trial: Trial, rows: Sequence[Row]) -> None:
    """Have all rows mounted in one container, look, and judge."""
    if not trial.holds("1.1.0"):
        # Nothing said that these must be, and each refusal costs containers.
        rows = [row for row in rows if row.name not in SHOULD]
    looks = [
        step
        for row in rows
        for step in (effects_of(trial, row.point) if row.source is None else [["effects", row.point]])
        if row.look != "super"
    ]
    config = trial.config(*steps(*looks, ["mountinfo"]))
    done = create_with(trial, config, {row.point: [mount_of(trial, row)] for row in rows})
    facts = done.container.must_start().facts()
    judge = Judge(trial)
    for row in rows:
        refused = done.refused.get(row.point)
        got = None if refused is not None else seen(facts, row)
        judge.option(row.name, row.options, got=got, want=row.want, refused=refused)
    judge.close()


def clauses_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The clauses that rows judge."""
    return (TABLE, *dict.fromkeys(f"{CLAUSE}{row.name}" for row in rows))


@case(*clauses_of(SETTING), sets=[OPTIONS], needs=NEEDS)
def options_have_their_effect(trial: Trial) -> None:
    """Writing, executing, gaining a user, opening devices, following links and access times are as each option says."""
    judge_rows(trial, SETTING)


@case(*clauses_of(UNDOING), sets=[OPTIONS], needs=NEEDS)
def options_undo_others(trial: Trial) -> None:
    """Options such as exec, rw and async undo the option that stands before them."""
    judge_rows(trial, UNDOING)


# ------------------------------------------------------------------------------------------ bind, rbind, remount


@case(
    TABLE,
    *(f"{CLAUSE}{name}" for name in ("bind", "rbind", "remount")),
    sets=[OPTIONS, "/mounts/*/source"],
    needs=["root", "isolation"],
)
def binds_and_remounts(trial: Trial) -> None:
    """Bind shows a folder without what is mounted below it, rbind with it; remount changes a mount that is there."""
    tree = host_mount(trial, trial.folder / "tree")
    (tree / "below").mkdir()
    (tree / "below" / "covered").touch()
    host_mount(trial, tree / "below")
    (tree / "below" / "mounted").touch()
    first = {"destination": "/m/remount", "type": "tmpfs", "source": "tmpfs", "options": ["uid=5", "size=1m"]}
    again = {**first, "options": ["remount", "ro", "size=2m"]}
    mounts = {
        name: [{"destination": f"/m/{name}", "type": "none", "source": str(tree), "options": [name]}]
        for name in ("bind", "rbind")
    }
    looks = (["list", "/m/bind/below"], ["list", "/m/rbind/below"], ["stat", "/m/remount"], ["statvfs", "/m/remount"])
    config = trial.config(*steps(*looks, ["write", "/m/remount/file"]))
    done = create_with(trial, config, mounts | {"remount": [first, again]})
    facts = done.container.must_start().facts()
    judge = Judge(trial)
    for name, below in (("bind", ["covered"]), ("rbind", ["mounted"])):
        got = facts.outcome("list", f"/m/{name}/below")
        judge.option(name, name, got=got, want=below, refused=done.refused.get(name))
    # The owner is that of the first mount: a new one on top of it has another.
    changed = {
        "write": facts.outcome("write", "/m/remount/file"),
        "uid": facts.value("stat", "/m/remount")["uid"],
        "size": facts.value("statvfs", "/m/remount")["size"],
    }
    judge.option(
        "remount",
        "remount ro size=2m",
        got=changed,
        want={"write": "EROFS", "uid": 5, "size": 2 << 20},
        refused=done.refused.get("remount"),
    )
    trial.applied("/mounts/*/source", got=facts.outcome("list", "/m/rbind/below"), want=["mounted"])
    judge.close()


# ------------------------------------------------------------------------- options that nothing shows, and unknown ones

UNKNOWN = "ocivalidate-unknown"
# What a mount with none but the options of mount(8) that are the default allows.
USUAL = {"write": True, "exec": 0, "suid": 0, "dev": True, "follow": True, "file": STALE, "folder": STALE}
UNSEEN = {
    "iversion": "iversion",
    "loud": "silent loud",
    "noiversion": "iversion noiversion",
    "norelatime": "norelatime",
    "silent": "silent",
}


def tmpfs(name: str, *options: str) -> dict[str, Any]:
    """A file system in memory at ``/m/name``; one that refuses data that it does not know."""
    return {"destination": f"/m/{name}", "type": "tmpfs", "source": "tmpfs", "options": list(options)}


def takes_anything(trial: Trial) -> bool:
    """Whether the runtime takes an option that nobody knows, on a file system that refuses such: it drops it then."""
    config = trial.config("wait")
    container = trial.container(config | {"mounts": [*config["mounts"], tmpfs("unknown", UNKNOWN)]})
    (container.bundle / "rootfs" / "m" / "unknown").mkdir(parents=True)
    done = container.create()
    container.clean_up()
    return done.ok


def judge_known(trial: Trial, options: Mapping[str, str]) -> None:
    """Judge options by whether they are taken, and leave the mount as it was. Whether any is taken is asked before."""
    looks = [step for name in options for step in effects_of(trial, f"/m/{name}")]
    mounts = {name: [tmpfs(name, *words.split())] for name, words in options.items()}
    done = create_with(trial, trial.config(*steps(*looks, ["mountinfo"])), mounts)
    facts = done.container.must_start().facts()
    judge = Judge(trial)
    for name, words in options.items():
        mounted = at(facts.value("mountinfo"), f"/m/{name}")
        got = facts.outcome("effects", f"/m/{name}") if mounted else "not mounted"
        judge.option(name, words, got=got, want=USUAL, refused=done.refused.get(name))
    judge.close()


@case(
    TABLE,
    *(f"{CLAUSE}{name}" for name in UNSEEN),
    "config.mounts.options.unknown-as-data",
    "config.mounts.options.unknown-as-data-verbatim",
    needs=["root", "isolation", MACHINES],
)
def options_without_effect_are_known(trial: Trial) -> None:
    """Options that nothing on this kernel shows are known: not given to a file system that refuses what it knows not.

    That it refuses is seen with an option that nobody knows. ``silent`` and ``loud`` bear on the kernel's log alone,
    ``iversion`` on a number that only file servers see; ``norelatime`` leaves what is the default.
    """
    anything = takes_anything(trial)
    for clause in ("unknown-as-data", "unknown-as-data-verbatim"):
        trial.expect(
            f"config.mounts.options.{clause}",
            "an option that nobody knows does not reach the file system, which would refuse it",
            got="taken" if anything else "refused",
            want="refused",
        )
    if anything:
        trial.skip("the runtime takes an option that nobody knows, so that taking these proves nothing")
    judge_known(trial, UNSEEN)


@case(TABLE, f"{CLAUSE}defaults", needs=["root", "isolation", MACHINES])
def defaults_is_known(trial: Trial) -> None:
    """The option defaults is known: not given to a file system that refuses what it knows not."""
    if takes_anything(trial):
        trial.skip("the runtime takes an option that nobody knows, so that taking this proves nothing")
    judge_known(trial, {"defaults": "defaults"})


@case(
    "config.mounts.options.unknown-as-data",
    "config.mounts.options.unknown-as-data-verbatim",
    sets=[OPTIONS],
    needs=["root", "isolation"],
)
def other_options_reach_the_file_system(trial: Trial) -> None:
    """Options that are no mount flags reach the file system, all of them: size, files and owner of a tmpfs."""
    options = ["size=1m", "noexec", "nr_inodes=77", "nosuid", "uid=5", "gid=6"]
    config = trial.config(*steps(["stat", "/m/data"], ["statvfs", "/m/data"]))
    done = create_with(trial, config, {"data": [tmpfs("data", *options)]})
    facts = done.container.must_start().facts()
    looked = facts.value("stat", "/m/data") | facts.value("statvfs", "/m/data")
    got = {name: looked[name] for name in ("files", "size", "uid", "gid")}
    judge_data(trial, got, {"files": 77, "size": 1 << 20, "uid": 5, "gid": 6})


@case(
    "config.mounts.options.unknown-as-data",
    "config.mounts.options.unknown-as-data-verbatim",
    sets=[OPTIONS],
    needs=["root", "isolation"],
)
def mode_reaches_the_file_system(trial: Trial) -> None:
    """The option mode is the mode of a tmpfs, also where the folder that it covers has another."""
    config = trial.config("stat", "/m/mode")
    done = create_with(trial, config, {"mode": [tmpfs("mode", "mode=0710")]})
    facts = done.container.must_start().facts()
    judge_data(trial, oct(facts.value("stat", "/m/mode")["mode"]), oct(0o710))


def judge_data(trial: Trial, got: Any, want: Any) -> None:
    """Judge that options reached a file system: by the clause of the release, or else as part of the property."""
    trial.applied(OPTIONS, got=got, want=want)
    for clause in ("unknown-as-data", "unknown-as-data-verbatim"):
        message = "options of a file system do not reach it"
        trial.expect(f"config.mounts.options.{clause}", message, got=got, want=want, pointer=OPTIONS)


@case("config.mounts.options.custom-follow-mount8", needs=["root", "isolation", MACHINES])
def options_of_mount8_are_as_there(trial: Trial) -> None:
    """A runtime that knows an option of mount(8) beyond the table does with it what mount(8) does.

    ``user`` stands for nosuid, nodev and noexec, ``nofail`` for nothing that can be seen here.
    """
    customs = {"user": USUAL | {"exec": "EACCES", "suid": "EACCES", "dev": "EACCES"}, "nofail": USUAL}
    taken = []
    for name, want in customs.items():
        config = trial.config(*steps(*effects_of(trial, f"/m/{name}"), ["mountinfo"]))
        container = trial.container(config | {"mounts": [*config["mounts"], tmpfs(name, name)]})
        (container.bundle / "rootfs" / "m" / name).mkdir(parents=True)
        if not container.create().ok:
            continue
        taken.append(name)
        facts = container.must_start().facts()
        mounted = at(facts.value("mountinfo"), f"/m/{name}")
        trial.expect(
            "config.mounts.options.custom-follow-mount8",
            f"the option {name} does not do what it does in mount(8)",
            got=facts.outcome("effects", f"/m/{name}") if mounted else "not mounted",
            want=want,
            pointer=OPTIONS,
        )
    if not taken:
        trial.skip(f"the runtime knows none of {', '.join(customs)}: they go to the file system, which refuses them")


# ------------------------------------------------------------------------------------------------ recursive attributes

RECURSIVE = (
    Row("rro", "rbind rro", "write", "EROFS", ""),
    Row("rrw", "rbind rrw", "write", True, "ro"),
    Row("rnosuid", "rbind rnosuid", "suid", 1000 & 0xFF, ""),
    Row("rsuid", "rbind rsuid", "suid", 0, "nosuid"),
    Row("rdev", "rbind rdev", "dev", True, "nodev"),
    Row("rnoexec", "rbind rnoexec", "exec", "EACCES", ""),
    Row("rexec", "rbind rexec", "exec", 0, "noexec"),
    Row("rnoatime", "rbind rnoatime", "file", NEVER, ""),
    Row("ratime", "rbind ratime", "file", STALE, "noatime"),
    Row("rnodiratime", "rbind rnodiratime", "folder", NEVER, ""),
    Row("rdiratime", "rbind rdiratime", "folder", STALE, "nodiratime"),
    Row("rrelatime", "rbind rrelatime", "file", STALE, "strictatime"),
    # Not to spare access times is what strictatime does; that they still move is all that can be asked.
    Row("rnorelatime", "rbind rnorelatime", "file", (STALE, ALWAYS), ""),
    Row("rstrictatime", "rbind rstrictatime", "file", ALWAYS, ""),
    Row("rnostrictatime", "rbind rnostrictatime", "file", STALE, "strictatime"),
    Row("rnosymfollow", "rbind rnosymfollow", "follow", "ELOOP", ""),
    Row("rsymfollow", "rbind rsymfollow", "follow", True, "nosymfollow"),
)


@case(*(f"{CLAUSE}{row.name}" for row in RECURSIVE), needs=["root", "isolation", MACHINES, "kernel:5.12"])
def recursive_options_reach_what_is_below(trial: Trial) -> None:
    """Recursive options have their effect on a bound mount and on the mount below it.

    Those that take an attribute away are seen on mounts that have it.
    """
    places = {row.name: (row.point, f"{row.point}/below") for row in RECURSIVE}
    looks = [["effects", place] for pair in places.values() for place in pair]
    config = trial.config(*steps(*looks, ["mountinfo"]))
    done = create_with(trial, config, {row.name: [mount_of(trial, row)] for row in RECURSIVE})
    facts = done.container.must_start().facts()
    mounts = facts.value("mountinfo")
    for row in RECURSIVE:
        got: Any = done.refused.get(row.name)
        wanted = row.want if isinstance(row.want, tuple) else (row.want,)
        if got is None:
            got = [
                facts.value("effects", place)[row.look] if at(mounts, place) else "not mounted"
                for place in places[row.name]
            ]
        trial.expect_that(
            f"{CLAUSE}{row.name}",
            f"the option {row.name} does not have its effect on the mount and the one below it",
            held=isinstance(got, list) and all(value in wanted for value in got),
            got=got,
            want=" or ".join(map(str, wanted)),
            pointer=OPTIONS,
        )
