"""One defect, one finding: what follows from another fault is not told beside it, and the last line counts alike.

image-layout.md of blobs: "The content of blobs/<alg>/<encoded> MUST match the digest <alg>:<encoded>"; descriptor.md of
data: "The decoded data MUST be identical to the referenced content". Each is broken once, whatever else breaks with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import BROKEN, Artifact, Image, Index, Layer, Layout
from fixtures.layouts.build import DEFAULT_TAR, blob_path, digest
from fixtures.layouts.good import GOOD, UPPER_TAR
from fixtures.layouts.tars import gzip, hardlink, tar
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.causes import COMPRESSION, CONSEQUENCES
from ocivalidate.image.layers.judging import BROKEN as CLAUSES, PAYLOAD, TAR
from ocivalidate.image.layers.problems import Kind
from ocivalidate.report import Options, render
from ocivalidate.report.verdicts import failed_once
from ocivalidate.rules.clauses import Selection, Severity, load
from ocivalidate.rules.findings import Outcome, Report

CONTENT, SIZE = "image/image-layout.blobs.content-matches", "image/descriptor.size.matches"
GZIP, ZSTD, DIFF_ID = PAYLOAD["gzip"], PAYLOAD["zstd"], "image/config.diffID.uncompressed-tar"
MEDIA_TYPE = "safety/image.media-type.matches"
OCI = "application/vnd.oci.image."
JUNK = b"garbage" * 1000
INDEX_TYPE, MANIFEST_TYPE = f"{OCI}index.v1+json", f"{OCI}manifest.v1+json"


def one(*layers: Layer, **more: Any) -> Layout:
    return Layout(Index((Image(layers or (Layer(),), **more),)))


def judged(layout: Layout, path: Path, **options: Any) -> Report:
    return check_image(str(layout.write(path / "image")), options=ImageOptions(**options))


def told(report: Report) -> list[str]:
    return [found.clause.id for found in report.findings if found.severity.rank >= Severity.WARNING.rank]


def text(report: Report) -> str:
    return render("text", [report], Options())


def outcome(report: Report, clause: str) -> Outcome:
    return next(result.outcome for result in report.results if result.clause.id == clause)


def with_blob(layout: Layout, path: str, change: Callable[[bytes], bytes]) -> Layout:
    layout.files[path] = change(layout.files[path])
    return layout


def descriptors(layout: Layout) -> dict[str, Any]:
    path, manifest = layout.manifest()
    return {"manifest": path, "config": blob_path(manifest["config"]), "layer": blob_path(manifest["layers"][0])}


# --- Layers


@pytest.mark.parametrize(
    ("layer", "clause"),
    [
        (Layer(blob=JUNK), GZIP),
        (Layer(compression="zstd", blob=JUNK), ZSTD),
        (Layer(DEFAULT_TAR, "none", blob=JUNK), TAR),
        (Layer(blob=gzip(JUNK)), TAR),
        (Layer(DEFAULT_TAR, "none", blob=gzip(DEFAULT_TAR)), TAR),
        (Layer(blob=DEFAULT_TAR), GZIP),
        (Layer(blob=b"BZh9" + JUNK), TAR),
        (Layer(blob=b"\xfd7zXZ\0" + JUNK), TAR),
        (Layer(blob=gzip(DEFAULT_TAR)[:-9]), GZIP),
        (Layer(DEFAULT_TAR, "none", blob=DEFAULT_TAR[:700]), TAR),
        (Layer(blob=gzip(DEFAULT_TAR[:1024])), TAR),
        (Layer(blob=b"{}"), GZIP),
    ],
)
def test_a_damaged_layer_is_one_finding(layer: Layer, clause: str, tmp_path: Path) -> None:
    report = judged(one(layer, Layer(UPPER_TAR)), tmp_path)
    assert told(report) == [clause]
    assert outcome(report, DIFF_ID) is not Outcome.FAIL


def test_what_is_only_a_consequence_is_not_passed(tmp_path: Path) -> None:
    report = judged(one(Layer(blob=JUNK)), tmp_path)
    result = next(result for result in report.results if result.clause.id == TAR)
    assert (result.outcome, result.reason) == (Outcome.SKIP, "follows from another finding")


def test_two_defects_are_two_findings(tmp_path: Path) -> None:
    report = judged(one(Layer(blob=DEFAULT_TAR, diff_id=digest(b""))), tmp_path)
    assert sorted(told(report)) == [DIFF_ID, GZIP]


def test_the_same_in_another_layer_is_told(tmp_path: Path) -> None:
    report = judged(one(Layer(blob=JUNK), Layer(UPPER_TAR, diff_id=digest(b""))), tmp_path)
    assert sorted(told(report)) == [DIFF_ID, GZIP]


def test_a_cause_that_is_ignored_hides_nothing(tmp_path: Path) -> None:
    target = str(one(Layer(blob=JUNK)).write(tmp_path / "image"))
    assert told(check_image(target, selection=Selection(ignore=(GZIP,)))) == [TAR]
    assert told(check_image(target, selection=Selection(ignore=(GZIP, TAR)))) == [DIFF_ID]
    assert told(check_image(target, selection=Selection(select=(DIFF_ID,)))) == [DIFF_ID]


@pytest.mark.parametrize("name", BROKEN)
def test_no_broken_layer_is_told_twice_by_one_clause_at_one_place(name: str, tmp_path: Path) -> None:
    report = judged(one(BROKEN[name]()), tmp_path)
    places = [(found.clause.id, found.location, found.message) for found in report.findings]
    assert len(places) == len(set(places))


# --- Content that is not what was promised


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_a_truncated_blob_says_its_size(what: str, tmp_path: Path) -> None:
    layout = one()
    path = descriptors(layout)[what]
    size = len(layout.files[path])
    report = judged(with_blob(layout, path, lambda data: data[:-20]), tmp_path)
    (found,) = [found for found in report.findings if found.severity == "error"]
    assert (found.clause.id, found.message) == (CONTENT, "a blob is truncated")
    assert found.got.startswith(f"{size - 20} bytes, sha256:")
    assert found.want.startswith(f"{size} bytes, sha256:")


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_a_damaged_blob_of_the_right_size_says_its_digest(what: str, tmp_path: Path) -> None:
    layout = one()
    path = descriptors(layout)[what]
    report = judged(with_blob(layout, path, lambda data: b"?" + data[1:]), tmp_path)
    (found,) = [found for found in report.findings if found.severity == "error"]
    assert (found.clause.id, found.message) == (CONTENT, "the content of a blob does not match its digest")
    assert re.fullmatch("sha256:[0-9a-f]{64}", found.got)


@pytest.mark.parametrize(
    ("what", "way", "lost"),
    [
        ("manifest", "index.json /manifests/0 (stable)", "its config and layers could not be judged"),
        ("config", "/config", "what it says about the layers could not be judged"),
        ("layer", "/layers/0", ""),
    ],
)
def test_damage_says_who_leads_to_it_and_what_was_not_judged(what: str, way: str, lost: str, tmp_path: Path) -> None:
    layout = one(name="stable")
    path = descriptors(layout)[what]
    report = judged(with_blob(layout, path, lambda data: data[:-1] + b"?"), tmp_path)
    hint = next(found.hint for found in report.findings if found.severity == "error")
    assert hint.startswith("referenced by index.json /manifests/0 (stable)")
    assert way in hint
    assert lost in hint
    last = text(report).splitlines()[-1]
    assert (f"INCOMPLETE: what {path} refers to is not judged" in last) == bool(lost)


def test_the_way_through_nested_indexes(tmp_path: Path) -> None:
    layout = Layout(Index((Index((Index((Image(name=None),)),), name="deep"),)))
    inner = next(path for path, data in layout.files.items() if b'"config":{"mediaType"' in data)
    report = judged(with_blob(layout, inner, lambda data: data + b" "), tmp_path)
    hint = next(found.hint for found in report.findings if found.clause.id == CONTENT)
    steps = hint.removeprefix("referenced by ").partition(";")[0].split(" → ")
    assert len(steps) == 3
    assert steps[0] == "index.json /manifests/0 (deep)"
    assert all(re.fullmatch(r"sha256:[0-9a-f]{12}… /manifests/0", step) for step in steps[1:])


def test_several_lead_to_it(tmp_path: Path) -> None:
    layout = Layout(Index((Image(name="one"), Image(name="two"), Image(name="three"))))
    path = layout.manifest()[0]
    report = judged(with_blob(layout, path, lambda data: data[:-1]), tmp_path)
    (found,) = [found for found in report.findings if found.severity == "error"]
    assert "(one) and 2 more" in found.hint


# --- Documents that are called what they are not


def nested(media_type: str, inner: Index | Image) -> Layout:
    layout = Layout(Index((inner,)))
    layout.edit("index.json", lambda index: index["manifests"][0].update(mediaType=media_type))
    return layout


@pytest.mark.parametrize("stated", [True, False])
def test_an_index_that_is_called_a_manifest(stated: bool, tmp_path: Path) -> None:  # noqa: FBT001
    layout = Layout(Index((Index((Image(name=None),), name="all"),)))
    if not stated:
        inner = blob_path({"digest": re.findall(rb"sha256:[0-9a-f]{64}", layout.files["index.json"])[0].decode()})
        layout.edit(inner, lambda index: index.pop("mediaType", None))
        data = layout.files.pop(inner)
        entry = layout.add(data, MANIFEST_TYPE)
        layout.edit("index.json", lambda index: index["manifests"][0].update(entry))
    layout.edit("index.json", lambda index: index["manifests"][0].update(mediaType=MANIFEST_TYPE))
    report = judged(layout, tmp_path)
    assert told(report) == [MEDIA_TYPE]
    # What it lists was judged.
    assert len(report.facts["images"]) == 1


def test_a_manifest_that_is_called_an_index(tmp_path: Path) -> None:
    report = judged(nested(INDEX_TYPE, Image()), tmp_path)
    assert (told(report), len(report.facts["images"])) == ([MEDIA_TYPE], 1)


def test_a_document_with_the_members_of_both_is_ambiguous(tmp_path: Path) -> None:
    report = judged(one(edit_manifest=lambda manifest: manifest.update(manifests=[])), tmp_path)
    assert told(report) == ["safety/image.manifest.ambiguous"]


# --- Descriptors


@pytest.mark.parametrize("members", [{"size": 3}, {"size": 3, "data": "e30="}, {"data": "e30=", "size": 1 << 20}])
def test_an_empty_descriptor_of_another_size(members: dict[str, Any], tmp_path: Path) -> None:
    layout = Layout(Index((Artifact(edit_manifest=lambda manifest: manifest["config"].update(members)),)))
    assert told(judged(layout, tmp_path)) == ["image/manifest.empty-descriptor.content"]


@pytest.mark.parametrize("more", [(), ("image/descriptor.mediaType",), (SIZE,)])
def test_the_cause_is_told_whatever_is_selected(more: tuple[str, ...], tmp_path: Path) -> None:
    """Which checks run, and in which order, depends on the selection; the cause comes first in any."""
    empty = "image/manifest.empty-descriptor.content"
    members = {"size": 3, "data": "e30="}
    layout = Layout(Index((Artifact(edit_manifest=lambda manifest: manifest["config"].update(members)),)))
    chosen = Selection(select=(*more, "image/descriptor.data.identical", empty))
    report = check_image(str(layout.write(tmp_path / "image")), selection=chosen)
    assert told(report) == [empty]


def test_consequences_are_known_beyond_the_findings_that_are_kept(tmp_path: Path) -> None:
    def broken(manifest: dict[str, Any]) -> None:
        manifest["config"]["size"] = 3

    many = tuple(Artifact(blobs=(("text/plain", b"%d" % n),), edit_manifest=broken) for n in range(30))
    report = judged(Layout(Index(many)), tmp_path)
    assert set(told(report)) == {"image/manifest.empty-descriptor.content"}
    assert sum(1 + finding.more for finding in report.findings) == 30


def test_data_that_has_not_the_size_of_its_descriptor(tmp_path: Path) -> None:
    import base64

    blob = b"some text"
    members = {"size": 3, "data": base64.b64encode(blob).decode()}
    artifact = Artifact(
        blobs=(("text/plain", blob),), edit_manifest=lambda manifest: manifest["layers"][0].update(members)
    )
    assert told(judged(Layout(Index((artifact,))), tmp_path)) == ["image/descriptor.data.identical"]


@pytest.mark.parametrize("media_type", ["application/x", "application/vnd.docker.distribution.manifest.v1+json"])
def test_a_document_that_calls_itself_what_no_document_is(media_type: str, tmp_path: Path) -> None:
    report = judged(one(edit_manifest=lambda manifest: manifest.update(mediaType=media_type)), tmp_path)
    assert told(report) == ["image/manifest.mediaType.value"]


# --- What several share


def test_what_two_images_share_is_told_once(tmp_path: Path) -> None:
    notes = {"com.example.note": "1"}
    bad = Layer(tar([hardlink("here", "nowhere")]))
    images = (
        Image((bad, Layer(UPPER_TAR, diff_id=digest(b"")))),
        Image(
            (bad, Layer(UPPER_TAR, diff_id=digest(b""))),
            name="other",
            edit_manifest=lambda manifest: manifest.update(annotations=notes),
        ),
    )
    report = judged(Layout(Index(images)), tmp_path)
    assert len(report.facts["images"]) == 2
    assert sorted(told(report)) == [DIFF_ID, "safety/layer.link-target"]


@pytest.mark.parametrize("text", [b"{", b"[]", b"7", b"\xff"])
@pytest.mark.parametrize("what", ["manifest", "config"])
def test_a_document_that_is_no_object_says_what_was_not_judged(what: str, text: bytes, tmp_path: Path) -> None:
    layout = one()
    if what == "manifest":
        entry = layout.add(text, MANIFEST_TYPE)
        layout.edit("index.json", lambda index: index["manifests"][0].update(entry))
    else:
        entry = layout.add(text, f"{OCI}config.v1+json")
        layout = one(edit_manifest=lambda manifest: manifest["config"].update(entry))
        layout.add(text, f"{OCI}config.v1+json")
    report = judged(layout, tmp_path)
    assert len(told(report)) == 1
    assert f"what {blob_path(entry)} refers to is not judged: it is not a JSON object" in report.facts["incomplete"]


# --- What is absent


def test_an_absent_manifest_is_one_line(tmp_path: Path) -> None:
    layout = one()
    del layout.files[layout.manifest()[0]]
    report = judged(layout, tmp_path)
    lines = text(report).splitlines()
    assert [line.startswith("could not judge[") for line in lines] == [True, False]
    assert "1 clause that could not be judged against" in lines[-1]


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_with_complete_it_is_one_finding(what: str, tmp_path: Path) -> None:
    layout = one()
    del layout.files[descriptors(layout)[what]]
    report = judged(layout, tmp_path, complete=True)
    assert told(report) == ["safety/image.blob.absent"]
    assert report.findings[0].hint.startswith("referenced by index.json /manifests/0 (latest)")
    assert "could not judge" not in text(report)


# --- The text


@pytest.mark.parametrize("quiet", [False, True])
def test_a_digest_is_printed_once_where_the_path_says_it(quiet: bool, tmp_path: Path) -> None:  # noqa: FBT001
    layout = one()
    path = descriptors(layout)["layer"]
    report = judged(with_blob(layout, path, lambda data: data[:-1]), tmp_path)
    said = render("text", [report], Options(quiet=quiet))
    assert said.count(f"{path}") == 1
    assert "blob sha256:" not in said


def test_a_digest_is_printed_where_the_path_says_none(tmp_path: Path) -> None:
    said = text(judged(one(Layer(blob=JUNK)), tmp_path))
    assert f"blob {digest(JUNK)}" in said


LAYOUTS: dict[str, Callable[[], Layout]] = {name: GOOD[name] for name in ("gzip", "nested")}
LAYOUTS |= {name: partial(lambda make: one(make()), BROKEN[name]) for name in list(BROKEN)[::3]}


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_more_clauses_failed_than_there_are_findings(name: str, tmp_path: Path) -> None:
    report = judged(LAYOUTS[name](), tmp_path)
    assert failed_once(report) <= len(told(report))
    last = text(report).splitlines()[-1]
    assert f", {failed_once(report)} failed, " in last


def test_one_error_is_one_failed_clause(tmp_path: Path) -> None:
    layout = one()
    report = judged(with_blob(layout, descriptors(layout)["layer"], lambda data: data[:-1]), tmp_path)
    last = text(report).splitlines()[-1]
    assert ": 1 error against image-spec" in last
    assert ", 1 failed, " in last


# --- The table


def weight(sign: str) -> Severity:
    clauses = load()
    if sign == COMPRESSION:
        return min((clauses[clause].severity for clause in PAYLOAD.values()), key=lambda severity: severity.rank)
    if sign in set(Kind):
        broken = CLAUSES.get(Kind(sign))
        return Severity.ERROR if broken is None else broken.severity or clauses[broken.clause].severity
    return clauses[sign].severity


def test_no_verdict_depends_on_the_table() -> None:
    """A cause weighs no less than what follows from it, so whatever fails without the table fails with it."""
    light = [
        (cause, effect)
        for cause, effects in CONSEQUENCES.items()
        for effect in effects
        if weight(cause).rank < weight(effect).rank
    ]
    assert light == []
