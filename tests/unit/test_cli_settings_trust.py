"""Settings files of strangers: whose are obeyed, what they may have written, and how it is told that one counts."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, strategies as st

from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.settings import add_options, settle
from ocivalidate.cli.settings_file import _others_write
from ocivalidate.errors import UsageError
from ocivalidate.report import FORMATS
from tests.unit.command_line import BROKEN, CWD, GOOD, Command, complaint

AS_ROOT = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
STRANGER = 12345
HIDING = f'ignore = ["{CWD}"]\n'
# Command → a command line of it that reads settings and ends with 0 when there are none.
READERS = {
    "bundle": ("bundle", GOOD),
    "state": ("state", "state.json"),
    "features": ("features", "features.json"),
    "image": ("image", GOOD.replace("bundle-good", "image-good")),
    "judge": ("judge", GOOD, "facts.json"),
    "runtime": ("runtime", "--list"),
}


def planted(folder: Path, text: str = HIDING, name: str = "ocivalidate.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    file.chmod(0o644)
    return file


@pytest.fixture
def inner(say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, not that of ``say``: it is in one below the folder where settings are planted."""
    assert callable(say)
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def _of_a_stranger(file: Path) -> None:
    os.chown(file, STRANGER, 0)


def _through_a_link_of_a_stranger(file: Path) -> None:
    file.rename(file.with_name("real.toml"))
    file.symlink_to("real.toml")
    os.lchown(file, STRANGER, 0)


def _in_a_folder_of_all(file: Path) -> None:
    file.parent.chmod(0o777)


def _through_a_link_into_a_folder_of_all(file: Path) -> None:
    folder = file.with_name("open")
    folder.mkdir()
    folder.chmod(0o777)
    file.rename(folder / "real.toml")
    file.symlink_to("open/real.toml")


SUSPECT = {
    "of a stranger": (_of_a_stranger, "a settings file of another user (12345)"),
    "through a stranger's link": (_through_a_link_of_a_stranger, "a settings file of another user (12345)"),
    "written by all": (lambda file: file.chmod(0o646), "a settings file that other users can write"),
    "written by a group": (lambda file: file.chmod(0o664), "a settings file that other users can write"),
    "in a folder of all": (_in_a_folder_of_all, "a settings file in a folder that other users can write"),
    "in a folder of a group": (
        lambda file: file.parent.chmod(0o775),
        "a settings file in a folder that other users can write",
    ),
    "a link into a folder of all": (
        _through_a_link_into_a_folder_of_all,
        "a settings file in a folder that other users can write",
    ),
}


@AS_ROOT
@pytest.mark.usefixtures("inner")
@pytest.mark.parametrize("name", ["ocivalidate.toml", "pyproject.toml"])
@pytest.mark.parametrize("kind", SUSPECT)
def test_a_file_that_others_could_have_written_is_refused(say: Command, tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "a").chmod(0o755)
    text = HIDING if name == "ocivalidate.toml" else f"[tool.ocivalidate]\n{HIDING}"
    file = planted(tmp_path / "a", text, name)
    spoil, reason = SUSPECT[kind]
    spoil(file)
    os.chdir(tmp_path / "a" / "b")
    line = complaint(say("bundle", BROKEN))
    assert line == f"{file}: {reason} is not read; --config FILE reads it anyway, --no-config reads none"
    assert say("bundle", BROKEN, "--no-config").code == 1
    # Who names it knows whose it is.
    if name == "ocivalidate.toml":
        assert f"settings of {file}: ignore" in say("bundle", BROKEN, "--config", str(file)).out


@AS_ROOT
@pytest.mark.usefixtures("inner")
def test_what_a_stranger_says_to_other_tools_is_nothing_to_us(say: Command, tmp_path: Path) -> None:
    _of_a_stranger(planted(tmp_path, "[tool.other]\n", "pyproject.toml"))
    assert say("bundle", GOOD).code == 0


@AS_ROOT
def test_a_file_of_our_own_in_a_sticky_folder_is_obeyed(say: Command, tmp_path: Path, inner: Path) -> None:
    planted(tmp_path / "a")
    (tmp_path / "a").chmod(0o1777)
    assert str(inner).startswith(str(tmp_path / "a"))
    assert "settings of" in say("bundle", BROKEN).out


@pytest.mark.usefixtures("inner")
@pytest.mark.parametrize("where", [".", "a", "a/b"])
def test_the_file_that_counts_is_named_in_the_last_line(say: Command, tmp_path: Path, where: str) -> None:
    file = planted(tmp_path / where, HIDING + 'color = "never"\nverbose = 0\nlevel = "may"\nlint = true')
    *_, last = say("bundle", BROKEN).out.splitlines()
    assert last.endswith(f"; settings of {file}: ignore, lint")
    *_, last = say("bundle", BROKEN, GOOD).out.splitlines()
    assert last.startswith("total: ")
    assert last.endswith(f"; settings of {file}: ignore, lint")


