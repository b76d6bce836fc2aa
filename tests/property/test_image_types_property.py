"""Any member of any document of an image may have any JSON type: that is a finding, and never more than that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import GOOD, Entry, Layout, blob_path, digest, docker_save, tar, to_json
from ocivalidate.errors import UnpackError
from ocivalidate.image.api import check_image
from ocivalidate.jsontext.pointers import below, parse_pointer
from ocivalidate.rules.findings import ExitCode, Report, exit_code
from ocivalidate.unpack.api import UnpackOptions, unpack_image
from ocivalidate.unpack.flags import CAN_UNPACK
from ocivalidate.unpack.judging import check_conversion

# Values of every JSON type; of arrays and objects those that look like what could stand there.
VALUES: tuple[Any, ...] = (None, True, 7, 1.5, "x", [], ["x"], [{}], {}, {"a": {}}, {"0": "x"})
# Where a bundle is made each time.
FEWER: tuple[Any, ...] = (None, 7, "x", [{}], {"a": {}})


def pointers(value: Any, pointer: str = "") -> Iterator[str]:
    """Every place in a document."""
    yield pointer
    members = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for name, child in members:
        yield from pointers(child, below(pointer, name))


def changed(value: Any, pointer: str, new: Any) -> Any:
    """A copy of a document with another value at a place."""
    holder = [json.loads(json.dumps(value))]
    around: Any = holder
    *path, last = [0, *parse_pointer(pointer)]
    for token in path:
        around = around[int(token) if isinstance(around, list) else token]
    around[int(last) if isinstance(around, list) else last] = new
    return holder[0]


def variants(value: Any, values: tuple[Any, ...] = VALUES) -> Iterator[tuple[str, Any, Any]]:
    """Place, new value, and the document with it."""
    for pointer in pointers(value):
        for new in values:
            yield pointer, new, changed(value, pointer, new)


class Parts:
    """A layout whose documents are exchanged; digests and sizes are made anew, so that all is followed."""

    def __init__(self, layout: Layout) -> None:
        self.files = layout.files
        self.index = json.loads(layout.files["index.json"])
        _path, self.manifest = layout.manifest()
        self.config = json.loads(layout.files[blob_path(self.manifest["config"])])
        self.layout = json.loads(layout.files["oci-layout"])

    def with_index(self, index: Any) -> dict[str, bytes]:
        return {**self.files, "index.json": to_json(index)}

    def with_layout(self, layout: Any) -> dict[str, bytes]:
        return {**self.files, "oci-layout": to_json(layout)}

    def with_manifest(self, manifest: Any) -> dict[str, bytes]:
        data = to_json(manifest)
        entry = self.index["manifests"][0] | {"digest": digest(data), "size": len(data)}
        return self.with_index(self.index | {"manifests": [entry]}) | {blob_path(entry): data}

    def with_config(self, config: Any) -> dict[str, bytes]:
        data = to_json(config)
        described = self.manifest["config"] | {"digest": digest(data), "size": len(data)}
        return self.with_manifest(self.manifest | {"config": described}) | {blob_path(described): data}


@pytest.fixture(scope="module")
def parts() -> Parts:
    return Parts(GOOD["gzip"]())


class Written:
    """A folder whose files are replaced by those of the next variant."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, bytes] = {}

    def __call__(self, files: dict[str, bytes]) -> str:
        for path in self._files.keys() - files.keys():
            (self.folder / path).unlink()
        for path, data in files.items():
            if self._files.get(path) != data:
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).write_bytes(data)
        self._files = files
        return str(self.folder)


DOCUMENTS = ("layout", "index", "manifest", "config")
by_document = pytest.mark.parametrize("document", DOCUMENTS)


def is_judged(report: Report) -> bool:
    return not report.problem and exit_code([report]) in (ExitCode.CONFORMS, ExitCode.FINDINGS)


def all_of(
    parts: Parts, document: str, values: tuple[Any, ...] = VALUES
) -> Iterator[tuple[str, Any, dict[str, bytes]]]:
    make: Callable[[Any], dict[str, bytes]] = getattr(parts, f"with_{document}")
    for pointer, new, value in variants(getattr(parts, document), values):
        yield pointer, new, make(value)


