"""How an audit is told: by image, in totals, with what mends it; in text for people, in JSON for programs."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fixtures.layouts import STORAGE, Image, Layer, Layout, Tree, blob_path, digest
from fixtures.layouts.storage import other
from ocivalidate import resources
from ocivalidate.audit.api import audit
from ocivalidate.audit.options import AuditOptions, Work
from ocivalidate.audit.sharding import Shard
from ocivalidate.report import FORMATS, Options, render
from ocivalidate.report.audits import told as told_in_lines
from ocivalidate.rules.findings import Report, Rows
from tests.unit.command_line import Command

VALIDATOR = jsonschema.Draft202012Validator(resources.read_json("schemas", "output/report.json"))
LAYER = Layer().to_bytes()


def damaged(folder: Path) -> str:
    """A storage with a layer that is damaged, images that lack one, and a blob of nobody."""
    tree = Tree()
    tree.push("app", Image(), "v1")
    tree.push("app", other(), "v2")
    tree.push("team/tool", other(), "v3")
    tree.add(b"nobody's")
    tree.files[tree.data(tree.add(LAYER))] = LAYER[:-1] + b"x"
    del tree.files[tree.data(digest(next(iter(other().layers)).to_bytes()))]
    return str(tree.write(folder))


def facts(report: Report) -> Any:
    return json.loads(render("json", [report], Options()))["reports"][0]["facts"]


def test_each_image_is_told_with_its_state(tmp_path: Path) -> None:
    said = facts(audit(damaged(tmp_path)))
    told = {f"{one['repository']}:{one['name']}": one["state"] for one in said["not_sound"]}
    assert told == {"app:v1": "broken", "app:v2": "incomplete", "team/tool:v3": "incomplete"}
    assert said["repositories"] == {"count": 2, "sound": 0, "incomplete": 1, "unjudged": 0, "broken": 1}
    assert said["images"] == {"sound": 0, "incomplete": 2, "unjudged": 0, "broken": 1}
    assert said["unreferenced"] == {"blobs": 1, "bytes": 8, "certain": True}


def test_it_says_what_mends_it(tmp_path: Path) -> None:
    mend = facts(audit(damaged(tmp_path)))["mend"]
    assert sorted((one["do"], *one["images"]) for one in mend) == [
        ("collect",),
        ("push", "app:v2", "team/tool:v3"),
        ("replace", "app:v1"),
    ]
    collect = next(one for one in mend if one["do"] == "collect")
    assert collect["what"] == "collect garbage: 1 blob, 8 bytes"


@pytest.mark.parametrize("clause", STORAGE)
def test_every_report_is_what_the_schema_says(clause: str, tmp_path: Path) -> None:
    report = audit(str(STORAGE[clause].breaks(tmp_path / "storage")))
    VALIDATOR.validate(json.loads(render("json", [report], Options())))


def test_the_schema_refuses_an_audit_without_its_images(tmp_path: Path) -> None:
    document = json.loads(render("json", [audit(damaged(tmp_path))], Options()))
    del document["reports"][0]["facts"]["images"]
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_tells_it(format_name: str, tmp_path: Path) -> None:
    text = render(format_name, [audit(damaged(tmp_path))], Options())
    assert "content-matches" in text
    assert format_name in ("in-toto", "tap") or "app:v1" in text.replace("&#58;", ":")


def test_text_lists_what_is_not_sound_and_counts_the_rest(tmp_path: Path, say: Command) -> None:
    folder = damaged(tmp_path)
    said = say("audit", folder)
    lines = said.out.splitlines()
    assert said.code == 1
    assert [line.split()[:2] for line in lines if line.startswith(("broken ", "incomplete "))] == [
        ["broken", "app:v1"],
        ["incomplete", "app:v2"],
        ["incomplete", "team/tool:v3"],
    ]
    assert "repositories: 2: 1 broken, 1 incomplete" in lines
    assert lines[-1].endswith("; images: 1 broken, 2 incomplete")
    assert sum(line.startswith("to mend: ") for line in lines) == 3


def test_ten_thousand_repositories_are_a_page(tmp_path: Path) -> None:
    images = [{"repository": f"r{number}", "name": "v1", "digest": "", "state": "broken"} for number in range(10_000)]
    report = audit(damaged(tmp_path))
    report.facts["not_sound"] = Rows(lambda: iter(images))
    report.facts["images"]["broken"] = 10_000
    short = render("text", [report], Options()).splitlines()
    assert len(short) < 120
    assert "and 9,952 more: -v shows all" in short
    assert len(render("text", [report], Options(verbose=1)).splitlines()) > 10_000


def test_sound_images_are_listed_to_those_who_ask(tmp_path: Path, say: Command) -> None:
    tree = Tree()
    tree.push("app", Image(), "v1")
    folder = str(tree.write(tmp_path))
    assert say("audit", folder).out.splitlines()[:1] == ["repositories: 1: 1 sound"]
    assert say("audit", folder, "-v").out.startswith("sound      app:v1 sha256:")
    assert say("audit", folder, "-q").out == ""


def test_names_cannot_forge_lines(tmp_path: Path, say: Command) -> None:
    layout = Layout()
    layout.edit(
        "index.json",
        lambda index: index["manifests"][0]["annotations"].update(
            {"org.opencontainers.image.ref.name": "v1\nall is well\x1b[2J"}
        ),
    )
    del layout.files[blob_path(layout.manifest()[1]["layers"][0])]
    out = say("audit", str(layout.write(tmp_path / "layout"))).out
    assert "all is well" in out
    assert not any(line.startswith("all is well") for line in out.splitlines())
    assert "\x1b" not in out


def test_a_report_can_be_kept(tmp_path: Path) -> None:
    report = audit(damaged(tmp_path))
    again = copy.deepcopy(report)
    assert facts(again) == facts(report)


def test_advice_on_a_link_is_about_the_link(tmp_path: Path) -> None:
    tree = Tree()
    tree.push("app", other("1"), "1")
    tree.write(tmp_path)
    base = tmp_path / "docker/registry/v2"
    (base / "repositories/app/_manifests/tags/1/current/link").write_text("")
    (only,) = facts(audit(tmp_path))["mend"]
    assert only["what"].startswith("delete ")
    assert only["what"].endswith("current/link and push app:1 again")


def test_a_link_out_of_the_storage_may_be_meant(tmp_path: Path) -> None:
    tree = Tree()
    tree.push("app", other("1"), "1")
    tree.write(tmp_path / "held")
    shard = next((tmp_path / "held/docker/registry/v2/blobs/sha256").iterdir())
    shard.rename(tmp_path / "disk")
    shard.symlink_to(tmp_path / "disk")
    mend = facts(audit(tmp_path / "held"))["mend"]
    assert any("--follow-links" in one["what"] for one in mend)
    assert not any(one["do"] == "delete" for one in mend)


def test_a_report_of_a_shard_and_of_nothing_says_so(tmp_path: Path) -> None:
    tree = Tree()
    tree.push("app", other("1"), "1")
    tree.write(tmp_path)
    shard = audit(tmp_path, work=Work(shard=Shard(1, 4)))
    assert any(
        "; verified, as shard 1/4: " in "".join(text for text, _ in line)
        for line in told_in_lines(shard, verbose=False)
    )
    none = audit(tmp_path, options=AuditOptions(repositories=("other*",)))
    assert list(told_in_lines(none, verbose=False))[:1] == [
        [("repositories: none is selected by --repository and --tag", "")]
    ]
