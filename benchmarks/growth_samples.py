"""Images of any size in one dimension, which ``ocivalidate image`` must judge in linear time.

``IMAGES`` maps the name of a dimension to how its samples are made: ``make(folder, n)`` writes one of size ``n`` below
an empty folder, and returns the path to judge.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fixtures.layouts import Artifact, Entry, Image, Index, Layer, Layout, docker_save, folder, tars, to_json
from fixtures.layouts.tars import hardlink, symlink, whiteout

Make = Callable[[Path, int], Path]
OCI = "application/vnd.oci.image."
INDEX, MANIFEST, LAYER = f"{OCI}index.v1+json", f"{OCI}manifest.v1+json", f"{OCI}layer.v1.tar+gzip"
AMD64 = {"architecture": "amd64", "os": "linux"}


# --- Documents


def _descriptor(number: int, media_type: str = MANIFEST) -> dict[str, Any]:
    """A descriptor of an absent blob."""
    return {"mediaType": media_type, "digest": f"sha256:{number:064x}", "size": 500, "platform": AMD64}


def _layout(change: Callable[[dict[str, Any]], object], *, at: str = "index.json") -> Layout:
    layout = Layout(Index((Image(),)))
    layout.edit(at, change)
    return layout


def _index(change: Callable[[dict[str, Any], int], object]) -> Make:
    """A layout whose index.json is changed."""
    return lambda target, n: _layout(lambda index: change(index, n)).write(target)


def _image(make: Callable[[int], Image]) -> Make:
    return lambda target, n: Layout(Index((make(n),))).write(target)


def _config(change: Callable[[dict[str, Any], int], object]) -> Make:
    return _image(lambda n: Image(edit_config=lambda config: change(config, n)))


def _manifest(change: Callable[[dict[str, Any], int], object]) -> Make:
    return _image(lambda n: Image(edit_manifest=lambda manifest: change(manifest, n)))


def _named(n: int, what: str = "org.example.note") -> dict[str, str]:
    return {f"{what}{number}": str(number) for number in range(n)}


def _nested(target: Path, n: int) -> Path:
    """Nested indexes; the limit on their depth ends the walk."""
    layout = Layout(Index(()))
    found = _descriptor(0)
    for _level in range(n):
        found = layout.add(to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [found]}), INDEX)
    layout.edit("index.json", lambda index: index.update(manifests=[found]))
    return layout.write(target)


def _referrers(target: Path, n: int) -> Path:
    """Artifacts that refer to one image, each with an annotation of its own."""
    subject = Image(name=None)

    def note(number: int) -> Callable[[dict[str, Any]], object]:
        return lambda manifest: manifest.update(annotations={"org.example.number": str(number)})

    artifacts = [Artifact(subject=subject, edit_manifest=note(number)) for number in range(n)]
    return Layout(Index((subject, *artifacts))).write(target)


def _chained_subjects(target: Path, n: int) -> Path:
    """Artifacts, each of which refers to the one before."""
    layout = Layout(Index(()))
    empty = layout.add(b"{}", "application/vnd.oci.empty.v1+json")
    found = None
    for _level in range(n):
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.thing"}
        manifest |= {"config": empty, "layers": [empty]} | ({"subject": found} if found else {})
        found = layout.add(to_json(manifest), MANIFEST)
    layout.edit("index.json", lambda index: index.update(manifests=[found]))
    return layout.write(target)


def _images(target: Path, n: int) -> Path:
    images = [Image(name=f"image{number}", config={"author": str(number)}) for number in range(n)]
    return Layout(Index(images)).write(target)


def _shared_config(target: Path, n: int) -> Path:
    """Manifests of a few layers that share a config with many diff_ids."""
    more = [f"sha256:{0:064}"] * n
    layout = Layout(Index((Image(edit_config=lambda config: config["rootfs"]["diff_ids"].extend(more)),)))
    _path, manifest = layout.manifest()
    numbered = (manifest | {"annotations": {"org.example.number": str(number)}} for number in range(n))
    found = [layout.add(to_json(value), MANIFEST) for value in numbered]
    layout.edit("index.json", lambda index: index.update(manifests=found))
    return layout.write(target)


def _orphans(target: Path, n: int) -> Path:
    layout = Layout(Index((Image(),)))
    for number in range(n):
        layout.add(str(number).encode(), "")
    return layout.write(target)


def _repeat(index: dict[str, Any], n: int) -> None:
    index["manifests"] *= n


def _other_platforms(index: dict[str, Any], n: int) -> None:
    """One image, for a different platform each time, never that of its config."""
    entry = index["manifests"][0]
    index["manifests"] = [
        entry | {"platform": AMD64 | {"os.version": str(number), "os": "sunos"}} for number in range(n)
    ]


def _long_values(target: Path, n: int) -> Path:
    """Long values for members that are parsed, which may make parsers backtrack."""
    key = "org.opencontainers.image."
    odd = {f"{key}base.name": "a." * n + "!", f"{key}base.digest": "sha256:" + "a" * n, f"{key}licenses": "(" * n}
    odd |= {f"{key}created": "1" * n, f"{key}url": "a+" * n, f"{key}source": "http://[" + ":" * n, "!": "x"}
    layers = [
        _descriptor(number, media_type) | {"urls": [f"http://{'a:' * n}"], "digest": digest, "data": "=" * n}
        for number, (media_type, digest) in enumerate(
            [
                ("a." * n + "/", "a" * n),
                ("a/" + "b+" * n + "!", "a-" * n + ":"),
                ("application/" * n, "sha256:" + "F" * n),
            ]
        )
    ]
    env = ["=" * n, "A" * n]
    ports: dict[str, Any] = {"1" * n: {}, "80/" * n: {}}
    config = {"Env": env, "User": ":" * n, "ExposedPorts": ports, "WorkingDir": "/" * n}
    image = Image(
        config={"created": "2" * n, "config": config, "variant": "v," * n, "os.version": "1." * n},
        edit_manifest=lambda manifest: manifest.update(annotations=odd, layers=layers),
        edit_descriptor=lambda found: found.update(annotations={"org.opencontainers.image.ref.name": "a-" * n + "!"}),
    )
    return Layout(Index((image,))).write(target)


DOCUMENTS: dict[str, Make] = {
    "long values": _long_values,
    "absent descriptors": _index(lambda index, n: index.update(manifests=[_descriptor(number) for number in range(n)])),
    "descriptors without a platform": _index(
        lambda index, n: index.update(
            manifests=[
                {key: value for key, value in _descriptor(number).items() if key != "platform"} for number in range(n)
            ]
        )
    ),
    "descriptors of the empty type": _index(
        lambda index, n: index.update(
            manifests=[_descriptor(number, "application/vnd.oci.empty.v1+json") for number in range(n)]
        )
    ),
    "descriptors with data": _index(
        lambda index, n: index.update(manifests=[_descriptor(number) | {"data": "e30="} for number in range(n)])
    ),
    "wrong digests": _index(
        lambda index, n: index.update(manifests=[_descriptor(number) | {"digest": str(number)} for number in range(n)])
    ),
    "wrong sizes": _index(lambda index, n: index.update(manifests=[index["manifests"][0] | {"size": 1}] * n)),
    "one blob many times": _index(_repeat),
    "wrong platforms": _index(_other_platforms),
    "wrong members": _index(lambda index, n: index.update(manifests=[{}] * n)),
    "annotations of an index": _index(lambda index, n: index.update(annotations=_named(n))),
    "annotations of a manifest": _manifest(lambda manifest, n: manifest.update(annotations=_named(n))),
    "annotations with wrong keys": _manifest(lambda manifest, n: manifest.update(annotations=_named(n, "") | {"": ""})),
    "absent layers": _manifest(
        lambda manifest, n: manifest.update(layers=[_descriptor(number, LAYER) for number in range(n)])
    ),
    "one layer many times": _manifest(lambda manifest, n: manifest.update(layers=manifest["layers"] * n)),
    "one layer of a wrong type many times": _manifest(
        lambda manifest, n: manifest.update(
            layers=[manifest["layers"][0] | {"mediaType": LAYER.replace("gzip", "zstd")}] * n
        )
    ),
    "layers": _image(lambda n: Image([Layer(_tar([Entry(f"file{number}", b"x")])) for number in range(n)])),
    "layers of wrong diffIDs": _image(
        lambda n: Image([Layer(_tar([Entry(f"file{number}")]), diff_id=f"sha256:{number:064x}") for number in range(n)])
    ),
    "diff_ids": _config(lambda config, n: config["rootfs"].update(diff_ids=config["rootfs"]["diff_ids"] * n)),
    "diff_ids that are none": _config(lambda config, n: config["rootfs"].update(diff_ids=["sha256:x"] * n)),
    "history": _config(lambda config, n: config.update(history=[{"created_by": str(number)} for number in range(n)])),
    "history of wrong dates": _config(
        lambda config, n: config.update(history=[{"created": str(number)} for number in range(n)])
    ),
    "environment": _config(lambda config, n: config["config"].update(Env=[f"A{number}=x" for number in range(n)])),
    "environment of NUL": _config(
        lambda config, n: config["config"].update(Env=[f"A{number}=\0" for number in range(n)])
    ),
    "labels": _config(lambda config, n: config["config"].update(Labels=_named(n))),
    "ports that are none": _config(
        lambda config, n: config["config"].update(ExposedPorts={f"x{number}": {} for number in range(n)})
    ),
    "unknown members": _config(lambda config, n: config.update({f"member{number}": number for number in range(n)})),
    "misspelled members": _config(lambda config, n: config.update({f"autho{number}": 1 for number in range(n)})),
    "nested indexes": _nested,
    "referrers": _referrers,
    "chained subjects": _chained_subjects,
    "images": _images,
    "manifests of one config": _shared_config,
    "orphans": _orphans,
}


# --- Layers


def _tar(entries: Iterable[Entry | bytes]) -> bytes:
    return tars.tar(entries)


def _layer(make: Callable[[int], Iterator[Entry | bytes]]) -> Make:
    """An image of one layer that is not compressed."""
    return _image(lambda n: Image([Layer(_tar(make(n)), "none")]))


def _long(name: str, **more: Any) -> Entry:
    return tars.gnu(Entry(name, **more))


def _deeper(n: int) -> Iterator[Entry]:
    """Nested folders, as deep as the limit on paths allows."""
    for number in range(n):
        level = number % 2000 + 1
        yield tars.gnu(folder("d/" * level))


def _links_to_links(n: int) -> Iterator[Entry]:
    yield Entry("link0", b"x")
    yield from (hardlink(f"link{number}", f"link{number - 1}") for number in range(1, n))


def _through_links(n: int) -> Iterator[Entry]:
    yield symlink("lib", "usr/lib")
    yield from (Entry(f"lib/{number}") for number in range(n))


def _unknown_targets(n: int) -> Image:
    """Layers with links to files that only the lowest layer has."""
    lowest = Layer(_tar(Entry(f"file{number}") for number in range(100)), "none")
    upper = (
        Layer(_tar([Entry(f"own{layer}"), *(hardlink(f"l{layer}.{n}", f"file{n}") for n in range(100))]), "none")
        for layer in range(n)
    )
    return Image([lowest, *upper])


def _links_again(n: int) -> Image:
    """One layer with dangling hard links, listed again and again."""
    layer = Layer(_tar(hardlink(f"link{number}", f"gone{number}") for number in range(1000)), "none")
    return Image([layer] * n)


LAYERS: dict[str, Make] = {
    "one layer of links many times": _image(_links_again),
    "entries": _layer(lambda n: (Entry(f"file{number}") for number in range(n))),
    "entries of one folder": _layer(lambda n: (_long("f/" * 500 + str(number)) for number in range(n))),
    "deeper and deeper": _layer(_deeper),
    "symlinks to symlinks": _layer(lambda n: (symlink(f"link{number}", f"link{number + 1}") for number in range(n))),
    "hard links to hard links": _layer(_links_to_links),
    "hard links to nothing": _layer(lambda n: (hardlink(f"link{number}", "nothing") for number in range(n))),
    "hard links across layers": _image(_unknown_targets),
    "through a link": _layer(_through_links),
    "pax records": _layer(
        lambda n: (Entry(f"file{number}", pax=_named(100, "SCHILY.xattr.user.")) for number in range(n))
    ),
    "pax headers": _layer(lambda n: (tars.pax_header(b"12 comm=ent\n") for _number in range(n))),
    "long names": _layer(lambda n: (_long(f"{'n' * 200}/" * 10 + str(number)) for number in range(n))),
    "whiteouts": _layer(lambda n: (whiteout(f"file{number}") for number in range(n))),
    "opaque whiteouts": _layer(lambda n: (Entry(f"folder{number}/.wh..wh..opq") for number in range(n))),
    "duplicates": _layer(lambda n: (Entry("file") for _number in range(n))),
    "climbing paths": _layer(lambda n: (Entry("../" * 30 + str(number)) for number in range(n))),
    "devices": _layer(lambda n: (Entry(f"null{number}", type="3", device=(1, 3)) for number in range(n))),
    "blank headers": _layer(lambda n: (Entry(f"file{number}", fields={100: bytes(24)}) for number in range(n))),
    "zstd frames": _image(
        lambda n: Image([Layer(bytes(1024 * (n + 1)), "none", tars.zstd(bytes(1024), frames=1) * n)])
    ),
    "gzip members": _image(lambda n: Image([Layer(bytes(1024), "none", tars.gzip(bytes(512)) * n)])),
}


# --- Archives around layouts


def _archive(make: Callable[[int], Iterable[Entry | bytes]]) -> Make:
    """An archive of a good layout, with further entries."""

    def write(target: Path, n: int) -> Path:
        file = target / "image.tar"
        own = [tars.gnu(Entry(path, data)) for path, data in Layout(Index((Image(),))).files.items()]
        file.write_bytes(tars.tar([*make(n), *own]))
        return file

    return write


def _long_header(n: int, kind: str = "L") -> bytes:
    """The headers of a long name, again and again, each for the next."""
    return Entry("././@LongLink", b"x\0", type=kind, magic=tars.GNU).to_bytes() * n


def _saved(target: Path, n: int) -> Path:
    """An archive of ``docker save`` with images that share their layers: links to links."""
    file = target / "image.tar"
    layout = Layout(Index((Image(),)))
    _path, manifest = layout.manifest()
    layers = [f"{number}/layer.tar" for number in range(n)]
    entries: list[Entry] = [Entry(path, data) for path, data in layout.files.items() if path.startswith("blobs")]
    config, layer = (
        "blobs/" + str(found["digest"]).replace(":", "/") for found in (manifest["config"], manifest["layers"][0])
    )
    entries += [symlink(path, f"../{number + 1}/layer.tar") for number, path in enumerate(layers[:-1])]
    entries += [symlink(layers[-1], f"../{layer}")]
    saved = [{"Config": config, "RepoTags": ["example:latest"], "Layers": [layers[0]]}]
    file.write_bytes(tars.tar([*entries, Entry("manifest.json", json.dumps(saved).encode())]))
    return file


def _many_saved(target: Path, n: int) -> Path:
    """A manifest.json of ``docker save`` that names one image many times."""
    file = target / "image.tar"
    layout = Layout(Index((Image(),)))
    archive = docker_save(layout, tags=(f"example:{number}" for number in range(n)), old=True)
    file.write_bytes(archive)
    return file


def _saved_again(target: Path, n: int) -> Path:
    """A manifest.json of ``docker save`` that names one image many times, whose config has many diff_ids."""
    file = target / "image.tar"
    config = to_json(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:x"] * n}}
    )
    saved: list[dict[str, Any]] = [{"Config": "config.json", "RepoTags": None, "Layers": []}] * n
    file.write_bytes(tars.tar([Entry("config.json", config), Entry("manifest.json", to_json(saved))]))
    return file


ARCHIVES: dict[str, Make] = {
    "archive of one image many times": _saved_again,
    "archive entries": _archive(lambda n: (Entry(f"file{number}") for number in range(n))),
    "archive paths deeper and deeper": _archive(lambda n: (_long("d/" * (number % 2000) + "f") for number in range(n))),
    "archive links": _archive(lambda n: (symlink(f"link{number}", f"link{number + 1}") for number in range(n))),
    "archive duplicates": _archive(lambda n: (Entry("file") for _number in range(n))),
    "archive long names": _archive(lambda n: (_long(f"{number}/" + "n" * 900) for number in range(n))),
    "archive headers of long names": _archive(lambda n: [_long_header(n)]),
    "archive pax headers": _archive(lambda n: [tars.pax_header(b"12 comm=ent\n") * n]),
    "archive of links to links": _saved,
    "archive of one image with many names": _many_saved,
}

IMAGES: dict[str, Make] = DOCUMENTS | LAYERS | ARCHIVES

# Single inputs of a few hundred bytes that once cost much: name → bytes of an archive.
BOMBS: dict[str, Callable[[], bytes]] = {
    "a long name of gigabytes": lambda: _header_alone("L", 8 << 30),
    "a pax header of gigabytes": lambda: _header_alone("x", 8 << 30),
    "a pax size of many digits": lambda: _compressed(
        tars.pax_header(tars.pax_records({"size": "9" * 80_000})) + Entry("file").to_bytes()
    ),
    "thousands of long names": lambda: _compressed(_long_header(3000)),
    "thousands of long links": lambda: _compressed(_long_header(3000, "K")),
    "long names without content": lambda: Entry("x", type="L", magic=tars.GNU).to_bytes() * 3000,
    "a sparse map that goes on": lambda: _compressed(
        Entry("x", type="S", magic=tars.GNU, fields={482: b"\1"}).to_bytes() + (bytes(504) + b"\1" + bytes(7)) * 100_000
    ),
    "a long name of megabytes": lambda: _compressed(_long("n/" * (8 << 20)).to_bytes()),
}


def _header_alone(kind: str, size: int) -> bytes:
    return _compressed(Entry("././@LongLink", type=kind, magic=tars.GNU, size=size).to_bytes() + bytes(16 << 20))


def _compressed(data: bytes) -> bytes:
    return tars.gzip(data + bytes(1024), level=9)
