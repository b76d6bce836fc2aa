"""Reports to render, for the tests of all renderers."""

from __future__ import annotations

from dataclasses import replace

from ocivalidate.report import Options
from ocivalidate.rules.clauses import Clause, Level, Severity
from ocivalidate.rules.findings import Finding, Location, Outcome, Report, Result

OPTIONS = Options(tool_version="1.2.3")


def clause(
    name: str, level: Level = Level.MUST, severity: Severity = Severity.ERROR, document: str = "config.md"
) -> Clause:
    return Clause(
        id=name,
        level=level,
        severity=severity,
        summary=f"What {name} asks for",
        judged="static",
        subject="bundle",
        document=document,
        anchor="process" if document else "",
    )


CWD = clause("runtime/config.process.cwd.absolute")
ROOTFS = clause("runtime/config.root.path.rootfs", Level.SHOULD, Severity.WARNING)
ARGS = clause("runtime/config.process.args.type")
VM = clause("runtime/config.vm.kernel.path.absolute")
ESCAPE = clause("safety/mounts.escape", Level.NONE, Severity.WARNING, document="")
UNKNOWN = clause("lint/members.unknown", Level.NONE, Severity.NOTE, document="")
CREATE = clause("runtime/runtime.create.unique-id", document="runtime.md")
KILL = clause("runtime/runtime.kill.stopped", document="runtime.md")
STATE = clause("runtime/runtime.state.pid", document="runtime.md")

NOT_ABSOLUTE = Finding(
    CWD,
    Severity.ERROR,
    "process.cwd is not an absolute path",
    Location("b/config.json", "/process/cwd", 14, 12, 17, '    "cwd": "app",'),
    got='"app"',
    want="a path that starts with /",
)
ELSEWHERE = Finding(
    ROOTFS,
    Severity.WARNING,
    "root.path is not the conventional rootfs",
    Location("b/config.json", "/root/path", 3, 11, 17, '\t"path": "tree"'),
    hint="name the folder rootfs",
)
ESCAPES = Finding(
    ESCAPE, Severity.WARNING, "a mount leaves the root", Location("b/config.json", "/mounts/0"), got='"../x"'
)
STRANGE = Finding(UNKNOWN, Severity.NOTE, "colour is not a member", Location("b/config.json", "/colour", 120, 3))


def passed(*clauses: Clause) -> tuple[Result, ...]:
    return tuple(Result(each, Outcome.PASS) for each in clauses)


def violated(*findings: Finding) -> tuple[Result, ...]:
    return tuple(Result(finding.clause, Outcome.FAIL, findings=(finding,)) for finding in findings)


def bundle(*findings: Finding, subject: str = "b", suppressed: int = 0) -> Report:
    return Report(
        kind="bundle",
        subject=subject,
        specification="runtime-spec",
        release="1.2.0",
        platforms=("linux",),
        platform_note="no platform member, taken as linux",
        results=(
            *passed(ARGS),
            *violated(*findings),
            Result(VM, Outcome.SKIP, "not present"),
            Result(STATE, Outcome.SKIP, "needs --host"),
        ),
        findings=findings,
        suppressed=suppressed,
        facts={"ociVersion": "1.2.0"},
    )