@by_document
def test_a_wrong_type_is_judged(document: str, parts: Parts, tmp_path: Path) -> None:
    written = Written(tmp_path / "layout")
    unjudged = []
    for pointer, new, files in all_of(parts, document):
        report = check_image(written(files))
        if not is_judged(report):
            unjudged.append((pointer, new, report.problem))
    assert unjudged == []


ARRAYS = {"index": "/manifests", "manifest": "/layers", "config": "/rootfs/diff_ids"}


@pytest.mark.parametrize(("document", "pointer"), ARRAYS.items())
def test_an_object_for_an_array_is_a_wrong_type_and_nothing_more(
    document: str, pointer: str, parts: Parts, tmp_path: Path
) -> None:
    value = getattr(parts, document)
    entry = json.loads(json.dumps(value))
    for token in parse_pointer(pointer):
        entry = entry[token]
    objects: tuple[Any, ...] = ({"a": {}}, {"a": entry[0]}, {"0": entry[0]})
    for new in objects:
        files = getattr(parts, f"with_{document}")(changed(value, pointer, new))
        report = check_image(Written(tmp_path / "layout")(files))
        told = [(finding.clause.id.rpartition(".")[2], finding.location.pointer) for finding in report.findings]
        assert ("type", pointer) in told
        assert is_judged(report)


def test_a_wrong_type_in_what_docker_save_writes_is_judged_or_one_line(tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    layout = GOOD["gzip"]()
    file.write_bytes(docker_save(layout, old=True))
    _path, manifest = layout.manifest()
    config, layer = layout.files[blob_path(manifest["config"])], layout.files[blob_path(manifest["layers"][0])]
    names = {"Config": "config.json", "RepoTags": ["a:b"], "Layers": ["layer.tar"]}
    saved = [(value, json.loads(config)) for _pointer, _new, value in variants([names])]
    saved += [([names], value) for _pointer, _new, value in variants(json.loads(config))]
    for entries, value in saved:
        files = {"manifest.json": to_json(entries), "config.json": to_json(value), "layer.tar": layer}
        file.write_bytes(tar(Entry(path, data) for path, data in files.items()))
        report = check_image(str(file))
        assert "\n" not in report.problem


@pytest.mark.skipif(not CAN_UNPACK, reason="unpacking needs Linux")
@by_document
def test_a_wrong_type_is_unpacked_or_refused(document: str, parts: Parts, tmp_path: Path) -> None:
    written = Written(tmp_path / "layout")
    for number, (_pointer, _new, files) in enumerate(all_of(parts, document, FEWER)):
        with suppress(UnpackError):
            unpack_image(written(files), str(tmp_path / f"bundle{number}"), UnpackOptions(rootfs=False))


@pytest.mark.skipif(not CAN_UNPACK, reason="unpacking needs Linux")
@pytest.mark.parametrize("document", ["config", "manifest"])
def test_a_wrong_type_is_compared_with_a_bundle(document: str, parts: Parts, tmp_path: Path) -> None:
    written, bundle = Written(tmp_path / "layout"), tmp_path / "bundle"
    unpack_image(written(parts.files), str(bundle))
    for _pointer, _new, files in all_of(parts, document, FEWER):
        assert "\n" not in check_conversion(str(bundle), written(files)).problem


@pytest.mark.skipif(not CAN_UNPACK, reason="unpacking needs Linux")
def test_a_wrong_type_in_a_bundle_is_compared_with_its_image(parts: Parts, tmp_path: Path) -> None:
    layout, bundle = Written(tmp_path / "layout")(parts.files), tmp_path / "bundle"
    unpack_image(layout, str(bundle))
    config = json.loads((bundle / "config.json").read_bytes())
    # What an image has no say in is judged elsewhere.
    own = {name: config[name] for name in ("ociVersion", "root", "annotations") if name in config}
    own["process"] = {name: config["process"][name] for name in ("args", "cwd", "env", "user")}
    own["mounts"] = config["mounts"][:1]
    for _pointer, _new, value in variants(own, FEWER):
        (bundle / "config.json").write_bytes(to_json(value))
        assert "\n" not in check_conversion(str(bundle), layout).problem
