"""Mount options, judged by what can be done on the mounts: one container holds a mount for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ocivalidate.runtime import CaseContext, case, steps
from ocivalidate.runtime.case_helpers.mounting import MACHINES, at, create_with, effects_of, host_mount
from ocivalidate.runtime.case_helpers.optionrows import (
    ALWAYS,
    NEVER,
    OPTIONS,
    SHOULD,
    STALE,
    TABLE,
    Judge,
    Row,
    mount_of,
    seen,
)

NEEDS = ("root", "isolation", MACHINES, "kernel:5.10")
SETTING = (
    Row("config.mounts.options.linux.ro", "ro", "write", "EROFS"),
    Row("config.mounts.options.linux.noexec", "noexec", "exec", "EACCES"),
    Row("config.mounts.options.linux.nosuid", "nosuid", "suid", 1000 & 0xFF),
    Row("config.mounts.options.linux.nodev", "nodev", "dev", "EACCES"),
    Row("config.mounts.options.linux.noatime", "noatime", "file", NEVER),
    Row("config.mounts.options.linux.nodiratime", "nodiratime", "folder", NEVER),
    Row("config.mounts.options.linux.strictatime", "strictatime", "file", ALWAYS),
    Row("config.mounts.options.linux.sync", "sync", "super", True, word="sync"),
    Row("config.mounts.options.linux.dirsync", "dirsync", "super", True, word="dirsync"),
    Row("config.mounts.options.linux.lazytime", "lazytime", "super", True, word="lazytime"),
    Row("config.mounts.options.linux.nosymfollow", "nosymfollow", "follow", "ELOOP"),
    # The same on bind mounts, where a runtime has to mount twice. Only there relatime can be seen: it is the default.
    Row("config.mounts.options.linux.ro", "bind ro", "write", "EROFS", ""),
    Row("config.mounts.options.linux.noexec", "bind noexec", "exec", "EACCES", ""),
    Row("config.mounts.options.linux.nosuid", "bind nosuid", "suid", 1000 & 0xFF, ""),
    Row("config.mounts.options.linux.nodev", "bind nodev", "dev", "EACCES", ""),
    Row("config.mounts.options.linux.noatime", "bind noatime", "file", NEVER, ""),
    Row("config.mounts.options.linux.nodiratime", "bind nodiratime", "folder", NEVER, ""),
    Row("config.mounts.options.linux.strictatime", "bind strictatime", "file", ALWAYS, ""),
    Row("config.mounts.options.linux.relatime", "bind relatime", "file", STALE, "strictatime"),
    Row("config.mounts.options.linux.nosymfollow", "bind nosymfollow", "follow", "ELOOP", ""),
)
UNDOING = (
    Row("config.mounts.options.linux.rw", "ro rw", "write", True),
    Row("config.mounts.options.linux.exec", "noexec exec", "exec", 0),
    Row("config.mounts.options.linux.suid", "nosuid suid", "suid", 0),
    Row("config.mounts.options.linux.dev", "nodev dev", "dev", True),
    Row("config.mounts.options.linux.atime", "noatime atime", "file", STALE),
    Row("config.mounts.options.linux.diratime", "nodiratime diratime", "folder", STALE),
    Row("config.mounts.options.linux.nostrictatime", "strictatime nostrictatime", "file", STALE),
    Row("config.mounts.options.linux.async", "sync async", "super", False, word="sync"),
    Row("config.mounts.options.linux.nolazytime", "lazytime nolazytime", "super", False, word="lazytime"),
    Row("config.mounts.options.linux.symfollow", "nosymfollow symfollow", "follow", True),
)


def judge_rows(trial: CaseContext, rows: Sequence[Row]) -> None:
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
        judge.option(row.clause, row.options, got=got, want=row.want, refused=refused)
    judge.close()


def clauses_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The clauses that rows judge."""
    return (TABLE, *dict.fromkeys(row.clause for row in rows))


@case(*clauses_of(SETTING), sets=[OPTIONS], needs=NEEDS)
def options_have_their_effect(trial: CaseContext) -> None:
    """Writing, executing, gaining a user, opening devices, following links and access times are as each option says."""
    judge_rows(trial, SETTING)


