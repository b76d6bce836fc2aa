"""The commands that tell about clauses and schemas: rules, explain, schema."""

from __future__ import annotations

from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from ocivalidate.rules.clauses import LEVEL_NAMES, PLATFORMS, load
from ocivalidate.rules.schema import KINDS, releases
from tests.unit.command_line import BROKEN, CWD, GOOD, MISSPELLED, Command, Said, complaint

# --- rules


def listed(said: Said) -> list[dict[str, Any]]:
    assert said.code == 0
    clauses: list[dict[str, Any]] = said.json["clauses"]
    return clauses


def test_rules_lists_all_clauses(say: Command) -> None:
    said = say("rules")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[-1] == f"{len(load())} clauses"
    assert [line.partition(" ")[0] for line in lines[:-1]] == list(load())
    assert [clause["id"] for clause in listed(say("rules", "--format", "json"))] == list(load())


def test_rules_by_pattern(say: Command) -> None:
    clauses = listed(say("rules", "lint", CWD, "*.rlimits.*.unique", "--format", "json"))
    assert {CWD, "runtime/config.process.rlimits.type.unique", MISSPELLED} <= {clause["id"] for clause in clauses}
    assert {clause["id"].partition("/")[0] for clause in clauses} == {"lint", "runtime"}


@pytest.mark.parametrize("name", LEVEL_NAMES)
def test_rules_by_level(say: Command, name: str) -> None:
    wanted = [clause.id for clause in load().values() if clause.level in LEVEL_NAMES[name]]
    assert [clause["id"] for clause in listed(say("rules", "--level", name, "--format", "json"))] == wanted


@pytest.mark.parametrize("release", ["1.0.0", "1.3.0", "1.1.1"])
def test_rules_by_release(say: Command, release: str) -> None:
    wanted = [clause.id for clause in load().values() if clause.holds_in(release)]
    assert [clause["id"] for clause in listed(say("rules", "--spec-version", release, "--format", "json"))] == wanted


@pytest.mark.parametrize("platform", PLATFORMS)
def test_rules_by_platform(say: Command, platform: str) -> None:
    found = listed(say("rules", "--os", platform, "--format", "json"))
    assert {clause["platform"] for clause in found} == {"any", platform}


@pytest.mark.parametrize("judged", ["static", "static-host", "dynamic", "none"])
def test_rules_by_way_of_judging(say: Command, judged: str) -> None:
    found = listed(say("rules", "--judged", judged, "--format", "json"))
    assert {clause["judged"] for clause in found} == {judged}
    assert all(clause.get("reason") for clause in found if judged == "none")


def test_rules_without_a_clause(say: Command) -> None:
    assert complaint(say("rules", "nope")) == "no clause matches nope; ocivalidate rules lists them"
    assert complaint(say("rules", "--spec-version", "9.9.9")).startswith("unknown release 9.9.9; known are 1.0.0, ")
    assert complaint(say("rules", "--coverage", "lint")) == "--coverage counts all clauses and takes no filter"


def test_coverage_counts_every_clause(say: Command) -> None:
    content = say("rules", "--coverage", "--format", "json").json
    assert content.keys() == {"coverage", "none", "contested", "dynamic", "unjudged", "properties"}
    for row in content["coverage"]:
        assert list(row) == ["specification", "document", "level", "judged", "clauses", "checked", "witnessed"]
        assert 0 <= row["witnessed"] <= row["checked"] <= row["clauses"]
    assert sum(row["clauses"] for row in content["coverage"]) == len(load())
    assert all(entry["reason"] and entry["id"] in load() for name in ("none", "contested") for entry in content[name])
    text = say("rules", "--coverage").out.splitlines()
    assert text[0].split() == list(content["coverage"][0])
    rest = text[len(content["coverage"]) + 1 :]
    assert rest[2].split() == list(content["dynamic"][0])
    assert [line.split()[0] for line in rest[-len(content["properties"]) :]] == [
        row["pointer"] for row in content["properties"]
    ]


# --- explain


def test_explain_says_what_a_clause_means(say: Command) -> None:
    said = say("explain", CWD)
    assert said.code == 0
    assert said.out.startswith(f"{CWD}\n  process.cwd is an absolute path.\n")
    assert "/runtime-spec/blob/v1.3.0/config.md#process\n" in said.out
    assert "  breaks it:\n" in said.out
    assert "  keeps it:\n" in said.out


def test_explain_takes_several(say: Command) -> None:
    (first, second) = listed(say("explain", CWD, MISSPELLED, "--format", "json"))
    assert (first["id"], second["id"]) == (CWD, MISSPELLED)
    assert first["reference"].startswith("https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md")
    assert first["bad"] != first["good"]
    assert second["reference"] == ""


def test_explain_knows_every_clause(say: Command) -> None:
    assert len(listed(say("explain", *load(), "--format", "json"))) == len(load())
    assert say("explain", *load()).code == 0


def test_explain_guesses_what_was_meant(say: Command) -> None:
    assert f"no clause {CWD[:-1]}; did you mean {CWD}" in complaint(say("explain", CWD, CWD[:-1]))
    assert complaint(say("explain", "zzz")) == "no clause zzz; ocivalidate rules lists them"


# --- schema


@pytest.mark.parametrize(("kind", "release"), [(kind, release) for kind in KINDS for release in releases(kind)])
def test_schemas_are_schemas(say: Command, kind: str, release: str) -> None:
    said = say("schema", kind, "--spec-version", release)
    assert said.code == 0
    assert said.json["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert release in said.json["title"]
    jsonschema.Draft202012Validator.check_schema(said.json)
    jsonschema_rs.meta.validate(said.json)
    assert not jsonschema_rs.validator_for(said.json).is_valid([])


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_release_is_the_default(say: Command, kind: str) -> None:
    assert say("schema", kind).out == say("schema", kind, "--spec-version", releases(kind)[-1]).out


def test_a_report_is_valid_by_its_schema(say: Command) -> None:
    schema = say("schema", "report").json
    jsonschema.Draft202012Validator.check_schema(schema)
    for bundle in (GOOD, BROKEN, "/no/such/bundle"):
        jsonschema.validate(say("bundle", bundle, "--format", "json").json, schema)


def test_schemas_that_are_not_there(say: Command) -> None:
    assert complaint(say("schema", "nope")).startswith("argument NAME: invalid choice: 'nope'")
    assert complaint(say("schema", "runtime-state", "--spec-version", "9")).startswith(
        "unknown release 9; known are 1.0.0"
    )
    assert complaint(say("schema", "report", "--spec-version", "1.0.0")).startswith("report is a format of ocivalidate")
