"""What is no image is told from a broken one: one line says what it is or where the image is; exit code 2."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, strategies as st

from fixtures.layouts import GOOD, Entry, docker_save, folder, tar
from ocivalidate import meanings
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.sources.litter import is_litter
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, Report, exit_code
from tests.saved import Saved
from tests.unit.command_line import Command
from tests.unit.sayings import config

NOTHING_OF_IT = "not an image: the {} has neither index.json, oci-layout and blobs nor a manifest.json"
# Name → what is in it, and what is said of a folder and of an archive.
OTHERS: dict[str, tuple[str, str]] = {
    "exported root": ("bin/sh etc/passwd usr/bin/env", "this is a root filesystem, not an image"),
    "one container's root": (".dockerenv app/run", "this is a root filesystem, not an image"),
    "a folder around a root": ("rootfs/bin/sh rootfs/etc/passwd", "this is a root filesystem, not an image"),
    "a layer of Windows": ("Files/a Hives/b", "this is a Windows layer, not an image"),
    "a root, some folders down": (
        "home/me/root/bin/sh home/me/root/etc/passwd",
        "this is a root filesystem, not an image",
    ),
    "blobs of a layout": ("sha256/a", "these are the blobs of a layout: name the folder that contains blobs"),
    "a chart": ("Chart.yaml values.yaml templates/a.yaml", "this is a Helm chart, not an image"),
    "a packed chart": ("mychart/Chart.yaml mychart/values.yaml", "this is a Helm chart, not an image"),
    "a source tree": ("Dockerfile src/main.go bin/x lib/y", "this is a source tree, not an image: build one first"),
    "sources of a release": ("app-1.0/go.mod app-1.0/main.go", "this is a source tree, not an image: build one first"),
    "the storage of podman": (
        "overlay/a overlay-images/b overlay-layers/c",
        "this is the image store of an engine or a registry",
    ),
    "the storage of docker": (
        "image/a overlay2/b containers/c",
        "this is the image store of an engine or a registry",
    ),
    "the store of containerd": ("blobs/sha256/a ingest/b", "this is the image store of an engine or a registry"),
    "the store of a registry": (
        "blobs/sha256/a repositories/b",
        "this is the image store of an engine or a registry",
    ),
    "before Docker 1.10, without tags": (
        "a/json a/VERSION a/layer.tar b/json b/VERSION b/layer.tar",
        "this was saved by Docker before",
    ),
    "before Docker 1.10": ("repositories a/json a/VERSION a/layer.tar", "this was saved by Docker before 1.10"),
    "an index of a web site": ("index.json app.js", NOTHING_OF_IT),
    "a program's config": ("conf/config.json notes.txt", NOTHING_OF_IT),
    "anything": ("notes.txt", NOTHING_OF_IT),
    "nothing": ("", "not an image: the {} is empty"),
}


def place(names: Iterable[str], target: Path, content: bytes = b"[1]") -> str:
    for name in names:
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    target.mkdir(exist_ok=True)
    return str(target)


def pack(names: Iterable[str], target: Path, content: bytes = b"[1]") -> str:
    target.write_bytes(tar(Entry(name, content) for name in names))
    return str(target)


@pytest.mark.parametrize("form", ["folder", "archive"])
@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_image_is_called_by_its_name(say: Command, tmp_path: Path, name: str, form: str) -> None:
    names, line = OTHERS[name]
    source = (place if form == "folder" else pack)(names.split(), tmp_path / "given")
    for command in (["image", source], ["unpack", source, str(tmp_path / "bundle")]):
        said = say(*command)
        assert said.code == 2
        assert line.format(form) in said.out + said.err
        assert (said.out + said.err).count("\n") == 1
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_archives_too(compress: Any, tmp_path: Path) -> None:
    target = tmp_path / "chart-1.0.tgz"
    target.write_bytes(compress(tar([Entry("chart/Chart.yaml"), Entry("chart/templates/a.yaml")])))
    assert check_image(str(target)).problem == "this is a Helm chart, not an image"


def test_what_skopeo_copies_to_a_folder(tmp_path: Path) -> None:
    """Its manifest.json is that of the image, not docker's list."""
    layout = GOOD["plain"]()
    path, _manifest = layout.manifest()
    files = {"version": b"Directory Transport Version: 1.1\n", "manifest.json": layout.files[path]}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert "write dir: in front of its path" in check_image(str(tmp_path)).problem
    assert check_image(f"dir:{tmp_path}").problem == ""


