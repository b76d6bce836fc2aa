"""The README.md beside a record: made of the record alone, so that a check can tell whether it was edited."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Sequence

from ocivalidate.programme.record import FILE, Record
from ocivalidate.report.escape import visible
from ocivalidate.runtime.driving.call_times import OPERATIONS

NAME = "README.md"
# A line below, or a tilde, within a word is part of a name or of a version.
_MARKUP = re.compile(r"[<>&|`\[\]\\*$]|(?<!\w)[_~]|[_~](?!\w)|://|@(?=\w)|(?i:www(?=\.))")
_UNKNOWN = "not known"
_DEFAULT_COMMAND = ("ocivalidate", "runtime", "--runtime")


def readme(record: Record, content: bytes) -> str:
    """The text for a record and the bytes of its file."""
    return "\n".join([*_head(record), *_facts(record), *_times(record), *_repeating(record), *_proof(content)]) + "\n"


def plain(text: str) -> str:
    """What a record says, and a runtime chose, as text on a line: it is no markup, no link and no line of its own."""
    return _MARKUP.sub(lambda found: "".join(f"&#{ord(letter)};" for letter in found[0]), visible(text))


def _head(record: Record) -> Iterator[str]:
    counts = record.counts
    said = ", ".join(f"{counts[name]} {name}" for name in ("pass", "fail", "skip", "error"))
    yield f"# {plain(record.title)}"
    yield ""
    yield f"Judged by release {plain(record.release)} of the runtime specification: {said}."
    yield f"{len(record.failed)} clauses fail in some case."
    yield ""


def _facts(record: Record) -> Iterator[str]:
    host, suite = record.host, record.suite
    groups = f"control groups {host.cgroup_mode} ({', '.join(host.controllers) or 'no controllers'})"
    rows = {
        "says that it is": f"{record.said.name or 'nothing'} {record.said.version}".strip(),
        "claims": record.claim,
        "program": record.digest,
        "comes from": record.source,
        "suite": f"ocivalidate {suite.version}, {suite.cases} cases",
        "revision of the suite": suite.revision,
        "host": f"Linux {host.kernel} on {host.machine}, {groups}, {'root' if host.root else 'an ordinary user'}",
        "security modules": ", ".join(host.lsms) or "none",
        "sandbox": host.sandbox or "none",
        **({"containers": "have a kernel of their own"} if host.own_kernel else {}),
        "date": record.date,
        "run by": record.submitter or "not said",
    }
    yield from _table(("", ""), [(name, told or _UNKNOWN) for name, told in rows.items()])


def _times(record: Record) -> Iterator[str]:
    if not record.timings:
        return
    yield "How long calls of the runtime took in this run, beside other cases:"
    yield ""
    rows = []
    for name in OPERATIONS:
        if (one := record.timings.get(name)) is not None:
            spread = f"{_milliseconds(one.low)} to {_milliseconds(one.high)}"
            rows.append((name, f"{one.count}", _milliseconds(one.median), spread))
    yield from _table(("operation", "calls", "median", "half of them"), rows)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(plain, row))} |"
    yield ""


def _repeating(record: Record) -> Iterator[str]:
    words = [*(record.command or (*_DEFAULT_COMMAND, record.name)), "--submit", "results"]
    if (record.name, record.version) != (record.said.name, record.said.version):
        words += ["--submit-as", f"{record.name}@{record.version}"]
    yield "To repeat it, with the same version of ocivalidate and this runtime in PATH:"
    yield ""
    yield f"    {visible(shlex.join(words))}"
    yield ""


def _proof(content: bytes) -> Iterator[str]:
    yield f"`{FILE}` has the digest `sha256:{hashlib.sha256(content).hexdigest()}`."
