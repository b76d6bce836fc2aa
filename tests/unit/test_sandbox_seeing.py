"""What a guest sees of the host, and what has to be put into it or copied for it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ocivalidate.runtime.sandbox import seeing, showing
from ocivalidate.runtime.sandbox.keeper import _outermost
from ocivalidate.runtime.sandbox.seeing import Need, Shown, User, closed, shown

STRANGER = User(4_000_000, frozenset({4_000_000}))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home below folders that everybody may pass; what is below /tmp counts as any other place."""
    monkeypatch.setattr(seeing, "OWN", ("/run", f"{tmp_path}/own"))
    at = tmp_path
    while at != Path("/"):
        if at.stat().st_uid == os.geteuid() and not at.stat().st_mode & stat.S_IXOTH:
            at.chmod(0o755)
        at = at.parent
    made = tmp_path / "home"
    made.mkdir(mode=0o755)
    return made


def a_file(path: Path, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    path.chmod(mode)
    return path


def test_what_everybody_may_read_needs_nothing(home: Path) -> None:
    assert shown([Need(str(a_file(home / "a")))], STRANGER) == []
    assert shown([Need(str(home / "absent"))], STRANGER) == []


def test_what_stands_in_a_closed_folder_is_copied(home: Path) -> None:
    file = a_file(home / "joe" / "bin" / "runtime")
    (home / "joe").chmod(0o700)
    [one] = shown([Need(str(file))], STRANGER)
    assert (one.place, one.source, one.closed) == (str(file), str(file), str(home / "joe"))
    assert closed(str(a_file(home / "secret", 0o600)), STRANGER) == str(home / "secret")
    assert shown([Need(str(file))], User(0, frozenset())) == []


def test_what_a_folder_of_the_guest_covers_is_shown_without_a_copy(home: Path) -> None:
    file = a_file(home.parent / "own" / "runtime")
    assert shown([Need(str(file))], STRANGER) == [Shown(str(file), str(file), "", Need(str(file)))]


def test_a_link_that_can_be_seen_leads_to_its_target(home: Path) -> None:
    target = a_file(home / "joe" / "runtime")
    (home / "joe").chmod(0o700)
    link = home / "runtime"
    link.symlink_to(target)
    [one] = shown([Need(str(link))], STRANGER)
    assert one.place == str(target)
    covered = home.parent / "own" / "runtime"
    covered.parent.mkdir()
    covered.symlink_to(target)
    [one] = shown([Need(str(covered))], STRANGER)
    assert (one.place, one.source) == (str(covered), str(target))


def test_nothing_is_shown_twice(home: Path) -> None:
    file = a_file(home.parent / "own" / "tree" / "a" / "b")
    every = shown([Need(str(file)), Need(str(file.parent.parent)), Need(str(file))], STRANGER)
    assert [one.place for one in every] == [str(file.parent.parent)]


def test_groups_and_owners_count() -> None:
    found = os.stat_result((stat.S_IFREG | 0o640, 0, 0, 1, 7, 8, 0, 0, 0, 0))
    assert User(7, frozenset()).may(found, 4)
    assert User(9, frozenset({8})).may(found, 4)
    assert not User(9, frozenset({9})).may(found, 4)


def test_of_a_folder_only_what_suffices_is_copied(home: Path, tmp_path: Path) -> None:
    tree = home / "python"
    for name in ("bin/python3", "bin/pip", "lib/python3.11/os.py", "lib/python3.11/test/a.py", "share/doc"):
        a_file(tree / name, 0o600)
    (tree / "lib" / "link").symlink_to("python3.11")
    need = Need(str(tree), ("bin/python*", "lib/python3.11", "lib/link"), ("test",))
    target = showing.copy(Shown(str(tree), str(tree), str(tree), need), str(tmp_path / "seed"))
    copied = Path(target)
    files = {str(path.relative_to(copied)) for path in copied.rglob("*") if not path.is_dir() or path.is_symlink()}
    assert files == {"bin/python3", "lib/python3.11/os.py", "lib/link"}
    assert stat.S_IMODE((copied / "bin/python3").stat().st_mode) == 0o644
    assert closed(str(copied / "lib/python3.11/os.py"), STRANGER) == ""


def test_the_outermost_closed_folders_are_covered() -> None:
    assert _outermost({"/home/joe", "/home/joe/x", "/root", "/run/a", "/opt"}) == ["/home/joe", "/opt"]


def test_a_first_python_that_was_copied_is_started_where_it_is() -> None:
    import sys

    real = os.path.realpath(sys.executable)
    prefix = os.path.dirname(os.path.dirname(real))
    started, variables = showing.first_python([(prefix, f"/seed{prefix}")])
    assert (started, variables) == (f"/seed{real}", {"LD_LIBRARY_PATH": f"/seed{prefix}/lib"})
    assert showing.first_python([]) == (real, {})


def test_the_environment_of_the_engine_names_no_place_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    monkeypatch.setenv("TMPDIR", "/scratch")
    monkeypatch.setenv("RUNTIME_DEBUG", "1")
    found = showing.environment()
    assert "XDG_RUNTIME_DIR" not in found
    assert "TMPDIR" not in found
    assert (found["RUNTIME_DEBUG"], found["HOME"], found["PATH"]) == ("1", "/root", os.environ["PATH"])
