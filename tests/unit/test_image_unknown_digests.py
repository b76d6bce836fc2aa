"""A layer is a layer whatever the algorithm of its digest, and what cannot be computed is said and never a pass.

descriptor.md: "Implementations SHOULD allow digests with unrecognized algorithms to pass validation if they comply with
the above grammar"; manifest.md of layers: "Each item in the array MUST be a descriptor"; config.md of diff_ids: "An
array of layer content hashes (DiffIDs), in order from first to last."
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Image, Index, Layer, Layout
from fixtures.layouts.build import DEFAULT_TAR, blob_path, digest
from fixtures.layouts.good import UPPER_TAR
from ocivalidate.errors import UnpackError
from ocivalidate.image.api import check_image
from ocivalidate.report import Options, render
from ocivalidate.rules.findings import ExitCode, Outcome, Report, exit_code
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack.api import unpack_image
from ocivalidate.vocabulary import digests

CONTENT, DIFF_ID = "image/image-layout.blobs.content-matches", "image/config.diffID.uncompressed-tar"
ORDER = "image/config.rootfs.diff_ids.order"
SHA3 = "sha3-256:" + "c" * 64
UNKNOWN = (SHA3, "blake3:" + "c" * 64, "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", "x:_-=")


@pytest.fixture(autouse=True)
def _no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_blake3", lambda: None)


def named(layers: Iterable[Layer], number: int, name: str, **more: Any) -> Layout:
    """An image in which one of the layers, and its blob, are called by another digest."""

    def rename(manifest: dict[str, Any]) -> None:
        descriptor = manifest["layers"][number]
        old.append(blob_path(descriptor))
        descriptor["digest"] = name

    old: list[str] = []
    layout = Layout(Index((Image(tuple(layers), edit_manifest=rename, **more),)))
    layout.files[blob_path({"digest": name})] = layout.files.pop(old[0])
    return layout


def judged(layout: Layout, path: Path) -> Report:
    return check_image(str(layout.write(path / "image")))


def told(report: Report) -> list[str]:
    return [found.clause.id for found in report.findings if found.severity == "error"]


def outcome(report: Report, clause: str) -> tuple[Outcome, str]:
    result = next(result for result in report.results if result.clause.id == clause)
    return result.outcome, result.reason


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("name", UNKNOWN)
def test_two_layers_and_two_diff_ids(name: str, number: int, tmp_path: Path) -> None:
    report = judged(named([Layer(), Layer(UPPER_TAR)], number, name), tmp_path)
    assert (told(report), exit_code([report])) == ([], ExitCode.CONFORMS)
    assert len(report.facts["images"][0]["layers"]) == 2
    algorithm = name.partition(":")[0]
    kind, reason = outcome(report, CONTENT)
    assert kind is Outcome.SKIP
    assert reason.startswith(f"{algorithm} is not computed here")
    assert ("ocivalidate[blake3]" in reason) == (algorithm == "blake3")
    last = render("text", [report], Options()).splitlines()[-1]
    assert f"INCOMPLETE: 1 not verified: {reason}" in last


@pytest.mark.parametrize("name", UNKNOWN)
def test_two_layers_and_one_diff_id(name: str, tmp_path: Path) -> None:
    layout = named([Layer(), Layer(UPPER_TAR)], 0, name, edit_config=lambda config: config["rootfs"]["diff_ids"].pop())
    report = judged(layout, tmp_path)
    assert ORDER in told(report)
    found = next(found for found in report.findings if found.clause.id == ORDER)
    assert (found.got, found.want) == ("1 diff_ids", "2, one per layer")


@pytest.mark.parametrize("name", UNKNOWN)
def test_its_size_its_compression_and_its_diff_id_are_judged_all_the_same(name: str, tmp_path: Path) -> None:
    wrong = Layer(DEFAULT_TAR, "none", diff_id=digest(b""), media_type="application/vnd.oci.image.layer.v1.tar+gzip")
    report = judged(named([wrong], 0, name), tmp_path)
    assert sorted(told(report)) == [DIFF_ID, "image/layer.gzip.payload"]


@pytest.mark.parametrize(
    "name",
    ["sha256:" + "A" * 64, "sha256:abc", "sha512:" + "0" * 64, "", "sha256", "../../etc/passwd", 7, None, {"a": 1}],
)
def test_a_layer_without_a_sound_digest_counts(name: Any, tmp_path: Path) -> None:
    def rename(manifest: dict[str, Any]) -> None:
        manifest["layers"][0]["digest"] = name

    report = judged(Layout(Index((Image((Layer(), Layer(UPPER_TAR)), edit_manifest=rename),))), tmp_path)
    clauses = told(report)
    assert ORDER not in clauses
    assert len(clauses) == 1
    assert clauses[0].startswith("image/descriptor.digest.")


@pytest.mark.parametrize("layer", [7, None, "layer", [], {}])
def test_what_is_no_descriptor_counts(layer: Any, tmp_path: Path) -> None:
    def replace(manifest: dict[str, Any]) -> None:
        manifest["layers"][0] = layer

    report = judged(Layout(Index((Image((Layer(), Layer(UPPER_TAR)), edit_manifest=replace),))), tmp_path)
    assert ORDER not in told(report)
    assert exit_code([report]) is ExitCode.FINDINGS


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_diff_id_of_an_algorithm_that_is_not_computed(name: str, tmp_path: Path) -> None:
    report = judged(Layout(Index((Image((Layer(diff_id=name), Layer(UPPER_TAR))),))), tmp_path)
    assert (told(report), exit_code([report])) == ([], ExitCode.CONFORMS)
    assert outcome(report, DIFF_ID)[0] is Outcome.SKIP
    assert "INCOMPLETE: 1 not verified" in render("text", [report], Options()).splitlines()[-1]


def test_the_other_layers_are_judged(tmp_path: Path) -> None:
    layers = (Layer(diff_id=SHA3), Layer(UPPER_TAR, diff_id=digest(b"")))
    assert told(judged(Layout(Index((Image(layers),))), tmp_path)) == [DIFF_ID]


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_manifest_that_cannot_be_verified_is_followed(name: str, tmp_path: Path) -> None:
    layout = Layout(Index((Image((Layer(UPPER_TAR, diff_id=digest(b"")),)),)))
    path, _manifest = layout.manifest()
    layout.files[blob_path({"digest": name})] = layout.files.pop(path)
    layout.edit("index.json", lambda index: index["manifests"][0].update(digest=name))
    report = judged(layout, tmp_path)
    assert told(report) == [DIFF_ID]
    assert "1 not verified" in report.facts["incomplete"]


def test_a_blob_of_that_name_that_nothing_refers_to(tmp_path: Path) -> None:
    layout = Layout()
    layout.files["blobs/sha3-256/" + "c" * 64] = b"anything"
    layout.files["blobs/blake3/XYZ"] = b"anything"
    report = judged(layout, tmp_path)
    assert (told(report), outcome(report, CONTENT)[0]) == ([], Outcome.SKIP)


@pytest.mark.parametrize("number", [0, 1])
def test_beside_what_is_no_layer_the_others_are_judged(number: int, tmp_path: Path) -> None:
    layers = [Layer(diff_id=digest(b"")), Layer(diff_id=digest(b""))]
    layers[number] = Layer(media_type="application/vnd.example.thing", diff_id=digest(b"x"))
    assert told(judged(Layout(Index((Image(layers),))), tmp_path)) == [DIFF_ID]


def test_what_is_no_layer_may_have_no_diff_id(tmp_path: Path) -> None:
    layers = (Layer(), Layer(media_type="application/vnd.example.thing"))
    layout = Layout(Index((Image(layers, edit_config=lambda config: config["rootfs"]["diff_ids"].pop()),)))
    assert ORDER not in told(judged(layout, tmp_path))


# --- Unpacking: each layer is verified by its digest or by its diffID


@pytest.mark.parametrize("name", UNKNOWN)
def test_unpacking_goes_by_the_diff_id(name: str, tmp_path: Path) -> None:
    target = named([Layer(), Layer(UPPER_TAR)], 1, name).write(tmp_path / "image")
    done = unpack_image(str(target), str(tmp_path / "bundle"))
    assert (tmp_path / "bundle/rootfs/etc/issue").read_bytes() == b"new\n"
    assert [line for line in done.notes if "layer 1 is verified by its diffID alone" in line] != []


def test_unpacking_refuses_what_its_diff_id_contradicts(tmp_path: Path) -> None:
    target = named([Layer(diff_id=digest(b""))], 0, SHA3).write(tmp_path / "image")
    with pytest.raises(Refused) as caught:
        unpack_image(str(target), str(tmp_path / "bundle"))
    assert [found.clause.id for found in caught.value.findings] == [DIFF_ID]
    assert not (tmp_path / "bundle").exists()


def test_unpacking_goes_by_the_digest(tmp_path: Path) -> None:
    target = Layout(Index((Image((Layer(diff_id=SHA3),)),))).write(tmp_path / "image")
    done = unpack_image(str(target), str(tmp_path / "bundle"))
    assert [line for line in done.notes if "layer 0 is verified by its digest alone" in line] != []


def test_unpacking_needs_one_of_them(tmp_path: Path) -> None:
    target = named([Layer(diff_id=SHA3)], 0, SHA3).write(tmp_path / "image")
    with pytest.raises(UnpackError, match="layer 0 cannot be verified: sha3-256 is not computed here"):
        unpack_image(str(target), str(tmp_path / "bundle"))
    assert not (tmp_path / "bundle").exists()


def test_blake3_is_verified_where_its_package_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("blake3")
    monkeypatch.setattr(digests, "_blake3", lambda: package.blake3)
    layer = Layer()
    right = f"blake3:{package.blake3(layer.to_bytes()).hexdigest()}"
    report = judged(named([layer, Layer(UPPER_TAR)], 0, right), tmp_path)
    assert (told(report), outcome(report, CONTENT)[0]) == ([], Outcome.PASS)
    assert "incomplete" not in report.facts
    (tmp_path / "wrong").mkdir()
    report = judged(named([layer, Layer(UPPER_TAR)], 0, "blake3:" + "c" * 64), tmp_path / "wrong")
    assert told(report) == [CONTENT]
    (tmp_path / "diff").mkdir()
    tar = f"blake3:{package.blake3(DEFAULT_TAR).hexdigest()}"
    report = judged(Layout(Index((Image((Layer(diff_id=tar),)),))), tmp_path / "diff")
    assert (told(report), outcome(report, DIFF_ID)[0]) == ([], Outcome.PASS)
