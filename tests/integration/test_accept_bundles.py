"""Bundles of real tools are accepted in silence: exit code 0, and not one line but the last.

One false verdict on what a well-known tool writes costs more trust than ten that are missed. A check that breaks one of
these tests is wrong until proved otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.makers import MAKERS, Maker

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
RECORDED = sorted((ROOT / "tests" / "data" / "accept").glob("*.json"))
ROOTFS = "@rootfs@"
"""Stands in recorded documents for the absolute path of the root filesystem."""


def complaint(bundle: Path) -> str | None:
    """What `ocivalidate bundle` has to say against a bundle, or nothing if it accepts it in silence."""
    done = subprocess.run(
        [sys.executable, "-m", "ocivalidate", "bundle", str(bundle)],
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    summary_only = len(done.stdout.splitlines()) == 1 and done.stdout.strip() != ""
    if done.returncode == 0 and summary_only and not done.stderr:
        return None
    return f"exit code {done.returncode}\n{done.stdout}{done.stderr}"


def recorded_bundle(document: Path, folder: Path) -> Path:
    """Make a bundle of a recorded document: the same text, but for the path of the root filesystem."""
    rootfs = folder / "rootfs"
    (rootfs / "bin").mkdir(parents=True)
    (rootfs / "bin" / "true").touch(0o755)  # the hooks name it
    text = document.read_text(encoding="utf-8").replace(ROOTFS, json.dumps(str(rootfs))[1:-1])
    (folder / "config.json").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path: the tools make sockets far below it, whose paths have at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="made-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.name)
def test_what_the_tool_writes_is_accepted(maker: Maker, short: Path) -> None:
    lacking = maker.missing()
    if lacking is not None:
        pytest.skip(lacking)
    subjects = maker.make(short)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        complaints = pool.map(complaint, [bundle for _, bundle in subjects])
    against = [f"{name}: {said}" for (name, _), said in zip(subjects, complaints, strict=True) if said is not None]
    if against:
        pytest.fail("\n".join([f"{len(against)} of {len(subjects)} bundles are not accepted", *against]), pytrace=False)


@pytest.mark.parametrize("document", RECORDED, ids=lambda document: document.stem)
def test_what_a_tool_is_known_to_write_is_accepted(document: Path, tmp_path: Path) -> None:
    against = complaint(recorded_bundle(document, tmp_path))
    if against is not None:
        pytest.fail(against, pytrace=False)


def test_every_tool_has_a_recorded_document() -> None:
    tools = {maker.name.partition("-")[0] for maker in MAKERS}
    assert tools == {document.stem.partition("-")[0] for document in RECORDED}


def test_a_recorded_document_that_is_spoilt_is_not_accepted(tmp_path: Path) -> None:
    bundle = recorded_bundle(RECORDED[0], tmp_path)
    document = json.loads((bundle / "config.json").read_text(encoding="utf-8"))
    document["process"]["cwd"] = "not/absolute"
    (bundle / "config.json").write_text(json.dumps(document), encoding="utf-8")
    said = complaint(bundle)
    assert said is not None
    assert said.startswith("exit code 1\n")
    assert "/process/cwd" in said
