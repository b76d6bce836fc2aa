"""Folders with much in them, and baselines, for ``benchmarks/growth.py``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

CONFIG = '{"ociVersion": "1.0.2", "root": {"path": "rootfs"}}'
ENTRY = {
    "clause": "runtime/config.process.cwd.absolute",
    "subject": "b",
    "message": "process.cwd is not an absolute path",
}
_PATTERNS = 200


def _bundle(folder: Path) -> None:
    (folder / "rootfs").mkdir(parents=True)
    (folder / "config.json").write_text(CONFIG, encoding="utf-8")


def _bundles(folder: Path, n: int) -> list[str]:
    for number in range(n):
        _bundle(folder / str(number))
    return ["bundle", "-q", str(folder)]


def _folders(folder: Path, n: int) -> list[str]:
    for number in range(n):
        (folder / str(number)).mkdir()
    return ["bundle", str(folder)]


def _files(folder: Path, n: int) -> list[str]:
    for number in range(n):
        (folder / f"{number}.json").write_text('{"name": "ociVersion"}', encoding="utf-8")
    return ["bundle", str(folder)]


def _links(folder: Path, n: int) -> list[str]:
    for number in range(n):
        (folder / str(number)).symlink_to(".")
    return ["bundle", "--follow-links", str(folder)]


def _ignored(folder: Path, n: int) -> list[str]:
    (folder / ".git").mkdir()
    (folder / ".gitignore").write_text(
        "".join(f"{'*a' * 20}{number}\n" for number in range(_PATTERNS)), encoding="utf-8"
    )
    for number in range(n):
        (folder / f"{'a' * 100}{number}").touch()
    return ["bundle", "--respect-gitignore", str(folder)]


def _excluded(folder: Path, n: int) -> list[str]:
    _bundle(folder / "b")
    return ["bundle", "--exclude", "*a" * (n // 2), str(folder)]


def _baseline(folder: Path, n: int) -> list[str]:
    _bundle(folder / "b")
    known = [{"fingerprint": f"{number:064x}:1", **ENTRY} for number in range(n)]
    file = folder / "known.json"
    file.write_text(json.dumps({"schema": "urn:ocivalidate:baseline-1", "findings": known}), encoding="utf-8")
    return ["bundle", "--baseline", str(file), "-v", str(folder / "b")]


# What there is n of → how it is made, how many to begin with, and how many at most.
FOLDERS: dict[str, tuple[Callable[[Path, int], list[str]], int, int]] = {
    "bundles": (_bundles, 64, 4096),
    "folders": (_folders, 512, 65_536),
    "files": (_files, 512, 65_536),
    "links": (_links, 512, 32_768),
    "names that are ignored": (_ignored, 256, 16_384),
    "letters of a pattern": (_excluded, 64, 4096),
    "findings of a baseline": (_baseline, 512, 131_072),
}
