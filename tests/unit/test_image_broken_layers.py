"""Every kind of problem with the bytes of a layer has a layer that shows it, and sound layers show none."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import pytest

from fixtures.layouts import ALSO, BROKEN, GOOD, LIMITS, Layer, Layout, blob_path
from ocivalidate.image.layers.blob import BlobRequest, verify
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.problems import SUMMARIES, Kind
from tests.blobs import check_layer, opener


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_layer_shows_its_problem_and_no_other(name: str) -> None:
    facts = check_layer(BROKEN[name]().to_bytes(), LayerLimits(**LIMITS.get(name, {})))
    assert set(facts.counts) == {Kind(name.partition("/")[0])} | {Kind(kind) for kind in ALSO.get(name, set())}
    assert {problem.kind for problem in facts.all_problems} == set(facts.counts)
    assert all(problem.message and "\n" not in problem.message for problem in facts.all_problems)
    assert not facts.failure


def test_every_kind_has_a_broken_layer_and_a_summary() -> None:
    assert {name.partition("/")[0] for name in BROKEN} == {str(kind) for kind in Kind}
    assert set(SUMMARIES) == set(Kind)


@pytest.mark.parametrize("name", BROKEN)
def test_facts_can_go_to_another_process(name: str) -> None:
    facts = check_layer(BROKEN[name]().to_bytes(), LayerLimits(**LIMITS.get(name, {})))
    assert pickle.loads(pickle.dumps(facts)) == facts  # noqa: S301  # made in the line itself


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_the_blobs_of_sound_layouts_are_sound(make: Callable[[], Layout]) -> None:
    layout = make()
    for path, data in layout.files.items():
        if path.startswith("blobs/"):
            _blobs, algorithm, encoded = path.split("/")
            facts = verify(BlobRequest(opener(data), (algorithm,)))
            assert [digest.encoded for digest in facts.digests] == [encoded]
            assert facts.size == len(data)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_the_layers_of_sound_layouts_have_no_problem_and_their_diff_ids(make: Callable[[], Layout]) -> None:
    layout = make()
    for manifest in json.loads(layout.files["index.json"])["manifests"]:
        value = json.loads(layout.files[blob_path(manifest)])
        layers = [layer for layer in value.get("layers", ()) if ".v1.tar" in layer["mediaType"]]
        if layers and "image" in value["config"]["mediaType"]:
            want = json.loads(layout.files[blob_path(value["config"])])["rootfs"]["diff_ids"]
            found = [check_layer(layout.files[blob_path(layer)]) for layer in layers]
            assert [facts.all_problems for facts in found] == [()] * len(layers)
            if value["config"]["digest"].startswith("sha256:"):
                assert [str(facts.diff_ids[0]) for facts in found] == want


def test_layouts_always_have_the_same_bytes() -> None:
    for make in GOOD.values():
        assert make().files == make().files


def test_a_layer_without_problems_has_none() -> None:
    assert check_layer(Layer().to_bytes()).counts == {}
