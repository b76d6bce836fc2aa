"""What a registry says beside the content is judged: each clause by one lie of a registry that else is honest."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import (
    GOOD,
    SERVED,
    Artifact,
    Entry,
    Image,
    Index,
    Layer,
    Layout,
    ServedWitness,
    blob_path,
    docker_save,
    tar,
)
from fixtures.registries.content import Content
from fixtures.registries.lying import Answer, Lie, Registry, Request, serving
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.found import ImageFilter
from ocivalidate.judges import judges
from ocivalidate.registry.options import RegistryLimits, RegistryOptions
from ocivalidate.rules.clauses import Level, Severity, load
from ocivalidate.rules.findings import ExitCode, Outcome, Report, exit_code

BRISK = RegistryOptions(limits=RegistryLimits(connect=2, silence=2, answer=3, attempts=2))
ANNOTATIONS = {"org.example.note": "a note"}


def content() -> Content:
    """An image, and an artifact that refers to it."""
    held = Content()
    app = held.repository("team/app")
    image = Image((Layer(),), None)
    app.push(image, "1")
    note = Artifact(
        subject=image,
        blobs=(("application/vnd.example.note", b"a note"),),
        edit_manifest=lambda found: found.update(annotations=ANNOTATIONS),
    )
    app.push(note)
    for listed in app.referrers.values():
        listed[0]["annotations"] = ANNOTATIONS
    return held


@contextlib.contextmanager
def registry(lie: Lie | None = None, held: Content | None = None) -> Iterator[Registry]:
    with serving(Registry(held or content(), lie)) as served:
        yield served


def report_of(served: Registry, name: str = "team/app:1", **options: Any) -> Report:
    return check_image(f"docker://{served.host}/{name}", options=ImageOptions(registry=BRISK, **options))


def lying(witness: ServedWitness) -> Lie:
    """The lie of a witness."""

    def change(served: Registry, asked: Request, told: Answer) -> Answer:
        if (asked.method, told.status in (200, 206)) != (witness.method, True) or f"/{witness.kind}/" not in asked.path:
            return told
        headers = {name: text for name, text in told.headers.items() if name not in witness.headers}
        headers |= {
            name: text for name, text in witness.headers.items() if text is not None and name != "Content-Length"
        }
        told = replace(told, headers=headers)
        if "Content-Length" in witness.headers:
            length = witness.headers["Content-Length"]
            told = replace(told, length=None if length is None else int(length))
        if witness.status:
            return replace(told, status=witness.status, body=(), length=0)
        if witness.kind == "referrers" and b"digest" in told.data:
            index = json.loads(told.data)
            witness.edit(index)
            return told.of(json.dumps(index).encode())
        return cut(served, asked, told) if witness.cut else told

    return change


def cut(served: Registry, asked: Request, told: Answer) -> Answer:
    whole = served.content.blobs[asked.path.rpartition("/")[2]]
    if "range" in asked.headers:
        return replace(told, status=200).of(whole)
    return replace(told.of(whole), body=(whole[: len(whole) // 2],))


def test_an_honest_registry_is_silent() -> None:
    with registry() as served:
        report = report_of(served)
    assert (report.problem, report.findings, exit_code([report])) == ("", (), ExitCode.CONFORMS)
    outcomes = {one.clause.id: one.outcome for one in report.results if one.clause.family == "distribution"}
    assert {clause for clause, outcome in outcomes.items() if outcome is not Outcome.PASS} == {
        "distribution/pull.blob.range"
    }
    assert set(outcomes) == {clause for clause in load("distribution") if load()[clause].level is not Level.MAY}
    # Each manifest and each blob once, and what refers to it too.
    assert set(served.reads().values()) == {1}
    assert len(served.reads()) == len(served.content.blobs)


@pytest.mark.parametrize("clause", SERVED)
def test_a_witness_breaks_its_clause_alone(clause: str) -> None:
    held = content()
    witness = SERVED[clause]
    if clause == "distribution/referrers.subject":
        # What is listed refers to another image.
        app = held.repository("team/app")
        other = app.push(Artifact(subject=Image((Layer(),), None, config={"author": "x"})))
        for listed in app.referrers.values():
            listed.append({**other, "artifactType": "application/vnd.example.thing"})
            break
        witness = replace(witness, edit=lambda _index: None)
    with registry(lying(witness), held) as served:
        report = report_of(served)
    told = {found.clause.id for found in report.findings if found.severity is not Severity.NOTE}
    assert told == {clause}
    result = next(one for one in report.results if one.clause.id == clause)
    assert result.outcome is Outcome.FAIL
    assert all(found.location.file.startswith(f"docker://{served.host}/team/app@sha256:") for found in report.findings)


def test_every_clause_on_registries_has_a_judge_and_a_witness() -> None:
    assert set(load("distribution")) == set(SERVED)
    assert set(load("distribution")) <= set(judges())


def test_a_layout_has_no_clauses_on_registries(tmp_path: Path) -> None:
    report = check_image(str(GOOD["plain"]().write(tmp_path / "layout")))
    assert [one for one in report.results if one.clause.family == "distribution"] == []


def test_what_an_image_refers_to_has_to_be_there() -> None:
    held = content()
    app = held.repository("team/app")
    layer = next(entry["digest"] for entry in json.loads(held.blobs[app.tags["1"]])["layers"])
    del held.blobs[layer]
    with registry(held=held) as served:
        report = report_of(served)
    assert [found.clause.id for found in report.findings] == ["safety/image.blob.absent"]


def test_a_referrer_that_is_listed_has_to_be_there() -> None:
    held = content()
    app = held.repository("team/app")
    (listed,) = app.referrers.values()
    del held.blobs[listed[0]["digest"]]
    with registry(held=held) as served:
        report = report_of(served)
    assert [found.clause.id for found in report.findings] == ["safety/image.blob.absent"]
    assert "(referrers)" in report.findings[0].hint or "referrers" in report.findings[0].hint


@pytest.mark.parametrize("tagged", [True, False])
def test_referrers_under_a_tag_where_there_is_no_api(tagged: bool) -> None:  # noqa: FBT001
    held = content()
    app = held.repository("team/app")
    ((subject, listed),) = app.referrers.items()
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": listed}
    if tagged:
        described = app.add(json.dumps(index).encode(), index["mediaType"])  # type: ignore[arg-type]  # it is a text
        app.tags[subject.replace(":", "-")] = described["digest"]

    def absent(_served: Registry, asked: Request, told: Answer) -> Answer:
        return Answer(404) if "/referrers/" in asked.path else told

    with registry(absent, held) as served:
        report = report_of(served)
    assert (report.problem, report.findings) == ("", ())
    assert (listed[0]["digest"] in served.reads()) is tagged


def test_a_store_to_which_a_registry_redirects_need_not_know_of_digests() -> None:
    held = content()
    nameless = lying(ServedWitness("", "GET", "blobs", {"Docker-Content-Digest": None}))
    with serving(Registry(held, nameless)) as store:

        def away(_served: Registry, asked: Request, told: Answer) -> Answer:
            there = asked.method == "GET" and "/blobs/" in asked.path
            return Answer(307, {"Location": f"http://{store.host}{asked.path}"}) if there else told

        with registry(away, held) as served:
            report = report_of(served)
    assert (report.problem, report.findings) == ("", ())
    outcomes = {one.clause.id: one.outcome for one in report.results}
    assert outcomes["distribution/pull.blob.digest-header"] is Outcome.SKIP


def test_manifests_only_asks_for_presence_and_size_of_the_rest() -> None:
    with registry() as served:
        report = report_of(served, manifests_only=True)
    assert exit_code([report]) is ExitCode.CONFORMS
    assert "not verified: only documents are read (--manifests-only)" in report.facts["incomplete"]
    blobs = [asked for asked in served.requests if re.search(r"/blobs/", asked.path)]
    assert {asked.method for asked in blobs} == {"HEAD", "GET"}
    # The configuration is a document.
    config = json.loads(served.content.blobs[served.content.tags["team/app:1"]])["config"]["digest"]
    assert {asked.path.rpartition("/")[2] for asked in blobs if asked.method == "GET"} == {config}


def test_manifests_only_sees_a_wrong_size() -> None:
    lie = lying(ServedWitness("", "HEAD", "blobs", {"Content-Length": "7"}))
    with registry(lie) as served:
        report = report_of(served, manifests_only=True)
    assert "image/descriptor.size.matches" in {found.clause.id for found in report.findings}


def test_a_name_in_a_registry_has_no_ref() -> None:
    with registry() as served:
        report = report_of(served, wanted=ImageFilter(refs=("1",)))
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert "--ref" in report.problem


@pytest.mark.parametrize("name", ["team/app:2", "team/none:1", f"team/app@sha256:{'0' * 64}"])
def test_an_image_that_is_not_there_is_told_in_one_line(name: str) -> None:
    with registry() as served:
        report = report_of(served, name)
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert report.problem.startswith("there is no such image: ")


def test_an_image_by_digest_is_verified() -> None:
    held = content()
    digest = held.tags["team/app:1"]
    held.blobs[digest] += b" "
    with registry(held=held) as served:
        report = report_of(served, f"team/app@{digest}")
    assert [found.clause.id for found in report.findings] == ["image/image-layout.blobs.content-matches"]


# --- Names


@pytest.mark.parametrize(
    ("number", "wanted"), [(0, ExitCode.CONFORMS), (1, ExitCode.FINDINGS), (2, ExitCode.COULD_NOT_JUDGE)]
)
@pytest.mark.parametrize("form", ["oci:{}/layout:@{}", "oci-archive:{}/a.tar:@{}"])
def test_an_image_by_its_position(form: str, number: int, wanted: ExitCode, tmp_path: Path) -> None:
    bad = Image((Layer(diff_id="sha256:" + "1" * 64),), name="two")
    layout = Layout(Index((Image(name="one"), bad)))
    layout.write(tmp_path / "layout")
    (tmp_path / "a.tar").write_bytes(layout.archive())
    report = check_image(form.format(tmp_path, number))
    assert exit_code([report]) is wanted


@pytest.mark.parametrize("form", ["oci:{}/layout:two", "oci-archive:{}/a.tar:two", "oci-layout://{}/layout:two"])
def test_skopeos_names_of_layouts(form: str, tmp_path: Path) -> None:
    layout = Layout(Index((Image(name="one"), Image((Layer(tar([Entry("x")])),), name="two"))))
    layout.write(tmp_path / "layout")
    (tmp_path / "a.tar").write_bytes(layout.archive())
    report = check_image(form.format(tmp_path))
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)
    assert [one["name"] for one in report.facts["images"]] == ["two"]
    again = check_image(form.format(tmp_path), options=ImageOptions(ImageFilter(refs=("one",))))
    assert again.problem == "the name says which image already: two; leave out --ref"
    assert "no image matches that name" in check_image(f"{form.format(tmp_path)}x").problem


def test_skopeos_names_of_saved_archives(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(docker_save(GOOD["uncompressed"](), old=True))
    plain = check_image(str(tmp_path / "a.tar"))
    for name in (
        f"docker-archive:{tmp_path}/a.tar",
        f"docker-archive:{tmp_path}/a.tar:@0",
        f"docker-archive:{tmp_path}/a.tar:{plain.facts['images'][0]['name']}",
    ):
        report = check_image(name)
        assert (report.problem, report.facts["images"]) == ("", plain.facts["images"])


def test_a_name_with_a_colon_in_its_path(tmp_path: Path) -> None:
    target = GOOD["plain"]().write(tmp_path / "a:b")
    assert exit_code([check_image(f"oci:{target}")]) is ExitCode.CONFORMS


def test_a_dir_of_skopeo(tmp_path: Path) -> None:
    layout = GOOD["plain"]()
    path, manifest = layout.manifest()
    (tmp_path / "version").write_text("Directory Transport Version: 1.1\n")
    (tmp_path / "manifest.json").write_bytes(layout.files[path])
    for described in (manifest["config"], *manifest["layers"]):
        (tmp_path / described["digest"].partition(":")[2]).write_bytes(layout.files[blob_path(described)])
    report = check_image(f"dir:{tmp_path}")
    assert (report.problem, report.findings, len(report.facts["images"])) == ("", (), 1)
    layer = tmp_path / manifest["layers"][0]["digest"].partition(":")[2]
    layer.write_bytes(layer.read_bytes() + b"x")
    (found,) = check_image(f"dir:{tmp_path}").findings
    assert (found.clause.id, found.location.file) == ("image/image-layout.blobs.content-matches", str(layer))


def test_another_folder_is_no_dir(tmp_path: Path) -> None:
    assert check_image(f"dir:{tmp_path}").problem == "not a dir: of skopeo, which has a manifest.json"


def test_what_needs_no_registry_loads_nothing_of_it(tmp_path: Path) -> None:
    target = GOOD["plain"]().write(tmp_path / "layout")
    code = (
        "import sys; from ocivalidate.cli import main\n"
        f"for line in (['--version'], ['image', {str(target)!r}]):\n"
        "    try: main(line)\n"
        "    except SystemExit: pass\n"
        "assert not {'urllib3', 'ssl', 'http.client', 'ocivalidate.registry.client'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_extra_one_line_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        name for name in sys.modules if name.partition(".")[0] == "urllib3" or "ocivalidate.registry." in name
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "urllib3", None)
    report = check_image("docker://localhost/app:1")
    assert report.problem == "reading from a registry needs an extra: pip install 'ocivalidate[registry]'"
