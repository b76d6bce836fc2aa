"""A registry that lies or limps: findings or one clear line, no hang, no credential in sight, and memory stays flat."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.registries import lies
from fixtures.registries.content import Content, images
from fixtures.registries.lying import PASSWORD, SECRETS, USER, Answer, Lie, Registry, Request, asked_with, serving
from ocivalidate.audit.api import audit
from ocivalidate.audit.options import AuditOptions
from ocivalidate.image import check_image
from ocivalidate.image.api import ImageOptions
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Report

pytest.importorskip("urllib3", reason="ocivalidate[registry] is not installed")

from ocivalidate.registry import transport  # after the check that it can be imported
from ocivalidate.registry.options import RegistryLimits, RegistryOptions

pytestmark = pytest.mark.integration
CHECKOUT = Path(__file__).parents[3]
# Short waits: what is tried is that they end.
IMPATIENT = RegistryLimits(
    connect=2,
    silence=0.5,
    answer=1,
    wait=1,
    pause=0.01,
    window=0.5,
    slowest=1024,
    attempts=3,
    failures=3,
    pages=50,
    blob=1 << 20,
)
MOST_SECONDS = 20
MOST_MEMORY = 150 << 20


@pytest.fixture(scope="module")
def content() -> Content:
    """The first ten images: one of each kind."""
    return images(10)


@pytest.fixture(scope="module")
def little() -> Content:
    """One image, for what takes its time with each blob."""
    return images(1)


def audited(registry: Registry, below: str = "") -> Report:
    options = AuditOptions(registry=RegistryOptions(limits=IMPATIENT))
    return audit(f"docker://{registry.host}{below}", options=options)


def judged(registry: Registry, tag: str = "v5") -> Report:
    options = ImageOptions(registry=RegistryOptions(limits=IMPATIENT))
    return check_image(f"docker://{registry.host}/team0/app0:{tag}", options=options)


def told(report: Report) -> set[str]:
    """The clauses of errors and warnings."""
    return {one.clause.id for one in report.findings if one.severity is not Severity.NOTE}


def everything(report: Report) -> str:
    """All that a report can show."""
    return repr(report) + json.dumps(report.facts, default=repr)


@contextmanager
def soon() -> Iterator[None]:
    """What is done in it ends in bounded time."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < MOST_SECONDS


# --- Wrong content

FINDS = {
    "flipped-layers": {"image/image-layout.blobs.content-matches"},
    "flipped-manifests": {"image/image-layout.blobs.content-matches"},
    "short-layers": {"image/image-layout.blobs.content-matches"},
    "longer-layers": {"image/image-layout.blobs.content-matches"},
    "other-digest-header": {"distribution/pull.manifest.digest-header.matches"},
    "other-media-type-header": {"distribution/pull.manifest.content-type.matches"},
    "html-manifests": {"image/considerations.json.syntax", "distribution/pull.provides"},
    "html-layers": {"image/image-layout.blobs.content-matches"},
}


# Of a tag nothing but a header says which digest it has.
FINDS_IN_ONE = {
    "flipped-manifests": {"distribution/pull.manifest.digest-header.matches"},
    "other-digest-header": {"distribution/pull.manifest.digest-header.matches"},
    "html-manifests": {"image/considerations.json.syntax"},
}


@pytest.mark.parametrize("name", FINDS)
def test_wrong_content_is_found(name: str, content: Content) -> None:
    with soon(), serving(Registry(content, lies.FALSE[name])) as registry:
        assert told(audited(registry)) >= FINDS[name]


def said(report: Report) -> set[str]:
    """The clauses on what a registry says that are broken."""
    return {one.clause.id for one in report.findings if one.clause.id.startswith("distribution/")}


@pytest.mark.parametrize("name", lies.HEADERS)
def test_what_is_said_beside_the_content_is_judged_in_an_audit_as_in_an_image(name: str, content: Content) -> None:
    with soon(), serving(Registry(content, lies.HEADERS[name])) as registry:
        options = AuditOptions(tags=("v5",), registry=RegistryOptions(limits=IMPATIENT))
        report = audit(f"docker://{registry.host}/team0/app0", options=options)
        image = judged(registry)
    assert said(report) == said(image) != set()
    assert not told(report) & {"storage/tag.target", "storage/tag.current"}


@pytest.mark.parametrize("name", ["html-manifests", "other-digest-header"])
def test_a_tag_whose_answer_is_wrong_is_not_told_to_lead_to_nothing(name: str, content: Content) -> None:
    with soon(), serving(Registry(content, lies.FALSE[name])) as registry:
        assert "storage/tag.target" not in told(audited(registry))


@pytest.mark.parametrize("name", FINDS)
def test_wrong_content_is_found_in_one_image(name: str, content: Content) -> None:
    with soon(), serving(Registry(content, lies.FALSE[name])) as registry:
        assert told(judged(registry)) >= FINDS_IN_ONE.get(name, FINDS[name])


def test_content_that_ends_early_every_time_is_not_judged(little: Content) -> None:
    with soon(), serving(Registry(little, lies.FALSE["cut-layers"])) as registry:
        report = audited(registry)
    assert not told(report)
    assert report.facts["images"]["sound"] == 0
    assert any(result.outcome == "error" for result in report.results)


# --- Faults of a network, and of a busy server


@pytest.mark.parametrize("name", lies.LIMPING)
def test_who_limps_gets_the_verdict_of_who_walks(name: str, content: Content) -> None:
    with soon(), serving(Registry(content, lies.LIMPING[name], seed=3)) as registry:
        report = audited(registry)
    assert not report.problem
    assert told(report) <= {"distribution/pull.blob.range"}
    images_ = report.facts["images"]
    assert (images_["broken"], images_["incomplete"], images_["unjudged"]) == (0, 0, 0)


