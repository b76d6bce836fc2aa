"""Layouts as builders of images write them."""

from __future__ import annotations

import json
from dataclasses import replace

from fixtures.layouts import GOOD, Artifact, Entry, Image, Index, Layer, Layout, folder, hardlink, symlink, tar, to_json
from fixtures.layouts.build import DEFAULT_TAR, REF_NAME, Edit, Json, blob_path
from fixtures.layouts.good import UPPER_TAR
from fixtures.layouts.tars import USTAR
from tests.writers.forms import EPOCH, Form, reproducible

ARM: Json = {"architecture": "arm64", "os": "linux", "variant": "v8"}
UNKNOWN: Json = {"architecture": "unknown", "os": "unknown"}


def _history(*words: str, empty: int = 0, comment: str = "buildkit.dockerfile.v0") -> Json:
    lines: list[Json] = [{"created": EPOCH, "created_by": word, "comment": comment} for word in words]
    lines += [{"created": EPOCH, "created_by": "CMD", "comment": comment, "empty_layer": True}] * empty
    return {"history": lines}


def _annotated(more: dict[str, str]) -> Edit:
    return lambda descriptor: descriptor.setdefault("annotations", {}).update(more)


# --- BuildKit

_EXPORTED = {"io.containerd.image.name": "example.org/name:1", "org.opencontainers.image.created": EPOCH, REF_NAME: "1"}


def buildkit(compression: str = "gzip", media: str | None = None) -> Layout:
    """``type=oci``: an index of two platforms, each with its attestation, below the one name of index.json."""
    notes = {"buildkit/rewritten-timestamp": "0"}
    layer = Layer(compression=compression, media_type=media, edit_descriptor=_annotated(notes))
    images: list[Image] = []
    for platform in ({"architecture": "amd64", "os": "linux"}, ARM):
        more = _history("RUN /bin/sh -c a # buildkit", empty=2)
        image = Image((layer,), None, platform, more | {"moby.buildkit.buildinfo.v1": "e30="})
        subject = image.add_to(Layout(Index(())))["digest"]
        images += [image, _attestation(subject)]
    top = Index(images, name="1", edit_descriptor=_annotated(_EXPORTED))
    return Layout(Index((top,)))


def _attestation(subject: str) -> Image:
    kind = "application/vnd.in-toto+json"
    predicate = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
    statements = [
        Layer(b'{"_type":"https://in-toto.io/Statement/v0.1","n":%d}' % number, "none", None, None, kind, note)
        for number, note in enumerate([_annotated(predicate)] * 2)
    ]
    notes = {"vnd.docker.reference.digest": subject, "vnd.docker.reference.type": "attestation-manifest"}
    return Image(statements, None, UNKNOWN, {"config": {}, "history": []}, edit_descriptor=_annotated(notes))


def estargz() -> Layout:
    """eStargz, whose annotations say where its table of contents is."""
    layout = GOOD["estargz"]()
    notes = {"containerd.io/snapshot/stargz/toc.digest": "sha256:" + "1" * 64}
    notes |= {"io.containers.estargz.uncompressed-size": "3072"}
    blob = next(data for path, data in layout.files.items() if data[:2] == b"\x1f\x8b")
    layer = Layer(_inflate(blob), blob=blob, edit_descriptor=_annotated(notes))
    return Layout(Index((Image((layer,)),)))


def _inflate(blob: bytes) -> bytes:
    import gzip

    return gzip.decompress(blob)


