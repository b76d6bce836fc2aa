"""Every command of README.md, CONTRIBUTING.md and docs/ is run here and compared, or held by another test."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from fixtures.scaffold.__main__ import main as scaffold
from ocivalidate.cli import main
from ocivalidate.report import render
from tests.reports import OPTIONS, RUNTIME
from tests.unit.command_line import SAMPLES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?:console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What # begins is a command of root, unless it is a comment of TAP.
PROGRAMS = "ocivalidate|oci-gen|python|pytest|tox|pip|sh|prove|OCIVALIDATE_RUNTIME=|runc"
COMMAND = re.compile(rf"(?:\$ |# (?=(?:{PROGRAMS})\b(?!: )|OCIVALIDATE_RUNTIME=))(.+)")
OURS = ("ocivalidate", "oci-gen", "python")


class Command(NamedTuple):
    """A command of a page, and the lines that the page shows below it."""

    page: str
    line: str
    shown: tuple[str, ...]


class Held(NamedTuple):
    """Why a command is not run here, and which file of the checkout runs it, or its like, in CI: what stands there."""

    why: str
    file: str
    text: str


# The beginning of a command → what holds it. The first that fits counts.
ELSEWHERE = {
    # A kernel beside this one.
    "ocivalidate runtime --runtime runc --sandbox uml": Held(
        "a kernel", "tests/integration/test_runtime_sandbox.py", '"--sandbox", "uml'
    ),
    "ocivalidate runtime --runtime runc --sandbox qemu": Held(
        "a kernel", "tests/integration/test_runtime_sandbox.py", '"--sandbox", QEMU'
    ),
    "sudo apt install qemu-system-x86 linux-image-amd64 busybox-static": Held("network", ".ci/run", "qemu-system-x86"),
    "sudo apt install user-mode-linux": Held("network", ".ci/run", "user-mode-linux"),
    # Root: containers are started.
    "ocivalidate runtime --runtime runc --explore 100 --against": Held(
        "root", "tests/integration/test_runtime_exploring.py", "--against"
    ),
    "ocivalidate runtime --runtime crun --explore": Held(
        "root", "tests/integration/test_runtime_exploring.py", "--explore"
    ),
    "ocivalidate runtime --runtime runc --explore": Held(
        "root", "tests/integration/test_runtime_exploring.py", "--explore"
    ),
    "ocivalidate runtime --runtime ./my-runtime --explore": Held(
        "root", "tests/integration/test_runtime_exploring.py", "--resume"
    ),
    "ocivalidate runtime --runtime ./my-runtime --submit": Held(
        "root", "tests/integration/test_runtime_subjects.py", "documented()"
    ),
    "ocivalidate report --check results": Held("root", "tests/integration/test_runtime_subjects.py", "documented()"),
    "ocivalidate report results --format html": Held(
        "root", "tests/integration/test_runtime_subjects.py", "documented()"
    ),
    "ocivalidate report results --badges": Held("files", "tests/unit/test_programme_badges.py", '"--badges"'),
    "ocivalidate runtime --runtime ./my-runtime": Held(
        "root", "tests/integration/test_runtime_starters.py", '"--dump-dir"'
    ),
    "ocivalidate runtime --runtime runc": Held(
        "root", "tests/integration/test_runtime_host.py", '"runtime", "--runtime", "runc"'
    ),
    "ocivalidate bench --runtime runc": Held("root", "tests/integration/test_bench.py", '"--runtime", "runc"'),
    "sh kept/": Held("root", "tests/integration/test_runtime_reproducing.py", "reproduce.sh"),
    "prove -e": Held("root", "tests/integration/test_runtime_host.py", '"prove"'),
    "pytest conformance": Held("root", "tests/integration/test_runtime_pytest.py", "--oci-runtime"),
    "pytest my-cases": Held("root", "tests/integration/test_runtime_pytest.py", "--oci-runtime"),
    "runc run -b": Held("root", "tests/integration/test_unpack_peers.py", "runc"),
    "tox -e mutants": Held("root", "tox.ini", "fixtures.mutants"),
    "OCIVALIDATE_RUNTIME=": Held("root", "tests/integration/test_runtime_mutants.py", "OCIVALIDATE_RUNTIME"),
    "python -m fixtures.mutants": Held("root", "tests/integration/test_runtime_mutants.py", "fixtures.mutants"),
    "ocivalidate unpack ./layout ./b": Held("Linux", "tests/unit/test_unpack_command.py", "--cpus"),
    # A network.
    "python3 -m venv": Held("network", ".ci/run", "venv"),
    ".venv/bin/pip install": Held("network", ".ci/run", "pip"),
    "pip install": Held("network", ".ci/run", "pip"),
    "python -m fixtures.subjects": Held("root and network", "tests/unit/test_subjects.py", "subjects"),
    "pre-commit install": Held("network", "tests/integration/test_pre_commit.py", "pre_commit"),
    ". .venv/bin/activate": Held("a shell", ".ci/run", "venv"),
    "ocivalidate image docker://": Held("network", "tests/integration/test_registries.py", '"image", f"docker://'),
    "ocivalidate audit /var/lib/registry": Held("a registry", "tests/unit/test_audit_report.py", 'say("audit"'),
    "ocivalidate unpack docker://": Held("network", "tests/integration/test_registries.py", '"unpack", f"docker://'),
    "ocivalidate bundle ./b --image docker://": Held("network", "tests/integration/test_registries.py", '"--image"'),
    "tox -e container": Held("network", "tox.ini", "container"),
    # Other programs.
    "runc features |": Held("runc", "tests/integration/test_docs_commands.py", "runc features"),
    "skopeo copy": Held("skopeo", "tests/integration/test_accept_images.py", "skopeo"),
    "podman": Held("podman; runc in its place", "tests/integration/test_runtime_judge.py", "probe"),
    "ocivalidate judge config.json": Held("a container", "tests/integration/test_runtime_judge.py", "judge"),
    "OCIVALIDATE_FAIL_ON=": Held("a file in /src", "tests/unit/test_cli_variables.py", "OCIVALIDATE_FAIL_ON"),
    "cosign": Held("cosign, which no registry here has", "tests/unit/test_report_in_toto.py", "predicate"),
    "jq ": Held("jq", "tests/unit/test_report_in_toto.py", "predicate"),
    "prove": Held("prove", "tests/unit/test_cli.py", "prove"),
    'eval "$(ocivalidate completions': Held("a shell", "tests/integration/test_completions.py", "bash"),
    "ocivalidate lsp": Held("an editor", "tests/integration/test_lsp.py", "lsp"),
    "pytest tests/integration/test_tar_readers.py": Held(
        "minutes", "tests/integration/test_tar_readers.py", "fuzz_examples"
    ),
}
# Command line → its exit code, where that is not 0.
CODES = {
    "ocivalidate image fixtures/demo/image-broken": 1,
    "ocivalidate image fixtures/demo/image-broken --ignore safety --statistics": 1,
    "ocivalidate bundle fixtures/demo/bundle-broken": 1,
    "ocivalidate bundle --diff b": 1,
    "oci-gen --workdir app": 1,
    "oci-gen --set linux.resources.memory.limt=512m": 2,
    "oci-gen --rm --name web -p 80:80 -- /bin/server": 2,
}


def commands_in(page: Path) -> list[Command]:
    """The commands of a page, each with what stands below it."""
    found: list[Command] = []
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        name = page.relative_to(ROOT).as_posix()
        begun = len(found)
        for line in block[1].splitlines():
            command = COMMAND.fullmatch(line)
            if command:
                found.append(Command(name, re.sub(r"\s{2,}#.*", "", command[1]), ()))
            elif len(found) > begun:
                found[-1] = found[-1]._replace(shown=(*found[-1].shown, line))
            else:
                found.append(Command(name, line, ()))
    return found


COMMANDS = [command for page in PAGES for command in commands_in(page)]
HELD = {command: held for command in COMMANDS for begin, held in ELSEWHERE.items() if command.line.startswith(begin)}
RUN = [command for command in COMMANDS if command not in HELD]


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 80
    assert len(RUN) > 30
    unused = [begin for begin in ELSEWHERE if not any(command.line.startswith(begin) for command in COMMANDS)]
    assert unused == []
    assert set(CODES) <= {command.line for command in RUN}


@pytest.mark.parametrize("begin", ELSEWHERE)
def test_what_is_not_run_here_is_run_elsewhere(begin: str) -> None:
    held = ELSEWHERE[begin]
    assert held.text in (ROOT / held.file).read_text(encoding="utf-8"), held


@pytest.fixture
def _samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which the pages speak true: bundles, images, and what the commands before left."""
    (tmp_path / "fixtures").mkdir()
    shutil.copytree(SAMPLES, tmp_path / "fixtures" / "demo")
    for name in ("b", "bundle", "out/1/bundle", "out/2/bundle"):
        shutil.copytree(SAMPLES / "bundle-good", tmp_path / name)
    for name in ("app", "layout", "registry-cache/one", "registry-cache/two"):
        shutil.copytree(SAMPLES / "image-good", tmp_path / name)
    (tmp_path / "config.json").write_bytes((SAMPLES / "bundle-good" / "config.json").read_bytes())
    (tmp_path / "facts.json").write_text("{}", encoding="utf-8")
    for name in ("runc", "my-runtime"):
        (tmp_path / f"{name}.json").write_text(
            render("json", [replace(RUNTIME, subject=name)], OPTIONS), encoding="utf-8"
        )
    for name in ("last-week", "this-week"):
        (tmp_path / name).mkdir()
        shutil.copy(tmp_path / "runc.json", tmp_path / name)
    for name in ("old", "new"):
        shutil.copy(tmp_path / "runc.json", tmp_path / f"{name}.json")
    (tmp_path / "data").mkdir()
    (tmp_path / "home/.config/fish/completions").mkdir(parents=True)
    (tmp_path / "home/.zfunc").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home/share"))


