"""``ocivalidate probe`` and ``ocivalidate judge``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ocivalidate import resources
from ocivalidate.runtime.inside.facts import find_facts
from tests.unit.command_line import Command, complaint

DATA = Path(__file__).parents[1] / "data" / "runtime"
CONFIG, FACTS = str(DATA / "config.json"), str(DATA / "facts.json")


def test_facts_of_a_container_conform_to_its_config(say: Command) -> None:
    said = say("judge", CONFIG, FACTS)
    assert said.code == 0
    assert "conforms to runtime-spec 1.3.0 (linux)" in said.out


def test_the_report_is_what_its_schema_says(say: Command) -> None:
    """A place in the config is a pointer, and no case: facts are nobody's case."""
    schema = resources.read_json("schemas", "output/report.json")
    document = say("judge", CONFIG, FACTS, "--format", "json").json
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []
    results = document["reports"][0]["results"]
    assert not any("case" in result for result in results)
    assert {"/process/cwd", "/process/rlimits/0/soft", ""} <= {result["pointer"] for result in results}
    places = [(result["pointer"], result["clause"]) for result in results]
    assert len(places) == len(set(places))
    # As it once was.
    for case in ("/process/cwd", ""):
        results[0]["case"] = case
        assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) != []
    results[0] |= {"case": "process.cwd", "pointer": "process.cwd"}
    assert len(list(jsonschema.Draft202012Validator(schema).iter_errors(document))) == 1


def test_every_format_names_the_place_of_a_result(say: Command) -> None:
    cwd, everywhere = "runtime/runtime.lifecycle.create-env", "runtime/config-linux.default-filesystems"
    tap = say("judge", CONFIG, FACTS, "--format", "tap").out
    assert f" - /process/cwd: {cwd}\n" in tap
    assert f" - every container: {everywhere}\n" in tap
    junit = say("judge", CONFIG, FACTS, "--format", "junit").out
    assert f': /process/cwd" name="{cwd}" file="{CONFIG}' in junit
    assert f': every container" name="{everywhere}" file="{CONFIG}' in junit


def test_a_clause_fails_at_the_place_where_it_is_broken(say: Command, tmp_path: Path) -> None:
    config = json.loads(Path(CONFIG).read_text(encoding="utf-8"))
    config["process"]["cwd"] = "/other"
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config, indent=2), encoding="utf-8")
    results = say("judge", str(file), FACTS, "--format", "json").json["reports"][0]["results"]
    failed = [(result["pointer"], result["clause"]) for result in results if result["outcome"] == "fail"]
    assert failed == [("/process/cwd", "runtime/runtime.lifecycle.create-env")]
    tap = say("judge", str(file), FACTS, "--format", "tap").out
    assert 'pointer: "/process/cwd"\n' in tap
    assert "case:" not in tap


def test_findings_have_places_in_every_format(say: Command, tmp_path: Path) -> None:
    config = json.loads(Path(CONFIG).read_text(encoding="utf-8"))
    config["process"]["rlimits"][0]["soft"] = 7
    file = tmp_path / "other.json"
    file.write_text(json.dumps(config, indent=2), encoding="utf-8")
    said = say("judge", str(file), FACTS, "--format", "json")
    assert said.code == 1
    (found,) = said.json["reports"][0]["findings"]
    assert (found["clause"], found["got"], found["want"]) == ("runtime/config.process.rlimits.soft-applied", "512", "7")
    assert found["location"]["line"]
    for other in ("tap", "junit", "sarif", "text"):
        assert say("judge", str(file), FACTS, "--format", other).code == 1
    assert say("judge", str(file), FACTS, "--ignore", found["clause"]).code == 0


def test_the_config_or_the_facts_may_come_on_standard_input_not_both(say: Command) -> None:
    assert "standard input" in complaint(say("judge", "-", "-"))
    done = subprocess.run(
        [sys.executable, "-m", "ocivalidate", "judge", CONFIG, "-"],
        input=Path(FACTS).read_bytes(),
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the probe looks at Linux")
def test_the_probe_tells_of_this_place(say: Command) -> None:
    said = say("probe", "/etc")
    facts = find_facts(said.out)
    assert said.code == 0
    assert facts is not None
    looks: dict[str, Any] = facts.looks()
    assert looks["paths"]["/etc"]["target"]["kind"] == "dir"
    assert looks["cwd"] == str(Path.cwd())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the probe looks at Linux")
def test_the_script_stands_alone_and_looks_at_what_the_config_needs(say: Command, tmp_path: Path) -> None:
    said = say("probe", "--script", "--for", CONFIG)
    assert said.code == 0
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-"], input=said.out, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    facts = find_facts(done.stdout)
    assert facts is not None
    assert "/proc/sys/kernel/msgmax" in facts.looks()["paths"]


def test_a_config_that_cannot_be_used_is_complained_of(say: Command) -> None:
    assert "nowhere" in complaint(say("probe", "--for", "nowhere"))
