"""Mount options, judged by what can be done on the mounts: one container holds a mount for each."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any

from ocivalidate.runtime import CaseContext, case, mounting, option_rows, steps

NEEDS = ("root", "isolation", mounting.MACHINES, "kernel:5.10")
SETTING = (
    option_rows.Row("config.mounts.options.linux.ro", "ro", "write", "EROFS"),
    option_rows.Row("config.mounts.options.linux.noexec", "noexec", "exec", "EACCES"),
    option_rows.Row("config.mounts.options.linux.nosuid", "nosuid", "suid", 1000 & 0xFF),
    option_rows.Row("config.mounts.options.linux.nodev", "nodev", "dev", "EACCES"),
    option_rows.Row("config.mounts.options.linux.noatime", "noatime", "file", option_rows.NEVER),
    option_rows.Row("config.mounts.options.linux.nodiratime", "nodiratime", "folder", option_rows.NEVER),
    option_rows.Row("config.mounts.options.linux.strictatime", "strictatime", "file", option_rows.ALWAYS),
    option_rows.Row("config.mounts.options.linux.sync", "sync", "super", True, word="sync"),
    option_rows.Row("config.mounts.options.linux.dirsync", "dirsync", "super", True, word="dirsync"),
    option_rows.Row("config.mounts.options.linux.lazytime", "lazytime", "super", True, word="lazytime"),
    option_rows.Row("config.mounts.options.linux.nosymfollow", "nosymfollow", "follow", "ELOOP"),
    # The same on bind mounts, where a runtime has to mount twice. Only there relatime can be seen: it is the default.
    option_rows.Row("config.mounts.options.linux.ro", "bind ro", "write", "EROFS", ""),
    option_rows.Row("config.mounts.options.linux.noexec", "bind noexec", "exec", "EACCES", ""),
    option_rows.Row("config.mounts.options.linux.nosuid", "bind nosuid", "suid", 1000 & 0xFF, ""),
    option_rows.Row("config.mounts.options.linux.nodev", "bind nodev", "dev", "EACCES", ""),
    option_rows.Row("config.mounts.options.linux.noatime", "bind noatime", "file", option_rows.NEVER, ""),
    option_rows.Row("config.mounts.options.linux.nodiratime", "bind nodiratime", "folder", option_rows.NEVER, ""),
    option_rows.Row("config.mounts.options.linux.strictatime", "bind strictatime", "file", option_rows.ALWAYS, ""),
    option_rows.Row("config.mounts.options.linux.relatime", "bind relatime", "file", option_rows.STALE, "strictatime"),
    option_rows.Row("config.mounts.options.linux.nosymfollow", "bind nosymfollow", "follow", "ELOOP", ""),
)
UNDOING = (
    option_rows.Row("config.mounts.options.linux.rw", "ro rw", "write", True),
    option_rows.Row("config.mounts.options.linux.exec", "noexec exec", "exec", 0),
    option_rows.Row("config.mounts.options.linux.suid", "nosuid suid", "suid", 0),
    option_rows.Row("config.mounts.options.linux.dev", "nodev dev", "dev", True),
    option_rows.Row("config.mounts.options.linux.atime", "noatime atime", "file", option_rows.STALE),
    option_rows.Row("config.mounts.options.linux.diratime", "nodiratime diratime", "folder", option_rows.STALE),
    option_rows.Row(
        "config.mounts.options.linux.nostrictatime", "strictatime nostrictatime", "file", option_rows.STALE
    ),
    option_rows.Row("config.mounts.options.linux.async", "sync async", "super", False, word="sync"),
    option_rows.Row("config.mounts.options.linux.nolazytime", "lazytime nolazytime", "super", False, word="lazytime"),
    option_rows.Row("config.mounts.options.linux.symfollow", "nosymfollow symfollow", "follow", True),
)

# On a bind mount an option may undo what the bound mount has; no other option is there that would have it set at all.
UNDOING_THE_SOURCE = (
    option_rows.Row("config.mounts.options.linux.rw", "bind rw", "write", True, "ro"),
    option_rows.Row("config.mounts.options.linux.exec", "bind exec", "exec", 0, "noexec"),
    option_rows.Row("config.mounts.options.linux.suid", "bind suid", "suid", 0, "nosuid"),
    option_rows.Row("config.mounts.options.linux.dev", "bind dev", "dev", True, "nodev"),
    option_rows.Row("config.mounts.options.linux.symfollow", "bind symfollow", "follow", True, "nosymfollow"),
)
UNDOING_TIMES_OF_THE_SOURCE = (
    option_rows.Row("config.mounts.options.linux.atime", "bind atime", "file", option_rows.STALE, "noatime"),
    option_rows.Row("config.mounts.options.linux.diratime", "bind diratime", "folder", option_rows.STALE, "nodiratime"),
    option_rows.Row(
        "config.mounts.options.linux.nostrictatime", "bind nostrictatime", "file", option_rows.STALE, "strictatime"
    ),
)


def judge_rows(trial: CaseContext, rows: Sequence[option_rows.Row]) -> None:
    """Have all rows mounted in one container, look, and judge."""
    if not trial.holds("1.1.0"):
        # Nothing said that these must be, and each refusal costs containers.
        rows = [row for row in rows if row.name not in option_rows.SHOULD]
    looks = [
        step
        for row in rows
        for step in (mounting.effects_of(trial, row.point) if row.source is None else [["effects", row.point]])
        if row.look != "super"
    ]
    config = trial.config(*steps(*looks, ["mountinfo"]))
    done = mounting.create_with(trial, config, {row.point: [option_rows.mount_of(trial, row)] for row in rows})
    facts = done.container.must_start().facts()
    judge = option_rows.Judge(trial)
    for row in rows:
        refused = done.refused.get(row.point)
        got = None if refused is not None else option_rows.seen(facts, row)
        judge.option(row.clause, row.options, got=got, want=row.want, refused=refused)
    judge.close()


def clauses_of(rows: Sequence[option_rows.Row]) -> tuple[str, ...]:
    """The clauses that rows judge."""
    return (option_rows.TABLE, *dict.fromkeys(row.clause for row in rows))


@case(*clauses_of(SETTING), sets=[option_rows.OPTIONS], needs=NEEDS)
def options_have_their_effect(trial: CaseContext) -> None:
    """Writing, executing, gaining a user, opening devices, following links and access times are as each option says."""
    judge_rows(trial, SETTING)


@case(*clauses_of(UNDOING), sets=[option_rows.OPTIONS], needs=NEEDS)
def options_undo_others(trial: CaseContext) -> None:
    """Options such as exec, rw and async undo the option that stands before them."""
    judge_rows(trial, UNDOING)


@case(*clauses_of(UNDOING_THE_SOURCE), sets=[option_rows.OPTIONS], needs=NEEDS)
def options_undo_those_of_the_source(trial: CaseContext) -> None:
    """Options such as exec, rw and symfollow, alone on a bind mount, undo what the mount that is bound has."""
    judge_rows(trial, UNDOING_THE_SOURCE)


@case(*clauses_of(UNDOING_TIMES_OF_THE_SOURCE), sets=[option_rows.OPTIONS], needs=NEEDS)
def access_times_undo_those_of_the_source(trial: CaseContext) -> None:
    """Atime, diratime and nostrictatime, alone on a bind mount, undo what the mount that is bound has.

    A remount that names no access times leaves them as they are: a runtime has to clear them by other means.
    """
    judge_rows(trial, UNDOING_TIMES_OF_THE_SOURCE)


# ------------------------------------------------------------------------------------------ bind, rbind, remount


@case(
    option_rows.TABLE,
    "config.mounts.options.linux.bind",
    "config.mounts.options.linux.rbind",
    "config.mounts.options.linux.remount",
    sets=[option_rows.OPTIONS, "/mounts/*/source"],
    needs=["root", "isolation"],
)
def binds_and_remounts(trial: CaseContext) -> None:
    """Bind shows a folder without what is mounted below it, rbind with it; remount changes a mount that is there."""
    tree = mounting.host_mount(trial, trial.folder / "tree")
    (tree / "below").mkdir()
    (tree / "below" / "covered").touch()
    mounting.host_mount(trial, tree / "below")
    (tree / "below" / "mounted").touch()
    first = {"destination": "/m/remount", "type": "tmpfs", "source": "tmpfs", "options": ["uid=5", "size=1m"]}
    again = {**first, "options": ["remount", "ro", "size=2m"]}
    mounts = {
        name: [{"destination": f"/m/{name}", "type": "none", "source": str(tree), "options": [name]}]
        for name in ("bind", "rbind")
    }
    looks = (["list", "/m/bind/below"], ["list", "/m/rbind/below"], ["stat", "/m/remount"], ["statvfs", "/m/remount"])
    config = trial.config(*steps(*looks, ["write", "/m/remount/file"]))
    done = mounting.create_with(trial, config, mounts | {"remount": [first, again]})
    facts = done.container.must_start().facts()
    judge = option_rows.Judge(trial)
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
    option_rows.Row("config.mounts.options.linux.rro", "rbind rro", "write", "EROFS", ""),
    option_rows.Row("config.mounts.options.linux.rrw", "rbind rrw", "write", True, "ro"),
    option_rows.Row("config.mounts.options.linux.rnosuid", "rbind rnosuid", "suid", 1000 & 0xFF, ""),
    option_rows.Row("config.mounts.options.linux.rsuid", "rbind rsuid", "suid", 0, "nosuid"),
    option_rows.Row("config.mounts.options.linux.rdev", "rbind rdev", "dev", True, "nodev"),
    option_rows.Row("config.mounts.options.linux.rnoexec", "rbind rnoexec", "exec", "EACCES", ""),
    option_rows.Row("config.mounts.options.linux.rexec", "rbind rexec", "exec", 0, "noexec"),
    option_rows.Row("config.mounts.options.linux.rnoatime", "rbind rnoatime", "file", option_rows.NEVER, ""),
    option_rows.Row("config.mounts.options.linux.ratime", "rbind ratime", "file", option_rows.STALE, "noatime"),
    option_rows.Row("config.mounts.options.linux.rnodiratime", "rbind rnodiratime", "folder", option_rows.NEVER, ""),
    option_rows.Row(
        "config.mounts.options.linux.rdiratime", "rbind rdiratime", "folder", option_rows.STALE, "nodiratime"
    ),
    option_rows.Row(
        "config.mounts.options.linux.rrelatime", "rbind rrelatime", "file", option_rows.STALE, "strictatime"
    ),
    # Not to spare access times is what strictatime does; that they still move is all that can be asked.
    option_rows.Row(
        "config.mounts.options.linux.rnorelatime",
        "rbind rnorelatime",
        "file",
        (option_rows.STALE, option_rows.ALWAYS),
        "",
    ),
    option_rows.Row("config.mounts.options.linux.rstrictatime", "rbind rstrictatime", "file", option_rows.ALWAYS, ""),
    option_rows.Row(
        "config.mounts.options.linux.rnostrictatime", "rbind rnostrictatime", "file", option_rows.STALE, "strictatime"
    ),
    option_rows.Row("config.mounts.options.linux.rnosymfollow", "rbind rnosymfollow", "follow", "ELOOP", ""),
    option_rows.Row("config.mounts.options.linux.rsymfollow", "rbind rsymfollow", "follow", True, "nosymfollow"),
)


@case(*(row.clause for row in RECURSIVE), needs=["root", "isolation", mounting.MACHINES, "kernel:5.12"])
def recursive_options_reach_what_is_below(trial: CaseContext) -> None:
    """Recursive options have their effect on a bound mount and on the mount below it.

    Those that take an attribute away are seen on mounts that have it.
    """
    places = {row.name: (row.point, f"{row.point}/below") for row in RECURSIVE}
    looks = [["effects", place] for pair in places.values() for place in pair]
    config = trial.config(*steps(*looks, ["mountinfo"]))
    done = mounting.create_with(trial, config, {row.name: [option_rows.mount_of(trial, row)] for row in RECURSIVE})
    facts = done.container.must_start().facts()
    mounts = facts.value("mountinfo")
    for row in RECURSIVE:
        got: Any = done.refused.get(row.name)
        wanted = row.want if isinstance(row.want, tuple) else (row.want,)
        if got is None:
            got = [
                facts.value("effects", place)[row.look] if mounting.at(mounts, place) else "not mounted"
                for place in places[row.name]
            ]
        trial.expect_that(
            row.clause,
            f"the option {row.name} does not have its effect on the mount and the one below it",
            held=isinstance(got, list) and all(value in wanted for value in got),
            got=got,
            want=" or ".join(map(str, wanted)),
            pointer=option_rows.OPTIONS,
        )


@case("config.mounts.options.linux.rro", needs=["root", "isolation", "kernel:5.12"])
def recursive_options_on_what_is_no_folder(trial: CaseContext) -> None:
    """A recursive option is for bound files, FIFOs and sockets, too: nothing need be below them."""
    source = trial.folder / "source"
    source.mkdir()
    (source / "file").write_text("as it was", encoding="ascii")
    os.mkfifo(source / "fifo")
    os.mknod(source / "socket", stat.S_IFSOCK | 0o600)
    names = ("file", "fifo", "socket")
    config = trial.config(*steps(["overwrite", "/rro-file", "x"], ["mountinfo"], ["wait"]))
    for name in names:
        mount = {"type": "none", "source": str(source / name), "options": ["rbind", "rro"]}
        config["mounts"].append({"destination": f"/rro-{name}", **mount})
    container = trial.container(config)
    for name in names:
        (container.bundle / "rootfs" / f"rro-{name}").touch()
    facts = container.must_create().must_start().facts()
    found = {name: mounting.at(facts.value("mountinfo"), f"/rro-{name}").get("options", ()) for name in names}
    got = {name: "read-only" if "ro" in options else "writable or not mounted" for name, options in found.items()}
    message = "the option rro has no effect on a mount that is no folder"
    trial.expect("config.mounts.options.linux.rro", message, got=got, want=dict.fromkeys(names, "read-only"))
    got_written = facts.outcome("overwrite", "/rro-file", "x")
    trial.expect("config.mounts.options.linux.rro", message, got=got_written, want="EROFS")
