"""From the report of a run to a record that others may have: of all our cases, without what is nobody's business."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ocivalidate.errors import UsageError
from ocivalidate.programme import revisions
from ocivalidate.programme.keeping import anonymous, normal
from ocivalidate.programme.personal import NOBODY, found_in
from ocivalidate.programme.record import Record
from ocivalidate.programme.reports import records_of_report
from ocivalidate.programme.sound import problems
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

_LONGEST = 200  # characters of what a submitter says
_NAME = re.compile(r"[^\s@/\x00-\x1f](?:[^@\x00-\x1f]*[^\s@/\x00-\x1f])?")
# Words that tell nothing of anybody, though hosts and users are called so.
_NOBODYS = frozenset("root localhost runc crun youki runsc user nobody linux debian ubuntu".split())


@dataclass(frozen=True, slots=True)
class Submission:
    """What whoever submits a run says of it.

    ``called``: the name, and after ``@`` the version, by which the runtime is known, where ``--version`` does not say
    so. ``submitter`` and ``source``: who ran it and where the program comes from, in their words. ``command``: the
    words of the command, without what only says where the record goes. ``sandbox``: the machine it ran in.

    Raises :class:`UsageError` for what cannot be written on a line.
    """

    called: str = ""
    submitter: str = ""
    source: str = ""
    command: tuple[str, ...] = ()
    sandbox: str = ""

    def __post_init__(self) -> None:
        name, at, version = self.called.partition("@")
        if self.called and not (_NAME.fullmatch(name) and (not at or _NAME.fullmatch(version))):
            raise UsageError(f"--submit-as: wanted NAME or NAME@VERSION, got {self.called!r}")
        for option, text in (("--submitter", self.submitter), ("--submit-as", self.called)):
            if len(text) > _LONGEST or not text.isprintable():
                raise UsageError(f"{option}: wanted one line of at most {_LONGEST} characters")
        # The check of the record would say so, too, but only when all has run.
        for member, text in (("submitter", self.submitter), ("name", name), ("version", version)):
            if told := found_in(text, address=False):
                raise UsageError(f"nothing is submitted: {member}: wanted {NOBODY}, got {told}")


def submitted(document: Mapping[str, Any], given: Submission, today: dt.date | None = None) -> Record:
    """The record of the one run in a JSON report. Raises :class:`UsageError` where it must not be kept.

    ``today``: the date of the run, by default that of now in UTC.
    """
    [told] = records_of_report(document)
    _refuse(told)
    command = document["reports"][0]["facts"]["runtime"]["command"]
    program = str(command[0]) if command else ""
    name, _, version = given.called.partition("@")
    named = replace(
        told,
        name=name or told.name,
        version=version or told.version,
        suite=replace(told.suite, revision=revisions.digest()),
        host=replace(told.host, sandbox=given.sandbox),
        submitter=given.submitter,
        source=given.source,
        date=(today or dt.datetime.now(tz=dt.UTC).date()).isoformat(),
    )
    names = _of_here()
    if "/" in program:
        names[os.path.abspath(program)] = named.name
    command = tuple(normal(word, program, os.path.basename(program), names) for word in given.command)
    record = replace(anonymous(named, program, names), command=command)
    for problem in problems(record, dt.date.fromisoformat(record.date)):
        raise UsageError(f"nothing is submitted: {problem}")
    return record


def _refuse(told: Record) -> None:
    """Refuse what is no whole run of our cases. Raises :class:`UsageError`."""
    if told.problem:
        raise UsageError(f"nothing is submitted: the run could not be judged: {told.problem}")
    if not told.complete:
        raise UsageError("nothing is submitted: the run was not finished")
    if told.release not in RUNTIME_RELEASES:
        raise UsageError(f"nothing is submitted: {told.release} is no release of the specification")
    wanted = revisions.current().results[told.release]
    found = {(one.case, one.clause) for one in told.outcomes}
    if found != wanted:
        raise UsageError(f"nothing is submitted: wanted {len(wanted)} results of all cases, got {len(found & wanted)}")
    if not told.counts.keys() & {"pass", "fail", "xfail", "xpass"}:
        raise UsageError("nothing is submitted: no case could judge anything here")


def _of_here() -> dict[str, str]:
    """The names of this host, of who runs this, and of their folders, and what stands in their place."""
    found = {platform.node().partition(".")[0]: "HOST", platform.node(): "HOST"}
    for variable in ("SUDO_USER", "USER", "LOGNAME"):
        found[os.environ.get(variable, "")] = "USER"
    with contextlib.suppress(ImportError, AttributeError, KeyError, OSError):
        import pwd  # absent on Windows

        found[pwd.getpwuid(os.getuid()).pw_name] = "USER"
    found = {name: instead for name, instead in found.items() if len(name) > 2 and name.lower() not in _NOBODYS}
    # A folder such as /tmp is everywhere, and tells nothing.
    here = (os.getcwd(), os.path.expanduser("~"))
    return {**found, **{path: "PATH" for path in here if path.startswith("/") and path.count("/") > 1}}