@case(*clauses_of(UNDOING), sets=[OPTIONS], needs=NEEDS)
def options_undo_others(trial: CaseContext) -> None:
    """Options such as exec, rw and async undo the option that stands before them."""
    judge_rows(trial, UNDOING)


# ------------------------------------------------------------------------------------------ bind, rbind, remount


@case(
    TABLE,
    "config.mounts.options.linux.bind",
    "config.mounts.options.linux.rbind",
    "config.mounts.options.linux.remount",
    sets=[OPTIONS, "/mounts/*/source"],
    needs=["root", "isolation"],
)
def binds_and_remounts(trial: CaseContext) -> None:
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
    for clause, name, below in (
        ("config.mounts.options.linux.bind", "bind", ["covered"]),
        ("config.mounts.options.linux.rbind", "rbind", ["mounted"]),
    ):
        got = facts.outcome("list", f"/m/{name}/below")
        judge.option(clause, name, got=got, want=below, refused=done.refused.get(name))
    # The owner is that of the first mount: a new one on top of it has another.
    changed = {
        "write": facts.outcome("write", "/m/remount/file"),
        "uid": facts.value("stat", "/m/remount")["uid"],
        "size": facts.value("statvfs", "/m/remount")["size"],
    }
    judge.option(
        "config.mounts.options.linux.remount",
        "remount ro size=2m",
        got=changed,
        want={"write": "EROFS", "uid": 5, "size": 2 << 20},
        refused=done.refused.get("remount"),
    )
    trial.applied("/mounts/*/source", got=facts.outcome("list", "/m/rbind/below"), want=["mounted"])
    judge.close()


# ------------------------------------------------------------------------------------------------ recursive attributes

RECURSIVE = (
    Row("config.mounts.options.linux.rro", "rbind rro", "write", "EROFS", ""),
    Row("config.mounts.options.linux.rrw", "rbind rrw", "write", True, "ro"),
    Row("config.mounts.options.linux.rnosuid", "rbind rnosuid", "suid", 1000 & 0xFF, ""),
    Row("config.mounts.options.linux.rsuid", "rbind rsuid", "suid", 0, "nosuid"),
    Row("config.mounts.options.linux.rdev", "rbind rdev", "dev", True, "nodev"),
    Row("config.mounts.options.linux.rnoexec", "rbind rnoexec", "exec", "EACCES", ""),
    Row("config.mounts.options.linux.rexec", "rbind rexec", "exec", 0, "noexec"),
    Row("config.mounts.options.linux.rnoatime", "rbind rnoatime", "file", NEVER, ""),
    Row("config.mounts.options.linux.ratime", "rbind ratime", "file", STALE, "noatime"),
    Row("config.mounts.options.linux.rnodiratime", "rbind rnodiratime", "folder", NEVER, ""),
    Row("config.mounts.options.linux.rdiratime", "rbind rdiratime", "folder", STALE, "nodiratime"),
    Row("config.mounts.options.linux.rrelatime", "rbind rrelatime", "file", STALE, "strictatime"),
    # Not to spare access times is what strictatime does; that they still move is all that can be asked.
    Row("config.mounts.options.linux.rnorelatime", "rbind rnorelatime", "file", (STALE, ALWAYS), ""),
    Row("config.mounts.options.linux.rstrictatime", "rbind rstrictatime", "file", ALWAYS, ""),
    Row("config.mounts.options.linux.rnostrictatime", "rbind rnostrictatime", "file", STALE, "strictatime"),
    Row("config.mounts.options.linux.rnosymfollow", "rbind rnosymfollow", "follow", "ELOOP", ""),
    Row("config.mounts.options.linux.rsymfollow", "rbind rsymfollow", "follow", True, "nosymfollow"),
)


@case(*(row.clause for row in RECURSIVE), needs=["root", "isolation", MACHINES, "kernel:5.12"])
def recursive_options_reach_what_is_below(trial: CaseContext) -> None:
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
            row.clause,
            f"the option {row.name} does not have its effect on the mount and the one below it",
            held=isinstance(got, list) and all(value in wanted for value in got),
            got=got,
            want=" or ".join(map(str, wanted)),
            pointer=OPTIONS,
        )
