"""Archives with a ``manifest.json`` as the known tools write them: docker save and all who write for docker load."""

from __future__ import annotations

import json
from typing import Any

from fixtures.layouts import Entry, Image, Index, Layer, Layout, digest, folder, symlink, tar, to_json, zstd
from fixtures.layouts.build import DEFAULT_TAR, REF_NAME
from fixtures.layouts.good import RICH_TAR, UPPER_TAR
from tests.writers.forms import EPOCH, Form, config, files_tar, hexadecimal, reproducible

LAYERS = (DEFAULT_TAR, UPPER_TAR)
TAG = "registry.example.org:5000/team/name:1.0"


def _legacy(layer: str, parent: str | None, **more: Any) -> bytes:
    """The JSON of a layer as images had it before 1.10, still written beside each layer."""
    plain = {"Hostname": "", "Image": "", "Env": None, "Cmd": None, "Volumes": None, "Labels": None}
    above = {} if parent is None else {"parent": parent}
    return to_json({"id": layer, **above, "created": EPOCH, "container_config": plain, "os": "linux", **more})


def docker(*, tags: list[str] | None, images: int = 1) -> bytes:
    """From 1.10 to 24: a folder for each layer; a layer that stands twice is a link to the first."""
    entries: list[Entry] = []
    manifest = []
    for number in range(images):
        layers = [*LAYERS, DEFAULT_TAR, tar([Entry(f"number{number}", b"x")])]
        text = config(layers, container="c" * 64, docker_version="20.10.5", history=_history(len(layers)))
        image = hexadecimal(text)
        names, first, parent = [], dict[bytes, str](), None
        for place, layer in enumerate(layers):
            name = hexadecimal(b"%d %d" % (number, place) + layer)
            path = f"{name}/layer.tar"
            data = symlink(path, f"../{first[layer]}") if layer in first else Entry(path, layer, mtime=1_700_000_000)
            first.setdefault(layer, path)
            entries += [folder(f"{name}/"), Entry(f"{name}/VERSION", b"1.0")]
            entries += [Entry(f"{name}/json", _legacy(name, parent)), data]
            names.append(path)
            parent = name
        entries.append(Entry(f"{image}.json", text))
        manifest.append(
            {"Config": f"{image}.json", "RepoTags": tags and [f"{tag}-{number}" for tag in tags], "Layers": names}
        )
    entries.append(Entry("manifest.json", to_json(manifest) + b"\n"))
    if tags:
        entries.append(
            Entry("repositories", to_json({"registry.example.org:5000/team/name": {"1.0": "d" * 64}}) + b"\n")
        )
    return tar(entries)


def _history(count: int) -> list[dict[str, Any]]:
    empty = {"created": EPOCH, "created_by": '/bin/sh -c #(nop)  CMD ["sh"]', "empty_layer": True}
    return [*({"created": EPOCH, "created_by": f"/bin/sh -c #(nop) ADD {number}"} for number in range(count)), empty]


def docker25() -> Layout:
    """From 25 on: a layout of uncompressed layers, with a manifest.json beside and the old JSON among the blobs."""
    layout = Layout(Index((Image((Layer(compression="none"), Layer(UPPER_TAR, "none")), name="1.0"),)))
    layout.edit("index.json", lambda index: index["manifests"][0].pop("platform"))
    layout.edit("index.json", lambda index: index["manifests"][0]["annotations"].update(_containerd_name()))
    layout.add(_legacy("a" * 64, None), "")
    return _with_manifest(layout, sources=True)


def _containerd_name() -> dict[str, str]:
    return {"io.containerd.image.name": TAG, REF_NAME: "1.0"}


def _with_manifest(layout: Layout, *, sources: bool = False, tags: list[str] | None = None) -> Layout:
    """A layout with the manifest.json of its first image."""
    _path, manifest = layout.manifest()
    if "layers" not in manifest:
        manifest = json.loads(layout.files["blobs/" + manifest["manifests"][0]["digest"].replace(":", "/")])
    paths = ["blobs/" + layer["digest"].replace(":", "/") for layer in manifest["layers"]]
    entry: dict[str, Any] = {"Config": "blobs/" + manifest["config"]["digest"].replace(":", "/")}
    entry |= {"RepoTags": tags or [TAG], "Layers": paths}
    if sources:
        entry["LayerSources"] = {layer["digest"]: dict(layer) for layer in manifest["layers"]}
        layout.files["repositories"] = to_json({TAG.rpartition(":")[0]: {"1.0": "a" * 64}})
    layout.files["manifest.json"] = to_json([entry])
    return layout