# --- Nothing can be audited


@pytest.mark.parametrize("name", lies.REFUSED)
def test_what_cannot_be_audited_is_told_in_one_clear_line(name: str, little: Content) -> None:
    with soon(), serving(Registry(little, lies.REFUSED[name])) as registry:
        report = audited(registry)
    lines = [report.problem] if report.problem else [one.reason for one in report.results if one.outcome == "error"]
    for line in lines:
        assert line.isprintable(), ascii(line)
        assert len(line) < 500, line


@pytest.mark.parametrize("name", lies.ENDLESSLY)
def test_what_never_ends_is_ended(name: str, little: Content) -> None:
    with soon(), serving(Registry(little, lies.ENDLESSLY[name])) as registry:
        audited(registry)


# --- Credentials


@contextmanager
def with_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Content, lie: Lie | None, auth: str
) -> Iterator[tuple[Registry, Registry]]:
    """A registry that wants credentials, another host, and a file with credentials for the first."""
    with (
        serving(Registry(content)) as other,
        serving(Registry(content, lie, auth=auth, other=other.host)) as registry,
    ):
        file = tmp_path / "auth.json"
        known = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
        file.write_text(json.dumps({"auths": {registry.host: known}}))
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
        yield registry, other


def _elsewhere(registry: Registry, asked: Request, told: Answer) -> Answer:
    """Blobs, and tokens, are at another host."""
    moved = "/blobs/" in asked.path or asked.path == "/token"
    return Answer(307, {"Location": f"http://{registry.other}{asked.path}"}) if moved else told


def _echo(registry: Registry, asked: Request, told: Answer) -> Answer:
    """Whatever is sent is said again: in bodies, headers and addresses."""
    sent = asked.headers.get("authorization", "")
    if told.status == 401 or not sent or asked.path == "/token":
        return told
    if registry.chance.random() < 0.3:
        return Answer(307, {"Location": f"http://{registry.other}/{sent}?x={sent}"})
    return Answer(500, {"Warning": sent, "Content-Type": sent}).of(sent.encode())


def _echo_content(_registry: Registry, asked: Request, told: Answer) -> Answer:
    sent = asked.headers.get("authorization", "")
    if told.status != 200 or asked.path == "/token" or not sent:
        return told
    return told.of(json.dumps({"schemaVersion": 2, "mediaType": sent, sent: sent}).encode()).told(
        Docker_Content_Digest=sent
    )


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_credentials_go_to_their_registry_and_open_it(
    auth: str, content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with with_credentials(tmp_path, monkeypatch, content, None, auth) as (registry, _other):
        report = judged(registry)
        assert not report.problem
        assert not told(report)
        assert asked_with(registry, *SECRETS)


@pytest.mark.parametrize("auth", ["basic", "bearer"])
@pytest.mark.parametrize("lie", [_elsewhere, _echo, _echo_content], ids=["elsewhere", "echo", "echo-content"])
def test_no_credential_goes_elsewhere_or_shows(
    lie: Lie,
    auth: str,
    content: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(0),
        soon(),
        with_credentials(tmp_path, monkeypatch, content, lie, auth) as (registry, other),
    ):
        shown = "".join(map(everything, (judged(registry), audited(registry, "/team0/app0"))))
    assert not [asked.path for asked in asked_with(other, *SECRETS) if lie is _elsewhere]
    assert not [asked for asked in other.requests if "authorization" in asked.headers]
    for secret in SECRETS:
        assert secret not in shown
        assert secret not in caplog.text


@pytest.mark.parametrize("name", lies.TOKENS)
def test_a_server_of_tokens_that_lies_gets_one_line(
    name: str, content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with soon(), with_credentials(tmp_path, monkeypatch, content, lies.TOKENS[name], "bearer") as (registry, _other):
        report = judged(registry)
    assert report.problem
    assert report.problem.isprintable()
    assert not [secret for secret in SECRETS if secret in everything(report)]


def test_a_crash_of_ours_shows_no_credential(content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where something of ours breaks in the middle of a request, its traceback has none, locals included."""

    def broken(*_arguments: object, **_named: object) -> None:
        raise AssertionError("ours")

    with with_credentials(tmp_path, monkeypatch, content, None, "basic") as (registry, _other):
        monkeypatch.setattr(transport, "retry_after", broken)
        monkeypatch.setattr(
            registry, "lie", lies.anywhere(lambda _r, _a, told: Answer(503) if told.status == 200 else told)
        )
        try:
            shown = everything(judged(registry))
        except AssertionError as error:
            shown = "".join(traceback.TracebackException.from_exception(error).format())
    assert not [secret for secret in SECRETS if secret in shown]


# --- Memory


@pytest.mark.parametrize("name", ["catalog-endless", "manifests-endless"])
def test_memory_is_flat_whatever_is_sent(name: str, content: Content) -> None:
    lie = {**lies.REFUSED, **lies.ENDLESSLY}[name]
    with serving(Registry(content, lie)) as registry:
        words = [sys.executable, "-c", _MEASURED, "audit", f"docker://{registry.host}"]
        done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    peak = int(done.stderr.splitlines()[-1])
    assert peak < MOST_MEMORY
    assert "Traceback" not in done.stdout + done.stderr


# Runs the command line in this process, and tells its peak memory.
_MEASURED = """
import sys
from ocivalidate.cli import main
try:
    main(sys.argv[1:])
finally:
    status = open("/proc/self/status").read().splitlines()
    print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024, file=sys.stderr)
"""
