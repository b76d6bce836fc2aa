"""What is known of a run before its results, in lines for people. ``Report.facts`` holds all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SWEPT = (
    ("swept", "left by a run that was killed"),
    ("not_swept", "left by a run that was killed, and still there"),
    ("put_back", "changed by another process during the run, and restored"),
)


def described(facts: Mapping[str, Any]) -> list[str]:
    """The facts on runtime and host that a reader of verdicts wants to know; what is unknown is left out."""
    runtime, host = facts.get("runtime"), facts.get("host")
    lines = [*_runtime(runtime)] if isinstance(runtime, dict) else []
    lines += [*_host(host)] if isinstance(host, dict) else []
    for name, title in _SWEPT:
        if facts.get(name):
            lines.append(f"{title}: {', '.join(map(str, facts[name]))}")
    return lines


def _runtime(runtime: Mapping[str, Any]) -> list[str]:
    name = " ".join(filter(None, [str(runtime.get("name", "")), str(runtime.get("version", ""))]))
    claim = runtime.get("claim")
    said = f"claims runtime-spec {claim}" if claim else "claims no version of the specification"
    return [f"runtime: {name or 'of no name'}, {said} ({' '.join(runtime.get('command', ()))})"]


def _host(host: Mapping[str, Any]) -> list[str]:
    user = "root" if host.get("root") else f"user {host.get('uid')}"
    processors = len(host.get("cpus", ()))
    groups = " ".join(host.get("controllers", ())) or "no controllers"
    return [
        f"host: Linux {host.get('release')} on {host.get('machine')}, {processors} processors, {user}",
        f"control groups: {host.get('cgroup_mode')}: {groups}",
        f"security modules: {' '.join(host.get('lsms', ())) or 'none'}",
    ]
