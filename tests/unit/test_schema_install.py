"""``schema --install``: the file is there, and the settings lead an editor to it and to the right documents."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.request import url2pathname

import pytest
from jsonschema import Draft202012Validator

from ocivalidate.cli.schema import EDITORS
from ocivalidate.rules.schema import KINDS
from tests.unit.command_line import GOOD, Command, complaint


def of_vscode(settings: Any) -> tuple[str, list[str]]:
    (entry,) = settings["json.schemas"]
    return entry["url"], entry["fileMatch"]


def of_yaml(settings: Any) -> tuple[str, list[str]]:
    ((url, patterns),) = settings["yaml.schemas"].items()
    return url, patterns


READERS = {"vscode": of_vscode, "yaml-language-server": of_yaml}


def installed(say: Command, *arguments: str) -> tuple[Path, list[str]]:
    """The schema that the settings lead to, and the files that it is for."""
    said = say("schema", *arguments)
    assert said.code == 0, said.err
    editor = arguments[arguments.index("--install") + 1]
    url, patterns = READERS[editor](json.loads(said.out))
    assert url.startswith("file:///")
    file = Path(url2pathname(url.removeprefix("file://")))
    assert said.err == f"wrote {file}; put what is printed into the settings of {editor}\n"
    return file, patterns


@pytest.mark.parametrize("editor", EDITORS)
def test_settings_lead_to_the_schema(editor: str, say: Command, tmp_path: Path) -> None:
    file, patterns = installed(say, "runtime-config", "--install", editor, "--into", "a b/ü", "--spec-version", "1.2.0")
    assert file == tmp_path / "a b" / "ü" / "runtime-config-1.2.0.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    assert schema == json.loads(say("schema", "runtime-config", "--spec-version", "1.2.0").out)
    document = json.loads(Path(GOOD, "config.json").read_text(encoding="utf-8"))
    assert Draft202012Validator(schema).is_valid(document)
    assert not Draft202012Validator(schema).is_valid(document | {"root": 1})
    assert any(fnmatch("/x/b/config.json", f"*{pattern}") for pattern in patterns)
    assert not any(fnmatch("/x/b/index.json", f"*{pattern}") for pattern in patterns)


def test_data_of_the_user_is_where_it_belongs(say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    file, patterns = installed(say, "report", "--install", "vscode")
    assert file == tmp_path / "data" / "ocivalidate" / "schemas" / "report.json"
    assert patterns == ["*.report.json"]
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    file, _patterns = installed(say, "image-index", "--install", "vscode")
    assert file.parent == tmp_path / "home" / ".local" / "share" / "ocivalidate" / "schemas"


def test_files_may_be_called_otherwise(say: Command) -> None:
    _file, patterns = installed(say, "runtime-config", "--install", "vscode", "--into", "x", "--match", "oci/*.json")
    assert patterns == ["oci/*.json"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_schema_can_be_installed(kind: str, say: Command) -> None:
    file, _patterns = installed(say, kind, "--install", "yaml-language-server", "--into", "x")
    assert json.loads(file.read_bytes())["title"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--into", "x"], "--into and --match go with --install"),
        (["--match", "x"], "--into and --match go with --install"),
        (["--install", "vscode", "--limits"], "--limits lists what a schema cannot say, and installs nothing"),
        (["--install", "vscde"], "did you mean vscode?"),
        (["--install", "vscode", "--into", "file/x"], "cannot make the folder file/x: Not a directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], wanted: str, say: Command) -> None:
    Path("file").touch()
    assert wanted in complaint(say("schema", "runtime-config", *arguments))
