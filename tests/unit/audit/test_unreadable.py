"""What cannot be read is told once, in one line, at the place where users find it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.registries.content import images
from fixtures.registries.storing import FORMS
from ocivalidate.audit.api import audit
from ocivalidate.image.comparing import _why
from ocivalidate.system.beneath import Beneath


@pytest.mark.parametrize("part", ["config", "layers"])
@pytest.mark.parametrize("form", FORMS)
def test_an_unreadable_blob_is_named_once(
    form: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = images(1)
    storage = FORMS[form](tmp_path, content).write()
    manifest = content.blobs[content.tags["team0/app0:v0"]].decode()
    digest = manifest.partition(f'"{part}"')[2].partition("sha256:")[2][:64]
    opened = Beneath.open

    def refused(folder: Beneath, path: str, *more: int, **named: int) -> int:
        if digest in path:
            raise PermissionError(13, "Permission denied")
        return opened(folder, path, *more, **named)

    monkeypatch.setattr(Beneath, "open", refused)
    report = audit(str(storage.root))
    reasons = {one.reason for one in report.results if one.outcome == "error"}
    [said] = reasons
    assert said.count(digest) == 1
    assert said.startswith(f"{storage.root}/")
    assert said.endswith(": permission denied")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ("blobs/sha256/aa: permission denied", "permission denied"),
        ("blobs/sha256/aa: x/blobs/sha256/aa: gone", "gone"),
        ("HOST answers 500: later", "HOST answers 500: later"),
        ("no colon", "no colon"),
    ],
)
def test_the_place_is_taken_away_and_nothing_else(failure: str, told: str) -> None:
    assert _why(failure, ("blobs/sha256/aa", "/srv/x/blobs/sha256/aa")) == told
