"""What an image brings for the host rather than for the container is left out, or told."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir

import pytest

from fixtures.layouts import Entry, tars
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack import UnpackOptions, unpack_image
from tests.unit.unpacking import Entries, image, mine, rootfs, unpack

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
LEFT_OUT = (
    "security.selinux",
    "security.apparmor",
    "security.ima",
    "security.evm",
    "security.SMACK64EXEC",
    "trusted.overlay.opaque",
    "trusted.overlay.overlay.whiteout",
    "user.overlay.redirect",
    "user.fuseoverlayfs.opaque",
)


@pytest.mark.parametrize("form", ["SCHILY", "LIBARCHIVE"])
@pytest.mark.parametrize("name", LEFT_OUT)
def test_attributes_for_the_host_are_left_out_and_told(tmp_path: Path, name: str, form: str) -> None:
    records = {f"{form}.xattr.{name}": "MQ"}
    entries = [mine(tars.folder("d/", pax=records)), mine(Entry("f", pax=records)), mine(tars.symlink("l", "f"))]
    entries[2] = replace(entries[2], pax=records)
    done = unpack(image(entries), tmp_path)
    assert [note for note in done.notes if "left out" in note]
    for path in ("d", "f", "l"):
        assert name not in os.listxattr(rootfs(tmp_path) / path, follow_symlinks=False)
    clause = "safety/layer.host-attribute" if name.startswith("security") else "safety/layer.overlay-attribute"
    assert clause in {finding.clause.id for finding in done.findings}


def test_notes_do_not_grow_with_names(tmp_path: Path) -> None:
    entries = [Entry(f"f{at}", pax={f"SCHILY.xattr.no{at}.such": "1"}) for at in range(200)]
    done = unpack(image([mine(entry) for entry in entries]), tmp_path)
    assert len(done.notes) < 60


@pytest.mark.parametrize("records", [{"SCHILY.xattr.user.x": "x" * 65537}, {"SCHILY.xattr.user." + "x" * 251: "1"}])
def test_attributes_that_no_system_takes(tmp_path: Path, records: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        unpack(image([mine(Entry("f", pax=records))]), tmp_path)
    assert [finding.clause.id for finding in caught.value.findings] == ["safety/layer.attribute-form"]


SETUID = mine(Entry("bin/su", b"#!", mode=0o4755))
# Layers, and the example that is told; none: there is nothing to tell.
PRIVILEGED: dict[str, tuple[list[Entries], str]] = {
    "setuid": ([[SETUID]], "bin/su"),
    "setgid": ([[mine(Entry("bin/wall", mode=0o2755))]], "bin/wall"),
    "a hard link": ([[SETUID, tars.hardlink("su", "bin/su"), mine(Entry("bin/su", mode=0o755))]], "su"),
    "two": ([[SETUID, mine(Entry("a", mode=0o6755))]], "bin/su and 1 more"),
    "none": ([[mine(Entry("f", mode=0o755)), mine(tars.folder("d/", mode=0o2755))]], ""),
    "removed": ([[SETUID], [tars.whiteout("bin/su")]], ""),
    "removed with its folder": ([[SETUID], [tars.whiteout("bin")]], ""),
    "hidden": ([[SETUID], [Entry("bin/.wh..wh..opq")]], ""),
    "replaced": ([[SETUID], [mine(Entry("bin/su"))]], ""),
    "replaced by a folder": ([[SETUID], [mine(tars.folder("bin/su/"))]], ""),
}


@pytest.mark.parametrize(("layers", "example"), PRIVILEGED.values(), ids=PRIVILEGED)
def test_what_gives_rights_below_a_folder_that_others_may_enter(
    tmp_path: Path, layers: list[Entries], example: str
) -> None:
    open_to_all(tmp_path)
    (tmp_path / "bundle").mkdir(mode=0o755)
    notes = unpack(image(*layers), tmp_path, config=False, ignore=("safety/*", "image/layer.no-duplicate-paths")).notes
    told = [note for note in notes if "other users" in note]
    assert len(told) == bool(example)
    assert not example or told[0].endswith(f": {example}")


@pytest.mark.parametrize("closed", ["bundle", "above", "whole", "made"])
def test_where_others_may_not_enter_nothing_is_told(tmp_path: Path, closed: str) -> None:
    open_to_all(tmp_path)
    source = str(image([SETUID]).write(tmp_path / "image"))
    bundle = tmp_path / "above/bundle"
    bundle.parent.mkdir(mode=0o700 if closed == "above" else 0o755)
    if closed in ("bundle", "above"):
        bundle.mkdir(mode=0o700 if closed == "bundle" else 0o755)
    done = unpack_image(source, str(bundle), UnpackOptions(config=closed == "whole"))
    assert not [note for note in done.notes if "other users" in note]


@ROOT
def test_capabilities_and_devices_are_told(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    (tmp_path / "bundle").mkdir(mode=0o755)
    capability = b"\x01\x00\x00\x02\x00\x20" + bytes(14)
    entries = [
        Entry("ping", pax={"SCHILY.xattr.security.capability": capability}),
        Entry("null", type="3", device=(1, 3)),
    ]
    notes = unpack(image(entries), tmp_path, config=False).notes
    assert any(note.endswith(": ping and 1 more") for note in notes)


def open_to_all(folder: Path) -> None:
    """Let others come as far as a folder of the test. Skipped where they cannot come to any folder of the tests."""
    path = folder
    while path not in (Path(gettempdir()), path.parent):
        path.chmod(path.stat().st_mode | 0o011)
        path = path.parent
    if not all(above.stat().st_mode & 0o011 for above in folder.parents):
        pytest.skip("others cannot come to the folder of the tests")