@pytest.mark.usefixtures("inner")
def test_every_format_names_the_file_that_counts(say: Command, tmp_path: Path) -> None:
    file = planted(tmp_path)
    assert say("bundle", BROKEN, "--format", "json").json["settings"] == {"file": str(file), "changed": ["ignore"]}
    (log,) = say("bundle", BROKEN, "--format", "sarif").json["runs"]
    assert log["properties"]["settings"] == {"file": str(file), "changed": ["ignore"]}
    assert f"; settings of {file}: ignore\n" in say("bundle", BROKEN, "--format", "tap").out
    assert f'name="settings" value="{file}: ignore"' in say("bundle", BROKEN, "--format", "junit").out
    say("bundle", BROKEN, "--output", f"json={tmp_path / 'r.json'}")
    assert json.loads((tmp_path / "r.json").read_bytes())["settings"]["file"] == str(file)


@pytest.mark.usefixtures("inner")
@pytest.mark.parametrize("text", ["", 'color = "always"', 'level = "may"', 'format = "text"', "spec-version = '1.2.0'"])
def test_a_file_that_changes_nothing_is_not_named(say: Command, tmp_path: Path, text: str) -> None:
    planted(tmp_path, text)
    assert "settings of" not in say("bundle", GOOD, "--spec-version", "1.0.0", "--color", "never").out


@pytest.fixture
def documents(inner: Path) -> Path:
    """What the commands of ``READERS`` read."""
    (inner / "state.json").write_text(
        '{"ociVersion": "1.0.0", "id": "x", "status": "stopped", "bundle": "/b"}', encoding="utf-8"
    )
    (inner / "features.json").write_text('{"ociVersionMin": "1.0.0", "ociVersionMax": "1.1.0"}', encoding="utf-8")
    (inner / "facts.json").write_text('{"ocivalidate": []}', encoding="utf-8")
    return inner


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize("command", READERS)
def test_every_command_that_reads_settings_can_go_without(
    say: Command, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = say(*READERS[command])
    planted(tmp_path, "strange = 1")
    assert "unknown setting strange" in complaint(say(*READERS[command]))
    assert say(*READERS[command], "--no-config") == plain
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "1")
    assert say(*READERS[command]) == plain
    named = planted(tmp_path, "odd = 1", "named.toml")
    assert "unknown setting odd" in complaint(say(*READERS[command], "--config", str(named)))
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "")
    assert "unknown setting strange" in complaint(say(*READERS[command]))


def _link_out(folder: Path) -> str:
    (folder / "link").symlink_to(folder.parent / "out")
    return "link"


def _folder_link_out(folder: Path) -> str:
    (folder.parent / "elsewhere").mkdir()
    (folder / "way").symlink_to(folder.parent / "elsewhere")
    return "way/r.json"


def _source(folder: Path) -> str:
    (folder / "main.c").write_text('{"schema": "of mine"}\nint main(void) { return 0; }\n', encoding="utf-8")
    return "main.c"


def _fifo(folder: Path) -> str:
    os.mkfifo(folder / "fifo")
    return "fifo"


def _made(name: str, content: str = "") -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if content:
            (folder / name).write_text(content, encoding="utf-8")
        return name

    return make


OUTSIDE, THERE = "is outside the folder of this file", "exists already and is not an ocivalidate report"
GUARDED = "is in a version control directory"
WRONG: dict[str, tuple[Callable[[Path], str], str]] = {
    "above": (lambda _folder: "../r.json", OUTSIDE),
    "above, by a detour": (_made("sub/../../r.json"), OUTSIDE),
    "absolute": (lambda folder: str(folder.parent / "r.json"), OUTSIDE),
    "a neighbour with the same beginning": (_made("../settings-of-others/r.json"), OUTSIDE),
    "a folder of its own": (_made("sub/"), OUTSIDE),
    "itself": (lambda _folder: "ocivalidate.toml", THERE),
    "a device": (lambda _folder: "/dev/null", OUTSIDE),
    "a link": (_link_out, THERE),
    "a folder behind a link": (_folder_link_out, OUTSIDE),
    "a source": (_source, THERE),
    "a FIFO": (_fifo, THERE),
    "a folder": (lambda _folder: "..", OUTSIDE),
    "git": (_made(".git/hooks/pre-commit"), GUARDED),
    "git, in other letters": (_made("sub/.Git/x"), GUARDED),
    "another's report": (_made("r.sarif", '{"$schema": "https://x/sarif.json", "runs": []}\n'), THERE),
}


