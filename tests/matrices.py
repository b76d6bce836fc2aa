"""Runs for the tests of the matrix: two versions of a runtime and another one, a bundle, and one that is hostile."""

from __future__ import annotations

from dataclasses import replace

from ocivalidate.matrix.subjects import Point, Said, Subject, Timing

CREATES, DELETES, ENV = (
    "runtime/runtime.create.creates",
    "runtime/runtime.delete.deletes",
    "runtime/runtime.lifecycle.create-env",
)
NET = "runtime/config-linux.netDevices.type"
HOST = {"cgroup_mode": "hybrid", "kernel": "6.1.0", "machine": "x86_64"}
NASTY = "</script><script>alert(1)</script> <!-- & | `x` @all \\u202e \\x00"

OLD = Subject(
    "runtime",
    "runc",
    "1.1.5",
    "runc",
    "runtime-spec",
    "1.0.2",
    host=HOST,
    date="2026-01-31",
    points=(
        Point(CREATES, "create.one", "pass"),
        Point(DELETES, "delete.one", "fail", (Said("the container is still there", "running", "no such container"),)),
        Point(ENV, "env.one", "skip", (Said("needs control groups v2"),)),
        Point(ENV, "env.two", "pass"),
    ),
    timings=(Timing("create", 40, 0.021, 0.019, 0.025), Timing("delete", 40, 0.011, 0.01, 0.02)),
)
NEW = replace(
    OLD,
    version="1.2.0",
    release="1.2.0",
    points=(
        Point(CREATES, "create.one", "fail", (Said("state does not say created", "running", "created"),), "kept/1", 3),
        Point(DELETES, "delete.one", "pass"),
        Point(ENV, "env.one", "error", (Said("time ran out"),)),
        Point(ENV, "env.two", "xfail", (Said("an empty HOME"),)),
        Point(NET, "net.one", "pass"),
    ),
    timings=(Timing("create", 40, 0.018, 0.017, 0.022),),
)
OTHER = replace(OLD, name="crun", program="crun", stale="judged by cases of another suite", timings=())
HOSTILE = replace(
    OLD,
    name=NASTY,
    version="0",
    points=(Point(f"runtime/{NASTY}", NASTY, "fail", (Said(NASTY, NASTY, NASTY, NASTY),), NASTY),),
)
BUNDLE = Subject(
    "bundle",
    "./b",
    program="./b",
    specification="runtime-spec",
    release="1.2.0",
    points=(
        Point(
            "runtime/config.process.cwd.absolute",
            "",
            "fail",
            (Said("process.cwd is not an absolute path", '"app"', "a path that starts with /", "b/config.json:8:12"),),
        ),
        Point("runtime/config.root.path.required", "", "pass"),
    ),
)
RUNS = (NEW, BUNDLE, HOSTILE, OTHER, OLD)
BEFORE, AFTER = (OLD, OTHER), (NEW, OTHER, HOSTILE)
