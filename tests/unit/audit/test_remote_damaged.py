"""A registry over damaged storage: what it cannot give is told of that alone, and old signed manifests are sound."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from fixtures.layouts import Image, Layer, to_json
from fixtures.layouts.build import DOCKER, OCI, digest
from fixtures.layouts.signed import sign
from fixtures.registries.content import Content, layer
from fixtures.registries.lying import Answer, Lie, Registry, Request, serving
from ocivalidate.audit.api import audit
from ocivalidate.audit.options import AuditOptions
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.limits import Limits
from ocivalidate.image.signed import unsigned
from ocivalidate.registry.options import RegistryLimits, RegistryOptions
from ocivalidate.rules.findings import ExitCode, Report, exit_code

BRISK = RegistryOptions(limits=RegistryLimits(connect=2, silence=1, answer=2, pause=0.001))


def audited(served: Registry) -> Report:
    return audit(f"docker://{served.host}", options=AuditOptions(registry=BRISK))


def states(report: Report) -> dict[str, str]:
    every = [*report.facts["sound"], *report.facts["not_sound"]]
    return {f"{image['repository']}:{image['name']}": image["state"] for image in every}


def images(*tags: str) -> Content:
    held = Content()
    for tag in tags:
        held.repository("app").push(Image((Layer(), layer(f"own-{tag}")), None), tag)
    return held


def failing(part: Callable[[Request], bool], status: int = 500) -> Lie:
    return lambda _served, asked, told: Answer(status) if part(asked) else told


@pytest.mark.parametrize("bad", [["2"], ["1", "2", "3"], ["1", "2", "3", "4", "5"]])
def test_a_tag_that_the_registry_cannot_read_is_unjudged_and_the_others_are_not(bad: list[str]) -> None:
    tags = [str(number) for number in range(1, 7)]
    with serving(Registry(images(*tags), failing(lambda asked: asked.path.rpartition("/")[2] in bad))) as served:
        report = audited(served)
    assert states(report) == {f"app:{tag}": "unjudged" if tag in bad else "sound" for tag in tags}
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert not report.problem


def test_a_layer_that_the_registry_cannot_read_leaves_the_other_parts_of_its_image_judged() -> None:
    held = images("1")
    first, second = (one["digest"] for one in json.loads(held.blobs[held.tags["app:1"]])["layers"])
    held.blobs[second] = held.blobs[second][:-1] + b"x"
    with serving(Registry(held, failing(lambda asked: asked.path.endswith(first)))) as served:
        report = audited(served)
    assert "image/image-layout.blobs.content-matches" in {one.clause.id for one in report.findings}


def test_a_registry_that_answers_everything_like_that_is_left_alone_in_the_end() -> None:
    limits = BRISK.limits._replace(refusals=20, attempts=2)
    held = images(*(str(number) for number in range(60)))
    with serving(Registry(held, failing(lambda asked: "/manifests/" in asked.path))) as served:
        report = audit(f"docker://{served.host}", options=AuditOptions(registry=RegistryOptions(limits=limits)))
    assert len(served.requests) < 40
    assert "is not asked any more" in next(iter(report.facts["not_sound"]))["problem"]


# --- Signed manifests of schema 1


def signed() -> tuple[Content, bytes]:
    """An old manifest under its digest, and what a registry hands out for it."""
    held = Content()
    old = held.repository("old")
    blob = old.add(layer("old").to_bytes(), "application/vnd.oci.image.layer.v1.tar+gzip")["digest"]
    value = {"schemaVersion": 1, "fsLayers": [{"blobSum": blob}], "history": [{"v1Compatibility": "{}"}]}
    text = to_json({"name": "old", "tag": "1", "architecture": "amd64", **value})
    old.tags["1"] = old.add(text, f"{DOCKER}distribution.manifest.v1+prettyjws")["digest"]
    return held, sign(text)


def handing_out(data: bytes) -> Lie:
    return lambda _served, asked, told: told.of(data) if told.status == 200 and "/manifests/" in asked.path else told


def test_the_digest_of_a_signed_manifest_is_that_of_its_text() -> None:
    held, data = signed()
    with serving(Registry(held, handing_out(data))) as served:
        report = audited(served)
        images = [
            check_image(f"docker://{served.host}/old{name}", options=ImageOptions(registry=BRISK))
            for name in (":1", f"@{held.tags['old:1']}")
        ]
    assert {one.clause.id for one in report.findings} == {"storage/manifest.schema1"}
    for image in images:
        told = {one.clause.id for one in image.findings}
        assert not {one for one in told if one.startswith(("distribution/", "image/image-layout"))}, told


def test_a_signed_manifest_with_another_text_is_damaged() -> None:
    held, data = signed()
    with serving(Registry(held, handing_out(data.replace(b"amd64", b"arm64")))) as served:
        report = audited(served)
    assert "image/image-layout.blobs.content-matches" in {one.clause.id for one in report.findings}


@pytest.mark.parametrize(
    "data",
    [
        b'{"signatures":[],"protected":1}',
        b'{"signatures":[{"protected":5}]}',
        b'{"signatures":[{"protected":"!!"}]}',
        b'{"signatures":[{"protected":"e30"}]}',
        b'{"signatures":{"protected":"e30"}}',
        sign(b'{"a":1}').replace(b"protected", b"protectee"),
    ],
)
def test_what_has_no_such_signature_is_its_own_text(data: bytes) -> None:
    assert unsigned(data) is data


@pytest.mark.parametrize("text", [b'{"a":1}', b'{"a": 1\n}\n', b'{\n   "a": [1, 2]\n}'])
def test_the_text_that_was_signed_comes_back(text: bytes) -> None:
    assert unsigned(sign(text)) == text


def test_referrers_that_never_end_are_ended() -> None:
    """Each manifest that refers to one is referred to by another, which the registry makes up when it is asked."""

    def made_up(served: Registry, asked: Request, told: Answer) -> Answer:
        if "/referrers/" not in asked.path:
            return told
        held = served.content.repository("app")
        subject = {"mediaType": f"{OCI}manifest.v1+json", "digest": asked.path.rpartition("/")[2], "size": 5}
        empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2}
        text = to_json({"schemaVersion": 2, "config": empty, "layers": [], "subject": subject})
        listed = [held.add(text, f"{OCI}manifest.v1+json")]
        return told.of(to_json({"schemaVersion": 2, "mediaType": f"{OCI}index.v1+json", "manifests": listed}))

    with serving(Registry(images("1"), made_up)) as served:
        options = AuditOptions(registry=BRISK, limits=Limits(documents=50))
        report = audit(f"docker://{served.host}", options=options)
    assert len(served.requests) < 500
    assert states(report)["app:1"] == "unjudged"
    assert exit_code([report]) is not ExitCode.CONFORMS
