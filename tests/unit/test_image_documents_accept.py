"""Documents as tools write them, and as the specification allows them: nothing may be said of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocivalidate.image.documents.kinds import guess
from ocivalidate.vocabulary.versions import IMAGE_CHOICES
from tests.imagedocs import told

DOCUMENTS = sorted((Path(__file__).parent.parent / "data" / "image-documents").glob("*.json"))
# What a tool writes and others refuse: buildah takes ranges of ports, which Docker 29 and podman do not.
WARNINGS = {"buildah-config": [("warning", "config.config.ExposedPorts.keys", "/config/ExposedPorts/8000-8002~1tcp")]}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_nothing_but_notes(path: Path) -> None:
    kind = guess(json.loads(path.read_bytes()))
    assert kind is not None
    assert [one for one in told(kind, path.read_bytes()) if one[0] != "note"] == WARNINGS.get(path.stem, [])


@pytest.mark.parametrize("release", IMAGE_CHOICES)
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_no_error_by_any_release(path: Path, release: str) -> None:
    kind = guess(json.loads(path.read_bytes()))
    assert kind is not None
    assert [one for one in told(kind, path.read_bytes(), release) if one[0] == "error"] == []


def test_the_name_says_what_a_document_is() -> None:
    wrong = {path.stem: guess(json.loads(path.read_bytes())) for path in DOCUMENTS}
    wrong = {
        name: kind
        for name, kind in wrong.items()
        if kind != f"image-{name.rpartition('-')[2].replace('list', 'index')}"
    }
    assert wrong == {}