def docker_of_platforms() -> Layout:
    """With containerd's store: an index of two platforms, of which one was pulled, and its attestation was not."""
    arm = {"architecture": "arm64", "os": "linux", "variant": "v8"}
    other = Image((Layer(RICH_TAR),), name=None, platform=arm)
    layout = Layout(Index((Index((Image(name=None), other), name="1.0", edit_descriptor=_named),)))
    kept = _with_manifest(layout)
    alone = Layout(Index((Image(name=None),)))
    absent = set(Layout(Index((other,))).files) - set(alone.files) - {"oci-layout", "index.json"}
    for path in absent:
        del kept.files[path]
    return kept


def _named(descriptor: dict[str, Any]) -> None:
    descriptor["annotations"] = _containerd_name()


def ctr() -> Layout:
    """``ctr image export``: compressed layers, a manifest.json, annotations of containerd."""
    layout = Layout(Index((Image((Layer(), Layer(UPPER_TAR)), name="1.0", docker=True, edit_descriptor=_sourced),)))
    return _with_manifest(layout)


def _sourced(descriptor: dict[str, Any]) -> None:
    descriptor["annotations"] |= _containerd_name() | {"containerd.io/distribution.source.docker.io": "library/name"}


def tarball(*, config_name: str = "{}", extension: str = ".tar.gz", keys: str = "Config RepoTags Layers") -> bytes:
    """Compressed layers at the top, as go-containerregistry's tarball and jib write them."""
    text = config(LAYERS, author="Jib", history=[{"created": EPOCH, "author": "Jib", "created_by": "jib:3.4"}] * 2)
    blobs = [reproducible(layer) for layer in LAYERS]
    names = [hexadecimal(blob) + extension for blob in blobs]
    where = config_name.format(hexadecimal(text))
    first, second, third = keys.split()
    manifest = to_json([{first: where, second: [TAG], third: names}])
    return files_tar({**dict(zip(names, blobs, strict=True)), where: text, "manifest.json": manifest})


def crane_of_several() -> bytes:
    """One archive of two images that share a layer, one of them under two names, compressed in three ways."""
    common, gzipped, other = DEFAULT_TAR, reproducible(DEFAULT_TAR), zstd(UPPER_TAR)
    first, second = config([common]), config([common, UPPER_TAR, RICH_TAR])
    names = [f"{hexadecimal(gzipped)}.tar.gz", f"{hexadecimal(other)}.tar.zst", f"{hexadecimal(RICH_TAR)}.tar"]
    entries = [
        {"Config": digest(first), "RepoTags": ["example.org/a:1", "example.org/a:2"], "Layers": names[:1]},
        {"Config": digest(second), "RepoTags": ["example.org/b:1"], "Layers": names},
    ]
    files = {digest(first): first, digest(second): second}
    files |= dict(zip(names, [gzipped, other, RICH_TAR], strict=True))
    return files_tar({**files, "manifest.json": to_json(entries)})


def rules_oci() -> bytes:
    """``oci_load`` of Bazel: the paths of a layout with the extension of what is in them, and nothing of a layout."""
    text, blobs = config(LAYERS), [reproducible(layer) for layer in LAYERS]
    names = [f"blobs/sha256/{hexadecimal(blob)}.tar.gz" for blob in blobs]
    where = f"blobs/sha256/{hexadecimal(text)}"
    manifest = to_json([{"Config": where, "RepoTags": [TAG], "Layers": names}])
    return files_tar({where: text, **dict(zip(names, blobs, strict=True)), "manifest.json": manifest})