@pytest.mark.usefixtures("_samples")
@pytest.mark.parametrize("command", RUN, ids=lambda command: f"{command.page}: {command.line}")
def test_a_command_of_a_page(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    if command.page == "docs/fixes.md":
        config = Path("b/config.json")
        config.write_text(config.read_text(encoding="utf-8").replace('"cwd"', '"CWD"'), encoding="utf-8")
    if command.page == "docs/many.md":
        shutil.rmtree("fixtures")
        Path("config.json").unlink()
    if "baseline" in command.line:
        for name in ("app", "b", "bundle", "out"):
            shutil.rmtree(name)
        shutil.copytree(SAMPLES / "bundle-broken", "bad")
    if " --baseline " in command.line:
        run("ocivalidate bundle . --write-baseline", monkeypatch)
    code, out, err = run(command.line, monkeypatch)
    assert code == CODES.get(command.line, 0), out + err
    assert not out or out.endswith("\n")
    if command.shown:
        want = "\n".join(command.shown)
        pattern = ".*?".join(re.escape(part) for part in want.split("…"))
        # What is told beside a report may be shown without it.
        said = [(err + out).rstrip("\n"), err.rstrip("\n")]
        assert any(re.fullmatch(pattern, one, re.DOTALL) for one in said if one), err + out
    for file in re.findall(r"[>=] ?([\w/-]+\.json)\b", command.line.partition(" && ")[0]):
        assert json.loads(Path(file).read_text(encoding="utf-8"))


def run(line: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """Run a command line as a shell does, in this process: variables, pipes, files, and one after the other."""
    code, said, complained = 0, "", ""
    for part in re.split(r"; | && ", line):
        if not part.startswith(OURS) and not re.match(r"[A-Z_]+=", part):
            # Another program, which has its own place in the table.
            assert any(part.startswith(begin) for begin in ELSEWHERE), part
            continue
        data = b""
        for piece in part.split(" | "):
            code, data, err = step(piece, data, monkeypatch)
            complained += err
        said += data.decode()
    return code, said, complained


def step(piece: str, given: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[int, bytes, str]:
    words = shlex.split(piece)
    while re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        monkeypatch.setenv(name, value)
    target = ""
    while len(words) > 2 and words[-2] in ("<", ">"):
        sign, file = words[-2:]
        words = words[:-2]
        path = file.replace("~", str(Path.home()))
        if sign == ">":
            target = path
        else:
            given = Path(path).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = program(words)
        out.flush()
    made = out.buffer.getvalue()
    if target:
        Path(target).write_bytes(made)
        made = b""
    return code, made, err.getvalue()


def program(words: list[str]) -> int:
    if words[0] == "oci-gen":
        # Not before: the function of the package that has this name makes way for the module.
        from ocivalidate.cli.oci_gen import main as generate

        return generate(words[1:], "oci-gen")
    if words[:3] == ["python", "-m", "fixtures.scaffold"]:
        return scaffold(words[3:])
    assert words[0] == "ocivalidate", words
    return main(words[1:])
