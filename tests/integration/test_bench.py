"""Real runtimes beside each other: every number is there, and nothing is left. No time is judged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from ocivalidate import resources
from tests.integration.host import family, snapshot

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or None in map(shutil.which, ("runc", "crun")),
        reason="needs root, runc and crun",
    ),
]
QUICK = ("--rounds", "1", "--parallel", "2")
PATIENCE = 60.0


def bench(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ocivalidate", "bench", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )


def test_two_runtimes_in_turns(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    before = snapshot()
    process = bench(
        "--runtime", "runc", "--runtime", "crun", *QUICK, "--output", f"json={file}", "--output", "markdown=-"
    )
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    found = json.loads(file.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(resources.read_json("schemas", "output/bench.json"))
    assert [*validator.iter_errors(found)] == []
    assert [one["name"] for one in found["runtimes"]] == ["runc", "crun"]
    rows = {(one["phase"], one["operation"]): one for one in found["measurements"]}
    assert len(rows) >= 16  # two more where nothing else keeps the programs in memory
    assert all(
        spread["median"] > 0 for (_, name), one in rows.items() for spread in one["runtimes"] if name != "running"
    )
    assert sorted(found["order"][0]) == [0, 1]
    assert rows["memory", "running"]["runtimes"][0]["median"] == 0
    assert out.startswith("## ocivalidate: <code>crun ")
    assert {one for one in snapshot() - before if str(process.pid) in one} == set()


def test_a_runtime_that_fails_is_told_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(
        '#!/bin/sh\nfor word; do [ "$word" = kill ] && { echo no killing today >&2; exit 1; }; done\nexec runc "$@"\n'
    )
    broken.chmod(0o755)
    process = bench("--runtime", str(broken), *QUICK)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert err == f"ocivalidate: error: {broken}: kill failed: no killing today\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_of_what_was_interrupted(number: signal.Signals) -> None:
    process = bench("--runtime", "runc", "--rounds", "1000", "--parallel", "0")
    name = ""
    deadline = time.monotonic() + PATIENCE
    while not (name := name_of_run(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert out == ""
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert err == "ocivalidate: interrupted: nothing is told of what was measured in part\n"
    # The engine ends by itself when its input does.
    while left := [one for one in snapshot() if name in one]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def name_of_run(pid: int) -> str:
    """The name of the run whose engine a process has, as soon as one of its containers lives."""
    for one in family(pid):
        try:
            groups = Path(f"/proc/{one}/cgroup").read_text(encoding="utf-8")
        except OSError:
            continue
        if "/ocivalidate-" in groups:
            return "ocivalidate-" + groups.partition("/ocivalidate-")[2][:16]
    return ""
