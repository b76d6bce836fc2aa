"""Images of crane, ko and all local transports of skopeo and podman: exit code 0, and nothing but notes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from ocivalidate.image.api import check_image
from ocivalidate.rules.clauses import Severity
from tests.integration.builders import layers, need, registry
from tests.integration.enclosure import run, run_enclosed, why_not_enclosed
from tests.integration.test_accept_images import POLICY, complaint

pytestmark = pytest.mark.integration

# What is made of an image `{r}/oci:1` of three layers and `{r}/docker:1` of one, under the name `{r}/NAME:1`.
_SETTINGS = "--entrypoint /bin/b --env A=b --label org.example.l=m --user 1 --workdir /w --exposed-ports 80/tcp"
CRANE = {
    "docker": "",
    "oci": "",
    "mutate": f"mutate {_SETTINGS} --annotation org.example.k=v --set-platform linux/arm64 -t {{t}} {{r}}/oci:1",
    "append": "append -b {r}/oci:1 -f a.tar --set-base-image-annotations -t {t}",
    "flatten": "flatten -t {t} {r}/oci:1",
    "rebase": "rebase --old_base {r}/docker:1 --new_base {r}/docker:1 -t {t} {r}/docker:1",
    "index": "index append -m {r}/oci:1 -m {r}/mutate:1 -t {t}",
    "docker-list": "index append --docker-empty-base -m {r}/docker:1 -t {t}",
    "nested": "index append -m {r}/index:1 -m {r}/oci:1 --flatten=false -t {t}",
    "filtered": "index filter --platform linux/arm64 {r}/index:1 -t {t}",
}
_LAYOUT_ONLY = ("nested", "filtered")
_PULLS = {"layout": ["--format", "oci"], "archive": ["--format", "tarball"], "old archive": ["--format", "legacy"]}


@pytest.fixture(scope="module")
def crane_images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What crane makes of each image, and of two in one file."""
    need("crane")
    work = tmp_path_factory.mktemp("crane")
    made = {}
    files = ",".join(path.name for path in layers(work).values())
    with registry(work) as host:
        run(["crane", "append", "-f", "a.tar", "-t", f"{host}/docker:1"], work)
        run(["crane", "append", "--oci-empty-base", "-f", files, "-t", f"{host}/oci:1"], work)
        for name, words in CRANE.items():
            if words:
                run(["crane", *words.format(r=host, t=f"{host}/{name}:1").split()], work)
            for form, options in _PULLS.items():
                if form == "layout" or name not in _LAYOUT_ONLY:
                    made[f"{name}, {form}"] = work / f"{name}-{form}"
                    run(["crane", "pull", *options, f"{host}/{name}:1", f"{name}-{form}"], work)
        for form, options in _PULLS.items():
            made[f"two images, {form}"] = work / f"two-{form}"
            run(["crane", "pull", *options, f"{host}/docker:1", f"{host}/oci:1", f"two-{form}"], work)
        made["append, an archive at once"] = work / "fresh"
        run(["crane", "append", "--oci-empty-base", "-f", "a.tar", "-o", "fresh", "-t", "example.org/app:1"], work)
    return made


def test_what_crane_makes_is_accepted(crane_images: dict[str, Path]) -> None:
    assert len(crane_images) > 25
    assert {name: told for name, path in crane_images.items() if (told := against(path))} == {}
    assert complaint(crane_images["index, layout"]) is None


def against(path: Path) -> list[str]:
    """What is said against an image but for notes."""
    report = check_image(str(path))
    told = [finding.message for finding in report.findings if finding.severity is not Severity.NOTE]
    return [report.problem, *told] if report.problem else told


_MODULE = "module example.org/hello\n\ngo 1.21\n"
_PROGRAM = 'package main\n\nfunc main() { println("hello") }\n'
_PLATFORMS = ("amd64", "arm64")


def test_what_ko_builds_is_accepted(tmp_path: Path) -> None:
    need("ko", "crane", "go")
    (tmp_path / "go.mod").write_text(_MODULE)
    (tmp_path / "main.go").write_text(_PROGRAM)
    (tmp_path / ".ko.yaml").write_text("defaultPlatforms: [linux/amd64, linux/arm64]\n")
    with registry(tmp_path) as host:
        layers(tmp_path)
        for arch in _PLATFORMS:
            name = f"{host}/{arch}:1"
            run(["crane", "append", "--oci-empty-base", "-f", "a.tar", "-t", name], tmp_path)
            run(["crane", "mutate", "--set-platform", f"linux/{arch}", name, "-t", name], tmp_path)
        parts = [word for arch in _PLATFORMS for word in ("-m", f"{host}/{arch}:1")]
        run(["crane", "index", "append", *parts, "-t", f"{host}/base:1"], tmp_path)
        settings = {"KO_DEFAULTBASEIMAGE": f"{host}/base:1", "KO_DOCKER_REPO": f"{host}/out"}
        ko(tmp_path, settings, "--oci-layout-path", "layout", "--sbom-dir", "sboms")
        ko(tmp_path, settings, "--tarball", "one.tar", "--platform", "linux/amd64")
    assert complaint(tmp_path / "layout") is None
    assert complaint(tmp_path / "one.tar") is None


