from __future__ import annotations

from ocivalidate.rules.clauses import Selection
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.properties import APPLIES_CONFIG, CREATES_ENVIRONMENT, by_pointer, properties
from ocivalidate.runtime.running.planning import plan

CREATES, KILLS = "runtime/runtime.create.creates", "runtime/runtime.kill.sends-signal"
POSTSTART = "runtime/runtime.lifecycle.poststart-failure"


def made(name: str, *judges: str, sets: tuple[str, ...] = ()) -> Case:
    return Case(name, lambda _trial: None, judges, sets)


def planned(cases: list[Case], release: str = "1.3.0", **selection: object) -> dict[str, list[str]]:
    patterns = selection.pop("patterns", ())
    chosen = plan(cases, release, Selection(**selection), patterns=patterns)  # type: ignore[arg-type]  # by name
    return {one.case.id: [clause.id for clause in one.clauses] for one in chosen}


def test_clauses_of_other_releases_are_not_planned() -> None:
    case = made("a.b", CREATES, POSTSTART)
    assert planned([case]) == {"a.b": [CREATES, POSTSTART]}
    assert planned([case], "1.2.1") == {"a.b": [CREATES]}
    assert planned([made("a.b", POSTSTART)], "1.0.0") == {}


def test_properties_stand_for_the_clause_by_which_they_are_applied() -> None:
    case = made("a.b", sets=("/process/cwd", "/domainname"))
    assert planned([case]) == {"a.b": [CREATES_ENVIRONMENT, APPLIES_CONFIG]}
    # No release before 1.1.0 has a domain name.
    assert planned([case], "1.0.2") == {"a.b": [CREATES_ENVIRONMENT]}


def test_selection_by_case_and_by_clause() -> None:
    cases = [made("life.a", CREATES, KILLS), made("life.b", KILLS), made("other.c", CREATES)]
    assert planned(cases, patterns=("life",)) == {"life.a": [CREATES, KILLS], "life.b": [KILLS]}
    assert planned(cases, patterns=(CREATES,)) == {"life.a": [CREATES], "other.c": [CREATES]}
    assert planned(cases, patterns=("*.b",)) == {"life.b": [KILLS]}
    assert planned(cases, ignore=(KILLS,)) == {"life.a": [CREATES], "other.c": [CREATES]}


def test_properties_are_the_leaves_of_the_schema_on_linux() -> None:
    pointers = [leaf.pointer for leaf in properties()]
    assert len(pointers) == len(set(pointers)) > 150
    assert {"/process/args", "/process/rlimits/*/soft", "/linux/sysctl/*", "/hooks/poststop/*/timeout"} <= set(pointers)
    assert not [pointer for pointer in pointers if pointer.startswith(("/windows", "/vm", "/process/commandLine"))]
    assert by_pointer()["/domainname"].since == "1.1.0"
    assert by_pointer()["/linux/intelRdt/enableCMT"].until == "1.2.1"