# --- An image one folder down


@pytest.mark.parametrize("form", ["layout", "saved"])
def test_an_image_one_folder_down_is_pointed_at_and_found(say: Command, tmp_path: Path, form: str) -> None:
    inner = tmp_path / "given" / "app"
    files = GOOD["plain"]().files if form == "layout" else Saved().files() | {"manifest.json": b"[]"}
    for name, data in files.items():
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).write_bytes(data)
    (inner.parent / "README").write_bytes(b"")
    assert check_image(str(inner.parent)).problem == f"not an image, but there is one in app: name {inner}"
    assert say("image", str(inner.parent)).out.splitlines()[-1].startswith(f"{inner}: ")


def test_an_image_one_folder_down_in_an_archive(tmp_path: Path) -> None:
    target = tmp_path / "given.tar"
    target.write_bytes(GOOD["plain"]().archive("./app/"))
    wanted = "not an image, but there is one in app: unpack the archive, and give that folder to image"
    assert check_image(str(target)).problem == wanted


@pytest.mark.parametrize("prefix", ["srv/app/", "/srv/app/", "home/me/work/app/"])
def test_an_image_some_folders_down(prefix: str, tmp_path: Path) -> None:
    """As where somebody packed it from the root of his system."""
    target, where = tmp_path / "given.tar", prefix.strip("/")
    target.write_bytes(GOOD["plain"]().archive(prefix))
    assert check_image(str(target)).problem.startswith(f"not an image, but there is one in {where}: unpack the archive")
    GOOD["plain"]().write(tmp_path / "given" / where)
    assert check_image(str(tmp_path / "given")).problem.endswith(f": name {tmp_path}/given/{where}")


def test_several_are_listed_and_not_all(tmp_path: Path) -> None:
    for number in range(5):
        GOOD["plain"]().write(tmp_path / f"app{number}")
    assert check_image(str(tmp_path)).problem.startswith("not an image, but there is one in app0, app1, app2 …: name ")


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_bundle_given_to_image(say: Command, tmp_path: Path, form: str) -> None:
    names, content = ("config.json", "rootfs/bin/sh"), json.dumps(config()).encode()
    for prefix, where in (("", ""), ("app/", "in app")):
        paths = [prefix + name for name in names]
        source = (place if form == "folder" else pack)(paths, tmp_path / f"given{len(prefix)}", content)
        for command in (["image", source], ["unpack", source, str(tmp_path / "bundle")]):
            said = say(*command)
            assert said.code == 2
            assert "a bundle" in said.out + said.err
            assert where in said.out + said.err
            assert ("unpack" in (said.out + said.err).partition(": ")[2]) == (form == "archive")


# --- What is an image is judged, however broken


def is_broken(report: Report) -> bool:
    return any(found.severity is Severity.ERROR for found in report.findings)


@pytest.mark.parametrize("left", ["oci-layout", "index.json", "blobs/sha256/x", "blobs/"])
@pytest.mark.parametrize("beside", ["", "Dockerfile", "bin/sh", "config.json"])
def test_a_broken_layout_is_judged(left: str, beside: str, tmp_path: Path) -> None:
    layout = GOOD["plain"]()
    files = {path: data for path, data in layout.files.items() if path.startswith(left)} or {left: b""}
    if beside:
        files[beside] = b"x"
    if left == "blobs/":
        (tmp_path / "folder" / "blobs").mkdir(parents=True)
        files.pop(left, None)
    for path, data in files.items():
        (tmp_path / "folder" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / path).write_bytes(data)
    report = check_image(str(tmp_path / "folder"))
    assert (report.problem, is_broken(report)) == ("", True)
    packed = tmp_path / "packed.tar"
    packed.write_bytes(
        tar([*(Entry(path, data) for path, data in files.items()), *([folder(left)] if left == "blobs/" else [])])
    )
    assert is_broken(check_image(str(packed)))


