"""python -m fixtures.subjects: what it fetches, what it says where it cannot, and what is left then."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from fixtures.subjects import CannotFetch, Subject, cache, debian, subject
from fixtures.subjects.__main__ import main
from fixtures.subjects.getting import get
from fixtures.subjects.known import MEASURED, source

# A compiler that notes each call, and writes a program which says the version that SAYS names.
_BUILDER = """#!/bin/sh
echo called >>"$CALLS"
test -z "$FAILS" || { echo "go: downloading x" >&2; echo "$FAILS" >&2; exit 1; }
printf '#!/bin/sh\\necho runc version %s\\n' "$SAYS" >"$GOBIN/runc"
chmod +x "$GOBIN/runc"
"""


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a ``go`` of ours in PATH; the file that it notes its calls in."""
    tools, calls = tmp_path / "tools", tmp_path / "calls"
    tools.mkdir()
    (tools / "go").write_text(_BUILDER)
    (tools / "go").chmod(0o755)
    calls.touch()
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("SAYS", "1.5.3")
    monkeypatch.delenv("FAILS", raising=False)
    return calls


def fetched(folder: Path) -> list[str]:
    """What is in a cache, but for the locks."""
    return sorted(name for name in os.listdir(folder) if name != ".locks")


def test_get_prints_the_path_of_each_and_builds_it_once(
    builder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cache"
    for _ in range(2):
        assert main(["get", "--cache", str(folder), "runc@1.5.3"]) == 0
        assert capsys.readouterr().out == f"{folder}/runc-1.5.3/runc\n"
    assert builder.read_text() == "called\n"


def test_what_no_longer_runs_is_built_anew(builder: Path, tmp_path: Path) -> None:
    program = get(Subject("runc", "1.5.3"), tmp_path / "cache")
    program.write_text("#!/bin/sh\nexit 1\n")
    assert get(Subject("runc", "1.5.3"), tmp_path / "cache") == program
    assert builder.read_text() == "called\n" * 2


@pytest.mark.usefixtures("builder")
def test_another_version_than_was_asked_for_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAYS", "1.5.30")
    assert main(["get", "--cache", str(tmp_path / "cache"), "runc@1.5.3"]) == 2
    said = capsys.readouterr()
    assert said.err == "subjects: runc@1.5.3: what was fetched says on --version: runc version 1.5.30\n"
    assert said.out == ""
    assert fetched(tmp_path / "cache") == []


@pytest.mark.usefixtures("builder")
def test_a_failure_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAILS", "go: no such version")
    assert main(["get", "--cache", str(tmp_path / "cache"), "runc@1.5.3"]) == 2
    assert capsys.readouterr().err == "subjects: runc@1.5.3: go install failed: go: no such version\n"
    assert fetched(tmp_path / "cache") == []


@pytest.mark.usefixtures("builder")
def test_a_failed_subject_does_not_keep_the_others_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "--cache", str(tmp_path), "nosuch@1", "runc@1.5.3"]) == 2
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}/runc-1.5.3/runc\n"
    assert said.err.count("\n") == 1


@pytest.mark.usefixtures("builder")
def test_what_a_killed_fetch_left_goes_with_the_next(tmp_path: Path) -> None:
    left = tmp_path / "cache" / ".staging-runc-1.5.3" / "read-only"
    left.mkdir(parents=True)
    (left / "file").touch()
    left.chmod(0o555)
    get(Subject("runc", "1.5.3"), tmp_path / "cache")
    assert fetched(tmp_path / "cache") == ["runc-1.5.3"]


@pytest.mark.parametrize("mode", [0o1777, 0o700])
def test_a_folder_that_was_there_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    folder = tmp_path / "anybodys"
    folder.mkdir()
    folder.chmod(mode)
    with cache.locked(folder, "one"):
        pass
    assert folder.stat().st_mode & 0o7777 == mode


