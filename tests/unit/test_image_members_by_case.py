"""Members that differ from those of image-spec by case alone: readers in Go take them, others do not.

considerations.md: "Implementations processing content SHOULD NOT generate an error if they encounter an unknown
property in a known media type." Go's encoding/json gives such a member to the field of that name, so what one reader
passes over is the image of another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Image, Index, Layout
from ocivalidate.image.api import check_image
from ocivalidate.rules.findings import ExitCode, exit_code
from tests.imagedocs import changed, told

BY_CASE = "safety/image.members.case"
KELVIN, LONG_S = "\u212a", "\u017f"


@pytest.mark.parametrize(
    ("base", "pointer"),
    [
        ("image-layout", "/imagelayoutversion"),
        ("image-index", "/Manifests"),
        ("image-index", "/manifests/0/Digest"),
        ("image-index", "/manifests/1/platform/OS"),
        ("image-manifest", "/Layers"),
        ("image-manifest", f"/layer{LONG_S}"),
        ("image-manifest", "/config/MediaType"),
        ("image-manifest", "/layers/0/sizE"),
        ("image-config", "/RootFS"),
        ("image-config", "/rootfs/Diff_IDs"),
        ("image-config", "/config/entrypoint"),
        ("image-config", "/history/0/Empty_Layer"),
        ("image-descriptor", "/DATA"),
    ],
)
def test_a_member_that_differs_by_case_is_an_error(base: str, pointer: str) -> None:
    assert told(base, changed(base, (pointer, []))) == [("error", BY_CASE, pointer)]


@pytest.mark.parametrize("value", [None, "", {}, 1])
def test_whatever_its_value_is(value: Any) -> None:
    assert told("image-manifest", changed("image-manifest", ("/Config", value))) == [("error", BY_CASE, "/Config")]


@pytest.mark.parametrize("pointer", ["/annotations", "/layers/0/annotations", "/config/annotations"])
def test_names_in_maps_are_free(pointer: str) -> None:
    document = changed("image-manifest", (pointer, {"Size": "1", "size": "2", "MEDIATYPE": "x"}))
    assert BY_CASE not in str(told("image-manifest", document))


@pytest.mark.parametrize("name", ["layerz", "LayerSet", f"{KELVIN}onfig", "strayers"])
def test_other_names_are_other_members(name: str) -> None:
    assert BY_CASE not in str(told("image-manifest", changed("image-manifest", (f"/{name}", 1))))


@pytest.mark.parametrize(
    ("base", "name", "clause"),
    [
        ("image-manifest", "Manifests", "manifest"),
        ("image-index", "LAYERS", "index"),
        ("image-index", "Config", "index"),
    ],
)
def test_what_makes_readers_in_go_take_a_document_for_another(base: str, name: str, clause: str) -> None:
    assert told(base, changed(base, (f"/{name}", []))) == [("error", f"safety/image.{clause}.ambiguous", "")]


def test_an_image_with_other_layers_for_readers_in_go_fails(tmp_path: Path) -> None:
    image = Image(edit_manifest=lambda manifest: manifest.update(Layers=[]))
    report = check_image(str(Layout(Index((image,))).write(tmp_path / "image")))
    assert [found.clause.id for found in report.findings if found.severity == "error"] == [BY_CASE]
    assert exit_code([report]) is ExitCode.FINDINGS
