"""An audit gives the verdict of ``image``, on a layout as a whole and on each manifest of a registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import BROKEN, GOOD, Image, Index, Layout
from ocivalidate.audit.api import audit
from ocivalidate.image.api import check_image
from ocivalidate.rules.findings import ExitCode, Finding, Report, exit_code

LAYOUTS: dict[str, Callable[[], Layout]] = {
    **GOOD,
    **{f"layer {name}": lambda make=make: Layout(Index((Image((make(),)),))) for name, make in BROKEN.items()},  # type: ignore[misc]  # bound now
}


def of_images(report: Report) -> Any:
    """What an audit says of images, as `image` does: where, what, and what became of each clause."""
    told = sorted(map(_told, (one for one in report.findings if one.clause.family != "storage")), key=repr)
    outcomes = {one.clause.id: (one.outcome, one.reason) for one in report.results if one.clause.family != "storage"}
    return told, outcomes, report.problem


def _told(one: Finding) -> Any:
    return one.clause.id, one.severity, one.message, one.location, one.got, one.want, one.more


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_judged_as_image_judges_it(name: str, tmp_path: Path) -> None:
    folder = str(LAYOUTS[name]().write(tmp_path / "layout"))
    image, found = check_image(folder), audit(folder)
    assert of_images(found) == of_images(image)
    assert exit_code([found]) is exit_code([image])


def test_the_same_below_a_folder(tmp_path: Path) -> None:
    for name, make in list(LAYOUTS.items())[:6]:
        make().write(tmp_path / "all" / name.replace(" ", "-").replace("/", "-"))
    report = audit(str(tmp_path / "all"))
    assert exit_code([report]) is ExitCode.CONFORMS
    assert report.facts["repositories"]["count"] == 6