def buildkit_cache(*, old: bool = False) -> Layout:
    """``type=local`` of the cache: layers and a config of its own kind, in a manifest or, before, in an index."""
    text = to_json({"layers": [{"blob": "sha256:" + "0" * 64, "parent": -1}], "records": [{"digest": "sha256:x"}]})
    notes = _annotated({"buildkit/createdat": EPOCH, "containerd.io/uncompressed": "sha256:" + "2" * 64})
    kind = "application/vnd.buildkit.cacheconfig.v0"
    layer = "application/vnd.oci.image.layer.v1.tar+gzip"
    blob = reproducible(DEFAULT_TAR)
    if not old:
        edit = lambda manifest: notes(manifest["layers"][0])  # noqa: E731  # one expression is all that it is
        layout = Layout(Index((Artifact(None, ((layer, blob),), (kind, text), name="latest", edit_manifest=edit),)))
    else:
        layout = Layout(Index(()))
        entries = [layout.add(blob, layer), layout.add(text, kind)]
        notes(entries[0])
        value: Json = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
        found = layout.add(to_json(value), value["mediaType"])
        found["annotations"] = {REF_NAME: "latest"}
        layout.edit("index.json", lambda index: index["manifests"].append(found))
    layout.files |= {"index.json.lock": b"", "ingest/0123456789abcdef/data": b"x"}
    return layout


def inline_cache() -> Layout:
    """The cache in the config of an image that runs."""
    return Layout(Index((Image(config={"moby.buildkit.cache.v0": "eyJsYXllcnMiOltdfQ=="} | _history("COPY a /")),)))


# --- Builders without a daemon


def kaniko() -> Layout:
    """Whiteouts without their folder, files whose folders are in a layer below, and an entry for the root."""
    base = tar([folder("/"), folder("app/"), Entry("app/old", b"x"), Entry("app/keep", b"x"), folder("var/tmp/")])
    change = tar([Entry("app/.wh.old"), Entry("app/new", b"y"), Entry(".wh.var"), symlink("bin", "usr/bin")])
    return Layout(Index((Image((Layer(base), Layer(change, blob=reproducible(change))), config=_made("kaniko")),)))


def _made(by: str) -> Json:
    return {"author": by, "history": [{"created": "0001-01-01T00:00:00Z", "created_by": by, "author": by}] * 2}


def jib() -> Layout:
    """Reproducible files of one second after the epoch, with all parents, below paths of the application."""
    old: Json = {"mtime": 1, "magic": USTAR}
    dependencies = tar([folder("app/", **old), folder("app/libs/", **old), Entry("app/libs/a.jar", b"PK", **old)])
    classes = tar([folder("app/", **old), folder("app/classes/", **old), Entry("app/classes/A.class", b"x", **old)])
    words = {"author": "Jib", "created_by": "jib-maven-plugin:3.4.0"}
    settings: Json = {
        "Entrypoint": ["java", "-cp", "@/app/jib-classpath-file", "A"],
        "Env": [],
        "ExposedPorts": {"80/tcp": {}},
    }
    settings |= {"Labels": {"org.example.key": "value"}, "Volumes": {"/data": {}}, "WorkingDir": "/app"}
    history = [{"created": EPOCH, "comment": name, **words} for name in ("dependencies", "classes")]
    layers = [Layer(one, blob=reproducible(one)) for one in (dependencies, classes)]
    return Layout(Index((Image(layers, config={"config": settings, "history": history}),)))


def apko() -> Layout:
    """An index of platforms with annotations, a layer of an Alpine root with the attributes of its programs."""
    capability: Json = {"SCHILY.xattr.security.capability": b"\x01\x00\x00\x02\x00\x20" + bytes(14)}
    root = tar(
        [
            *(folder(path, mode=0o755) for path in ("bin", "etc", "lib", "lib/apk", "lib/apk/db", "usr", "usr/bin")),
            Entry("bin/busybox", b"\x7fELF", mode=0o755, pax={"APK-TOOLS.checksum.SHA1": "0" * 40}),
            symlink("bin/sh", "/bin/busybox"),
            hardlink("usr/bin/env", "bin/busybox"),
            Entry("usr/bin/ping", b"\x7fELF", mode=0o755, pax=capability),
            Entry("lib/apk/db/installed", b"P:busybox\n"),
        ]
    )
    notes = {f"org.opencontainers.image.{key}": "https://example.org/x" for key in ("url", "source")}
    notes |= {"org.opencontainers.image.created": EPOCH, "org.opencontainers.image.authors": "Authors"}
    more: Json = {"author": "github.com/chainguard-dev/apko", **_history("apko", comment="")}
    images = [
        Image((Layer(root),), None, platform, more, edit_manifest=_annotated(notes))
        for platform in ({"architecture": "amd64", "os": "linux"}, ARM, {"architecture": "riscv64", "os": "linux"})
    ]
    return Layout(Index(images, edit=_annotated(notes)))


