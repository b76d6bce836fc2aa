"""``bundle --fix`` and ``--diff``: what they write, print and exit with, and what they leave alone."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.cli import main
from ocivalidate.cli.baseline import SCHEMA
from ocivalidate.cli.rewriting import rewrite
from ocivalidate.errors import UsageError
from tests.unit.command_line import Command, complaint

GOOD = """\
{
  "ociVersion": "1.2.0",
  "process": {"args": ["sh"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "terminal": false},
  "root": {"path": "rootfs"},
  "annotations": {"org.example.naive": "é"}
}
"""
BAD = GOOD.replace("terminal", "termnal")
BOTH = BAD.replace('"cwd": "/"', '"cwd": "x"')
DIFF = """\
--- {0}
+++ {0}
@@ -1,6 +1,6 @@
 {{
   "ociVersion": "1.2.0",
-  "process": {{"args": ["sh"], "cwd": "/", "user": {{"uid": 0, "gid": 0}}, "termnal": false}},
+  "process": {{"args": ["sh"], "cwd": "/", "user": {{"uid": 0, "gid": 0}}, "terminal": false}},
   "root": {{"path": "rootfs"}},
   "annotations": {{"org.example.naive": "é"}}
 }}
"""
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root changes owners")


def written(name: str, text: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def test_fix_writes_and_judges_what_is_left(say: Command) -> None:
    file = written("c.json", BAD)
    said = say("bundle", "--fix", "c.json")
    assert said.code == 0
    assert file.read_text(encoding="utf-8") == GOOD
    assert said.err == 'c.json: fixed 1 finding\n  rename process.termnal to "terminal"\n'
    assert "1 warning" not in said.out
    assert os.listdir() == ["c.json"]
    again = say("bundle", "--fix", "c.json")
    assert (again.code, again.err) == (0, "")


def test_what_cannot_be_mended_is_still_a_finding(say: Command) -> None:
    file = written("c.json", BOTH)
    said = say("bundle", "--fix", "--format", "json", "c.json")
    assert said.code == 1
    assert said.clauses == ["runtime/config.process.cwd.absolute"]
    assert '"terminal"' in file.read_text(encoding="utf-8")


def test_diff_shows_and_writes_nothing(say: Command) -> None:
    file = written("c.json", BAD)
    before = file.stat()
    said = say("bundle", "--diff", "c.json")
    assert (said.code, said.out, said.err) == (1, DIFF.format("c.json"), "")
    assert file.stat() == before
    assert say("bundle", "--diff", "--exit-zero", "c.json").code == 0


def test_diff_is_empty_where_nothing_can_be_mended(say: Command) -> None:
    written("c.json", GOOD.replace('"cwd": "/"', '"cwd": "x"'))
    assert say("bundle", "--diff", "c.json") == (0, "", "")


@pytest.mark.parametrize("arguments", [("--diff",), ("--fix",)])
def test_what_cannot_be_judged_is_left_alone(arguments: tuple[str, ...], say: Command) -> None:
    file = written("c.json", BAD[:-4])
    said = say("bundle", *arguments, "c.json", "absent.json")
    assert said.code == 2
    assert "absent.json: could not be judged: " in said.out + said.err
    assert file.read_text(encoding="utf-8") == BAD[:-4]


def test_several_inputs_are_mended_and_judged(say: Command) -> None:
    files = [written(f"{name}/config.json", BAD) for name in "ab"]
    for name in "ab":
        Path(name, "rootfs").mkdir()
    said = say("bundle", "--fix", "a", "b/config.json", "a/config.json")
    assert said.code == 0, said
    assert [file.read_text(encoding="utf-8") for file in files] == [GOOD, GOOD]
    assert said.err.count("fixed 1 finding") == 2
    assert "total: 3 subjects: 3 passed" in said.out


def test_standard_input_is_printed_as_it_becomes(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(BOTH.encode())

    monkeypatch.setattr(sys, "stdin", Input)
    said = say("bundle", "--fix", "--output", "json=report.json", "-")
    assert (said.code, said.out) == (1, BOTH.replace("termnal", "terminal"))
    assert "-: fixed 1 finding\n" in said.err
    assert "error[runtime/config.process.cwd.absolute]" in said.err
    assert len(json.loads(Path("report.json").read_text(encoding="utf-8"))["reports"][0]["findings"]) == 1


def test_what_was_fixed_is_no_command_of_a_build_service(say: Command) -> None:
    written("::error::pwned.json", BAD)
    said = say("bundle", "--fix", "::error::pwned.json")
    assert said.err == '\\x3a:error::pwned.json: fixed 1 finding\n  rename process.termnal to "terminal"\n'


@pytest.mark.parametrize("service", ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION", ""])
def test_a_diff_is_no_command_in_the_log_of_a_build(service: str, tmp_path: Path) -> None:
    commands = "##vso[task.setvariable variable=x]y ##[error]x ##teamcity[x]"
    (tmp_path / "c.json").write_bytes(BAD.replace("é", commands).encode())
    whole = DIFF.format("c.json").replace("é", commands)
    others = {
        name: text
        for name, text in os.environ.items()
        if name not in ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
    }
    words = [sys.executable, "-P", "-m", "ocivalidate", "bundle", "--no-config", "--diff", "c.json"]
    environment = {**others, service: "1"} if service else others
    done = subprocess.run(words, stdout=subprocess.PIPE, cwd=tmp_path, env=environment, check=False)
    assert done.stdout.decode() == (whole.replace("##", r"#\x23") if service else whole)
    with open(tmp_path / "patch", "wb") as file:
        subprocess.run(words, stdout=file, cwd=tmp_path, env=environment, check=False)
    assert (tmp_path / "patch").read_bytes().decode() == whole


def test_what_a_baseline_says_is_visible_text(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(BAD.encode())

    monkeypatch.setattr(sys, "stdin", Input)
    known = {"fingerprint": "0:1", "clause": "c", "subject": "gone", "message": "\x1b]0;x\n::error::pwned"}
    written("known.json", json.dumps({"schema": SCHEMA, "findings": [known]}))
    said = say("bundle", "--fix", "-v", "--baseline", "known.json", "-")
    assert r"no longer occurs: gone: c: \x1b]0;x\n::error::pwned" in said.err
    assert "\x1b" not in said.err
    assert "\n::" not in said.err


@pytest.mark.parametrize("data", [b"\xff\xfe{", b"{", b""])
def test_standard_input_that_is_no_document_is_passed_on(
    data: bytes, capfdbinary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Input:
        buffer = io.BytesIO(data)

    monkeypatch.setattr(sys, "stdin", Input)
    assert main(["bundle", "--fix", "--no-config", "-"]) == 1
    assert capfdbinary.readouterr().out == data


def test_diff_of_standard_input(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(BAD.encode())

    monkeypatch.setattr(sys, "stdin", Input)
    assert say("bundle", "--diff", "-") == (1, DIFF.format("-"), "")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--fix", "--diff", "x"], "argument --diff: not allowed with argument --fix"),
        (["--diff", "--format", "json", "x"], "--diff prints a diff and no report: leave out --format, --output and"),
        (["--diff", "--output", "json=y", "x"], "--diff prints a diff and no report: leave out --format, --output and"),
        (["--fix", "-", "x"], "--fix prints what standard input becomes: give - alone"),
        (
            ["--fix", "--format", "json", "-"],
            "--fix prints what standard input becomes: write the report with --output",
        ),
    ],
)
def test_what_does_not_go_together(arguments: list[str], wanted: str, say: Command) -> None:
    assert wanted in complaint(say("bundle", *arguments))


# --- Files


def test_mode_and_links_are_kept(say: Command) -> None:
    file = written("real/c.json", BAD)
    file.chmod(0o640)
    Path("link.json").symlink_to("real/c.json")
    assert say("bundle", "--fix", "link.json").code == 0
    assert Path("link.json").is_symlink()
    assert file.read_text(encoding="utf-8") == GOOD
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@as_root
def test_owner_and_attributes_are_kept(say: Command) -> None:
    file = written("c.json", BAD)
    os.chown(file, 12, 34)
    file.chmod(0o4755)
    try:
        os.setxattr(file, "user.note", b"x")
    except OSError:
        pytest.skip("this file system has no attributes")
    assert say("bundle", "--fix", "c.json").code == 0
    status = file.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12, 34, 0o4755)
    assert os.getxattr(file, "user.note") == b"x"


def refused(say: Command, *arguments: str) -> str:
    """What is said of a file that cannot be written; the others are written and judged all the same."""
    written("other.json", BAD)
    said = say("bundle", "--fix", *arguments, "other.json")
    assert said.code == 2
    assert Path("other.json").read_text(encoding="utf-8") == GOOD
    return said.err.splitlines()[0]


def test_read_only_file_is_refused(say: Command) -> None:
    file = written("c.json", BAD)
    file.chmod(0o444)
    assert refused(say, "c.json") == "ocivalidate: error: cannot write c.json: it is read-only"
    assert file.read_text(encoding="utf-8") == BAD


def test_link_out_of_the_bundle_is_followed_only_when_told(say: Command) -> None:
    file = written("elsewhere.json", BAD)
    Path("b/rootfs").mkdir(parents=True)
    Path("b/config.json").symlink_to("../elsewhere.json")
    assert say("bundle", "--fix", "b").code == 1
    assert file.read_text(encoding="utf-8") == BAD
    assert say("bundle", "--fix", "--follow-links", "b").code == 0
    assert file.read_text(encoding="utf-8") == GOOD


def test_link_that_leads_out_only_when_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.json"
    file.write_text("a", encoding="utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "config.json").symlink_to(file)
    with pytest.raises(UsageError, match="it is a link that leads out of the folder"):
        rewrite(str(tmp_path / "b" / "config.json"), b"a", b"b", within=tmp_path / "b")
    assert file.read_text(encoding="utf-8") == "a"


def test_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    for now in (b"ab", b"", b"b"):
        file.write_bytes(now)
        with pytest.raises(UsageError, match="it was changed while it was judged"):
            rewrite(str(file), b"a", b"c")
        assert file.read_bytes() == now
    assert os.listdir(tmp_path) == ["c.json"]


def test_nothing_is_half_written_when_there_is_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "c.json"
    file.write_bytes(b"a")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"cannot write .*: No space left on device"):
        rewrite(str(file), b"a", b"b")
    assert (os.listdir(tmp_path), file.read_bytes()) == (["c.json"], b"a")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_only_files_are_written(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "x")
    with pytest.raises(UsageError, match=r"cannot write .*: (not a file|Is a directory)"):
        rewrite(str(tmp_path / "x"), b"", b"b")


@as_root
def test_file_whose_owner_cannot_be_kept_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "c.json"
    file.write_bytes(b"a")
    os.chown(file, 12, 34)

    def forbidden(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", forbidden)
    with pytest.raises(UsageError, match=r"its owner cannot be kept \(Operation not permitted\)"):
        rewrite(str(file), b"a", b"b")
    assert (os.listdir(tmp_path), file.read_bytes()) == (["c.json"], b"a")


def test_what_is_ignored_is_not_mended(say: Command) -> None:
    files = [written(name, BAD) for name in ("a.json", "b.json")]
    Path("ocivalidate.toml").write_text('[per-path-ignores]\n"a.json" = ["lint"]\n', encoding="utf-8")
    assert say("bundle", "--fix", "--config", "ocivalidate.toml", "a.json", "b.json").code == 0
    assert [file.read_text(encoding="utf-8") for file in files] == [BAD, GOOD]
    files = [written(name, BAD) for name in ("a.json", "b.json")]
    assert say("bundle", "--fix", "--no-config", "--ignore", "lint", "a.json").code == 0
    assert files[0].read_text(encoding="utf-8") == BAD


def test_folder_of_bundles_is_mended(say: Command) -> None:
    files = [written(f"many/{name}/config.json", BAD) for name in "abc"]
    for name in "abc":
        Path("many", name, "rootfs").mkdir()
    assert say("bundle", "--diff", "many").out.count("+++ ") == 3
    said = say("bundle", "--fix", "many")
    assert (said.code, said.err.count("fixed 1 finding")) == (0, 3)
    assert [file.read_text(encoding="utf-8") for file in files] == [GOOD] * 3


def test_quiet_fix_says_nothing_where_all_is_well(say: Command) -> None:
    file = written("c.json", BAD)
    assert say("bundle", "--fix", "-q", "c.json") == (0, "", "")
    assert file.read_text(encoding="utf-8") == GOOD
