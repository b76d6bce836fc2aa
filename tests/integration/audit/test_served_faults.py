"""Planted faults behind real servers: registries that serve a damaged storage, and buckets that hold one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.registries import clouds, servers
from fixtures.registries.content import images
from fixtures.registries.faults import Fault, Planted, plant
from fixtures.registries.planted import FAULTS
from fixtures.registries.served import HIDDEN, SOUND, Seen, found_in_bucket, place, seen
from fixtures.registries.storing import FORMS
from ocivalidate.audit.api import audit
from ocivalidate.audit.options import AuditOptions
from ocivalidate.registry.options import RegistryLimits, RegistryOptions
from ocivalidate.rules.findings import Report
from tests.integration.audit.auditing import Found, audited_at, found
from tests.integration.audit.needs import need

pytestmark = pytest.mark.integration
SERVERS = ["debian", "distribution"]
FORM = "distribution"
OF_TREES = [fault for fault in FAULTS if FORM in fault.forms]
# They answer at once: nothing is won by waiting before they are asked again.
BRISK = RegistryOptions(limits=RegistryLimits(pause=0.001))


def audited(host: str) -> Report:
    report = audit(f"docker://{host}", options=AuditOptions(registry=BRISK))
    assert not report.problem
    return report


def wanted(told: Seen | None, planted: Planted) -> set[Found]:
    return {Found(clause, place(part, planted, clause)) for clause, part in (told.found if told else ())}


def states(report: Report) -> dict[str, str]:
    """How all that is not sound fares, by ``repository:tag``."""
    return {f"{image['repository']}:{image['name']}": image["state"] for image in report.facts["not_sound"]}


def state(fault: Fault, told: Seen | None) -> dict[str, str]:
    name = f"faults/{fault.name}:broken"
    return {} if told is None or told.state == SOUND else {name: told.state}


def test_the_table_has_a_row_for_every_fault_of_a_tree() -> None:
    for server in SERVERS:
        for fault in OF_TREES:
            assert (seen(fault.name, server) is None) == (fault.name in HIDDEN), fault.name


@pytest.mark.parametrize("server", SERVERS)
def test_what_a_server_shows_of_all_faults_is_found_and_nothing_else(server: str, tmp_path: Path) -> None:
    start, program = servers.REGISTRIES[server]
    need(program)
    content = images(10)
    rows = [(fault, seen(fault.name, server), plant(fault, content)) for fault in OF_TREES]
    storage = FORMS[FORM](tmp_path / "root", content).write()
    for fault, _told, planted in rows:
        fault.damage(storage, planted)
    with start(tmp_path / "root", tmp_path) as served:
        report = audited(served.host)
    assert found(report) == {one for _fault, told, planted in rows for one in wanted(told, planted)}
    assert states(report) == {name: kind for fault, told, _ in rows for name, kind in state(fault, told).items()}


@pytest.mark.audit
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("fault", OF_TREES, ids=lambda fault: fault.name)
def test_a_fault_behind_a_server(fault: Fault, server: str, tmp_path: Path) -> None:
    start, program = servers.REGISTRIES[server]
    need(program)
    content = images(1)
    planted, told = plant(fault, content), seen(fault.name, server)
    storage = FORMS[FORM](tmp_path / "root", content).write()
    fault.damage(storage, planted)
    with start(tmp_path / "root", tmp_path) as served:
        report = audited(served.host)
    assert found(report) == wanted(told, planted)
    assert states(report) == state(fault, told)


# --- Buckets


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder whose folders are buckets, served as long as the module runs."""
    need("versitygw")
    pytest.importorskip("obstore")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "root").mkdir()
    with servers.s3(folder / "root", folder) as served, pytest.MonkeyPatch.context() as environment:
        for name, text in servers.s3_environment(served).items():
            environment.setenv(name, text)
        yield folder / "root"


@pytest.mark.parametrize("form", FORMS)
def test_all_faults_are_found_in_a_bucket_and_nothing_else(form: str, buckets: Path) -> None:
    content = images(1)
    rows = [(fault, plant(fault, content)) for fault in FAULTS if form in fault.forms]
    storage = FORMS[form](buckets / f"all-{form}", content).write()
    for fault, planted in rows:
        fault.damage(storage, planted)
    report = audited_at(f"s3://all-{form}")
    wanted = {one for fault, planted in rows for one in found_in_bucket(fault, storage, planted)}
    assert found(report) == {Found(*one) for one in wanted}


EACH = [pytest.param(form, fault, id=f"{form}-{fault.name}") for fault in FAULTS for form in sorted(fault.forms)]


@pytest.mark.audit
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scheme", clouds.STARTERS)
def test_buckets_of_google_and_azure(scheme: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need(clouds.PROGRAMS[scheme])
    pytest.importorskip("obstore")
    content = images(3)
    rows = [(fault, plant(fault, content)) for fault in FAULTS if form in fault.forms]
    storage = FORMS[form](tmp_path / "storage", content).write()
    for fault, planted in rows:
        fault.damage(storage, planted)
    with clouds.STARTERS[scheme](tmp_path) as served:
        for name, text in clouds.environment(scheme, served).items():
            monkeypatch.setenv(name, text)
        clouds.make(scheme, served, "tests")
        clouds.fill(scheme, served, "tests", "some/prefix", storage.root)
        report = audited_at(f"{scheme}://tests/some/prefix")
        nowhere = [audit(f"{scheme}://{place}").problem for place in ("no-such-bucket", "tests/nothing")]
    wanted = {one for fault, planted in rows for one in found_in_bucket(fault, storage, planted)}
    assert found(report) == {Found(*one) for one in wanted}
    assert all(nowhere)


@pytest.mark.audit
@pytest.mark.parametrize(("form", "fault"), EACH)
def test_a_fault_in_a_bucket(form: str, fault: Fault, buckets: Path) -> None:
    content = images(1)
    planted = plant(fault, content)
    storage = FORMS[form](buckets / f"{fault.name}-{form}", content).write()
    fault.damage(storage, planted)
    report = audited_at(f"s3://{fault.name}-{form}")
    assert found(report) == {Found(*one) for one in found_in_bucket(fault, storage, planted)}