def rules_oci() -> Layout:
    """Bazel: index.json is the index of the image itself, whose entries have no names."""
    words = [{"created": EPOCH, "created_by": "bazel build //:image"}]
    return Layout(Index((Image(name=None, config={"history": words}), Image(name=None, platform=ARM))))


def buildpacks(*, sparse: bool = False) -> Layout:
    """``pack``: reproducible layers of 1980, labels that are JSON, and, if sparse, without the layers of the base."""
    base = Layer(DEFAULT_TAR)
    old = 315_532_801
    app = Layer(tar([folder("/workspace", mtime=old), Entry("/workspace/run.sh", b"#!", mtime=old, mode=0o755)]))
    labels: Json = {
        "io.buildpacks.lifecycle.metadata": json.dumps({"app": [{"sha": "sha256:x"}]}),
        "io.buildpacks.stack.id": "a",
    }
    words = {"created": "1980-01-01T00:00:01Z", "created_by": "Application Layer"}
    more: Json = {"created": "1980-01-01T00:00:01Z", "config": {"Labels": labels}, "history": [words] * 2}
    layout = Layout(Index((Image((base, app), None, config=more),)))
    if sparse:
        del layout.files[blob_path(layout.manifest()[1]["layers"][0])]
    return layout


def ostree() -> Layout:
    """Objects of a repository in layers below, and hard links to them in the last one, as ostree-ext writes commits."""
    repo = "sysroot/ostree/repo/objects"
    owner: Json = {
        "SCHILY.xattr.user.ostreemeta": b"\x00\x01",
        "SCHILY.xattr.security.selinux": "system_u:object_r:bin_t:s0",
    }
    folders = [
        folder(path, mode=0o755) for path in ("sysroot", "sysroot/ostree", "sysroot/ostree/repo", repo, f"{repo}/aa")
    ]
    objects = tar([*folders, Entry(f"{repo}/aa/b.file", b"\x7fELF", mode=0o755, pax=owner)])
    top = tar([folder("usr"), folder("usr/bin"), hardlink("usr/bin/b", f"{repo}/aa/b.file"), symlink("bin", "usr/bin")])
    labels: Json = {"ostree.commit": "c" * 64, "ostree.bootable": "true", "ostree.final-diffid": "sha256:" + "3" * 64}
    settings: Json = {"config": {"Labels": labels}, **_history("ostree export of commit", "", comment="")}
    return Layout(Index((Image((Layer(objects), Layer(top)), config=settings),)))


def docker_110(*, diff_id: str | None = None) -> Layout:
    """Docker 1.10, as registries hold its images: of the config the media type says nothing."""

    def misnamed(manifest: Json) -> None:
        manifest["config"]["mediaType"] = "application/octet-stream"

    return Layout(Index((Image((Layer(diff_id=diff_id),), docker=True, edit_manifest=misnamed),)))


def flatpak() -> Layout:
    """``flatpak build-bundle --oci``: its metadata are labels, and the same again annotations."""
    notes = {"org.flatpak.ref": "app/org.example.App/x86_64/stable", "org.flatpak.installed-size": "1024"}
    notes |= {
        "org.flatpak.metadata": "[Application]\nname=org.example.App\n",
        "org.freedesktop.appstream.icon-64": "data:",
    }
    root = tar([folder("./"), folder("./files/"), Entry("./files/bin", b"x"), Entry("./metadata", b"[Application]\n")])
    more: Json = {"config": {"Labels": notes}, "history": []}
    return Layout(Index((Image((Layer(root),), "stable", config=more, edit_manifest=_annotated(notes)),)))


