"""An engine in a place of its own, with other mounts: what it finds and keeps comes to us as messages alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import fake_runtime
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime.api import check_runtime
from ocivalidate.runtime.launching import EngineProcess, engine_command
from ocivalidate.runtime.options import RuntimeOptions
from ocivalidate.runtime.protocol import End, Request

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has mounts of its own"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed"),
]
KILLS = "kills-what-has-stopped"
LOWEST = "refusals.stopped-container"


class OtherMounts:
    """Starts engines where /tmp is another; ``swept`` are the runs after which was cleaned up."""

    def __init__(self) -> None:
        self.swept: list[str] = []

    def start(self, request: Request) -> EngineProcess:
        script = 'mount -t tmpfs other /tmp && exec "$@"'
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *engine_command()]
        return EngineProcess(command, request)

    def sweep(self, name: str) -> None:
        self.swept.append(name)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that is the same in both places."""
    made = Path(tempfile.mkdtemp(prefix="ocivalidate-test-", dir="/var/tmp"))
    yield made
    shutil.rmtree(made)


def test_what_is_kept_there_is_found_here(shared: Path, tmp_path: Path) -> None:
    runtime = fake_runtime.write(shared / "fake", KILLS)
    kept, there = tmp_path / "kept", OtherMounts()
    report = check_runtime(runtime, Selection(select=(LOWEST,)), RuntimeOptions(dump_dir=kept, launcher=there))
    assert report.problem == ""
    assert report.complete
    assert Outcome.FAIL in {one.outcome for one in report.results}
    assert {one.dump for one in report.results} == {str(kept / LOWEST)}
    assert (kept / LOWEST / "verdicts.json").is_file()
    assert [*(kept / LOWEST).glob("bundle-*/config.json")] != []
    assert there.swept == []


def test_a_place_that_is_not_there_ends_the_run(shared: Path) -> None:
    class Nowhere(OtherMounts):
        def start(self, request: Request) -> EngineProcess:
            return EngineProcess(["chroot", str(shared), *engine_command()], request)

    there = Nowhere()
    report = check_runtime("runc", None, RuntimeOptions(launcher=there))
    assert not report.complete
    assert report.facts["stopped"].startswith("the engine ended before its work was done (exit code 127)")
    assert there.swept == [""]


def test_an_interrupt_reaches_it(shared: Path) -> None:
    runtime = fake_runtime.write(shared / "fake")
    engine = OtherMounts().start(Request(str(runtime), jobs=1))
    events = iter(engine)
    next(events)
    engine.stop()
    *_, last = events
    assert engine.wait() == 0
    assert isinstance(last, End)
    assert not last.complete
    assert subprocess.run(["pgrep", "-f", str(runtime)], capture_output=True, check=False).stdout == b""
