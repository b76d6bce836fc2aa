"""What a run comes to, as plain data: the one model of kept records, of the page and of the badges.

A kept record is a JSON document (``schemas/output/results.json``), compressed, in ``results/NAME/VERSION+MODE``. The
same record is the same bytes, and has the digest of its own content.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ocivalidate.runtime.driving.call_times import OPERATIONS

SCHEMA = "urn:ocivalidate:results-2"
OLD_SCHEMA = "urn:ocivalidate:results-1"
FILE = "results.json.gz"
UNKNOWN = "unknown"
_LONGEST_NAME = 80
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")
# Hidden, or for Windows a device whatever comes after a dot, or for Git on Windows its own folder.
_NO_NAME = re.compile(r"\.|(?i:(?:con|prn|aux|nul|conin%24|conout%24|com[0-9]|lpt[0-9])(?:\.|\Z)|git~1\Z)")
# No time and no name, so that the same text is the same bytes; 2 is the best compression, 255 no system.
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a clause in a case; ``case`` is ``""`` where no runtime was judged.

    ``outcome`` is as in a JSON report: pass, fail, skip, error, xfail or xpass. ``said``: the messages of what was
    found wrong, else the reason. ``got`` and ``want`` are of the first finding, ``place`` says where that
    stands, ``dump`` is the folder in which what the case did was kept; of records that are kept, the last two are
    empty.
    """

    case: str
    clause: str
    outcome: str
    said: tuple[str, ...] = ()
    got: str = ""
    want: str = ""
    place: str = ""
    dump: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an operation took in a run, in seconds: ``low`` and ``high`` are the quartiles."""

    count: int
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Suite:
    """What judged: the version of ocivalidate, the digest of its cases (``""``: unknown), how many of them ran."""

    version: str = ""
    revision: str = ""
    cases: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """Where it was judged.

    ``kernel`` is the number of its release alone. ``own_kernel``: the containers had a kernel of their own.
    ``sandbox``: the machine in which it ran, ``""`` for none.
    """

    kernel: str = ""
    machine: str = ""
    cgroup_mode: str = ""
    controllers: tuple[str, ...] = ()
    lsms: tuple[str, ...] = ()
    root: bool = False
    own_kernel: bool = False
    sandbox: str = ""


def kernel_number(release: str) -> str:
    """The number at the beginning of a kernel's release, ``""`` for none: what is added to it tells of a machine."""
    found = _NUMBERS.match(release)
    return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Said:
    """How a runtime calls itself on ``--version``, which decides what is known of it; empty where it does not."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A run, or what was judged of a bundle or an image.

    ``kind``: runtime, bundle, image and so on, as in a JSON report. ``name`` and ``version``: what it is known by.
    ``claim``: the release that a runtime claims; ``release``: the one judged by. ``digest``: that of its program.
    ``date``: of the run, ``YYYY-MM-DD``. ``submitter`` is what they chose to say, ``source`` where the program
    comes from, ``command`` what was run. ``complete``: nothing broke off; ``problem``: why nothing could be judged.
    What is not known is empty.
    """

    name: str
    version: str
    kind: str = "runtime"
    said: Said = Said()
    claim: str = ""
    release: str = ""
    digest: str = ""
    suite: Suite = Suite()
    host: Host = Host()
    date: str = ""
    submitter: str = ""
    source: str = ""
    command: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    timings: Mapping[str, Timing] = field(default_factory=dict)
    complete: bool = True
    problem: str = ""

    @property
    def counts(self) -> Counter[str]:
        """How many outcomes there are of each kind."""
        return Counter(one.outcome for one in self.outcomes)

    @property
    def failed(self) -> frozenset[str]:
        """The clauses that fail in some case, whether that is expected or not."""
        return frozenset(one.clause for one in self.outcomes if one.outcome in ("fail", "xfail"))

    @property
    def title(self) -> str:
        """What it is called in a heading."""
        return f"{self.name} {self.version}".strip()


def as_json(record: Record) -> dict[str, Any]:
    """A record of a runtime as plain JSON, with the digest of the rest in ``digest``."""
    data = {
        "schema": SCHEMA,
        "name": record.name,
        "version": record.version,
        "runtime": {
            **dataclasses.asdict(record.said),
            "claim": record.claim,
            "digest": record.digest,
            "source": record.source,
        },
        "release": record.release,
        "suite": dataclasses.asdict(record.suite),
        "host": _plain(record.host),
        "date": record.date,
        "submitter": record.submitter,
        "command": [*record.command],
        "timings": {name: dataclasses.asdict(record.timings[name]) for name in OPERATIONS if name in record.timings},
        "counts": {name: record.counts[name] for name in ("pass", "fail", "skip", "error")},
        "results": _results(record),
    }
    return {**data, "digest": content_digest(data)}


def _plain(host: Host) -> dict[str, Any]:
    return {name: [*value] if isinstance(value, tuple) else value for name, value in dataclasses.asdict(host).items()}


def _results(record: Record) -> dict[str, dict[str, Any]]:
    """By case and clause; a member that would be empty is left out."""
    found: dict[str, dict[str, Any]] = {}
    for one in record.outcomes:
        told = {"outcome": one.outcome, "said": [*one.said], "got": one.got, "want": one.want}
        found.setdefault(one.case, {})[one.clause] = {name: value for name, value in told.items() if value}
    return found


def canonical(data: Mapping[str, Any]) -> bytes:
    """The one way to write a record."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def content_digest(data: Mapping[str, Any]) -> str:
    """The digest of all members of a record but ``digest``."""
    content = {name: value for name, value in data.items() if name != "digest"}
    return f"sha256:{hashlib.sha256(canonical(content)).hexdigest()}"


def packed(record: Record) -> bytes:
    """The bytes of the file of a record."""
    return compressed(canonical(as_json(record)) + b"\n")


def compressed(text: bytes) -> bytes:
    """A text as gzip, the same bytes each time."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return GZIP_HEADER + deflate.compress(text) + deflate.flush() + struct.pack("<II", zlib.crc32(text), len(text))


def folder_of(record: Record) -> str:
    """The folder of a record below ``results/``: ``NAME/VERSION+MODE``, MODE being that of the control groups."""
    mode = f"+{_name(record.host.cgroup_mode)}" if record.host.cgroup_mode else ""
    return f"{_name(record.name)}/{_name(record.version)}{mode}"


def _name(text: str) -> str:
    """A text as the name of a folder everywhere: no separator, no space, not hidden, not too long, and no device."""
    # A report may have half a pair of surrogates in it.
    escaped = quote(text, safe="+~", errors="surrogatepass") or UNKNOWN
    if _NO_NAME.match(escaped):
        escaped = f"%{ord(escaped[0]):02X}{escaped[1:]}"
    # Beside the folder of a runtime stand the badges of others.
    escaped = re.sub(r"(?i)\.(svg|json)\Z", r"%2E\1", escaped)
    escaped = f"{escaped[:-1]}%2E" if escaped.endswith(".") else escaped
    if len(escaped) <= _LONGEST_NAME:
        return escaped
    return f"{escaped[: _LONGEST_NAME - 13]}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:12]}"


def version_order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """What to sort versions by: a pre-release precedes its release, a build of a distribution follows it."""
    core = re.split(r"[-+]", version.removeprefix("0.0~"))[0]
    return tuple(int(number[:18]) for number in re.findall(r"[0-9]+", core)), "-" not in version, version


def order(record: Record) -> tuple[str, tuple[tuple[int, ...], bool, str], str]:
    """What to sort records by: runtime, version, control groups."""
    return record.name, version_order(record.version), record.host.cgroup_mode