@pytest.mark.parametrize("kind", WRONG)
def test_outputs_that_a_settings_file_may_not_name(
    say: Command, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    monkeypatch.chdir(folder)
    file = planted(folder, "placeholder")
    make, reason = WRONG[kind]
    name = make(folder)
    planted(folder, f"output = [{json.dumps(f'json={name}')}]")
    before = _everything(tmp_path)
    want = f"{file}: output {name} {reason}; name it on the command line if you want that"
    assert complaint(say("bundle", GOOD)) == want
    # A file that the user names has no more power over other folders.
    assert complaint(say("bundle", GOOD, "--config", str(file))) == want
    assert _everything(tmp_path) == before
    assert say("bundle", GOOD, "--output", "tap=/dev/null").code == 0


def _everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("subject", [GOOD, BROKEN, "none"])
def test_reports_are_written_beside_the_settings_again_and_again(
    say: Command, tmp_path: Path, inner: Path, format_name: str, subject: str
) -> None:
    planted(tmp_path, f'output = ["{format_name}=r", "{format_name}={tmp_path}/a/s"]')
    (inner / "r").touch()
    for _ in range(2):
        assert "output" in say("bundle", subject).out
    assert (inner / "r").read_bytes() == (tmp_path / "a" / "s").read_bytes() != b""
    # The format may change.
    planted(tmp_path, 'output = ["json=r"]')
    say("bundle", GOOD)
    assert json.loads((inner / "r").read_bytes())["complete"]


def test_what_others_put_there_while_we_judged_is_not_followed(
    say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(tmp_path, 'output = ["json=r"]')
    (tmp_path / "victim").write_text("mine", encoding="utf-8")

    def plant(*_arguments: object) -> bool:
        (tmp_path / "r").symlink_to("victim")
        return False

    monkeypatch.setattr("ocivalidate.cli.bundle.check_bundle", _then(plant))
    assert THERE in say("bundle", GOOD).err
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "mine"


def _then(act: Callable[[], object]) -> Callable[..., object]:
    from ocivalidate.bundle.api import check_bundle

    def check(path: str, **options: object) -> object:
        act()
        return check_bundle(path, **options)  # type: ignore[arg-type]  # as they came

    return check


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" + ".a" * 100_000 + "=1", "has a dotted key with more than 16 parts"),
        ("a=" + "[" * 100_000, "has values nested more than 32 deep"),
        ("#" * 300_000, "has more than 262144 bytes"),
    ],
)
@pytest.mark.parametrize("name", ["ocivalidate.toml", "pyproject.toml"])
def test_settings_that_would_eat_the_machine_are_refused(
    say: Command, tmp_path: Path, text: str, reason: str, name: str
) -> None:
    file = planted(tmp_path, f"# tool.ocivalidate\n{text}", name)
    assert complaint(say("bundle", GOOD)) == f"{file} {reason}"
    assert complaint(say("bundle", GOOD, "--config", str(file))) == f"{file} {reason}"


def test_systems_whose_files_have_no_owner_obey_what_is_there(
    say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(tmp_path).chmod(0o666)
    monkeypatch.delattr(os, "geteuid")
    assert "settings of" in say("bundle", BROKEN).out


class Person(NamedTuple):
    """What pwd and grp say of a user and a group of the same name."""

    pw_gid: int = 1000
    pw_name: str = "ann"
    gr_gid: int = 1000
    gr_name: str = "ann"
    gr_mem: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("person", "mode", "trusted"),
    [
        (Person(), 0o664, True),
        (Person(gr_mem=("ann",)), 0o664, True),
        (Person(), 0o666, False),
        (Person(gr_mem=("bob",)), 0o664, False),
        (Person(gr_name="staff"), 0o664, False),
        (Person(pw_gid=7), 0o664, False),
        (Person(gr_mem=("bob",)), 0o644, True),
    ],
)
def test_a_group_of_the_user_alone_is_nobody_else(
    person: Person,
    mode: int,
    trusted: bool,  # noqa: FBT001  # a parameter
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pwd.getpwuid", lambda _uid: person)
    monkeypatch.setattr("grp.getgrgid", lambda _gid: person)
    status = os.stat_result((mode, 1, 1, 1, 1000, 1000, 0, 0, 0, 0))
    assert _others_write(status) is not trusted


@given(
    st.binary(max_size=80) | st.text(st.sampled_from("[]{}.=\"'#\n, output=selignrjsv-1"), max_size=80).map(str.encode)
)
def test_whatever_a_settings_file_holds_is_obeyed_or_told(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-settings"
    folder.mkdir(exist_ok=True)
    (folder / "any.toml").write_bytes(data)
    parser = DashParser()
    add_options(parser)
    with contextlib.suppress(UsageError):
        settle(parser.parse_args(["--config", str(folder / "any.toml")]))


@pytest.mark.parametrize(
    "text",
    ["follow-links = true", 'max-size = "33M"', "max-size = 33554433", "max-findings = 21", 'max-findings = "all"'],
)
def test_a_file_that_nobody_named_lets_documents_do_no_more(say: Command, tmp_path: Path, text: str) -> None:
    file = planted(tmp_path, text)
    name = text.partition(" ")[0]
    reason = f"{name} above its default is only allowed on the command line, or in a file that --config names"
    assert complaint(say("bundle", GOOD)) == f"{file}: {reason}"
    assert say("bundle", GOOD, "--config", str(file)).code == 0


@pytest.mark.parametrize("text", ["follow-links = false", 'max-size = "32M"', "max-size = 99999", "max-findings = 2"])
def test_it_may_well_let_them_do_less(say: Command, tmp_path: Path, text: str) -> None:
    planted(tmp_path, text)
    assert say("bundle", GOOD).code == 0
