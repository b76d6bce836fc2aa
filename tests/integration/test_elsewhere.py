"""Windows and macOS: every command without what only Linux has does the same as with it, or says that it cannot."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
ELSEWHERE = ("win32", "darwin")
GOOD, BROKEN = "fixtures/demo/bundle-good", "fixtures/demo/bundle-broken"
IMAGE, BROKEN_IMAGE = "fixtures/demo/image-good", "fixtures/demo/image-broken"
FORMATS = ("text", "json", "tap", "junit", "sarif")
STATE = '{"ociVersion": "1.0.0", "id": "x", "status": "gone", "bundle": "b"}'
FEATURES = '{"ociVersionMin": "1.0.0", "ociVersionMax": "1.1.0"}'

# Command line → its standard input.
SAME: dict[str, str] = {
    "--version": "",
    "--help": "",
    "nonsense": "",
    f"image {IMAGE}": "",
    f"image {BROKEN_IMAGE} {IMAGE} --jobs 2 -vv": "",
    "image none": "",
    "state -": STATE,
    "features -": FEATURES,
    "rules": "",
    "rules --coverage": "",
    "rules --coverage --format json": "",
    "runtime --list": "",
    "runtime --list --format json": "",
    "explain runtime/config.process.cwd.absolute image/blob.kind": "",
    "schema runtime-config": "",
    "schema report": "",
    "report --check results": "",
    "oci-gen --cpus 2 --memory 512m -v ./data:/data:ro -- /bin/server": "",
    "oci-gen --os windows": "",
    "oci-gen --list-paths": "",
    "oci-gen --help": "",
    "generate --profile hardened": "",
    "probe --script": "",
    f"judge {GOOD} -": "{}",
    "bundle fixtures/demo --exclude image-* --document-only --jobs 1 -v": "",
    "image fixtures/demo/image-goo? fixtures/demo --exclude bundle-*": "",
    f"bundle {GOOD} --image {IMAGE} --format json --select lint": "",
}
# Command line → the one line that is said.
IMPOSSIBLE = {
    "runtime --runtime runc": "runtimes can only be driven on Linux; ocivalidate runtime --list works everywhere",
    f"unpack {IMAGE} bundle": "unpacking needs Linux",
    "probe": "the probe runs on Linux only; --script prints it for use in a container",
}


class Said(NamedTuple):
    """What a command said."""

    code: int
    out: bytes
    err: bytes


def run(system: str, *arguments: str, stdin: str = "") -> Said:
    # The encoding of texts is not always UTF-8 either.
    environment = {
        **os.environ,
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LC_ALL": "C",
        "OCIVALIDATE_NO_CONFIG": "1",
    }
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "elsewhere.py", system, *arguments],
        input=stdin.encode(),
        capture_output=True,
        env=environment,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert b"internal error" not in done.stderr, done.stderr.decode()
    return Said(done.returncode, done.stdout, done.stderr)


@functools.cache
def here(*arguments: str, stdin: str = "") -> Said:
    return run("linux", *arguments, stdin=stdin)


@pytest.mark.parametrize("system", ELSEWHERE)
@pytest.mark.parametrize("command", SAME)
def test_the_same_is_said(command: str, system: str) -> None:
    words, stdin = command.split(), SAME[command]
    assert run(system, *words, stdin=stdin) == here(*words, stdin=stdin)


@pytest.mark.parametrize("system", ELSEWHERE)
@pytest.mark.parametrize("command", IMPOSSIBLE)
def test_what_cannot_be_done_is_told(command: str, system: str) -> None:
    assert run(system, *command.split()) == (2, b"", f"ocivalidate: error: {IMPOSSIBLE[command]}\n".encode())
    assert not (ROOT / "bundle").exists()


def findings(text: bytes) -> list[object]:
    return [report["findings"] for report in json.loads(text)["reports"]]


@pytest.mark.parametrize("system", ELSEWHERE)
def test_the_same_is_found_in_bundles(system: str) -> None:
    # Which platform the host is decides how much of the folder is judged: no result is compared, but every finding.
    for command in (("bundle", BROKEN, GOOD), ("bundle", GOOD, "--host")):
        ours, theirs = here(*command, "--format", "json"), run(system, *command, "--format", "json")
        assert (theirs.code, theirs.err) == (ours.code, ours.err)
        assert findings(theirs.out) == findings(ours.out)


@pytest.mark.parametrize("system", ELSEWHERE)
@pytest.mark.parametrize("command", [("image", BROKEN_IMAGE, IMAGE), ("bundle", BROKEN, "--document-only")])
def test_every_format_is_written(system: str, command: tuple[str, ...], tmp_path: Path) -> None:
    def written(where: str) -> list[Path]:
        (tmp_path / where).mkdir()
        files = [tmp_path / where / name for name in FORMATS]
        outputs = (f"--output={file.name}={file}" for file in files)
        assert run(where, *command, *outputs).code == 1
        return files

    for ours, theirs in zip(written("linux"), written(system), strict=True):
        if command[0] == "image":
            assert theirs.read_bytes() == ours.read_bytes() != b""
        else:
            assert len(theirs.read_bytes()) > 1000


@pytest.mark.parametrize("system", ELSEWHERE)
def test_archives_and_standard_input_are_read(system: str, tmp_path: Path) -> None:
    import tarfile

    for mode in ("w", "w:gz"):
        file = tmp_path / "image.tar"
        with tarfile.open(file, mode) as archive:
            archive.add(ROOT / IMAGE, ".")
        assert run(system, "image", str(file)) == here("image", str(file))
        here.cache_clear()


@pytest.mark.parametrize("system", ELSEWHERE)
def test_the_samples_are_shown_but_for_runtimes(system: str) -> None:
    ours, theirs = here("demo", "--color", "never"), run(system, "demo", "--color", "never")
    assert (theirs.code, theirs.err) == (0, b"")
    # As for bundles: less is judged.
    shown, said = (re.sub(rb"[0-9]+ (clauses judged|skipped)", rb"N \1", output.out) for output in (ours, theirs))
    samples, following, last = said.partition(b"Next: ")
    assert shown.startswith(samples)
    assert shown.endswith(following + last)
    assert samples.count(b"$ ocivalidate ") == 4


@pytest.mark.parametrize("system", ELSEWHERE)
def test_whoever_has_pytest_can_use_it(system: str) -> None:
    # The plugin is loaded by every pytest of an environment that has us.
    assert (
        run(system, "import", "ocivalidate.runtime.pytest_plugin", "ocivalidate.image", "ocivalidate.bundle").code == 0
    )


@pytest.mark.parametrize("system", ELSEWHERE)
def test_the_library_says_it_too(system: str) -> None:
    assert run(system, "check-runtime", "runc") == (0, b"runtimes can only be judged on Linux\n", b"")
