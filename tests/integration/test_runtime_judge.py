"""What ``ocivalidate probe`` sees in a container of a real runtime is to ``ocivalidate judge`` as it was configured.

The case that makes the container judges the same facts, and both have to agree, on what was applied and what was not.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.rules.findings import Outcome, Result, exit_code
from ocivalidate.runtime.inside import rootfs
from ocivalidate.runtime.judging.documents import check_facts
from ocivalidate.runtime.launching import run_events
from ocivalidate.runtime.protocol import Bailout, End, Request

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root"),
]

CASE = '''
import json, pathlib
from ocivalidate.runtime import case
from ocivalidate.runtime.judging import wanted_paths

FOLDER = pathlib.Path({folder!r})

@case(sets=["/hostname", "/process/user/uid", "/process/rlimits/*/soft"], needs=["root"])
def look(trial):
    """Looks."""
    config = trial.config()
    config |= {{"hostname": "box", "root": {{"path": "rootfs", "readonly": True}}}}
    config["process"] |= {{
        "user": {{"uid": 1000, "gid": 1000, "additionalGids": [7]}},
        "cwd": "/var",
        "rlimits": [{{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}}],
    }}
    config["linux"] |= {{
        "maskedPaths": ["/proc/kcore", "/sys/firmware"],
        "readonlyPaths": ["/proc/sys"],
        "sysctl": {{"kernel.msgmax": "9000"}},
    }}
    config["process"]["args"] += ["everything", *wanted_paths(config), ",", "wait"]
    container = trial.container(config).must_create().must_start()
    facts = container.facts()
    (FOLDER / "facts.json").write_text(container.printed())
    (FOLDER / "config.json").write_text(json.dumps(config))
    for name in json.loads((FOLDER / "wrong.json").read_text()):
        config[name] = "other"
    trial.judge_facts(config, facts)
'''


def look_into(runtime: str, folder: Path, wrong: list[str]) -> Mapping[str, str]:
    """Have a case look into a container, and return its verdicts by clause."""
    (folder / "cases").mkdir(exist_ok=True)
    (folder / "cases" / "look.py").write_text(CASE.format(folder=str(folder)), encoding="utf-8")
    (folder / "wrong.json").write_text(json.dumps(wrong), encoding="utf-8")
    events = [*run_events(Request(runtime, cases=str(folder / "cases")))]
    assert isinstance(events[-1], End), events
    assert events[-1].left == ()
    return {event.clause.id: event.outcome for event in events if isinstance(event, Result)}


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_inside_and_outside_agree(runtime: str, tmp_path: Path) -> None:
    if shutil.which(runtime) is None:
        pytest.skip(f"{runtime} is not installed")
    config, facts = tmp_path / "config.json", tmp_path / "facts.json"
    assert set(look_into(runtime, tmp_path, []).values()) == {"pass"}
    report = check_facts(str(config), str(facts))
    assert [finding.message for finding in report.findings] == []
    assert exit_code([report]) == 0
    places = {result.pointer for result in report.results if result.outcome is Outcome.PASS}
    assert places >= {"/process/user/uid", "/process/args", "/root/readonly", "/linux/maskedPaths/1", "/mounts/0/type"}
    # Asked otherwise, both find it.
    verdicts = look_into(runtime, tmp_path, ["hostname"])
    assert verdicts["runtime/runtime.create.applies-config"] == "fail"
    assert verdicts["runtime/runtime.lifecycle.create-env"] == "pass"
    asked: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(asked | {"hostname": "other"}), encoding="utf-8")
    assert [finding.location.pointer for finding in check_facts(str(config), str(facts)).findings] == ["/hostname"]


def test_a_ready_root_filesystem_is_copied_and_gets_the_probe(tmp_path: Path) -> None:
    if shutil.which("crun") is None:
        pytest.skip("crun is not installed")
    ready = tmp_path / "ready"
    rootfs.build(ready)
    (ready / rootfs.PROBE.lstrip("/")).unlink()
    (ready / "usr/bin/python3").rename(ready / "usr/bin/python3.x")
    (ready / "usr/bin/python3").symlink_to("/usr/bin/python3.x")
    (ready / "usr/bin/python3.x").chmod(0o4755)
    (ready / "etc/own").write_text("x", encoding="ascii")
    os.chown(ready / "etc/own", 12, 34)
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "look.py").write_text(
        '''
from ocivalidate.runtime import case, steps

@case("runtime.create.creates")
def look(trial):
    """Looks."""
    words = steps(["stat", "/etc/own"], ["stat", "/usr/bin/python3.x"], ["list", "/etc"])
    facts = trial.run(trial.config(*words, ",", "wait"))
    own, python = facts.value("stat", "/etc/own"), facts.value("stat", "/usr/bin/python3.x")
    got = [own["uid"], own["gid"], python["mode"], facts.value("list")]
    trial.expect("runtime.create.creates", "not as copied", got=got, want=[12, 34, 0o4755, ["own"]])
''',
        encoding="utf-8",
    )
    events = [*run_events(Request("crun", cases=str(tmp_path / "cases"), rootfs=str(ready)))]
    assert [event.outcome for event in events if isinstance(event, Result)] == [Outcome.PASS], events
    shutil.rmtree(ready / "usr/bin")
    (event,) = [*run_events(Request("crun", cases=str(tmp_path / "cases"), rootfs=str(ready)))]
    assert isinstance(event, Bailout)
    assert "has no /usr/bin/python3" in event.reason
