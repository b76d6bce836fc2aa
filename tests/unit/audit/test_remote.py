"""A registry as a store: audited by its API, however it lies and limps, and with no credential in what is said."""

from __future__ import annotations

import base64
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Artifact, Image, Index, Layer
from fixtures.registries import lies
from fixtures.registries.content import Content, layer
from fixtures.registries.lying import (
    PASSWORD,
    SECRETS,
    TOKEN,
    USER,
    Answer,
    Lie,
    Registry,
    Request,
    asked_with,
    serving,
)
from ocivalidate.audit.api import audit
from ocivalidate.audit.options import AuditOptions
from ocivalidate.audit.stores.remote import open_registry
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.registry.options import RegistryLimits, RegistryOptions
from ocivalidate.report.audits import told as told_in_lines
from ocivalidate.rules.findings import ExitCode, Report, exit_code

BRISK = RegistryLimits(
    connect=2, silence=0.25, answer=1, wait=1, pause=0.01, window=0.3, slowest=100, attempts=2, page=1 << 16, pages=20
)
PATIENT = BRISK._replace(attempts=8, silence=2)


def content() -> Content:
    """Two repositories that share a layer, an index, and a referrer."""
    held = Content()
    app = held.repository("team/app")
    image = Image((Layer(), layer("tools")), None)
    app.push(image, "1")
    app.push(Artifact(subject=image, blobs=(("application/vnd.example.note", b"a note"),)))
    app.push(Index((Image((layer("more"),), None), image)), "2")
    held.repository("other").push(Image((layer("tools"), layer("own")), None), "latest")
    return held


def audited(served: Registry, name: str = "", *, limits: RegistryLimits = BRISK, authfile: str = "") -> Report:
    place = f"docker://{served.host}/{name}".rstrip("/")
    return audit(place, options=AuditOptions(registry=RegistryOptions(authfile=authfile, limits=limits)))


def told(report: Report) -> set[str]:
    return {found.clause.id for found in report.findings}


def test_an_honest_registry_is_sound_and_each_blob_read_once() -> None:
    held = content()
    with serving(Registry(held)) as served:
        report = audited(served)
    assert (report.problem, report.findings, exit_code([report])) == ("", (), ExitCode.CONFORMS)
    assert set(served.reads()) == set(held.blobs)
    assert set(served.reads().values()) == {1}


def test_one_repository() -> None:
    with serving(Registry(content())) as served:
        report = audited(served, "other")
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)
    assert not [asked for asked in served.requests if "team/app" in asked.path or "_catalog" in asked.path]


def removed_layer(held: Content) -> str:
    app = held.repository("team/app")
    digest = str(json.loads(held.blobs[app.tags["1"]])["layers"][0]["digest"])
    del held.blobs[digest]
    return "storage/blob.absent"


def removed_child(held: Content) -> str:
    app = held.repository("team/app")
    del held.blobs[json.loads(held.blobs[app.tags["2"]])["manifests"][0]["digest"]]
    return "storage/blob.absent"


def removed_tag_target(held: Content) -> str:
    del held.blobs[held.repository("other").tags["latest"]]
    return "storage/tag.current"


def flipped(held: Content) -> str:
    digest = json.loads(held.blobs[held.tags["other:latest"]])["layers"][1]["digest"]
    data = bytearray(held.blobs[digest])
    data[-1] ^= 1
    held.blobs[digest] = bytes(data)
    return "image/image-layout.blobs.content-matches"


@pytest.mark.parametrize("fault", [removed_layer, removed_child, removed_tag_target, flipped])
def test_a_fault_is_found_and_nothing_else(fault: Any) -> None:
    held = content()
    clause = fault(held)
    with serving(Registry(held)) as served:
        report = audited(served)
    assert (told(report), exit_code([report])) == ({clause}, ExitCode.FINDINGS)


@pytest.mark.parametrize("name", lies.FALSE)
def test_a_lie_about_content_is_no_sound_registry(name: str) -> None:
    with serving(Registry(content(), lies.FALSE[name])) as served:
        report = audited(served)
    assert told(report) or exit_code([report]) is ExitCode.COULD_NOT_JUDGE


def test_what_is_said_beside_a_manifest_is_held_against_it() -> None:
    for name, clause in (
        ("other-digest-header", "distribution/pull.manifest.digest-header.matches"),
        ("other-media-type-header", "distribution/pull.manifest.content-type.matches"),
    ):
        lie = lies.FALSE[name]

        def at_get(served: Registry, asked: Request, answer: Answer, lie: Lie = lie) -> Answer:
            return lie(served, asked, answer) if asked.method == "GET" else answer

        with serving(Registry(content(), at_get)) as served:
            report = audited(served)
        assert told(report) == {clause}


@pytest.mark.parametrize("name", lies.LIMPING)
def test_a_registry_that_limps_is_judged_as_an_honest_one(name: str) -> None:
    with serving(Registry(content(), lies.LIMPING[name])) as served:
        report = audited(served, limits=PATIENT)
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)
    assert told(report) == ({"distribution/pull.blob.range"} if name == "no-ranges" else set())


@pytest.mark.parametrize("name", [*lies.REFUSED, *lies.ENDLESSLY])
def test_a_registry_that_cannot_be_audited_is_told_in_a_line(name: str) -> None:
    lie = {**lies.REFUSED, **lies.ENDLESSLY}[name]
    with serving(Registry(content(), lie)) as served:
        report = audited(served)
    # What can be told of what never ends is told, too.
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE or name in ("manifests-endless", *lies.ENDLESSLY)
    assert exit_code([report]) is not ExitCode.CONFORMS
    for line in [report.problem, *(one.reason for one in report.results), *map(str, report.facts.values())]:
        assert "\n" not in line
        assert "\x1b" not in line


