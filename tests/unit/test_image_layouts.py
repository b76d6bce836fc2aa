"""Whole images: a good layout is silent in every form, and a broken one is told by its clause and nothing else."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import (
    BROKEN,
    GOOD,
    LIMITS,
    Artifact,
    Entry,
    Image,
    Index,
    Layer,
    Layout,
    docker_save,
    folder,
    hardlink,
    tar,
    to_json,
)
from fixtures.layouts.witnesses import WITNESSES
from fixtures.site.saying import image_options
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.documents.witnesses import image_witness
from ocivalidate.image.found import ImageFilter
from ocivalidate.image.layers.judging import BROKEN as CLAUSES, PAYLOAD
from ocivalidate.image.layers.problems import Kind
from ocivalidate.judges import judged_ids, judges
from ocivalidate.rules.clauses import Selection, Severity, load
from ocivalidate.rules.findings import ExitCode, Outcome, Report, exit_code
from tests.imagedocs import release_of

# What is judged on whole images, beside what single documents can break.
CLAIMED = sorted(
    clause
    for clause, every in judges().items()
    if any(judge.file.startswith("ocivalidate/image/") and "/documents/" not in judge.file for judge in every)
    # Those on registries have tests of their own.
    and not clause.startswith("distribution/")
)
FORMS = ("folder", "archive", "archive-dot", "archive-gzip", "archive-zstd")


def written(layout: Layout, form: str, target: Path) -> str:
    if form == "folder":
        return str(layout.write(target))
    if form == "saved":
        target.write_bytes(docker_save(layout, old=True))
        return str(target)
    compression = {"archive-gzip": "gzip", "archive-zstd": "zstd"}.get(form, "none")
    target.write_bytes(layout.archive("./" if form == "archive-dot" else "", compression))
    return str(target)


def told(report: Report) -> list[str]:
    """The clauses of all findings that a user sees."""
    assert {found.clause.same_as or found.clause.id for found in report.findings} <= judged_ids()
    return sorted({found.clause.id for found in report.findings if found.severity.rank >= Severity.WARNING.rank})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", GOOD)
def test_a_good_layout_is_silent_in_every_form(name: str, form: str, tmp_path: Path) -> None:
    report = check_image(written(GOOD[name](), form, tmp_path / "image"))
    assert (report.problem, told(report)) == ("", [])
    assert exit_code([report]) is ExitCode.CONFORMS
    assert "incomplete" not in report.facts


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", ["plain", "uncompressed", "docker"])
def test_what_docker_save_writes_is_silent(name: str, old: bool, tmp_path: Path) -> None:  # noqa: FBT001
    layout = GOOD["uncompressed"]() if old else GOOD[name]()
    target = tmp_path / "saved.tar"
    target.write_bytes(docker_save(layout, old=old))
    report = check_image(str(target))
    assert (report.problem, told(report), exit_code([report])) == ("", [], ExitCode.CONFORMS)
    assert len(report.facts["images"]) == 1


@pytest.mark.parametrize("clause", CLAIMED)
def test_a_witness_breaks_its_clause_alone(clause: str, tmp_path: Path) -> None:
    witness = image_witness(clause)
    assert witness is not None
    report = check_image(
        str(witness.breaks(tmp_path / "image")),
        selection=Selection(spec_version=release_of(clause)),
        options=image_options(witness.options),
    )
    seen = {found.clause.id for found in report.findings if found.severity.rank > 0}
    assert clause in seen
    assert set(told(report)) <= {clause} | witness.also
    result = next(result for result in report.results if result.clause.id == clause)
    assert result.outcome is Outcome.FAIL


@pytest.mark.parametrize("clause", CLAIMED)
def test_a_good_layout_keeps_the_clause(clause: str, tmp_path: Path) -> None:
    witness = image_witness(clause)
    assert witness is not None
    form = witness.keeps if witness.keeps in ("archive", "saved") else "folder"
    layout = GOOD["gzip" if form == "archive" else "uncompressed" if form == "saved" else witness.keeps]()
    options = ImageOptions(complete=witness.options.get("complete", False))
    report = check_image(
        written(layout, form, tmp_path / "image"), selection=Selection(spec_version=release_of(clause)), options=options
    )
    result = next(result for result in report.results if result.clause.id == clause)
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_layer_is_told_by_its_clause(name: str, tmp_path: Path) -> None:
    kind = Kind(name.partition("/")[0])
    target = Layout(Index((Image((BROKEN[name](),)),))).write(tmp_path / "image")
    release = release_of(CLAUSES[kind].clause) if kind in CLAUSES else None
    report = check_image(
        str(target), selection=Selection(spec_version=release), options=image_options({"layer": LIMITS.get(name, {})})
    )
    expected = {CLAUSES[kind].clause} if kind in CLAUSES else {PAYLOAD["gzip"], PAYLOAD["zstd"]}
    seen = {found.clause.id for found in report.findings if found.clause.subject == "image-layer"}
    assert seen & expected
    assert all(found.location.digest for found in report.findings if found.clause.subject == "image-layer")


def test_every_clause_on_images_has_a_witness_of_some_sort() -> None:
    known = load("image", "safety")
    assert sorted(set(CLAIMED) - set(known)) == []
    assert sorted(clause for clause in CLAIMED if image_witness(clause) is None) == []


def test_every_kind_of_problem_means_a_clause() -> None:
    assert {broken.clause for broken in CLAUSES.values()} <= set(load("image", "safety"))


def layout_of_two() -> Layout:
    arm = {"architecture": "arm64", "os": "linux", "variant": "v8"}
    index = Index((Image(name=None), Image(name=None, platform=arm)), name="multi")
    return Layout(Index((Image(name="one"), index)))


def manifests(report: Report) -> int:
    return len(report.facts["images"])


def test_a_reference_chooses_an_image(tmp_path: Path) -> None:
    target = str(layout_of_two().write(tmp_path / "image"))
    report = check_image(target, options=ImageOptions(ImageFilter(refs=("multi",))))
    assert (report.problem, manifests(report)) == ("", 2)
    report = check_image(target, options=ImageOptions(ImageFilter(refs=("multi",), platforms=("linux/arm64",))))
    assert [image["platform"] for image in report.facts["images"]] == ["linux/arm64/v8"]


def test_a_choice_that_means_nothing_is_no_pass(tmp_path: Path) -> None:
    target = str(layout_of_two().write(tmp_path / "image"))
    for wanted in (ImageFilter(refs=("other",)), ImageFilter(platforms=("plan9/mips",))):
        report = check_image(target, options=ImageOptions(wanted))
        assert report.problem == "no image matches that name and platform; the names are: multi, one"
        assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE


def first_layer(layout: Layout) -> str:
    _path, manifest = layout.manifest()
    return "blobs/" + str(manifest["layers"][0]["digest"]).replace(":", "/")


def test_an_absent_layer_is_legal_and_said(tmp_path: Path) -> None:
    layout = GOOD["gzip"]()
    del layout.files[first_layer(layout)]
    report = check_image(str(layout.write(tmp_path / "image")))
    assert (told(report), exit_code([report])) == ([], ExitCode.CONFORMS)
    assert report.facts["incomplete"] == "1 of 4 blobs absent, not verified"


@pytest.mark.parametrize("gone", ["manifest", "config"])
def test_an_absent_manifest_or_config_cannot_be_judged(gone: str, tmp_path: Path) -> None:
    layout = GOOD["gzip"]()
    path, manifest = layout.manifest()
    del layout.files[path if gone == "manifest" else "blobs/" + manifest["config"]["digest"].replace(":", "/")]
    report = check_image(str(layout.write(tmp_path / "image")))
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert [result.reason for result in report.results if result.outcome is Outcome.ERROR] != []


def test_a_blob_that_nothing_refers_to_is_verified_unless_told_otherwise(tmp_path: Path) -> None:
    layout = GOOD["gzip"]()
    layout.files["blobs/sha256/" + "0" * 64] = b"not what the name says"
    target = str(layout.write(tmp_path / "image"))
    assert told(check_image(target)) == ["image/image-layout.blobs.content-matches"]
    assert told(check_image(target, options=ImageOptions(orphans=False))) == []


def test_a_diamond_of_indexes_is_walked_once(tmp_path: Path) -> None:
    index: Image | Index = Image(name=None)
    for _level in range(12):
        index = Index((index, index))
    report = check_image(str(Layout(Index((index,))).write(tmp_path / "image")))
    assert (report.problem, told(report), manifests(report)) == ("", [], 1)


def test_an_index_that_refers_to_itself_by_a_wrong_digest_ends(tmp_path: Path) -> None:
    layout = GOOD["nested"]()
    outer = layout.manifest()[0]
    value = {"schemaVersion": 2, "manifests": []}
    digest = "sha256:" + outer.rpartition("/")[2]
    media_type = "application/vnd.oci.image.index.v1+json"
    value["manifests"] = [{"mediaType": media_type, "digest": digest, "size": 2, "platform": {"a": 1}}]
    layout.files[outer] = to_json(value)
    report = check_image(str(layout.write(tmp_path / "image")))
    assert "image/image-layout.blobs.content-matches" in told(report)


def archive_of(*members: tuple[tarfile.TarInfo, bytes], tmp_path: Path) -> str:
    target = tmp_path / "image.tar"
    with tarfile.open(target, "w") as archive:
        for member, data in members:
            archive.addfile(member, io.BytesIO(data))
    return str(target)


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


def test_an_archive_whose_entries_leave_it_or_are_no_files_is_judged_without_harm(tmp_path: Path) -> None:
    layout = GOOD["gzip"]()
    entries = [member(path, data) for path, data in layout.files.items()]
    entries += [member("../index.json", b"{}"), member("blobs/sha256/" + "1" * 64, kind=tarfile.FIFOTYPE)]
    entries += [member("loop", kind=tarfile.SYMTYPE, link="loop")]
    report = check_image(archive_of(*entries, tmp_path=tmp_path))
    assert told(report) == ["safety/image.blob.kind"]


@pytest.mark.parametrize("keep", [0, 100, 511, 512, 700, 1536, 2000])
def test_an_archive_that_is_cut_off_is_never_a_pass(keep: int, tmp_path: Path) -> None:
    target = tmp_path / "image.tar"
    target.write_bytes(GOOD["gzip"]().archive()[:keep])
    assert exit_code([check_image(str(target))]) is not ExitCode.CONFORMS


@pytest.mark.parametrize("form", ["archive-gzip", "archive-zstd"])
def test_a_compressed_archive_that_is_cut_off_is_never_a_pass(form: str, tmp_path: Path) -> None:
    target = tmp_path / "image.tar"
    written(GOOD["gzip"](), form, target)
    data = target.read_bytes()
    for keep in (3, 10, len(data) // 2, len(data) - 30):
        target.write_bytes(data[:keep])
        assert exit_code([check_image(str(target))]) is not ExitCode.CONFORMS


def test_documents_that_stand_alone_are_known_by_their_content(tmp_path: Path) -> None:
    layout = GOOD["gzip"]()
    path, manifest = layout.manifest()
    documents = {
        "image-index": layout.files["index.json"],
        "image-manifest": layout.files[path],
        "image-config": layout.files["blobs/" + manifest["config"]["digest"].replace(":", "/")],
        "image-descriptor": to_json(manifest["config"]),
        "image-layout": layout.files["oci-layout"],
    }
    for kind, data in documents.items():
        file = tmp_path / kind
        file.write_bytes(b"\n " + data)
        report = check_image(str(file))
        assert (report.kind, told(report), exit_code([report])) == (kind, [], ExitCode.CONFORMS)


def test_a_document_of_no_known_kind_wants_to_be_told_its_kind(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"schemaVersion": 2}')
    assert "--kind" in check_image(str(file)).problem
    report = check_image(str(file), options=ImageOptions(kind="image-index"))
    assert told(report) == ["image/image-index.manifests.required"]


def test_an_artifact_is_hashed_and_not_opened(tmp_path: Path) -> None:
    layer = ("application/vnd.oci.image.layer.v1.tar+gzip", b"no gzip at all")
    config = ("application/vnd.example.config+json", b"{}")
    layout = Layout(Index((Artifact("application/vnd.example.thing", (layer,), config, name="thing"),)))
    report = check_image(str(layout.write(tmp_path / "image")))
    assert (told(report), exit_code([report])) == ([], ExitCode.CONFORMS)


def test_one_defect_of_many_layers_is_one_finding_each(tmp_path: Path) -> None:
    layers = tuple(Layer(diff_id="sha256:" + str(number) * 64) for number in range(3))
    report = check_image(str(Layout(Index((Image(layers),))).write(tmp_path / "image")))
    pointers = [found.location.pointer for found in report.findings if found.severity is Severity.ERROR]
    assert pointers == [f"/rootfs/diff_ids/{number}" for number in range(3)]


def test_suppressed_findings_are_counted(tmp_path: Path) -> None:
    target = WITNESSES["safety/image.platform.matches"].breaks(tmp_path / "image")
    report = check_image(str(target), selection=Selection(ignore=("safety/image",)))
    assert (told(report), report.suppressed) == ([], 1)


LINKED = tar([folder("etc/"), hardlink("etc/other", "etc/motd")])


def image_of(*tars: bytes) -> Layout:
    return Layout(Index((Image(tuple(Layer(data) for data in tars)),)))


def test_a_hard_link_to_a_file_of_a_lower_layer_is_fine(tmp_path: Path) -> None:
    report = check_image(str(image_of(tar([Entry("etc/motd", b"x")]), LINKED).write(tmp_path / "image")))
    assert told(report) == []


@pytest.mark.parametrize("layers", [(LINKED,), (tar([Entry("etc/else", b"x")]), LINKED)], ids=["bottom", "upper"])
def test_a_hard_link_to_nothing_is_told(layers: tuple[bytes, ...], tmp_path: Path) -> None:
    report = check_image(str(image_of(*layers).write(tmp_path / "image")))
    assert told(report) == ["safety/layer.link-target"]
    assert [(found.location.member, found.got) for found in report.findings if found.severity is Severity.ERROR] == [
        ("etc/other", "etc/motd")
    ]


def test_a_hard_link_before_its_target_is_told(tmp_path: Path) -> None:
    layer = tar([hardlink("other", "motd"), Entry("motd", b"x")])
    report = check_image(str(image_of(layer).write(tmp_path / "image")))
    assert [found.message for found in report.findings if found.severity is Severity.ERROR] == [
        "a hard link comes before its target"
    ]


@pytest.mark.parametrize("media_type", ["application/octet-stream", "application/json", "text/html"])
@pytest.mark.parametrize(
    ("docker", "layer_type", "judged"),
    [(True, None, True), (False, None, False), (True, "application/vnd.example.layer", False)],
    ids=["docker", "oci", "another layer"],
)
def test_the_config_of_an_old_manifest_of_docker_is_one_whatever_its_media_type_says(
    media_type: str, *, docker: bool, layer_type: str | None, judged: bool, tmp_path: Path
) -> None:
    """Docker takes them for configs of images: those of 1.10 are still in registries. Elsewhere it may be anything."""

    def misnamed(manifest: dict[str, Any]) -> None:
        manifest["config"]["mediaType"] = media_type

    layers = (Layer(), Layer(diff_id="sha256:" + "1" * 64, media_type=layer_type))
    layout = Layout(Index((Image(layers, docker=docker, edit_manifest=misnamed),)))
    report = check_image(str(layout.write(tmp_path / "image")))
    broken = [found.clause.id for found in report.findings if found.severity is Severity.ERROR]
    assert broken == (["image/config.diffID.uncompressed-tar"] if judged else [])
