"""A registry is asked no more than it has to be, and the report is that of an audit that looks at everything."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from fixtures.layouts import Artifact, Image, Index, Layer
from fixtures.registries.content import Content, layer
from fixtures.registries.lying import Answer, Lie, Registry, Request, serving
from ocivalidate.audit.api import audit
from ocivalidate.audit.options import AuditOptions, Work
from ocivalidate.audit.sharding import parse
from ocivalidate.audit.stores import asking
from ocivalidate.audit.stores.remote import open_registry
from ocivalidate.registry.answers import MANIFEST
from ocivalidate.registry.options import RegistryLimits, RegistryOptions
from ocivalidate.rules.findings import Report

BRISK = RegistryOptions(limits=RegistryLimits(connect=2, silence=1, answer=2, pause=0.001, attempts=2))


def content() -> Content:
    """Three repositories that share layers and images, with an index, a referrer and a tag that stands for its list."""
    held = Content()
    image = Image((Layer(), layer("tools")), None)
    for name in ("a", "b", "c"):
        repository = held.repository(name)
        repository.push(image, "1")
        repository.push(Image((layer("tools"), layer(f"own-{name}")), None), "2")
        repository.push(Index((Image((layer("more"),), None), image)), "3")
    app = held.repository("b")
    app.push(Artifact(subject=image, blobs=(("application/vnd.example.note", b"a note"),)))
    app.tag_referrers(app.tags["1"])
    return held


def audited(served: Registry, work: Work | None = None) -> Report:
    return audit(f"docker://{served.host}", options=AuditOptions(registry=BRISK), work=work)


def summary(report: Report, host: str) -> list[str]:
    """All that is told, without the address of the registry."""
    told = [f"{one.clause.id} {one.location.file} {one.message} {one.got} {one.hint}" for one in report.findings]
    states = [f"{one}" for one in (*report.facts["sound"], *report.facts["not_sound"])]
    counts = [str(report.facts[name]) for name in ("images", "blobs", "repositories")]
    return [text.replace(host, "HOST") for text in (*told, *states, *counts, *map(str, report.facts["mend"]))]


def answering(part: str, status: int, method: str = "") -> Lie:
    """A registry that answers so for what has this in its path."""

    def lie(_served: Registry, asked: Request, told: Answer) -> Answer:
        mine = re.search(part, asked.path) and method in ("", asked.method)
        return Answer(status) if mine else told

    return lie


def digest_of(held: Content, name: str) -> str:
    return next(one for one, data in held.blobs.items() if data == layer(name).to_bytes())


def faults() -> dict[str, Lie | None]:
    held = content()
    tools, own = digest_of(held, "tools"), digest_of(held, "own-b")
    first, index = held.tags["a:1"], held.tags["a:3"]
    return {
        "none": None,
        "layer nowhere": answering(f"/blobs/{tools}", 404),
        "layer nowhere, of one": answering(f"/blobs/{own}", 404),
        "layer not in the first": answering(f"/v2/a/blobs/{tools}", 404),
        "layer not in the second": answering(f"/v2/b/blobs/{tools}", 404),
        "layer in the last alone": answering(f"/v2/[ab]/blobs/{tools}", 404),
        "layer in the second alone": answering(f"/v2/[ac]/blobs/{tools}", 404),
        "layer that cannot be read": answering(f"/v2/a/blobs/{tools}", 500),
        "layer that is only looked at": answering(f"/blobs/{tools}", 404, "GET"),
        "every layer gone": answering("/blobs/", 404),
        "image nowhere": answering(f"/manifests/({first}|1$)", 404),
        "image not by its digest": answering(f"/(manifests|blobs)/{first}", 404),
        "image of an index nowhere": answering(f"/v2/c/(manifests|blobs)/{first}", 404),
        "index cannot be read": answering(f"/manifests/({index}|3$)", 500),
        "no lists of referrers": answering("/referrers/", 404),
        "no lists and no tags for them": answering("/referrers/|/manifests/sha256-", 404),
        "no lists in one repository": answering("/v2/b/referrers/", 404),
    }


def test_every_fault_is_tried() -> None:
    assert len(faults()) == 17


@pytest.mark.parametrize("name", faults())
@pytest.mark.parametrize("shard", ["", "1/2"])
def test_the_report_is_that_of_one_that_looks_at_everything(
    name: str, shard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, requests = [], []
    for sample in (10**9, 0):
        monkeypatch.setattr(asking, "_SAMPLE", sample)
        with serving(Registry(content(), faults()[name])) as served:
            report = audited(served, Work(shard=parse(shard) if shard else None))
            told.append(summary(report, served.host))
            requests.append(len(served.requests))
    assert told[0] == told[1]
    assert requests[1] < requests[0]


def test_nothing_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_SAMPLE", 0)
    with serving(Registry(content())) as served:
        audited(served)
    asked = Counter((one.method, one.path) for one in served.requests)
    assert {key: count for key, count in asked.items() if count > 1} in ({}, {("GET", "/v2/"): 2})


def test_a_registry_without_lists_of_referrers_is_asked_for_one_in_a_repository(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "_SAMPLE", 0)
    with serving(Registry(content(), answering("/referrers/", 404))) as served:
        report = audited(served)
    asked = Counter(one.path.split("/")[2] for one in served.requests if "/referrers/" in one.path)
    assert asked == {"a": 1, "b": 1, "c": 1}
    # The tag that stands for a list is a tag, and read as one.
    assert len([one for one in served.requests if "/manifests/sha256-" in one.path]) == 1
    assert report.facts["images"]["sound"] == 11


def test_one_wrong_word_of_head_makes_it_look_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_served: Registry, asked: Request, told: Answer) -> Answer:
        lies = asked.method == "HEAD" and "/blobs/" in asked.path
        return told.told(Docker_Content_Digest="sha256:" + "0" * 64) if lies else told

    monkeypatch.setattr(asking, "_SAMPLE", 1)
    with serving(Registry(content(), wrong)) as served:
        report = audited(served)
    told = [one for one in report.findings if one.clause.id == "distribution/head.digest-header.matches"]
    looked = {one.path.rpartition("/")[2] for one in served.requests if one.method == "HEAD" and "/blobs/" in one.path}
    assert len(told) > 3
    assert len(looked) > 3


def test_what_came_by_a_tag_and_was_forgotten_is_looked_at() -> None:
    with serving(Registry(content())) as served:
        store = open_registry(f"docker://{served.host}/a", BRISK)
        asks = store._asking
        digest = asks.by_name("a", "1")
        asks.forget(("a", digest))
        found = asks.find("a", digest, asking.Role((MANIFEST,), document=True, size=1))
        store.close()
    assert found is not None
    assert found.digest == digest
