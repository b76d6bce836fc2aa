"""The readers of tar that our rules speak of: what each of them makes of an archive."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[1] / "data" / "tarreader"
# A line of a listing; what follows the name of a link says where it leads.
_GNU = re.compile(r"(?P<type>.)\S+ \S+ +(?P<size>[0-9]+|[0-9]+,[0-9]+) [0-9-]+ [0-9:]+ (?P<rest>.*)")
_BSD = re.compile(
    r"(?P<type>.)\S+ +[0-9]+ \S+ +\S+ +(?P<size>[0-9]+|[0-9]+, *[0-9]+) \w+ +[0-9]+ +[0-9:]+ (?P<rest>.*)"
)
_KINDS = {"-": "0", "C": "0", "h": "1", "l": "2", "c": "3", "b": "4", "d": "5", "p": "6"}
_ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Read(NamedTuple):
    """One entry, as a reader has it: the path without ``.`` and doubled slashes, the type, the target of a link.

    ``size``: bytes, of regular files alone.
    """

    path: str
    type: str
    link: str = ""
    size: int = 0


class Reading(NamedTuple):
    """All entries that a reader found, and whether it refused the archive or a part of it."""

    entries: tuple[Read, ...]
    refused: bool


def path_of(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def read(name: str, kind: str, link: str, size: int) -> Read:
    """An entry of which nothing is told that its type does not have."""
    return Read(path_of(name), kind, link if kind in "12" else "", size if kind == "0" else 0)


@pytest.fixture(scope="session")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that prints what Go's archive/tar reads."""
    if shutil.which("go") is None:
        pytest.skip("no Go here to build its reader with")
    folder = tmp_path_factory.mktemp("tarreader")
    # The cache of the user's own, or else each run compiles the whole library of Go.
    cache = {} if "HOME" in os.environ or "GOCACHE" in os.environ else {"GOCACHE": str(folder / "cache")}
    environment = os.environ | {"GOFLAGS": "-mod=mod", "GO111MODULE": "on"} | cache
    program = folder / "tarreader"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=SOURCE, env=environment, check=True, timeout=300)
    return program


def by_go(program: Path, archives: Sequence[Path]) -> list[Reading]:
    done = subprocess.run([program, *archives], capture_output=True, check=True, text=True, timeout=60)
    return [_go_reading(json.loads(line)) for line in done.stdout.splitlines()]


def _go_reading(told: dict[str, object]) -> Reading:
    entries = told["entries"] or []
    assert isinstance(entries, list)
    # A global header, and a type that Go knows nothing of, are entries to it: neither becomes a file.
    kept = (one for one in entries if one["type"] not in "gX")
    found = (read(one["name"], _go_type(one["type"]), one["link"], one["size"]) for one in kept)
    return Reading(tuple(found), bool(told["error"]))


def _go_type(kind: str) -> str:
    return "0" if kind in ("\0", "7", "S") else kind


def by_gnu_tar(archive: Path) -> Reading:
    return _listed(["tar", "-tvPf", str(archive), "--quoting-style=literal"], _GNU)


def by_libarchive(archive: Path) -> Reading:
    return _listed(["bsdtar", "-tvf", str(archive)], _BSD)


def _listed(command: list[str], pattern: re.Pattern[str]) -> Reading:
    done = subprocess.run(command, capture_output=True, check=False, timeout=30, env=_ENVIRONMENT)
    lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    entries = tuple(_line(line, pattern) for line in lines)
    return Reading(entries, done.returncode != 0 or b"amaged" in done.stderr)


def _line(line: str, pattern: re.Pattern[str]) -> Read:
    match = pattern.fullmatch(line)
    assert match, line
    kind = _KINDS.get(match["type"], match["type"])
    name, link = match["rest"], ""
    if kind == "2":
        name, _arrow, link = name.partition(" -> ")
    elif " link to " in name:
        name, _words, link = name.partition(" link to ")
        kind = "1"
    size = match["size"]
    return read(name, kind, link, int(size) if size.isdigit() else 0)


def by_cpython(archive: Path) -> Reading:
    entries: list[Read] = []
    try:
        with tarfile.open(archive, "r:") as opened:
            entries += (_cpython_entry(member) for member in opened)
    except (tarfile.TarError, ValueError, OSError):
        return Reading(tuple(entries), refused=True)
    return Reading(tuple(entries), refused=False)


def _cpython_entry(member: tarfile.TarInfo) -> Read:
    kind = "0" if member.isreg() else member.type.decode("latin-1")
    return read(member.name, kind, member.linkname, member.size)


OTHERS = {"GNU tar": by_gnu_tar, "libarchive": by_libarchive, "CPython": by_cpython}


def present_others() -> Iterable[str]:
    """The names of the other readers that are here."""
    programs = {"GNU tar": "tar", "libarchive": "bsdtar"}
    return [name for name in OTHERS if name not in programs or shutil.which(programs[name])]