BROKEN = bundle(ELSEWHERE, NOT_ABSOLUTE, ESCAPES, STRANGE, suppressed=2)
CONFORMING = bundle()
UNREADABLE = Report(kind="bundle", subject="c", specification="runtime-spec", problem="c: no such file or folder")
CUT_OFF = Report(kind="bundle", subject="d", specification="runtime-spec", results=passed(ARGS), complete=False)
ALL_SKIPPED = Report(
    kind="bundle",
    subject="e",
    specification="runtime-spec",
    release="1.2.0",
    results=(Result(VM, Outcome.SKIP, "not present"), Result(STATE, Outcome.SKIP, "needs --host")),
)
NOT_KILLED = Finding(
    KILL, Severity.ERROR, "kill of a stopped container succeeded", Location(case="kill.stopped"), got="exit 0"
)
RUNTIME = Report(
    kind="runtime",
    subject="runc",
    specification="runtime-spec",
    release="1.2.0",
    platforms=("linux",),
    results=(
        *passed(ARGS),
        Result(KILL, Outcome.XFAIL, "runc#1234, fixed in 1.3", (NOT_KILLED,)),
        Result(STATE, Outcome.XPASS, "expectations/runc.toml, entry 3"),
        Result(CREATE, Outcome.ERROR, "no answer within 20 s"),
    ),
    facts={"places": {"kill.stopped": "conformance/kill.py:41"}},
)
NO_PID = Finding(
    STATE, Severity.ERROR, "state tells a pid that is none", Location(case="state.started"), got="0", want="the pid"
)
# What a run of cases comes to, as RUNTIME says it in brief.
RUN = replace(
    RUNTIME,
    results=(
        Result(ARGS, Outcome.PASS, case="process.arguments", seconds=0.2),
        Result(CWD, Outcome.PASS, case="process.arguments", seconds=0.2),
        Result(ARGS, Outcome.SKIP, "needs root, and this is user 1000", case="process.root", seconds=0.0),
        Result(KILL, Outcome.XFAIL, "runc#1234", (NOT_KILLED,), "kill.stopped", 0.25, "kept/kill.stopped"),
        Result(STATE, Outcome.XPASS, "expectations/runc.toml, entry 3", case="state.pids", seconds=0.125),
        Result(STATE, Outcome.FAIL, findings=(NO_PID,), case="state.started", seconds=1.5, dump="kept/state.started"),
        Result(CREATE, Outcome.ERROR, "no answer within 20 s", case="create.ids", seconds=20.0, dump="kept/create.ids"),
    ),
    findings=(NO_PID,),
    facts={
        "runtime": {"command": ["/usr/bin/runc"], "name": "runc", "version": "1.1.5", "claim": "1.2.0"},
        "release": "1.2.0",
        "host": {
            "root": True,
            "uid": 0,
            "release": "6.1.0",
            "machine": "x86_64",
            "cpus": [0, 1],
            "cgroup_mode": "v2",
            "controllers": ["cpu", "memory"],
            "lsms": ["apparmor"],
        },
        "places": {"kill.stopped": "conformance/kill.py:41", "state.started": "mine/state.py:7"},
        "swept": ["control group /ocivalidate-a1b2c3"],
        "planned": 7,
    },
)
# Runs that are no verdict: stopped half way, and given up at once.
STOPPED = replace(
    RUN, results=RUN.results[:2], findings=(), complete=False, facts={**RUN.facts, "stopped": "interrupted"}
)
GIVEN_UP = Report(
    kind="runtime",
    subject="/bin/false",
    specification="runtime-spec",
    problem="no container can be run: # and\nmore",
    facts={"hint": "runtimes mostly need root: run as root"},
)
IMAGE = Report(
    kind="image",
    subject="layout",
    specification="image-spec",
    release="1.1.1",
    platforms=("linux/amd64",),
    results=passed(ESCAPE),
    facts={"incomplete": "3 of 5 blobs absent, not verified"},
)
ALL = (BROKEN, CONFORMING, UNREADABLE, CUT_OFF, ALL_SKIPPED, RUNTIME, IMAGE)

# What tries to act on a terminal, a log reader, a harness, an XML or a JSON reader, or to look like a line of ours.
NASTY = (
    "\x1b[31m\x9b2J\u202etxt.exe\u2066 [red]x[/red] ]]> <b>&amp; # TODO \\# SKIP\nok 99 - forged\r\n"
    "::set-env name=x::y\x00\udcff\ud800\ufffe\u2028##[error]y ##vso[task.complete]z [link](https://example.org) {0}"
    " 'q' \"dq\" \U000e0001\ufeff"
)


def made_of(text: str) -> Report:
    """A report in which every text that is not ours is this one."""
    location = Location(
        text, "/" + text, 7, 600, 603, "x" * 500 + text * 20, digest="sha256:" + text, member=text, case=text
    )
    finding = Finding(CWD, Severity.ERROR, text, location, text, text, text)
    return Report(
        kind="bundle",
        subject="::warning file=" + text,
        specification="runtime-spec",
        release="1.2.0",
        release_note=text,
        platforms=("linux", text),
        platform_note=text,
        results=(
            *violated(finding),
            Result(ARGS, Outcome.SKIP, text),
            Result(KILL, Outcome.XFAIL, text, (finding,)),
            Result(STATE, Outcome.XPASS, text),
            Result(CREATE, Outcome.ERROR, text),
        ),
        findings=(finding,),
        facts={"incomplete": text, text: text},
    )


HOSTILE = made_of(NASTY)
HARMLESS = made_of("harmless")
HOSTILE_PROBLEM = Report(kind=NASTY, subject="Subtest", specification=NASTY, problem=NASTY * 5)
