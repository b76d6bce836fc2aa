"""Small storages for tests: files written below a folder, in the forms of registries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocivalidate.vocabulary import digests

V2 = "docker/registry/v2"


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def digest(data: bytes, algorithm: str = "sha256") -> str:
    return str(digests.of(data, algorithm))


def parts(data: bytes, algorithm: str = "sha256") -> str:
    """``sha256/HEX``."""
    return digest(data, algorithm).replace(":", "/")


def blob(data: bytes, algorithm: str = "sha256", base: str = V2) -> dict[str, bytes]:
    """A blob of distribution."""
    name, _colon, encoded = digest(data, algorithm).partition(":")
    return {f"{base}/blobs/{name}/{encoded[:2]}/{encoded}/data": data}


def repository(
    name: str,
    *,
    manifests: Mapping[str, bytes] = {},
    layers: tuple[bytes, ...] = (),
    base: str = V2,
    algorithm: str = "sha256",
) -> dict[str, bytes]:
    """A repository of distribution: manifests by their tags, and blobs, each with its link."""
    home = f"{base}/repositories/{name}"
    files: dict[str, bytes] = {}
    for tag, data in manifests.items():
        text = digest(data, algorithm).encode()
        files |= blob(data, algorithm, base)
        files[f"{home}/_manifests/revisions/{parts(data, algorithm)}/link"] = text
        files[f"{home}/_manifests/tags/{tag}/current/link"] = text
        files[f"{home}/_manifests/tags/{tag}/index/{parts(data, algorithm)}/link"] = text
    for data in layers:
        files |= blob(data, algorithm, base)
        files[f"{home}/_layers/{parts(data, algorithm)}/link"] = digest(data, algorithm).encode()
    return files


def layout(name: str, blobs: tuple[bytes, ...] = (), tags: Mapping[str, bytes] = {}) -> dict[str, bytes]:
    """A layout whose index names some of its blobs, by their tags."""
    home = f"{name}/" if name else ""
    manifests: list[dict[str, Any]] = [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest(data),
            "size": len(data),
            "annotations": {"org.opencontainers.image.ref.name": tag},
        }
        for tag, data in tags.items()
    ]
    files = {
        f"{home}oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        f"{home}index.json": json.dumps({"schemaVersion": 2, "manifests": manifests}).encode(),
    }
    return files | {f"{home}blobs/{parts(data)}": data for data in blobs}
