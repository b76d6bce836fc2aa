"""Bad input is an answer, not an accident: a finding or one clear line, in little time and memory, and no traceback.

Everything goes through the real command, in a process of its own.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 2.0
"""Of processor time: a busy machine does not make the command slower by this clock."""
HANGS_AFTER = 60.0
"""Seconds by the clock on the wall. A command that waits for something uses no processor time."""
MOST_MEMORY = 300 * 1024 * 1024
"""Bytes that are resident at most."""

# Measures one command, in a small process of its own: what counts as a child's peak starts with that of its parent.
_MEASURE = """
import json, os, sys
child = os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as file:
    json.dump([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024], file)
"""


class Said(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def clauses(self) -> set[str]:
        """The clauses of the findings of a JSON report."""
        return {finding["clause"] for report in json.loads(self.out)["reports"] for finding in report["findings"]}


class Runner:
    """Runs ``ocivalidate`` in a folder, and holds it to its limits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        *arguments: str,
        stdin: bytes | IO[bytes] = b"",
        stdout: int | IO[bytes] = subprocess.PIPE,
        prefix: tuple[str, ...] = (),
        behind: str = "",
        **environment: str,
    ) -> Said:
        """Run the command; ``behind`` is put behind it in a shell, such as ``| head -1``."""
        measured = self.folder.parent / "measured"
        command = [*prefix, sys.executable, "-m", "ocivalidate", *arguments]
        if behind:
            command = ["sh", "-c", f'"$@" {behind}', "sh", *command]
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _MEASURE, str(measured), *command],
            cwd=self.folder,
            env={**_environment(), "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(stdin if isinstance(stdin, bytes) else None, timeout=HANGS_AFTER)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            pytest.fail(f"{command} hangs", pytrace=False)
        code, seconds, memory = json.loads(measured.read_text())
        said = Said(code, (out or b"").decode(), err.decode())
        assert "Traceback" not in said.err
        assert "internal error" not in said.err
        assert "Exception ignored" not in said.err
        assert memory < MOST_MEMORY
        assert seconds < MOST_SECONDS
        return said

    def could_not_judge(self, *arguments: str, **keywords: Any) -> str:
        """Run the command, which must not come to a verdict, and return the one line that it says."""
        said = self(*arguments, **keywords)
        assert said.code == 2
        (line,) = (said.out + said.err).splitlines()
        assert line.isprintable()
        return line


def _environment() -> dict[str, str]:
    """That of the tests, but for what would change how the command runs."""
    ours = ("PYTHON", "OCIVALIDATE_", "NO_COLOR", "FORCE_COLOR")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    folder = tmp_path / "here"
    folder.mkdir()
    return Runner(folder)


def bundle_in(folder: Path, document: bytes | None) -> Path:
    """A bundle folder."""
    folder.mkdir()
    (folder / "rootfs").mkdir()
    if document is not None:
        (folder / "config.json").write_bytes(document)
    return folder


@functools.cache
def sound() -> dict[str, Any]:
    """A valid document."""
    document: dict[str, Any] = json.loads((ROOT / "fixtures" / "demo" / "bundle-good" / "config.json").read_bytes())
    return document


def sound_with(**members: Any) -> bytes:
    return json.dumps(sound() | members).encode()


# --- What a document may hold

SYNTAX, UTF8 = "runtime/glossary.json.syntax", "runtime/glossary.json.utf8"
NUMBER, SURROGATE = "safety/json.number-range", "safety/json.lone-surrogate"
DUPLICATE = "runtime/glossary.json.no-duplicate-names"
DEPTH = "safety/json.depth"
NO_OBJECT = "runtime/config.type"

SPOILT = {
    "empty": (b"", SYNTAX),
    "white space": (b" \n\t\n", SYNTAX),
    "array": (b"[]", NO_OBJECT),
    "null": (b"null", NO_OBJECT),
    "string": (b'"x"', NO_OBJECT),
    "number": (b"1e3", NO_OBJECT),
    "byte order mark": (b"\xef\xbb\xbf" + sound_with(), UTF8),
    "UTF-16": (sound_with().decode().encode("utf-16"), UTF8),
    "UTF-16 without a mark": (sound_with().decode().encode("utf-16-le"), UTF8),
    "UTF-32": (sound_with().decode().encode("utf-32"), UTF8),
    "invalid UTF-8": (sound_with(hostname="h").replace(b'"h"', b'"\xff"'), UTF8),
    "a surrogate in UTF-8": (sound_with(hostname="h").replace(b'"h"', b'"\xed\xa0\x80"'), UTF8),
    "NUL bytes": (b"\x00" * 100, SYNTAX),
    "NaN": (sound_with(x=float("nan")), SYNTAX),
    "infinity": (sound_with(x=float("-inf")), SYNTAX),
    "something behind it": (sound_with() + b"x", SYNTAX),
    "two documents": (sound_with() * 2, SYNTAX),
    "cut short": (sound_with()[:-1], SYNTAX),
    "a version twice": (sound_with().replace(b"{", b'{"ociVersion": "1.0.0", ', 1), DUPLICATE),
    "5,000 digits": (sound_with(x=7).replace(b'"x": 7', b'"x": ' + b"7" * 5000), NUMBER),
    "1e400": (sound_with(x=7).replace(b'"x": 7', b'"x": 1e400'), NUMBER),
    "half a surrogate pair": (sound_with(hostname="\ud800"), SURROGATE),
    "half a surrogate pair as a name": (sound_with(**{"\udfff": 1}), SURROGATE),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, DEPTH),
    "100,000 arrays in a member": (
        sound_with(x=7).replace(b'"x": 7', b'"x": ' + b"[" * 100_000 + b"]" * 100_000),
        DEPTH,
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_wrong_with_the_text_is_a_finding(run: Runner, name: str) -> None:
    document, clause = SPOILT[name]
    (run.folder / "x.json").write_bytes(document)
    said = run("bundle", "x.json", "--format", "json")
    assert said.code == 1
    assert clause in said.clauses
    shown = run("bundle", "x.json")
    assert shown.code == 1
    assert f"error[{clause}]" in shown.out
    assert shown.err == ""


# What reads as a configuration is not judged as a state.
OF_NOTHING = {"5,000 digits": b'{"x": ' + b"9" * 5_000 + b"}", "half a surrogate pair": b'{"x": "\\ud800"}'}


@pytest.mark.parametrize("command", ["state", "features"])
@pytest.mark.parametrize("name", ["empty", "UTF-16", "NaN", "5,000 digits", "half a surrogate pair", "100,000 objects"])
def test_states_and_features_are_read_as_strictly(run: Runner, command: str, name: str) -> None:
    document, clause = SPOILT[name]
    (run.folder / "x.json").write_bytes(OF_NOTHING.get(name, document))
    said = run(command, "x.json", "--format", "json")
    assert said.code == 1
    assert clause in said.clauses


# --- Large documents


def test_100_mb_of_brackets_are_too_large(run: Runner) -> None:
    (run.folder / "x.json").write_bytes(b"[" * 100_000_000)
    assert run.could_not_judge("bundle", "x.json").endswith("more than 33554432 bytes (--max-size)")


def test_100_mb_of_brackets_are_too_deep(run: Runner) -> None:
    (run.folder / "x.json").write_bytes(b"[" * 100_000_000)
    said = run("bundle", "--max-size", "200M", "x.json", "--format", "json")
    assert said.code == 1
    assert said.clauses == {DEPTH}


def test_31_mb_that_are_right_conform(run: Runner) -> None:
    document = sound_with(annotations={"com.example.large": "x" * 31_000_000})
    assert run("bundle", "--document-only", "-", stdin=document).code == 0


def test_50_mb_of_annotations_conform_when_they_may(run: Runner) -> None:
    document = sound_with(annotations={f"com.example.{number}": "x" * 100_000 for number in range(500)})
    assert len(document) > 50_000_000
    (run.folder / "x.json").write_bytes(document)
    assert run.could_not_judge("bundle", "x.json").endswith("(--max-size)")
    assert run("bundle", "x.json", "--max-size", "64M").code == 0


def test_a_limit_that_no_memory_could_hold_is_no_trouble(run: Runner) -> None:
    (run.folder / "x.json").write_bytes(sound_with())
    assert run("bundle", "x.json", "--max-size", "999999999999G").code == 0
    assert run("bundle", "-", "--max-size", "999999999999G", stdin=sound_with()).code == 0


def _members(count: int) -> dict[str, int]:
    return {f"com.example.{number}": number for number in range(count)}


# A few hundred kilobytes each, in which some place could be looked at once for each of many others.
CROWDED: dict[str, Callable[[], bytes]] = {
    "unknown members on one line": lambda: sound_with(**_members(2000)),
    "hooks and mounts": lambda: sound_with(
        hooks={"startContainer": [{"path": "/x"}] * 2000},
        mounts=[{"destination": f"/{number}", "type": "tmpfs", "source": "tmpfs"} for number in range(2000)],
    ),
    "mappings": lambda: sound_with(
        linux={"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}] * 2000}
    ),
    "a name of many letters": lambda: sound_with(**{"x" * 5_000_000: 1}),
    "a version of many digits": lambda: sound_with(ociVersion="1" * 5_000_000),
}


def _with_process(**members: Any) -> bytes:
    return sound_with(process=sound()["process"] | members)


@pytest.mark.parametrize("name", CROWDED)
def test_a_crowd_takes_no_longer_than_its_length(run: Runner, name: str) -> None:
    bundle = bundle_in(run.folder / "b", CROWDED[name]())
    said = run("bundle", str(bundle), "--lint", "--quiet")
    assert said.code in (0, 1)
    assert said.err == ""
    assert len(said.out) < 2_000_000


# --- What may stand at a path


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(path.parent, os.O_RDONLY)
        try:
            # The name of a socket has to be short.
            server.bind(f"/proc/self/fd/{here}/{path.name}")
        finally:
            os.close(here)


def make_unreadable(path: Path) -> None:
    path.touch(0o000)


ODD_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link to itself": (make_loop, "too many levels of symbolic links"),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), "no such file or directory"),
    "a FIFO": (os.mkfifo, "a FIFO, not a file"),
    "a socket": (make_socket, "a socket, not a file"),
    "a device without end": (lambda path: path.symlink_to("/dev/zero"), "a device, not a file"),
    "an unreadable file": (make_unreadable, "permission denied"),
}


def unprivileged() -> tuple[str, ...]:
    """What a command is started with so that permissions hold for it; root passes over them."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv, or another user than root")
    return "setpriv", "--bounding-set", "-all", "--inh-caps", "-all"


@pytest.mark.parametrize("name", ODD_FILES)
@pytest.mark.parametrize("command", ["bundle", "state", "features"])
def test_an_odd_file_is_not_judged(run: Runner, command: str, name: str) -> None:
    make, reason = ODD_FILES[name]
    make(run.folder / "x.json")
    line = run.could_not_judge(command, "x.json", prefix=unprivileged())
    assert line == f"x.json: could not be judged: {reason}"


@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_file_in_a_bundle_is_not_judged(run: Runner, name: str) -> None:
    make, reason = ODD_FILES[name]
    make(bundle_in(run.folder / "b", None) / "config.json")
    # A link out of the folder is a finding of its own, unless it is to be followed.
    options = ("--follow-links",) * (name == "a device without end")
    assert run.could_not_judge("bundle", "b", *options, prefix=unprivileged()) == f"b: could not be judged: {reason}"


def test_devices_are_not_judged(run: Runner) -> None:
    for device in ("/dev/null", "/dev/zero"):
        assert run.could_not_judge("bundle", device) == f"{device}: could not be judged: a device, not a file"


def test_a_bundle_that_is_a_link_to_itself_is_not_judged(run: Runner) -> None:
    make_loop(run.folder / "b")
    assert run.could_not_judge("bundle", "b") == "b: could not be judged: too many levels of symbolic links"


def test_a_path_at_which_nothing_stands_is_not_judged(run: Runner) -> None:
    assert run.could_not_judge("bundle", "b") == "b: could not be judged: no such file or directory"
    said = run.could_not_judge("bundle", "")
    assert said == "ocivalidate: error: a path is empty: is it a variable that is not set?"
    assert "file name too long" in run.could_not_judge("bundle", "b" * 5000)


def test_a_folder_that_is_closed_is_not_judged(run: Runner) -> None:
    bundle_in(run.folder / "b", sound_with()).chmod(0o600)
    assert run.could_not_judge("bundle", "b", prefix=unprivileged()) == "b: could not be judged: permission denied"


@pytest.mark.parametrize("make", [lambda _path: None, Path.mkdir], ids=["nothing", "a folder"])
def test_a_bundle_without_its_document_is_a_finding(run: Runner, make: Callable[[Path], None]) -> None:
    make(bundle_in(run.folder / "b", None) / "config.json")
    said = run("bundle", "b")
    assert said.code == 1
    assert "error[runtime/bundle.config-json.required]: the bundle has no file config.json" in said.out


def test_a_file_is_no_folder(run: Runner) -> None:
    (run.folder / "x").write_bytes(sound_with())
    assert run.could_not_judge("bundle", "x/") == "x/: could not be judged: not a directory"
    assert run.could_not_judge("state", ".") == ".: could not be judged: a folder, not a file"


@pytest.mark.parametrize(
    "name", ["a\nb", "\x1b[31mred", "\u202egpj.exe", "::set-env name=x::y", "caf\u00e9 \U0001f600"]
)
def test_a_name_acts_on_nothing(run: Runner, name: str) -> None:
    bundle_in(run.folder / name, sound_with())
    said = run("bundle", name)
    assert said.code == 0
    assert len(said.out.splitlines()) == 1
    assert said.out.rstrip("\n").isprintable()
    assert not said.out.startswith("::")
    missing = run.could_not_judge("bundle", f"{name}-")
    assert missing.isprintable()
    assert not missing.startswith("::")


def test_a_name_that_is_no_text_can_be_judged(run: Runner) -> None:
    name = os.fsdecode(b"\xff\xfe")
    bundle_in(run.folder / name, sound_with())
    for form in ("text", "json", "tap", "junit", "sarif"):
        assert run("bundle", name, "--format", form).code == 0


def test_the_folder_may_be_gone(run: Runner) -> None:
    document = run.folder.parent / "x.json"
    document.write_bytes(sound_with())
    gone = run.folder / "gone"
    gone.mkdir()
    said = run("bundle", str(document), prefix=("sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh"))
    assert said.code == 0


def test_the_folders_above_may_be_closed(run: Runner) -> None:
    (run.folder / "above" / "here").mkdir(parents=True)
    (run.folder / "above" / "here" / "x.json").write_bytes(sound_with())
    (run.folder / "above").chmod(0o000)
    inside = ("sh", "-c", 'cd above/here && exec "$@"', "sh")
    try:
        assert run("bundle", "x.json", prefix=(*inside, *unprivileged())).code == 0
    finally:
        (run.folder / "above").chmod(0o700)


# --- Standard input


def test_nothing_on_standard_input_is_a_finding(run: Runner) -> None:
    said = run("bundle", "-", stdin=b"")
    assert said.code == 1
    assert f"error[{SYNTAX}]: the text is empty" in said.out


def test_standard_input_is_judged(run: Runner) -> None:
    said = run("bundle", "-", stdin=sound_with())
    assert said.code == 0
    assert said.out.startswith("-: conforms to runtime-spec")


def test_standard_input_without_end_is_too_large(run: Runner) -> None:
    with Path("/dev/zero").open("rb") as zeros:
        assert run.could_not_judge("bundle", "-", stdin=zeros).endswith("(--max-size)")


def test_standard_input_may_be_closed(run: Runner) -> None:
    line = run.could_not_judge("bundle", "-", behind="<&-")
    assert line == "-: could not be judged: standard input is closed"


# --- Where output goes


def test_a_reader_may_leave_early(run: Runner) -> None:
    (run.folder / "x.json").write_bytes(sound_with(**_members(2000)))
    said = run("bundle", "x.json", behind="| head -1")
    assert said.code == 0  # that of head
    assert len(said.out.splitlines()) == 1
    assert said.err == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("bundle", "-"), ("--help",), ("--version",), ("rules",), ("bundle", "--help")])
def test_a_reader_may_be_gone(run: Runner, arguments: tuple[str, ...], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        said = run(*arguments, stdin=sound_with(), stdout=writing, PYTHONUNBUFFERED=unbuffered)
    finally:
        os.close(writing)
    assert said == Said(2, "", "")


@pytest.mark.parametrize("arguments", [("bundle", "-"), ("--help",), ("--version",), ("rules",)])
def test_a_full_disk_is_told(run: Runner, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        line = run.could_not_judge(*arguments, stdin=sound_with(), stdout=full)
    assert line == "ocivalidate: error: cannot write to standard output: No space left on device"


@pytest.mark.parametrize("arguments", [("bundle", "-"), ("--help",), ("--version",)])
def test_closed_output_is_told(run: Runner, arguments: tuple[str, ...]) -> None:
    line = run.could_not_judge(*arguments, stdin=sound_with(), behind=">&-")
    assert line == "ocivalidate: error: standard output is closed"


def test_nobody_need_read_the_errors(run: Runner) -> None:
    for nowhere in ("2>&-", "2>/dev/full"):
        assert run("bundle", "--nope", behind=nowhere).code == 2
        assert run("bundle", "nothing", "--format", "json", behind=nowhere).code == 2


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("/no/such/dir/x", "No such file or directory"),
        ("/dev/full", "No space left on device"),
        (".", "Is a directory"),
        ("x/y", "Not a directory"),
    ],
)
def test_a_report_that_cannot_be_written_is_told(run: Runner, file: str, reason: str) -> None:
    (run.folder / "x").write_bytes(sound_with())
    before = sorted(run.folder.iterdir())
    line = run.could_not_judge("bundle", "x", "--output", f"json={file}")
    assert line == f"ocivalidate: error: cannot write {file}: {reason}"
    assert sorted(run.folder.iterdir()) == before


def test_a_report_is_written_through_a_link(run: Runner) -> None:
    (run.folder / "report").touch()
    (run.folder / "link").symlink_to("report")
    assert run("bundle", "-", "--output", "json=link", stdin=sound_with()).code == 0
    assert (run.folder / "link").is_symlink()
    assert json.loads((run.folder / "report").read_bytes())["complete"] is True


def test_a_report_may_go_to_a_device(run: Runner) -> None:
    said = run("bundle", "-", "--output", "json=/dev/stderr", "--output", "sarif=/dev/null", stdin=sound_with())
    assert said.code == 0
    assert json.loads(said.err)["complete"] is True


def test_what_was_typed_acts_on_nothing(run: Runner) -> None:
    for arguments in (
        ("--config", "\x1b[31m"),
        ("--select", "\x1b[31m\nx"),
        ("--\x1b]0;x\x07",),
        ("--output", "\x9b2J"),
    ):
        assert "\\x" in run.could_not_judge("bundle", "x", *arguments)
    assert "\\x1b" in run.could_not_judge("explain", "\x1b[31m")


def test_a_settings_file_may_be_anything(run: Runner) -> None:
    for device in ("/dev/zero", "/dev/null"):
        assert "a device, not a file" in run.could_not_judge("bundle", "x", "--config", device)
    for text in (b"\xff", b"a = " + b"[" * 100_000, b"a = " + b"9" * 5000, b"a", b"[tool]\nocivalidate = 1"):
        (run.folder / "pyproject.toml").write_bytes(text)
        assert "pyproject.toml" in run.could_not_judge("bundle", "x", "--config", "pyproject.toml")
    (run.folder / "pyproject.toml").write_text("tool = 1 # tool.ocivalidate", encoding="utf-8")
    assert run("bundle", "-", stdin=sound_with()).code == 0


# --- Documents on which the validator of runtime-tools panics

DEVICE = {"path": "/dev/x", "type": "c", "major": 1, "minor": 3}
ROOT_MISSING = "runtime/config.root.required-non-windows"


def test_devices_without_a_root(run: Runner) -> None:
    document = json.loads(sound_with(linux=sound()["linux"] | {"devices": [DEVICE]}))
    del document["root"]
    bundle_in(run.folder / "b", json.dumps(document).encode())
    said = run("bundle", "b", "--host", "--format", "json")
    assert said.code == 1
    assert said.clauses == {ROOT_MISSING}


def test_an_apparmor_profile_without_a_root(run: Runner) -> None:
    document = json.loads(_with_process(apparmorProfile="nothing"))
    del document["root"]
    bundle_in(run.folder / "b", json.dumps(document).encode())
    said = run("bundle", "b", "--host", "--format", "json")
    assert said.code == 1
    assert said.clauses == {ROOT_MISSING}


def test_a_hook_that_is_not_there(run: Runner) -> None:
    bundle_in(run.folder / "b", sound_with(hooks={"prestart": [{"path": "/no/such/hook"}]}))
    said = run("bundle", "b", "--host", "--format", "json")
    assert said.code == 1
    assert said.clauses == {"runtime/config.hooks.prestart.path.runtime-ns"}
    assert run("bundle", "b").code == 0


# --- Several inputs


def test_one_that_cannot_be_read_leaves_the_others_their_verdicts(run: Runner) -> None:
    bundle_in(run.folder / "good", sound_with())
    bundle_in(run.folder / "bad", sound_with(root={"path": 7}))
    said = run("bundle", "bad", "nothing", "good")
    assert said.code == 2
    last = said.out.splitlines()[-4:]
    assert last[0].startswith("bad: 1 error against runtime-spec")
    assert last[1] == "nothing: could not be judged: no such file or directory"
    assert last[2].startswith("good: conforms to runtime-spec")
    assert last[3] == "total: 3 subjects: 1 passed, 1 failed, 1 could not be judged"
    assert run("bundle", "bad", "good").code == 1
    assert run("bundle", "good", "good").code == 0