def rules_docker() -> bytes:
    """``container_image`` of Bazel: a file for each layer, named in three ways, and ``./`` before each name."""
    text = config(LAYERS)
    image = hexadecimal(text)
    files: dict[str, bytes | Entry] = {}
    for layer in LAYERS:
        name = hexadecimal(layer)
        files |= {f"./{name}/layer.tar": layer, f"./{name}/VERSION": b"1.0", f"./{name}/json": _legacy(name, None)}
        files[f"./{name}.tar"] = symlink(f"./{name}.tar", f"{name}/layer.tar")
    paths = [f"{hexadecimal(layer)}/layer.tar" for layer in LAYERS]
    files[f"./{image}.json"] = text
    files["./manifest.json"] = to_json([{"Config": f"{image}.json", "RepoTags": ["bazel/pkg:name"], "Layers": paths}])
    files["./repositories"] = to_json({"bazel/pkg": {"name": image}})
    return tar([folder("./"), *(_entry(path, one) for path, one in files.items())])


def _entry(path: str, one: bytes | Entry) -> Entry:
    return one if isinstance(one, Entry) else Entry(path, one)


def nix(*, streamed: bool) -> bytes:
    """dockerTools: layers of the store, without parents or with names that begin at the root, in an archive of pax."""
    start = "/nix/store/" if streamed else "nix/store/"
    store = f"{start}{'0' * 32}-hello-2.12"
    parents = [folder("/nix"), folder("/nix/store")] if streamed else []
    long = Entry(f"{store}/share/{'x' * 80}", b"x", pax={"path": f"{store}/share/{'x' * 80}", "mtime": "1.0"})
    layer = tar([*parents, folder(store, mode=0o555), Entry(f"{store}/hello", b"#!", mode=0o555, mtime=1), long])
    top = tar([folder("./"), symlink("./bin", f"/{store.lstrip('/')}"), folder("./tmp/", mode=0o1777)])
    layers = (layer, top)
    text = config(layers, created="1970-01-01T00:00:01+00:00", history=_history(2)[:2])
    image, files = hexadecimal(text), dict[str, bytes | Entry]()
    for one in layers:
        files[f"{hexadecimal(one)}/layer.tar"] = one
        if not streamed:
            files |= {
                f"{hexadecimal(one)}/VERSION": b"1.0",
                f"{hexadecimal(one)}/json": _legacy(hexadecimal(one), None),
            }
    paths = [f"{hexadecimal(one)}/layer.tar" for one in layers]
    files[f"{image}.json"] = text
    files["manifest.json"] = to_json([{"Config": f"{image}.json", "RepoTags": ["hello:abc"], "Layers": paths}])
    if not streamed:
        files["repositories"] = to_json({"hello": {"abc": hexadecimal(top)}})
    data = files_tar(files)
    return data if streamed else reproducible(data)


_JIB = "config repoTags layers"
FORMS: dict[str, Form] = {
    "docker 1.10 to 24": Form(lambda: docker(tags=[TAG])),
    "docker 1.10 to 24, untagged": Form(lambda: docker(tags=None)),
    "docker 1.10 to 24, three images": Form(lambda: docker(tags=[TAG], images=3), unpack=["--ref", f"{TAG}-1"]),
    "docker 25, a folder": Form(docker25),
    "docker 25, an archive": Form(lambda: docker25().archive()),
    "docker with containerd's store, one platform of two": Form(
        docker_of_platforms, incomplete=True, unpack=["--platform", "linux/amd64"]
    ),
    "ctr image export": Form(ctr),
    "jib": Form(lambda: tarball(config_name="config.json", keys=_JIB)),
    "jib, compressed": Form(lambda: reproducible(tarball(config_name="config.json", keys=_JIB))),
    "kaniko, apko, ko": Form(lambda: tarball(config_name="sha256:{}")),
    "go-containerregistry before 0.5": Form(lambda: tarball(config_name="{}.json")),
    "crane pull of several": Form(crane_of_several, unpack=["--ref", "example.org/a:2"]),
    "rules_oci": Form(rules_oci),
    "rules_docker": Form(rules_docker),
    "nix, buildImage": Form(lambda: nix(streamed=False)),
    "nix, streamLayeredImage": Form(lambda: nix(streamed=True)),
    "buildx, type=docker": Form(lambda: _with_manifest(Layout(Index((Image(name="1.0"),)))).archive()),
}
"""Every form, by its writer."""