# --- Credentials


def authfile(path: Path, host: str, **entry: str) -> str:
    file = path / "auth.json"
    entry = entry or {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    file.write_text(json.dumps({"auths": {host: entry}}))
    return str(file)


def assert_silent(report: Report) -> None:
    text = repr(report)
    assert not [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_credentials_are_found_and_sent(auth: str, tmp_path: Path) -> None:
    with serving(Registry(content(), auth=auth)) as served:
        file = authfile(tmp_path, served.host)
        # The server of these tests names the scopes of repositories alone.
        report = audited(served, "team/app", authfile=file)
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)
    assert asked_with(served, SECRETS[-1] if auth == "basic" else TOKEN)
    assert_silent(report)


def test_without_credentials_the_line_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "auth.json").write_text("{}")
    with serving(Registry(content(), auth="basic")) as served:
        report = audited(served, authfile=str(tmp_path / "auth.json"))
    assert "skopeo login or docker login" in report.problem


def test_a_redirect_to_another_host_loses_the_credentials(tmp_path: Path) -> None:
    held = content()
    with serving(Registry(held)) as other:

        def elsewhere(_served: Registry, asked: Request, answer: Answer) -> Answer:
            there = asked.method == "GET" and "/blobs/" in asked.path and answer.status == 200
            return Answer(307, {"Location": f"http://{other.host}{asked.path}"}) if there else answer

        with serving(Registry(held, elsewhere, auth="bearer")) as served:
            report = audited(served, "team/app", authfile=authfile(tmp_path, served.host))
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)
    assert other.requests
    assert asked_with(other, *SECRETS) == []
    assert not [asked for asked in other.requests if "authorization" in asked.headers]


@pytest.mark.parametrize("name", lies.TOKENS)
def test_a_token_service_that_lies(name: str, tmp_path: Path) -> None:
    with serving(Registry(content(), lies.TOKENS[name], auth="bearer")) as served:
        report = audited(served, "team/app", authfile=authfile(tmp_path, served.host))
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert_silent(report)
    assert "\n" not in report.problem


def test_a_registry_that_repeats_what_was_sent(tmp_path: Path) -> None:
    def echo(_served: Registry, asked: Request, answer: Answer) -> Answer:
        sent = asked.headers.get("authorization", "")
        if answer.status != 200:
            return answer
        told = answer.told(Docker_Content_Digest=sent, Content_Type=f"text/{sent.partition(' ')[2]}")
        is_manifest = "/manifests/" in asked.path and asked.method == "GET"
        return told.of(json.dumps({"schemaVersion": 2, "mediaType": sent}).encode()) if is_manifest else told

    for auth in ("basic", "bearer"):
        with serving(Registry(content(), echo, auth=auth)) as served:
            options = RegistryOptions(authfile=authfile(tmp_path, served.host), limits=BRISK)
            report = check_image(f"docker://{served.host}/team/app:1", options=ImageOptions(registry=options))
        assert "repeats the credentials" in report.problem
        assert_silent(report)


def test_no_traceback_has_a_credential(tmp_path: Path) -> None:
    with serving(Registry(content(), lies.anywhere(lambda *_all: Answer(500)), auth="basic")) as served:
        file = authfile(tmp_path, served.host)
        store = open_registry(f"docker://{served.host}", RegistryOptions(authfile=file, limits=BRISK))
        with pytest.raises(Exception, match="answers 500") as raised:
            [*store.repositories()]
        store.close()
    text = "".join(traceback.format_exception(raised.value))
    assert not [secret for secret in (*SECRETS, TOKEN) if secret in text]
    assert raised.value.__context__ is None


def test_openers_pickle_without_credentials(tmp_path: Path) -> None:
    with serving(Registry(content(), auth="basic")) as served:
        file = authfile(tmp_path, served.host)
        options = RegistryOptions(authfile=file, limits=BRISK)
        with open_registry(f"docker://{served.host}/other", options) as store:
            digest = served.content.tags["other:latest"]
            held = store.find("other", digest)
            assert held is not None
            packed = pickle.dumps(store.opener(held))
            assert not [secret for secret in SECRETS if secret.encode() in packed]
            stream = pickle.loads(packed)()  # noqa: S301 - of our own making
            data = bytearray(1 << 16)
            count = stream.readinto(memoryview(data))
            stream.close()
    assert bytes(data[:count]) == served.content.blobs[digest]


def test_a_registry_without_a_catalog() -> None:
    lie = lies.listed("_catalog", lambda *_all: Answer(404))
    with serving(Registry(content(), lie)) as served:
        report = audited(served)
    assert f"name repositories: docker://{served.host}/NAME" in report.problem


def test_why_a_repository_could_not_be_read_is_told() -> None:
    def refused(_served: Registry, _asked: Request, _answer: Answer) -> Answer:
        return Answer(403)

    with serving(Registry(content(), refused)) as served:
        report = audited(served, "team/app")
    (image,) = report.facts["not_sound"]
    assert image["state"] == "unjudged"
    assert image["problem"].endswith("may not be read without credentials (403 Forbidden)")
    lines = ["".join(text for text, _style in line) for line in told_in_lines(report, verbose=False)]
    assert lines[0] == f"unjudged   team/app: {image['problem']}"


def test_a_port_where_nobody_listens_is_told_as_refused() -> None:
    report = audit("docker://127.0.0.1:1/x", options=AuditOptions(registry=RegistryOptions(limits=BRISK)))
    assert "127.0.0.1:1: connection refused" in next(iter(report.facts["not_sound"]))["problem"]
