"""Badges say how many clauses a runtime keeps, in an image that stands alone and in the form of shields.io."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from ocivalidate.programme.badges import Badge, badge, badges, endpoint, kept_and_judged, svg
from ocivalidate.programme.expiry import Age
from ocivalidate.programme.record import Host, Outcome, Record, Suite
from ocivalidate.programme.storing import store
from tests.unit.command_line import Command

TODAY = dt.date(2026, 11, 28)
CREATES, DELETES = "runtime/runtime.create.creates", "runtime/runtime.delete.deletes"
ONE = Record(
    "runc",
    "1.5.3",
    release="1.3.0",
    suite=Suite("0.1.0", f"sha256:{'0' * 64}", 2),
    host=Host(cgroup_mode="v2"),
    date="2026-11-28",
    outcomes=(
        Outcome("a", CREATES, "pass"),
        Outcome("b", CREATES, "skip", ("no",)),
        Outcome("a", DELETES, "pass"),
        Outcome("b", DELETES, "fail", ("wrong",)),
    ),
)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def young(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocivalidate.programme.badges.age", lambda _record, _today: Age("current"))


def test_a_clause_is_kept_if_no_case_sees_it_broken() -> None:
    assert kept_and_judged(ONE) == (1, 2)
    assert badge(ONE, TODAY) == Badge("runtime-spec 1.3.0", "1 of 2 clauses", "#b42318")
    passed = replace(ONE, outcomes=ONE.outcomes[:3])
    assert badge(passed, TODAY) == Badge("runtime-spec 1.3.0", "2 of 2 clauses", "#1a7f37")
    error = replace(ONE, outcomes=(*ONE.outcomes[:3], Outcome("c", DELETES, "error", ("time",))))
    assert kept_and_judged(error) == (1, 2)
    assert badge(replace(ONE, outcomes=()), TODAY).message == "not judged"


@pytest.mark.parametrize(("state", "message"), [("stale", "1 of 2 clauses (stale)"), ("expired", "results expired")])
def test_what_is_old_is_grey(state: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocivalidate.programme.badges.age", lambda _record, _today: Age(state, "why"))
    assert badge(ONE, TODAY) == Badge("runtime-spec 1.3.0", message, "#57606a")


def test_an_image_has_a_title_and_all_of_its_text() -> None:
    image = ET.fromstring(svg(badge(ONE, TODAY)))  # noqa: S314  # our own
    assert image.get("role") == "img"
    assert image.get("aria-label") == "runtime-spec 1.3.0: 1 of 2 clauses"
    assert image.findtext(f"{SVG}title") == "runtime-spec 1.3.0: 1 of 2 clauses"
    assert [text.text for text in image.iter(f"{SVG}text")] == ["runtime-spec 1.3.0", "1 of 2 clauses"]
    assert not any("href" in name for element in image.iter() for name in element.attrib)


@given(st.text(), st.text())
def test_whatever_a_runtime_says_is_a_sound_image(label: str, message: str) -> None:
    text = svg(Badge(label, message, "#123456"))
    image = ET.fromstring(text)  # noqa: S314  # our own
    wide = sum(float(rect.get("width", "0")) for rect in image.iter(f"{SVG}rect"))
    assert wide == 2 * float(image.get("width", "0"))
    assert "<script" not in text
    assert json.loads(endpoint(Badge(label, message, "#123456")))["schemaVersion"] == 1


def contrast(colour: str) -> float:
    """The contrast of white on a colour, as WCAG counts it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_white_can_be_read_on_every_colour() -> None:
    from ocivalidate.programme import badges as module

    for colour in (module._GREY, module._LABEL, *(colour for _share, colour in module._COLOURS)):
        assert contrast(colour) >= 4.5, colour


def test_every_record_has_a_badge_and_the_newest_one_that_of_its_runtime() -> None:
    newer = replace(ONE, version="1.10.0", outcomes=ONE.outcomes[:3])
    files = dict(badges([newer, ONE], TODAY))
    assert [*files] == [
        *("runc/1.5.3+v2.svg", "runc/1.5.3+v2.json", "runc/1.10.0+v2.svg", "runc/1.10.0+v2.json"),
        *("runc.svg", "runc.json"),
    ]
    assert files["runc.svg"] == files["runc/1.10.0+v2.svg"]
    assert json.loads(files["runc.json"]) == {
        "schemaVersion": 1,
        "label": "runtime-spec 1.3.0",
        "message": "2 of 2 clauses",
        "color": "#1a7f37",
    }


def test_the_command_writes_them(tmp_path: Path, say: Command) -> None:
    store(ONE, tmp_path / "results")
    said = say("report", str(tmp_path / "results"), "--badges", str(tmp_path / "site/badges"))
    assert (said.code, said.out) == (0, "")
    assert said.err == f"ocivalidate: wrote 4 files to {tmp_path / 'site/badges'}\n"
    assert (tmp_path / "site/badges/runc/1.5.3+v2.svg").read_text(encoding="utf-8") == svg(badge(ONE, TODAY))


@pytest.mark.parametrize("folder", ["none", "empty", "file"])
def test_what_has_no_record_is_one_line(folder: str, tmp_path: Path, say: Command) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("{}")
    said = say("report", str(tmp_path / folder), "--badges", str(tmp_path / "badges"))
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert not (tmp_path / "badges").exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, say: Command) -> None:
    store(ONE, tmp_path / "results")
    (tmp_path / "file").write_text("x")
    said = say("report", str(tmp_path / "results"), "--badges", str(tmp_path / "file"))
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
