"""What is wrong with a record in itself, whoever made it: it lacks something, cannot be, or tells of somebody."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from ocivalidate.programme import revisions
from ocivalidate.programme.personal import NOBODY, found_in
from ocivalidate.programme.record import Record
from ocivalidate.report.escape import visible
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

_MODES = ("v1", "v2", "hybrid", "none")
_FIRST = dt.date(2026, 1, 1)  # no record is older than the suite
# Where a submitter may give an address, and where four numbers are a version.
_MAY_BE_ADDRESSES = frozenset({"submitter", "name", "version", "runtime.name", "runtime.version", "host.kernel"})


# What the runtime says, whatever that is.
_SAID = frozenset({"runtime.name", "runtime.version", "runtime.claim"})
# What is not ASCII may be read as the name of another runtime.
_NAME = re.compile(r"[!-~](?:[ -~]*[!-~])?")
# The words after the program that --submit writes: the README has them as what others are to run as root.
_OPTIONS = tuple(
    f"--{name}=" for name in ("runtime-arg", "spec-version", "require", "rootfs", "sandbox", "guests", "jobs")
)
_COMMAND = ("ocivalidate", "runtime", "--runtime")


def problems(record: Record, today: dt.date) -> Iterator[str]:
    """What a record lacks, claims that cannot be, or tells of somebody."""
    yield from _absent(record)
    yield from _word_problems(record)
    yield from _date_problems(record, today)
    yield from _suite_problems(record)
    for where, text in _texts(record):
        if told := found_in(text, address=where not in _MAY_BE_ADDRESSES):
            yield f"{where}: wanted {NOBODY}, got {told}"


def _absent(record: Record) -> Iterator[str]:
    host = record.host
    wanted = {
        "name": record.name,
        "version": record.version,
        "runtime.digest": record.digest,
        "suite.revision": record.suite.revision,
        "suite.version": record.suite.version,
        "host.kernel": host.kernel,
        "host.machine": host.machine,
        "command": record.command,
    }
    yield from (f"{name}: wanted one, got nothing" for name, told in wanted.items() if not told)
    if host.cgroup_mode not in _MODES:
        yield f"host.cgroup_mode: wanted one of {', '.join(_MODES)}, got {visible(host.cgroup_mode, 40)}"
    if not record.counts.keys() & {"pass", "fail"}:
        yield "results: wanted some that pass or fail, got none"


def _word_problems(record: Record) -> Iterator[str]:
    """Names and words that would be read as something else."""
    for name, text in (("name", record.name), ("version", record.version)):
        if text and not _NAME.fullmatch(text):
            told = visible(text, 40)
            yield f"{name}: wanted printable ASCII without a space at an end (--submit-as gives one), got {told}"
    program, options = record.command[3:4], record.command[4:]
    is_ours = record.command[:3] == _COMMAND and program and not program[0].startswith("-") and "/" not in program[0]
    if record.command and not (is_ours and all(word.startswith(_OPTIONS) for word in options)):
        told = visible(" ".join(record.command), 60)
        yield f"command: wanted {' '.join(_COMMAND)} NAME and options that --submit writes, got {told}"
    for where, text in _texts(record):
        if not where.startswith("results.") and where not in _SAID and not text.isprintable():
            yield f"{where}: wanted one line that can be printed, got {visible(text, 40)}"


def _date_problems(record: Record, today: dt.date) -> Iterator[str]:
    try:
        date = dt.date.fromisoformat(record.date)
    except ValueError:
        yield f"date: wanted a day of the calendar, got {record.date}"
        return
    # Somewhere it is tomorrow already.
    if not _FIRST <= date <= today + dt.timedelta(days=1):
        yield f"date: wanted a day from {_FIRST} to now, got {record.date}"


def _suite_problems(record: Record) -> Iterator[str]:
    """Whether it has just the results that its suite gives a runtime judged by its release."""
    suite = revisions.known(record.suite.revision)
    if suite is None:
        yield f"suite.revision: wanted this suite ({revisions.digest()[:23]}…) or one of conformance/revisions/"
        return
    if suite.version != record.suite.version:
        yield f"suite.version: wanted {suite.version}, as that revision has, got {visible(record.suite.version, 40)}"
    if record.release not in suite.results:
        yield f"release: wanted one of {', '.join(RUNTIME_RELEASES)}, got {visible(record.release, 40)}"
        return
    wanted = suite.results[record.release]
    found = {(one.case, one.clause) for one in record.outcomes}
    if missing := sorted(wanted - found):
        yield f"results: {len(missing)} are missing, the first: {' '.join(missing[0])}"
    if strange := sorted(found - wanted):
        yield f"results: {len(strange)} are of no case of that suite, the first: {visible(' '.join(strange[0]), 200)}"
    cases = len({case for case, _clause in wanted})
    if cases != record.suite.cases:
        yield f"suite.cases: wanted {cases}, got {record.suite.cases}"


def _texts(record: Record) -> Iterator[tuple[str, str]]:
    """Every text in which something could be told, and where it stands."""
    yield from (("name", record.name), ("version", record.version), ("runtime.name", record.said.name))
    yield from (("runtime.version", record.said.version), ("runtime.claim", record.claim))
    yield from (("submitter", record.submitter), ("runtime.source", record.source), ("host.kernel", record.host.kernel))
    yield from (("host.machine", record.host.machine), ("host.sandbox", record.host.sandbox))
    for words in (record.command, record.host.controllers, record.host.lsms):
        yield from (("command" if words is record.command else "host", word) for word in words)
    for one in record.outcomes:
        yield from ((f"results.{one.case}", text) for text in (*one.said, one.got, one.want))
