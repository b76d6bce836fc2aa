"""Layouts of what is no image: charts, modules, signatures, models and other things that registries keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures.layouts import Artifact, Image, Index, Layer, Layout, to_json
from fixtures.layouts.build import DEFAULT_TAR, EMPTY, EMPTY_TYPE, OCI, Json
from tests.writers.forms import EPOCH, Form, reproducible

TITLE = "org.opencontainers.image.title"
LAYER = f"{OCI}layer.v1.tar+gzip"


def _edited(*, layers: list[Json] | None = None, **members: Any) -> Callable[[Json], None]:
    """An edit of a manifest: further members of its layers, and of itself."""

    def edit(manifest: Json) -> None:
        manifest.update(members)
        for descriptor, more in zip(manifest["layers"], layers or [], strict=False):
            descriptor.update(more)

    return edit


def _single(kind: str | None, config: tuple[str, bytes], *blobs: tuple[str, bytes], **more: Any) -> Layout:
    return Layout(Index((Artifact(kind, blobs, config, name="1.0", edit_manifest=_edited(**more)),)))


def helm() -> Layout:
    """A chart with its provenance."""
    config = to_json({"name": "chart", "version": "1.0.0", "apiVersion": "v2", "type": "application"})
    blobs = [("application/vnd.cncf.helm.chart.content.v1.tar+gzip", reproducible(DEFAULT_TAR))]
    blobs += [("application/vnd.cncf.helm.chart.provenance.v1.prov", b"-----BEGIN PGP SIGNED MESSAGE-----\n")]
    notes = {"org.opencontainers.image.created": EPOCH, TITLE: "chart", "org.opencontainers.image.version": "1.0.0"}
    return _single(None, ("application/vnd.cncf.helm.config.v1+json", config), *blobs, annotations=notes)


def oras() -> Layout:
    """Files and a folder, with an empty config of which the bytes stand in the descriptor."""
    notes = {"org.opencontainers.image.created": EPOCH}
    packed = {
        "io.deis.oras.content.digest": "sha256:" + "1" * 64,
        "io.deis.oras.content.unpack": "true",
        TITLE: "folder",
    }
    layers: list[Json] = [{"annotations": {TITLE: "hello.txt"}}, {"annotations": packed}]
    blobs = [("text/plain", b"hello\n"), (LAYER, reproducible(DEFAULT_TAR))]
    return _single("application/vnd.example.thing", (EMPTY_TYPE, EMPTY), *blobs, layers=layers, annotations=notes)


def oras_old() -> Layout:
    """Before 1.1: a config of an unknown type."""
    layers: list[Json] = [{"annotations": {TITLE: "hello.txt"}}]
    config = ("application/vnd.unknown.config.v1+json", EMPTY)
    return _single(None, config, (f"{OCI}layer.v1.tar", b"hello\n"), layers=layers)


def wasm() -> Layout:
    """A component, with what it imports and exports."""
    text: Json = {"created": EPOCH, "architecture": "wasm", "os": "wasip2", "layerDigests": ["sha256:" + "1" * 64]}
    text |= {"component": {"exports": ["wasi:cli/run@0.2.0"], "imports": [], "target": None}}
    return _single(None, ("application/vnd.wasm.config.v0+json", to_json(text)), ("application/wasm", b"\x00asm\x0d"))


def wasm_image() -> Layout:
    """A module in an image, as ``docker buildx --platform wasi/wasm`` makes it."""
    platform = {"architecture": "wasm", "os": "wasi"}
    return Layout(Index((Image(platform=platform),)))


def cosign() -> Layout:
    """``cosign save``: an image, its signatures and its attestations."""
    kind = "dev.cosignproject.cosign/"
    image = Image(name=None, edit_descriptor=lambda one: one.update(annotations={"kind": f"{kind}image"}))
    return Layout(
        Index(
            (
                image,
                _signed("application/vnd.dev.cosign.simplesigning.v1+json", f"{kind}sigs"),
                _signed("application/vnd.dsse.envelope.v1+json", f"{kind}atts"),
            )
        )
    )


def _signed(media_type: str, kind: str) -> Image:
    notes = {"dev.cosignproject.cosign/signature": "MEUCIQ==", "dev.sigstore.cosign/bundle": '{"Payload":{}}'}
    notes |= {"predicateType": "https://slsa.dev/provenance/v0.2"} if kind.endswith("atts") else {}
    payload = Layer(to_json({"critical": {"type": kind}}), "none", media_type=media_type, edit_descriptor=_noted(notes))
    blank: Json = {"architecture": "", "created": "0001-01-01T00:00:00Z", "os": "", "config": {}}
    blank |= {"history": [{"created": "0001-01-01T00:00:00Z"}]}
    return Image((payload,), None, None, blank, edit_descriptor=_noted({"kind": kind}))


def _noted(notes: dict[str, str]) -> Callable[[Json], None]:
    return lambda descriptor: descriptor.update(annotations=notes)


def referrers() -> Layout:
    """SBOM and signature that refer to an image, beside it."""
    image = Image()
    subject = Image(name=None)
    bundle = "application/vnd.dev.sigstore.bundle.v0.3+json"
    made: Json = {"annotations": {"org.opencontainers.image.created": EPOCH}}
    return Layout(
        Index(
            (
                image,
                Artifact("application/spdx+json", (("application/spdx+json", b"{}"),), subject=subject),
                Artifact(bundle, ((bundle, b"{}"),), subject=subject, edit_manifest=_edited(**made)),
                Artifact("application/vnd.cncf.notary.signature", (("application/jose+json", b"{}"),), subject=subject),
            )
        )
    )


def flux() -> Layout:
    """Sources for GitOps."""
    content = ("application/vnd.cncf.flux.content.v1.tar+gzip", reproducible(DEFAULT_TAR))
    notes = {
        "org.opencontainers.image.source": "https://example.org/x",
        "org.opencontainers.image.revision": "main@sha1:a",
    }
    return _single(None, ("application/vnd.cncf.flux.config.v1+json", b"{}"), content, annotations=notes)


def sif() -> Layout:
    """An image of Apptainer: one file, with an annotation that gives it a name."""
    blob = ("application/vnd.sylabs.sif.layer.v1.sif", b"#!/usr/bin/env run-singularity\nSIF_MAGIC")
    return _single(
        None, ("application/vnd.sylabs.sif.config.v1+json", b"{}"), blob, layers=[{"annotations": {TITLE: "a"}}]
    )


def devcontainer() -> Layout:
    """A feature: a config without a byte, and metadata in an annotation."""
    notes = {"dev.containers.metadata": '{"id":"go"}', "com.github.package.type": "devcontainer_feature"}
    layers: list[Json] = [{"annotations": {TITLE: "devcontainer-feature-go.tgz"}}]
    blob = ("application/vnd.devcontainers.layer.v1+tar", DEFAULT_TAR)
    return _single(None, ("application/vnd.devcontainers", b""), blob, annotations=notes, layers=layers)


def model() -> Layout:
    """Weights of a model, as registries of models keep them."""
    kind = "application/vnd.cncf.model."
    config = to_json({"descriptor": {"name": "m"}, "modelfs": {"type": "layers", "diffIds": ["sha256:" + "1" * 64]}})
    layers: list[Json] = [{"annotations": {"org.cncf.model.filepath": "model.safetensors"}}]
    blob = (f"{kind}weight.v1.raw", b"weights")
    return _single(f"{kind}manifest.v1+json", (f"{kind}config.v1+json", config), blob, layers=layers)


def stacker() -> Layout:
    """Layers that are file systems: the content cannot be looked into, and the diffID is that of the blob."""
    blob = b"hsqs" + bytes(92)
    layer = Layer(blob, "none", media_type="application/vnd.stacker.image.layer.squashfs+zstd+verity")
    return Layout(Index((Image((layer,)),)))


def opa() -> Layout:
    """A policy bundle: a manifest without a media type."""
    layers: list[Json] = [{"annotations": {TITLE: "policy.rego"}}]
    blob = ("application/vnd.cncf.openpolicyagent.policy.layer.v1+rego", b"package main\n")
    return _single(None, ("application/vnd.cncf.openpolicyagent.config.v1+json", b"{}"), blob, layers=layers)


def tags() -> Layout:
    """Signatures under tags that are made of digests, as cosign keeps them in registries and ``skopeo sync`` copies."""
    name = "sha256-" + "1" * 64 + ".sig"
    signed = _signed("application/vnd.dev.cosign.simplesigning.v1+json", "x")
    return Layout(Index((Image(signed.layers, name, None, signed.config),)))


_PLAIN_KEY = "cosign's key kind is not in reverse domain notation, which annotations.md asks for (SHOULD)"
FORMS: dict[str, Form] = {
    "helm": Form(helm),
    "oras": Form(oras),
    "oras before 1.1": Form(oras_old),
    "wasm": Form(wasm),
    "wasm in an image": Form(wasm_image),
    "cosign save": Form(cosign, {"image/annotations.key-reverse-domain": _PLAIN_KEY}),
    "cosign tags": Form(tags),
    "referrers": Form(referrers),
    "flux": Form(flux),
    "apptainer": Form(sif),
    "devcontainers": Form(devcontainer),
    "models": Form(model),
    "stacker": Form(stacker),
    "opa": Form(opa),
}
"""Every form, by its writer."""
