"""The merged report of shards says what the report of the whole audit says, but for what no shard can know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Entry, Image, Layer, folder, tar
from fixtures.registries.content import Content, images, layer
from fixtures.registries.faults import plant
from fixtures.registries.planted import FAULTS
from fixtures.registries.storing import FORMS
from ocivalidate.audit.api import audit
from ocivalidate.audit.merging import merged
from ocivalidate.audit.options import Work
from ocivalidate.audit.sharding import Shard
from ocivalidate.report import json_report
from ocivalidate.report.options import Options
from ocivalidate.rules.findings import Outcome, Report

# What needs several layers at a time. An image that lies in one shard is judged by that.
OF_STACKS = {"safety/layer.parent", "safety/layer.link-target", "safety/image.config.user.known"}
ORDER = "image/config.rootfs.diff_ids.order"


PLANTED = {
    *("flipped-layer", "truncated-layer", "collected-layer", "flipped-manifest", "wrong-diff-id"),
    *("upload-left", "unreferenced", "no-layer-link"),
}


def swapped(config: dict[str, Any]) -> None:
    config["rootfs"]["diff_ids"].reverse()


def a_user(config: dict[str, Any]) -> None:
    config["config"]["User"] = "nobody-knows"


def content() -> Content:
    """Images, and those whose fault lies between layers."""
    held = images(1)
    layers = [layer(f"stack{number}") for number in range(4)]
    held.repository("between/swapped").push(Image(tuple(layers), None, edit_config=swapped), "1")
    held.repository("between/user").push(Image(tuple(layers), None, edit_config=a_user), "1")
    inside = Layer(tar([Entry("opt/stack0/0/file", b"text")]))
    held.repository("between/parent").push(Image((layers[0], inside), None), "1")
    one = Image((Layer(tar([folder("opt/")])),), None, edit_config=a_user)
    held.repository("between/alone").push(one, "1")
    return held


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    held = content()
    rows = [(fault, plant(fault, held)) for fault in FAULTS if fault.name in PLANTED]
    made = FORMS["distribution"](tmp_path_factory.mktemp("storage"), held).write()
    for fault, planted in rows:
        fault.damage(made, planted)
    return made.root


def in_shards(storage: Path, count: int) -> Report:
    parts = []
    for number in range(1, count + 1):
        report = audit(str(storage), work=Work(shard=Shard(number, count)))
        parts.append((f"{number}.json", json.loads("".join(json_report.pieces([report], Options(tool_version="1"))))))
    [whole] = merged(parts)
    return whole


def told(report: Report) -> set[tuple[str, ...]]:
    return {
        (one.clause.id, one.location.file, str(one.location.pointer), one.message, one.got, one.want)
        for one in report.findings
        if one.clause.id not in OF_STACKS
    }


def not_sound(report: Report) -> set[tuple[str, str]]:
    """Which images are not sound, and how they fare; but for those whose fault only the whole can see."""
    every = {(image["repository"], image["state"]) for image in report.facts["not_sound"]}
    return {one for one in every if one[0] not in ("between/parent", "between/user")}


def outcomes(report: Report) -> Mapping[str, Outcome]:
    return {one.clause.id: one.outcome for one in report.results if one.clause.id not in OF_STACKS}


@pytest.mark.parametrize("count", [1, 2, 7])
def test_shards_say_what_the_whole_says(storage: Path, count: int) -> None:
    whole, parts = audit(str(storage)), in_shards(storage, count)
    assert told(parts) == told(whole)
    assert outcomes(parts) == outcomes(whole)
    for fact in ("blobs", "bytes", "unreferenced", "verified", "uploads"):
        assert parts.facts[fact] == whole.facts[fact], fact
    assert not_sound(parts) == not_sound(whole)
    assert any(one.clause.id == ORDER for one in parts.findings)


@pytest.mark.parametrize("count", [3])
def test_what_no_shard_knows_is_passed_by_none(storage: Path, count: int) -> None:
    whole, parts = audit(str(storage)), in_shards(storage, count)
    found = {one.clause.id: one for one in parts.results}
    for clause in OF_STACKS:
        assert found[clause].outcome in (Outcome.FAIL, Outcome.SKIP), clause
    assert {one.clause.id for one in whole.findings} >= OF_STACKS - {"safety/layer.link-target"}
    assert whole.facts["uploads"] == {"count": 1, "bytes": 5000}
    # None is made up.
    assert {str(one) for one in parts.findings if one.clause.id in OF_STACKS} <= {str(one) for one in whole.findings}
