"""Planted faults: an audit finds all of them at their places, tells which tags break, and finds nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.registries.content import images
from fixtures.registries.faults import Fault, plant
from fixtures.registries.planted import FAULTS
from fixtures.registries.storing import FORMS
from tests.integration.audit.auditing import Found, audited, found, not_sound

pytestmark = pytest.mark.integration


def tag(fault: Fault) -> str:
    """The tag that breaks by a fault; with no index nobody knows the tags."""
    return "" if fault.name == "index-cut" else "broken"


EACH = [pytest.param(form, fault, id=f"{form}-{fault.name}") for fault in FAULTS for form in sorted(fault.forms)]


@pytest.mark.parametrize("count", [40, pytest.param(300, marks=pytest.mark.audit)])
@pytest.mark.parametrize("form", FORMS)
def test_a_sound_storage_has_no_finding(form: str, count: int, tmp_path: Path) -> None:
    report = audited(FORMS[form](tmp_path, images(count)).write())
    assert found(report) == set()
    assert report.facts["form"] == form
    assert not_sound(report) == set()


@pytest.mark.parametrize(("form", "fault"), EACH)
def test_a_fault_is_found_where_it_is_and_nothing_else(form: str, fault: Fault, tmp_path: Path) -> None:
    content = images(1)
    planted = plant(fault, content)
    storage = FORMS[form](tmp_path, content).write()
    fault.damage(storage, planted)
    report = audited(storage)
    assert found(report) == {Found(*one) for one in fault.found(storage, planted)}
    if form in ("blobs", "containerd"):
        return
    assert not_sound(report) == ({f"{planted.name}:{tag(fault)}"} if fault.broken else set())


@pytest.mark.parametrize("count", [10, pytest.param(300, marks=pytest.mark.audit)])
@pytest.mark.parametrize("form", FORMS)
def test_all_faults_are_found_beside_each_other(form: str, count: int, tmp_path: Path) -> None:
    content = images(count)
    rows = [(fault, plant(fault, content)) for fault in FAULTS if form in fault.forms]
    storage = FORMS[form](tmp_path, content).write()
    for fault, planted in rows:
        fault.damage(storage, planted)
    report = audited(storage)
    assert found(report) == {Found(*one) for fault, planted in rows for one in fault.found(storage, planted)}


def test_there_are_enough_faults() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 25