def test_an_index_that_is_no_json_may_be_that_of_a_layout(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(b'{"manifests": [')
    assert exit_code([check_image(str(tmp_path))]) is ExitCode.FINDINGS


def test_an_image_among_other_things_is_judged(tmp_path: Path) -> None:
    layout = GOOD["plain"]()
    layout.files |= {"Dockerfile": b"", "Chart.yaml": b"", "bin/sh": b"", "etc/passwd": b"", "repositories": b"{}"}
    assert exit_code([check_image(str(layout.write(tmp_path / "layout")))]) is ExitCode.CONFORMS
    (tmp_path / "saved.tar").write_bytes(docker_save(layout))
    assert exit_code([check_image(str(tmp_path / "saved.tar"))]) is ExitCode.CONFORMS


# --- Files that are neither

FILES: dict[str, tuple[bytes, str]] = {
    "a text": (b"FROM scratch\nCOPY app /\n", "this is text, neither an archive nor a JSON document"),
    "YAML": ("schlüssel: wert\n".encode() * 50, "this is text, neither an archive nor a JSON document"),
    "xz": (b"\xfd7zXZ\x00\x00\x04" + bytes(100), "this is compressed with xz"),
    "bzip2": (b"BZh91AY&SY" + bytes(100), "this is compressed with bzip2"),
    "zip": (b"PK\x03\x04" + bytes(100), "this is a zip archive"),
    "a program": (b"\x7fELF\x02" + bytes(600), "this is a program, not an image"),
    "squashfs": (b"hsqs" + bytes(600), "this is a squashfs"),
    "compressed text": (gzip.compress(b"hello"), "not a tar archive of an image"),
    "zeros": (bytes(20000), "not an image: the archive is empty"),
    "no bytes": (b"", "the file is empty"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_neither_archive_nor_document(name: str, tmp_path: Path) -> None:
    data, line = FILES[name]
    (tmp_path / "given").write_bytes(data)
    report = check_image(str(tmp_path / "given"))
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert report.problem.startswith(line)


@pytest.mark.parametrize("name", ["PK\x03\x04", "BZh", "hello"])
def test_archives_whose_first_name_begins_like_something_else(name: str, tmp_path: Path) -> None:
    layout = GOOD["plain"]()
    (tmp_path / "given").write_bytes(tar([Entry(name), *(Entry(path, data) for path, data in layout.files.items())]))
    assert exit_code([check_image(str(tmp_path / "given"))]) is ExitCode.CONFORMS


# --- Documents


NO_JSON = {
    "nothing": b"",
    "a text": b"hello",
    "bytes": b"\x00\x01",
    "an archive": tar([Entry("a")]),
    "compressed": gzip.compress(b"{}", mtime=0),
    "a byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("data", NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize("kind", ["config", "manifest", "index", "descriptor", "layout"])
def test_what_is_said_to_be_a_document_is_judged_as_one(say: Command, tmp_path: Path, kind: str, data: bytes) -> None:
    """considerations.md: what a media type ending in +json names is a JSON text."""
    (tmp_path / "given").write_bytes(data)
    said = say("image", "--kind", kind, str(tmp_path / "given"))
    assert said.code == 1
    assert "considerations.json." in said.out


def test_a_folder_is_no_document(say: Command, tmp_path: Path) -> None:
    said = say("image", "--kind", "config", str(tmp_path))
    assert (said.code, "a directory, but --kind needs a document" in said.out) == (2, True)


@pytest.mark.parametrize(
    "mark", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\n ", "\ufeff".encode("utf-16-le"), "\ufeff".encode("utf-16-be")]
)
def test_a_document_with_a_byte_order_mark_is_one(mark: bytes, tmp_path: Path) -> None:
    encoding = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(mark, "utf-8")
    (tmp_path / "given").write_bytes(mark + '{"schemaVersion": 2, "manifests": []}'.encode(encoding))
    report = check_image(str(tmp_path / "given"))
    assert [found.clause.id for found in report.findings] == ["image/considerations.json.utf8"]


@pytest.mark.parametrize("kind", ["config", "manifest", "index"])
@pytest.mark.parametrize(
    ("value", "command"),
    [
        (config(), "bundle"),
        ({"ociVersion": "1.3.0", "id": "c", "status": "stopped", "bundle": "/b"}, "state"),
        ({"ociVersionMin": "1.0.0", "ociVersionMax": "1.3.0", "hooks": ["poststop"]}, "features"),
    ],
)
def test_a_document_of_a_runtime_whatever_it_is_said_to_be(
    say: Command, tmp_path: Path, value: Any, command: str, kind: str
) -> None:
    (tmp_path / "given").write_text(json.dumps(value), encoding="utf-8")
    said = say("image", "--kind", kind, str(tmp_path / "given"))
    assert (said.code, f"ocivalidate {command} judges it" in said.out) == (2, True)


def test_the_manifest_json_of_docker_save_alone(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps([Saved().row()]), encoding="utf-8")
    wanted = "this is the manifest.json of docker save: ocivalidate image judges the archive around it"
    assert check_image(str(tmp_path / "manifest.json")).problem == wanted


@pytest.mark.parametrize("name", ["image-manifest.json", "image-index.json", "image-config.json"])
def test_a_document_cannot_be_unpacked(say: Command, tmp_path: Path, name: str) -> None:
    from ocivalidate.rules.witnesses import base_document

    (tmp_path / name).write_text(json.dumps(base_document(name)), encoding="utf-8")
    said = say("unpack", str(tmp_path / name), str(tmp_path / "bundle"))
    assert (said.code, "a single document, not an image: name the layout or the archive that holds it" in said.err) == (
        2,
        True,
    )


def test_the_config_of_a_container_cannot_be_unpacked(say: Command, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config()), encoding="utf-8")
    said = say("unpack", str(tmp_path / "config.json"), str(tmp_path / "bundle"))
    assert (said.code, "ocivalidate bundle judges it" in said.err) == (2, True)


# --- Litter

LITTER = [
    ".DS_Store",
    "Thumbs.db",
    "THUMBS.DB",
    "desktop.ini",
    "._sha256",
    "._" + "0" * 64,
    "lost+found",
    ".nfs000001",
    ".gitkeep",
    "@eaDir",
]


@pytest.mark.parametrize("where", ["blobs", "blobs/sha256"])
@pytest.mark.parametrize("name", LITTER)
@pytest.mark.parametrize("form", ["folder", "archive"])
def test_what_desktops_leave_is_a_note(name: str, where: str, form: str, tmp_path: Path) -> None:
    """image-layout.md: further files are no error."""
    layout = GOOD["plain"]()
    layout.files[f"{where}/{name}"] = b"x"
    source = tmp_path / "given"
    if form == "folder":
        layout.write(source)
    else:
        source.write_bytes(layout.archive())
    report = check_image(str(source))
    seen = {
        (found.clause.id.rpartition(".")[2], found.severity) for found in report.findings if name in found.location.file
    }
    wanted = "directory-per-algorithm" if where == "blobs" else "name-charset"
    assert seen == {(wanted, Severity.NOTE)}
    assert exit_code([report]) is ExitCode.CONFORMS


def test_what_a_file_system_leaves_is_not_looked_into(tmp_path: Path) -> None:
    layout = GOOD["plain"]()
    layout.files |= {"blobs/lost+found/#1234": b"x", "blobs/.Trash-0/files/a": b"x", "blobs/__MACOSX/._x": b"x"}
    report = check_image(str(layout.write(tmp_path / "layout")))
    assert exit_code([report]) is ExitCode.CONFORMS


@pytest.mark.parametrize("name", ["notes.txt", "SHA256", "sha256.bak", "tmp", "DS_Store"])
def test_anything_else_in_the_place_of_a_blob_is_an_error(name: str, tmp_path: Path) -> None:
    assert not is_litter(name)
    for where in ("blobs", "blobs/sha256"):
        layout = GOOD["plain"]()
        layout.files[f"{where}/{name}"] = b"x"
        target = tmp_path / where.replace("/", "-")
        assert exit_code([check_image(str(layout.write(target)))]) is ExitCode.FINDINGS


# --- Whatever is given

NAMES = st.sampled_from(
    [
        "bin",
        "etc",
        "usr",
        "oci-layout",
        "index.json",
        "blobs",
        "manifest.json",
        "config.json",
        "rootfs",
        "version",
        "a.tar",
    ]
) | st.text(min_size=1, max_size=4)


@given(st.sets(NAMES), st.dictionaries(NAMES, st.sets(NAMES)), st.booleans())
def test_whatever_the_names_are_there_is_a_line_or_none(
    names: set[str],
    below: dict[str, set[str]],
    packed: bool,  # noqa: FBT001
) -> None:
    line = meanings.no_image(names | set(below), below, "given", packed=packed)
    assert line == "" or line.startswith(("not an image, but there is ", "this is ", "these are "))


def test_a_name_of_several_lines_stays_on_one(say: Command, tmp_path: Path) -> None:
    GOOD["plain"]().write(tmp_path / "a\nb\x1b")
    said = say("image", str(tmp_path))
    assert (said.code, said.out.count("\n"), "\x1b" in said.out) == (0, 1, False)


@given(st.binary(max_size=520))
def test_any_bytes_are_no_image(data: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        for options in (ImageOptions(), ImageOptions(kind="image-config")):
            assert exit_code([check_image(file.name, options=options)]) is not ExitCode.CONFORMS


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may list any folder")
def test_a_folder_that_cannot_be_listed_may_be_an_image(tmp_path: Path) -> None:
    target = GOOD["plain"]().write(tmp_path / "layout")
    target.chmod(0o311)
    assert exit_code([check_image(str(target))]) is ExitCode.CONFORMS


# --- Addresses of other tools


@pytest.mark.parametrize(("written", "ref"), [("{}:latest", "latest"), ("{}:", ""), ("{}:a/b:c", "a/b:c")])
@pytest.mark.parametrize("command", ["image", "unpack"])
def test_a_path_with_a_name_behind_it(say: Command, tmp_path: Path, command: str, written: str, ref: str) -> None:
    path = str(GOOD["plain"]().write(tmp_path / "layout"))
    said = say(command, written.format(path), *([str(tmp_path / "out")] if command == "unpack" else []))
    wanted = f"there is {path}: use that" + (f", with --ref {ref}" if ref else "") + "\n"
    assert (said.code, wanted in said.out + said.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("oci://example.org/a:1", "write docker:// instead of oci://"),
        ("containers-storage:a", "podman save IMAGE | ocivalidate image -"),
        ("docker-daemon:a:1", "docker save IMAGE | ocivalidate image -"),
        ("https://example.org/a", "write docker://HOST/NAME:TAG"),
        ("alpine:3.19", "for the image in a registry write docker://alpine:3.19"),
        ("busybox:1.0", "for the image in a registry write docker://busybox:1.0"),
        ("ghcr.io/some/app", "write docker://ghcr.io/some/app"),
        (f"app@sha256:{64 * '0'}", f"write docker://app@sha256:{64 * '0'}"),
    ],
)
def test_an_image_that_is_elsewhere(name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = check_image(name)
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert report.problem.startswith("no such file or directory")
    assert told in report.problem


@pytest.mark.parametrize("name", ["nothing", "oci:nothing", ":", "oci:", "a:b:c", "no/such/layout", "./a:1", "../x:2"])
def test_a_path_that_is_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_image(name).problem == "no such file or directory"


def test_a_path_with_a_colon_is_a_path(tmp_path: Path) -> None:
    GOOD["plain"]().write(tmp_path / "a")
    assert exit_code([check_image(str(GOOD["plain"]().write(tmp_path / "a:latest")))]) is ExitCode.CONFORMS