def test_a_file_where_a_fetch_prepares_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".staging-one").touch()
    assert cache.fill(tmp_path, "one", lambda *_: None).is_dir()


def test_two_at_once_build_once(builder: Path, tmp_path: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(get(Subject("runc", "1.5.3"), tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tmp_path / "runc-1.5.3" / "runc"] * 4
    assert builder.read_text() == "called\n"


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["get", "--cache", str(tmp_path / "file" / "below"), "runc@1.5.3"]) == 2
    assert "cannot be written: Not a directory\n" in capsys.readouterr().err


def test_a_missing_tool_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["get", "--cache", str(tmp_path / "cache"), "runc@1.5.3"]) == 2
    assert "go is not installed: it is needed to build it\n" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["runc", "runc@", "@1", "runc@../../x", "runc@1/2", "-x@1", "runc@-1", "runc@1 2", ""])
def test_what_is_no_subject_is_refused(text: str) -> None:
    with pytest.raises(CannotFetch, match=r"write NAME@VERSION"):
        subject(text)


@pytest.mark.parametrize(
    ("version", "own"),
    [
        ("1.28-1", "1.28"),
        ("1.8.1-1+deb12u1", "1.8.1"),
        ("1.3.6+ds1-1", "1.3.6+ds1"),
        ("1.1.15+ds1-2+b4", "1.1.15+ds1"),
        ("0.0~20240729.0-4+b7", "20240729"),
        ("2:1.6.0~rc.1-1", "1.6.0-rc.1"),
    ],
)
def test_the_version_in_that_of_a_package(version: str, own: str) -> None:
    assert debian.upstream(version) == own


# An apt whose lists have one version, and a dpkg-deb that has to unpack nothing.
_APT = """#!/bin/sh
grep -q deb.debian.org "$(sed -n 's/^Dir::Etc::sourcelist "\\(.*\\)";/\\1/p' "$APT_CONFIG")" || exit 3
echo "crun | 1.28-1 | http://deb.debian.org/debian sid/main amd64 Packages"
"""


def test_a_version_that_the_suites_no_longer_have_is_told_with_those_that_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "_KEYS", __file__)
    for name in ("apt-get", "apt-cache", "dpkg-deb"):
        (tmp_path / name).write_text(_APT)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert main(["get", "--cache", str(tmp_path / "cache"), "crun@1.27"]) == 2
    assert capsys.readouterr().err == (
        "subjects: crun@1.27: no suite of Debian has this version: bookworm has 1.28, trixie has 1.28, sid has 1.28\n"
    )
    assert fetched(tmp_path / "cache") == ["apt"]


def test_list_says_where_each_comes_from_and_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = cache.program(tmp_path, subject("crun@1.28"))
    program.parent.mkdir()
    program.touch()
    assert main(["list", "--cache", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(MEASURED)
    assert "runc@1.5.3           Go module" in lines
    assert "runc@1.3.6+ds1       Debian package" in lines
    assert f"crun@1.28            Debian package  {program}" in lines
    assert all(source(one) for one in MEASURED)


def test_the_cache_is_that_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIVALIDATE_SUBJECTS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default() == tmp_path / "ocivalidate" / "subjects"
    # A relative one is to be passed over (XDG Base Directory Specification).
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.default().is_absolute()


def test_usage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_crate_is_built_with_what_it_needs_for_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without features youki would refuse each config that has a limit."""
    cargo, said = tmp_path / "cargo", tmp_path / "said"
    cargo.write_text(
        f"""#!/bin/sh
echo "$*" >{said}
while [ "$1" != --root ]; do shift; done
mkdir -p "$2/bin"
printf '#!/bin/sh\\necho youki version 0.7.0\\n' >"$2/bin/youki"
chmod +x "$2/bin/youki"
"""
    )
    cargo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert get(Subject("youki", "0.7.0"), tmp_path / "cache").is_file()
    assert "--no-default-features --features v1,v2,seccomp" in said.read_text()