def ko(work: Path, settings: Mapping[str, str], *options: str) -> None:
    """Build the program of this folder; Go's caches are the test's own."""
    folder = {"KO_CONFIG_PATH": str(work), "GOCACHE": str(work / "cache"), "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    words = ["ko", "build", "--push=false", "--bare", "--image-label", "org.example.a=b", *options, "."]
    done = subprocess.run(
        words,
        cwd=work,
        env=os.environ | folder | dict(settings),
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


# --- skopeo, podman and buildah, as far as they write files


@pytest.fixture(scope="module")
def enclosed_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which podman, buildah and skopeo have written an image in all their forms."""
    need("podman", "buildah", "skopeo", "unshare")
    lacking = why_not_enclosed()
    if lacking:
        pytest.skip(lacking)
    work = tmp_path_factory.mktemp("engines")
    (work / "policy.json").write_text(POLICY)
    (work / "content").write_text("content\n" * 1000)
    (work / "Containerfile").write_text(_CONTAINERFILE)
    storage = f"--root {work}/root --runroot /run/storage --storage-driver vfs"
    script = _SCRIPT.format(
        work=work,
        podman=f"podman {storage} --tmpdir /run/podman --cgroup-manager cgroupfs --events-backend none",
        buildah=f"buildah {storage}",
        policy=f"--signature-policy {work}/policy.json",
        skopeo=f"skopeo --policy {work}/policy.json --tmpdir {work} copy --quiet",
    )
    (work / "make.sh").write_text(script)
    (work / "said").write_text(run_enclosed([["sh", f"{work}/make.sh"]], work))
    return work


_CONTAINERFILE = """\
FROM scratch
COPY content /a
COPY content /b/c
LABEL org.example.key=value
ENV A=b
CMD ["/a"]
"""
_SCRIPT = """
set -e
cd {work}
{buildah} build {policy} --quiet --layers --tag localhost/layers:1 .
{buildah} build {policy} --quiet --squash --timestamp 0 --tag localhost/squashed:1 .
{buildah} build {policy} --quiet --format docker --tag localhost/docker:1 .
{podman} save --quiet --format docker-archive -o docker-archive localhost/layers:1
{podman} save --quiet --multi-image-archive -o several localhost/layers:1 localhost/squashed:1
{podman} save --quiet --format oci-archive -o oci-archive localhost/docker:1
{podman} save --quiet --format oci-dir -o oci-dir localhost/layers:1
{podman} save --quiet --format docker-dir -o docker-dir localhost/layers:1
{buildah} push {policy} --quiet localhost/squashed:1 oci:{work}/squashed:1
{buildah} push {policy} --quiet localhost/docker:1 docker-archive:{work}/pushed:example.org/name:1
{buildah} manifest create localhost/list:1 localhost/layers:1 localhost/squashed:1
{buildah} manifest push {policy} --quiet --all localhost/list:1 oci:{work}/list:1
{skopeo} --all oci:{work}/list:1 oci:{work}/list-copy:1
{skopeo} --multi-arch index-only oci:{work}/list:1 oci:{work}/list-only:1
{skopeo} oci:{work}/squashed:1 oci:{work}/two-names:first
{skopeo} docker-archive:{work}/docker-archive oci:{work}/two-names:second
{skopeo} --additional-tag example.org/b:2 oci:{work}/squashed:1 docker-archive:{work}/two-tags:example.org/a:1
{skopeo} --dest-oci-accept-uncompressed-layers docker-archive:{work}/docker-archive oci:{work}/uncompressed:1
{skopeo} oci:{work}/squashed:1 dir:{work}/dir
"""
_WRITTEN = "docker-archive several oci-archive oci-dir squashed pushed list list-copy two-names two-tags"


@pytest.mark.parametrize("name", _WRITTEN.split())
def test_what_podman_buildah_and_skopeo_write_is_accepted(name: str, enclosed_images: Path) -> None:
    assert (enclosed_images / name).exists(), (enclosed_images / "said").read_text()
    said = complaint(enclosed_images / name)
    assert said is None


def test_layers_that_are_not_what_their_media_type_says_are_told(enclosed_images: Path) -> None:
    """This skopeo takes layers of a saved archive for gzip and stores them as they are.

    media-types.md says that such a layer is compressed with gzip: readers that believe it fail.
    """
    manifests = list((enclosed_images / "uncompressed" / "blobs" / "sha256").iterdir())
    said = complaint(enclosed_images / "uncompressed")
    if any(b"layer.v1.tar+gzip" in path.read_bytes()[:4000] for path in manifests):
        assert said is not None
        assert "error[image/layer.gzip.payload]" in said
    else:
        assert said is None


def test_an_index_without_what_it_names_cannot_be_judged(enclosed_images: Path) -> None:
    said = complaint(enclosed_images / "list-only")
    assert said is not None
    assert said.startswith("exit code 2\n")
    assert " 0 failed" in said
    assert "INCOMPLETE" in said


@pytest.mark.parametrize("name", ["dir", "docker-dir"])
def test_the_folder_form_of_skopeo_is_no_layout_and_not_called_a_broken_one(name: str, enclosed_images: Path) -> None:
    assert (enclosed_images / name).exists(), (enclosed_images / "said").read_text()
    said = complaint(enclosed_images / name)
    assert said is not None
    assert said.startswith("exit code 2\n")
    assert len(said.splitlines()) == 2
