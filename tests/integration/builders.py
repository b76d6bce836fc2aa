"""Images of builders that Go's module proxy has: crane and ko, fed by a registry on this machine alone.

Neither belongs to a distribution, so that they are used where somebody put them into PATH (``.ci/run`` builds crane).
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.enclosure import run

INSTALL = {
    "crane": "go install github.com/google/go-containerregistry/cmd/crane@latest",
    "ko": "go install github.com/google/ko@latest",
}
_SERVING = re.compile(r"serving on port ([0-9]+)")
_START = 20.0


def need(*programs: str) -> None:
    """Skip the test unless these programs are here, with how they are had."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not in PATH: {INSTALL.get(program, 'not installed')}")


@contextlib.contextmanager
def registry(work: Path) -> Iterator[str]:
    """A registry in memory, on a port of the loopback interface; its host name and port."""
    log = work / "registry.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            ["crane", "registry", "serve", "--address", "127.0.0.1:0"], stdout=output, stderr=output, cwd=work
        ) as server,
    ):
        try:
            yield f"localhost:{_port(log, server)}"
        finally:
            server.terminate()


def _port(log: Path, server: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + _START
    while time.monotonic() < end and server.poll() is None:
        found = _SERVING.search(log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.02)
    pytest.fail(f"crane serves no registry: {log.read_text()}")


def layers(work: Path) -> dict[str, Path]:
    """Archives to make layers of: plain, gzip and zstd."""
    made = {}
    for name, mode in (("a.tar", "w"), ("b.tar.gz", "w:gz")):
        with tarfile.open(work / name, mode) as archive:  # type: ignore[call-overload]  # modes are literals to it
            fill(archive, name[0])
        made[name] = work / name
    if shutil.which("zstd"):
        with tarfile.open(work / "c.tar", "w") as archive:
            fill(archive, "c")
        run(["zstd", "-q", "c.tar", "-o", "c.tar.zst"], work)
        made["c.tar.zst"] = work / "c.tar.zst"
    return made


def fill(archive: tarfile.TarFile, name: str) -> None:
    """A folder, a file, a link of each kind."""
    for path, kind, target in (
        (name, tarfile.DIRTYPE, ""),
        (f"{name}/file", tarfile.REGTYPE, ""),
        (f"{name}/hard", tarfile.LNKTYPE, f"{name}/file"),
        (f"{name}/link", tarfile.SYMTYPE, "file"),
    ):
        member = tarfile.TarInfo(path)
        member.type, member.linkname = kind, target
        member.size = 5000 if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(name.encode() * 5000))
