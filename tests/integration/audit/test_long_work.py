"""Long work by the command line: killed and gone on with, interrupted, and in shards."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from ocivalidate.audit.api import audit
from ocivalidate.audit.options import Work
from ocivalidate.audit.pace import Pace
from ocivalidate.cli import audit_work
from tests.integration.audit.long_runs import SLOW, audited, begun, lines, report, told, write_registry

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def whole(registry: Path) -> tuple[int, str]:
    """What is said of all of it in one piece."""
    code, text = audited(registry)
    assert code == 1
    assert report(text)["findings"]
    return code, text


def test_a_run_that_was_killed_is_gone_on_with(registry: Path, whole: tuple[int, str], tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    process = begun(registry, "--journal", str(journal), "--rate", SLOW, until=lambda: lines(journal) > 3)
    process.kill()
    process.communicate()
    before = journal.read_bytes()
    # As if it had been killed in the middle of a line.
    journal.write_bytes(before[:-9])
    assert audited(registry, "--journal", str(journal)) == whole
    after = journal.read_bytes()
    assert after.startswith(before[:-9])
    # What was in it is not verified again: each blob has its line once, but for the one that was cut.
    kept = [json.loads(line)["path"] for line in after.splitlines()[1:] if line.endswith(b"}}")]
    assert len(kept) == len(set(kept))
    assert audited(registry, "--journal", str(journal)) == whole
    assert len(journal.read_bytes()) == len(after)


def test_an_interrupt_gives_a_report_that_says_so(registry: Path, whole: tuple[int, str], tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    process = begun(registry, "--journal", str(journal), "--rate", SLOW, until=lambda: lines(journal) > 3)
    process.send_signal(signal.SIGINT)
    text, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (2, f"{registry}: could not be judged: interrupted\n")
    partial = report(text)
    assert not partial["complete"]
    assert partial["facts"]["stopped"] == "interrupted"
    assert partial["facts"]["images"]["unjudged"] > 0
    assert partial["facts"]["verified"]["blobs"] < report(whole[1])["facts"]["verified"]["blobs"]
    assert audited(registry, "--journal", str(journal)) == whole


def test_what_is_old_is_verified_again(registry: Path, whole: tuple[int, str], tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    assert audited(registry, "--journal", str(journal)) == whole
    text = journal.read_text()
    assert audited(registry, "--journal", str(journal), "--recheck", "1d") == whole
    assert journal.read_text() == text
    # As if it had been yesterday.
    journal.write_text(text.replace('"when":', '"when":1'))
    assert audited(registry, "--journal", str(journal), "--recheck", "1d") == whole
    assert len(journal.read_text()) > 1.5 * len(text)


def test_the_shards_come_to_the_whole(registry: Path, whole: tuple[int, str], tmp_path: Path) -> None:
    names = []
    for number in (1, 2, 3):
        names.append(str(tmp_path / f"{number}.json"))
        (tmp_path / f"{number}.json").write_text(audited(registry, "--shard", f"{number}/3")[1])
    code, text = told("--merge", *names, "--format", "json")
    assert code == 1
    one, other = report(whole[1]), report(text)
    assert other["findings"] == one["findings"]
    # What to do has no order but that garbage is last.
    remedies = [sorted(map(json.dumps, told.pop("mend"))) for told in (one["facts"], other["facts"])]
    assert remedies[0] == remedies[1]
    assert other["facts"] == one["facts"] | {"shards": 3}
    # What layers are upon each other cannot be seen in shards, and is said to be open.
    apart = [result for result in other["results"] if result not in one["results"]]
    assert {result["clause"]: result["reason"] for result in apart} == dict.fromkeys(
        ("safety/layer.parent", "safety/layer.link-target"), "the layers of an image are in several shards"
    )


def test_a_log_gets_a_line_now_and_then(
    registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ocivalidate.cli.audit_work._APART", 0.2)
    with audit_work.shown(str(registry), quiet=False) as progress:
        audit(registry, work=Work(pace=Pace(1 << 20), progress=progress))
    *_others, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"ocivalidate: {registry}: .* of 7\d\d.\d KiB \(\d+%\), .*\d+ (of 12 )?blobs.*", last)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shard", "3/2"], "not a shard: 3/2"),
        (["--recheck", "1d"], "--recheck needs --journal"),
        (["--rate", "fast"], "not a size: fast"),
        (["--executor", "spark"], "no such executor: spark"),
        (["--executor", "dask://127.0.0.1:1"], "no Dask scheduler answers: connection refused"),
        (["--journal", "/dev/null"], "not a journal of an audit: not a regular file"),
        (["--merge", "--rate", "1M"], "--rate is of no use with --merge"),
        (["--merge"], "not a JSON report"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(registry: Path, options: list[str], said: str) -> None:
    code, line = audited(registry, *options)
    assert code == 2
    assert said in line
    assert line.count("\n") == 1
