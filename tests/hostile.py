"""Small inputs made by somebody who means harm: each is a few lines, and costs next to nothing to judge.

``INPUTS`` maps a name to what writes the input below an empty folder and gives the command line that meets it.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.growth_samples import BOMBS
from fixtures.layouts import Entry, Image, Index, Layer, Layout, tars

Make = Callable[[Path], list[str]]
DEEP = 100_000
GOOD = Path(__file__).parent.parent / "fixtures" / "demo" / "bundle-good" / "config.json"


def _document(text: str | bytes, command: str = "bundle") -> Make:
    def make(folder: Path) -> list[str]:
        file = folder / "document.json"
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return [command, "--no-config", "--fail-on", "warning", str(file)]

    return make


def _config(**members: Any) -> Make:
    return _document(json.dumps(json.loads(GOOD.read_text(encoding="utf-8")) | members))


def _twice(text: str) -> str:
    return "[" + ",".join([text] * 20_000) + "]"


NUMBERS = {str(number): 0 for number in range(9_000)}
DOCUMENTS: dict[str, Make] = {
    "nothing": _document(""),
    "a NUL": _document("\0"),
    "only white space": _document(" \n" * 50_000),
    "open arrays": _document("[" * DEEP),
    "open objects": _document('{"a":' * DEEP),
    "closed arrays": _document("[" * DEEP + "]" * DEEP),
    "brackets in a string": _document('{"a":"' + "[" * DEEP),
    "an open string": _document('"' + '\\"' * DEEP),
    "an open escape": _document('"\\u12'),
    "a long number": _document('{"ociVersion":' + "9" * DEEP + "}"),
    "a long negative number": _document('{"ociVersion":-' + "9" * DEEP + "}"),
    "a huge exponent": _document('{"ociVersion":1e' + "9" * DEEP + "}"),
    "a tiny exponent": _document('{"ociVersion":1e-' + "9" * DEEP + "}"),
    "a long fraction": _document('{"ociVersion":0.' + "9" * DEEP + "}"),
    "NaN": _document('{"ociVersion":NaN}'),
    "lone surrogates": _document('{"ociVersion":' + _twice('"\\ud800"') + "}"),
    "a raw surrogate": _document('{"ociVersion":"\ud800"}'),
    "one name again": _document("{" + ",".join(['"ociVersion":1'] * 20_000) + "}"),
    "UTF-16": _document('{"ociVersion":"1.0.0"}'.encode("utf-16")),
    "UTF-32": _document('{"ociVersion":"1.0.0"}'.encode("utf-32")),
    "a byte order mark": _document(b"\xef\xbb\xbf{}"),
    "not UTF-8": _document(b"\xff" * DEEP),
    "text behind the document": _document("{}" + "x" * DEEP),
    "commas": _document("[" + "," * DEEP),
    "white space before a bracket": _document('{"a":1,' + " " * DEEP + "}"),
    "mounts of {}": _config(mounts=[{}] * 20_000),
    "mounts of a wrong type": _config(mounts=[1] * 20_000),
    "mounts of one place": _config(mounts=[{"destination": "a"}] * 5_000),
    "an object of everything": _config(mounts={}, process=[], root=1, linux="", hooks=None, ociVersion=0),
    "a version of digits": _config(ociVersion="1." * DEEP),
    "a version with a long number": _config(ociVersion="1.0." + "9" * DEEP),
    "a path of dots": _config(process={"cwd": "../" * DEEP}),
    "a host name of controls": _config(hostname="\x1b]0;\x07" * 10_000, mounts=[{}]),
    "commands for log readers": _config(process={"cwd": "::error::\n##vso[task.complete]"}),
    "unknown members": _config(**{f"x{number}": 0 for number in range(10_000)}),
    "misspelled members": _config(linux={f"resource{number}": 0 for number in range(10_000)}),
    "mappings that overlap": _config(linux={"uidMappings": [{"containerID": 0, "hostID": 0, "size": 9}] * 5_000}),
    "namespaces": _config(linux={"namespaces": [{"type": "pid"}] * 5_000}),
    "a long name": _document('{"' + "n" * DEEP + '":[' + ",".join(["1e999"] * 5_000) + "]}"),
    "a state of arrays": _document("[" * 400 + "]" * 400, "state"),
    "a state with many members": _document(json.dumps({"annotations": NUMBERS}), "state"),
    "features that are a number": _document("1", "features"),
    "features of hooks": _document(json.dumps({"hooks": [0] * 20_000}), "features"),
}  # fmt: skip


def _archive(data: bytes, name: str = "image.tar") -> Make:
    def make(folder: Path) -> list[str]:
        file = folder / name
        file.write_bytes(data)
        return ["image", "--no-config", str(file)]

    return make


def _bomb(make: Callable[[], bytes]) -> Make:
    def write(folder: Path) -> list[str]:
        return _archive(make())(folder)

    return write


ARCHIVES: dict[str, Make] = {
    **{f"archive, {name}": _bomb(make) for name, make in BOMBS.items()},
    "archive of nothing": _archive(bytes(10_240)),
    "archive that is cut": _archive(Entry("index.json", b"{}").to_bytes()[:700]),
    "archive of noise": _archive(bytes(range(256)) * 100),
    "archive, gzip of zeros": _archive(gzip.compress(bytes(50 << 20))),
    "archive, gzip that is cut": _archive(gzip.compress(bytes(1 << 20))[:-9]),
    "archive, gzip header alone": _archive(b"\x1f\x8b\x08"),
    "archive, zlib": _archive(zlib.compress(bytes(1 << 20))),
    "archive, zstd header alone": _archive(b"\x28\xb5\x2f\xfd"),
    "archive, zstd window": _archive(b"\x28\xb5\x2f\xfd\x00\xff" + bytes(100)),
    "archive, xz": _archive(b"\xfd7zXZ\0" + bytes(100)),
    "archive, a size below zero": _archive(Entry("index.json", fields={124: b"\xff" * 12}).to_bytes() + bytes(1024)),
    "archive, a link to itself": _archive(tars.tar([tars.symlink("index.json", "index.json")])),
    "archive, links in a ring": _archive(tars.tar([tars.symlink("index.json", "b"), tars.symlink("b", "index.json")])),
    "archive, index.json of arrays": _archive(tars.tar([Entry("index.json", b"[" * DEEP)])),
    "archive, manifest.json of numbers": _archive(tars.tar([Entry("manifest.json", json.dumps([1] * 9_000).encode())])),
    "archive, manifest.json is an object": _archive(tars.tar([Entry("manifest.json", b"{}")])),
}  # fmt: skip


def _layout(change: Callable[[Layout], object], *arguments: str) -> Make:
    def make(folder: Path) -> list[str]:
        layout = Layout(Index((Image(),)))
        change(layout)
        return ["image", "--no-config", *arguments, str(layout.write(folder / "layout"))]

    return make


def _index(**members: Any) -> Make:
    return _layout(lambda layout: layout.edit("index.json", lambda index: index.update(members)))


def _manifest(**members: Any) -> Make:
    def make(folder: Path) -> list[str]:
        image = Image(edit_manifest=lambda manifest: manifest.update(members))
        return ["image", "--no-config", str(Layout(Index((image,))).write(folder / "layout"))]

    return make


def _layer(data: bytes, *arguments: str) -> Make:
    def make(folder: Path) -> list[str]:
        layout = Layout(Index((Image((Layer(data),)),)))
        return ["image", "--no-config", *arguments, str(layout.write(folder / "layout"))]

    return make


def _linked(name: str, target: str) -> Make:
    def make(folder: Path) -> list[str]:
        Layout(Index((Image(),))).write(folder / "layout")
        (folder / "layout" / name).unlink()
        os.symlink(target, folder / "layout" / name)
        return ["image", "--no-config", str(folder / "layout")]

    return make


DESCRIPTOR = {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": 1}
LAYOUTS: dict[str, Make] = {
    "manifests of {}": _index(manifests=[{}] * 5_000),
    "manifests of a wrong type": _index(manifests={"a": {}}),
    "manifests that are absent": _index(manifests=[DESCRIPTOR | {"size": -1}] * 2_000),
    "layers that are an object": _manifest(layers={"a": {}}),
    "layers that are a text": _manifest(layers="abc"),
    "layers of {}": _manifest(layers=[{}] * 5_000),
    "a config that is an array": _manifest(config=[]),
    "a subject that is a number": _manifest(subject=1),
    "a digest with dots": _manifest(config=DESCRIPTOR | {"digest": "sha256:../../../etc/passwd"}),
    "a digest of megabytes": _manifest(config=DESCRIPTOR | {"digest": "sha256:" + "a" * DEEP}),
    "data of megabytes": _manifest(config=DESCRIPTOR | {"data": "!" * DEEP}),
    "annotations of {}": _manifest(annotations={str(number): {} for number in range(5_000)}),
    "index.json leads to memory": _linked("index.json", "/proc/self/environ"),
    "oci-layout leads to zeros": _linked("oci-layout", "/dev/zero"),
    "index.json leads to itself": _linked("index.json", "index.json"),
    "a layer that climbs": _layer(tars.tar([Entry("../" * 1_000 + "x", b"x")])),
    "a layer of noise": _layer(bytes(range(1, 255)) * 100),
    "a layer of one name": _layer(tars.tar([Entry("x", b"")] * 3_000)),
    "a layer through a link": _layer(tars.tar([tars.symlink("a", "/etc"), Entry("a/passwd", b"x")])),
    "a layer of hard links to nothing": _layer(tars.tar([tars.hardlink(f"l{n}", "nothing") for n in range(3_000)])),
}


def _settings(text: str | bytes) -> Make:
    def make(folder: Path) -> list[str]:
        file = folder / "ocivalidate.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return ["bundle", "--config", str(file), str(GOOD.parent)]

    return make


def _settings_at(path: str) -> Make:
    return lambda _folder: ["bundle", "--config", path, str(GOOD.parent)]


SETTINGS: dict[str, Make] = {
    "settings, dotted keys": _settings("a" + ".a" * DEEP + " = 1"),
    "settings, dotted settings": _settings("format" + ".a" * DEEP + " = 1"),
    "settings, open arrays": _settings("format = " + "[" * DEEP),
    "settings, open tables": _settings("format = " + "{a=" * DEEP),
    "settings, headers": _settings("[" + ".".join("a" * 10_000) + "]"),
    "settings, a long number": _settings("verbose = " + "9" * DEEP),
    "settings, a long size": _settings("max-size = 0x" + "f" * 8_000),
    "settings, many findings": _settings("max-findings = 0x" + "f" * 8_000),
    "settings, a long key": _settings("k" * DEEP + " = 1"),
    "settings, not UTF-8": _settings(b"\xff\xfe"),
    "settings, a NUL": _settings("format = '\0'"),
    "settings, a size": _settings('max-size = "99999999999999999999999T"'),
    "settings, a pattern": _settings('ignore = ["' + "*a" * 200 + '"]'),
    "settings, one pattern again": _settings("ignore = [" + '"*a*b", ' * 30_000 + "]"),
    "settings, patterns": _settings("ignore = [" + "".join(f'"*{number}*", ' for number in range(20_000)) + "]"),
    "settings, findings": _settings("max-findings = -1"),
    "settings, a device": _settings_at("/dev/zero"),
    "settings, a folder": _settings_at("/"),
}


def _file_for(*command: str, data: bytes) -> Make:
    def make(folder: Path) -> list[str]:
        file = folder / "handed-over"
        file.write_bytes(data)
        return [*command, str(file)]

    return make


def _fifo_for(*command: str) -> Make:
    def make(folder: Path) -> list[str]:
        os.mkfifo(folder / "fifo")
        return [*command, str(folder / "fifo")]

    return make


JUDGE = ("judge", "--no-config", str(GOOD))
RUNTIME = ("runtime", "--no-config", "--runtime", "/bin/true")
RUNTIMES: dict[str, Make] = {
    "facts of nothing": _file_for(*JUDGE, data=b""),
    "facts of arrays": _file_for(*JUDGE, data=b"[" * DEEP),
    "facts of noise": _file_for(*JUDGE, data=bytes(range(256)) * 400),
    "facts of long numbers": _file_for(*JUDGE, data=b'{"ocivalidate": [' + b"9" * DEEP + b"]}"),
    "facts in a FIFO": _fifo_for(*JUDGE),
    "a bundle in a FIFO": _fifo_for("bundle", "--no-config"),
    "a state in a FIFO": _fifo_for("state", "--no-config"),
    "an image in a FIFO": _fifo_for("image", "--no-config"),
    "a report of arrays": _file_for(*RUNTIME, "--rerun-failed", data=b"[" * DEEP),
    "a report that is none": _file_for(*RUNTIME, "--rerun-failed", data=b'{"reports": 1}'),
    "expectations of dotted keys": _file_for(*RUNTIME, "--expectations", data=b"a" + b".a" * DEEP + b" = 1"),
    "expectations of noise": _file_for(*RUNTIME, "--expectations", data=bytes(range(256))),
    "expectations in a FIFO": _fifo_for(*RUNTIME, "--expectations"),
    "a template of arrays": _file_for("generate", "--template", data=b"[" * DEEP),
    "a template in a FIFO": _fifo_for("generate", "--template"),
}

OPTIONS: dict[str, Make] = {
    "an option that is --": lambda _folder: ["generate", "--cpus=--"],
    "a format that is --": lambda _folder: ["bundle", "--format=--", str(GOOD.parent)],
    "a number that is --": lambda _folder: ["image", "--jobs=--", str(GOOD.parent)],
}

INPUTS: dict[str, Make] = DOCUMENTS | ARCHIVES | LAYOUTS | SETTINGS | RUNTIMES | OPTIONS