def homebrew() -> Layout:
    """Bottles: images for macOS whose versions and digests are annotations of an index."""
    platform: Json = {"architecture": "arm64", "os": "darwin", "os.version": "macOS 14.1"}
    notes = {REF_NAME: "1.0.arm64_sonoma", "sh.brew.bottle.digest": "0" * 64, "sh.brew.tab": '{"homebrew_version":"4"}'}
    title = _annotated({"org.opencontainers.image.title": "hello--1.0.arm64_sonoma.bottle.tar.gz"})
    layer = Layer(tar([Entry("hello/1.0/bin/hello", b"x")]), edit_descriptor=title)
    image = Image((layer,), None, platform, {"config": {}, "history": []}, edit_descriptor=_annotated(notes))
    return Layout(Index((Index((image,), name="1.0"),)))


def windows() -> Layout:
    """Layers of Windows: Files and Hives, times and security descriptors in pax records."""
    records = {"MSWINDOWS.fileattr": "32", "MSWINDOWS.rawsd": "AQAEgA==", "LIBARCHIVE.creationtime": "1600000000.5"}
    root = tar([folder("Files/"), folder("Files/app/"), Entry("Files/app/a.exe", b"MZ", pax=records), folder("Hives/")])
    platform: Json = {"architecture": "amd64", "os": "windows", "os.version": "10.0.20348.2113"}
    settings: Json = {
        "config": {"Cmd": ["c:\\windows\\system32\\cmd.exe"], "ArgsEscaped": True, "User": "ContainerUser"}
    }
    return Layout(Index((Image((Layer(root),), platform=platform, config=settings | _history("Apply image")),)))


def nested() -> Layout:
    """An index in an index in index.json, the images of which share a layer."""
    inner = Index((Image(name=None), Image((Layer(), Layer(UPPER_TAR)), None, ARM)))
    return Layout(Index((replace(inner, name="a"), Index((inner, Artifact()), name="b"))))


def oras_index() -> Layout:
    """``oras manifest index create``: an index with the type of an artifact, whose entries have one too."""
    edit = lambda index: index.update(artifactType="application/vnd.example.bundle")  # noqa: E731  # one expression
    return Layout(Index((Index((Artifact(), Artifact("application/vnd.example.other")), name="v1", edit=edit),)))


ONE = ["--platform", "linux/amd64"]
FORMS: dict[str, Form] = {
    "buildkit": Form(buildkit, unpack=ONE),
    "buildkit, an archive": Form(lambda: buildkit().archive(), unpack=ONE),
    "buildkit, zstd": Form(lambda: buildkit("zstd"), unpack=ONE),
    "buildkit, uncompressed": Form(lambda: buildkit("none"), unpack=ONE),
    "buildkit, estargz": Form(estargz),
    "buildkit, cache": Form(buildkit_cache, unpack=None),
    "buildkit, cache before 0.12": Form(lambda: buildkit_cache(old=True), unpack=None),
    "buildkit, inline cache": Form(inline_cache),
    "docker 1.10": Form(docker_110),
    "kaniko": Form(kaniko),
    "jib": Form(jib),
    "apko": Form(apko, unpack=ONE),
    "rules_oci": Form(rules_oci, unpack=ONE),
    "buildpacks": Form(buildpacks),
    "buildpacks, sparse": Form(lambda: buildpacks(sparse=True), incomplete=True, unpack=None),
    "ostree-ext": Form(ostree),
    "flatpak": Form(flatpak),
    "homebrew": Form(homebrew, unpack=["--rootfs-only"]),
    "windows": Form(windows, unpack=None),
    "nested indexes": Form(nested, unpack=None),
    "an index of artifacts": Form(oras_index, unpack=None),
}
"""Every form, by its writer."""
