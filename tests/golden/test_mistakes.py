"""Mistakes that people make on the command line, each with its exit code and the one line that it gets."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ocivalidate.cli import generate, main
from tests.unit.command_line import SAMPLES

Golden = Callable[[str, str], None]
# In a folder with a bundle, b, and an image, app.
MISTAKES = """\
ocivalidate
ocivalidate --verison
ocivalidate -V
ocivalidate version
ocivalidate help
ocivalidate bundel b
ocivalidate check b
ocivalidate b
ocivalidate app
ocivalidate b/config.json
ocivalidate runc
ocivalidate nonsense
ocivalidate --format json bundle b
ocivalidate --verbose bundle b
ocivalidate help bundle
ocivalidate bundle
ocivalidate bundle --verison
ocivalidate bundle --version
ocivalidate bundle --hlep
ocivalidate bundle \u2013\u2013format json b
ocivalidate bundle \u2014format=json b
ocivalidate bundle --fromat json b
ocivalidate bundle --quite
ocivalidate bundle --json b
ocivalidate bundle --colour always b
ocivalidate bundle -o report.json b
ocivalidate bundle --strict b
ocivalidate bundle --nosuch b
ocivalidate bundle b --format jsn
ocivalidate bundle b --format JSON
ocivalidate bundle b --format xml
ocivalidate bundle b --format yaml
ocivalidate bundle b --fail-on warn
ocivalidate bundle b --spec-version v1.2.0
ocivalidate bundle b --spec-version 1.2
ocivalidate bundle b --spec-version latest
ocivalidate bundle b --spec-version 2.0.0
ocivalidate bundle b --os Linux
ocivalidate bundle b --level MUST
ocivalidate bundle b --output report.sarif
ocivalidate bundle b --output srif=report
ocivalidate bundle b --format text --output json=-
ocivalidate bundle b --statistics --format json
ocivalidate bundle b --select runtime/config.process.cwd.absolut
ocivalidate bundle b --ignore cwd
ocivalidate bundle b --max-size 32X
ocivalidate image b
ocivalidate image docker://Alpine
ocivalidate image alpine:3.19
ocivalidate image --arch amd64 app
ocivalidate bundle app
ocivalidate bundle no/such/bundle
ocivalidate unpack app
ocivalidate runtime runc
ocivalidate runtime
ocivalidate runtime --runtime runc --dump kept
ocivalidate runtime --runtime runc --jobs many
ocivalidate rules --spec-version v1.2
ocivalidate schema runtime-config --spec-version v1.1.0
ocivalidate schema config.json
ocivalidate runtime --runtime runc --select signal.running
ocivalidate explain cdw
ocivalidate explain runtime/config.proces.cwd.absolute
ocivalidate explain signals.runing-container-gets-signals
ocivalidate explain
ocivalidate rules --level MUSTY
ocivalidate rules cwdd
ocivalidate schema config
ocivalidate demo b
oci-gen /bin/sh
oci-gen sh -c true
oci-gen ls -la
oci-gen nginx
oci-gen --verison
oci-gen -it alpine sh
oci-gen run alpine
oci-gen --memroy 1g
oci-gen --profile harden
oci-gen --memory
"""


def test_mistakes(
    golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(SAMPLES / "bundle-good", tmp_path / "b")
    shutil.copytree(SAMPLES / "image-good", tmp_path / "app")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "1")
    told = []
    for line in MISTAKES.splitlines():
        program, *arguments = shlex.split(line)
        code = (main if program == "ocivalidate" else generate)(arguments)
        said = capsys.readouterr()
        # What is said of an input that could not be judged is the report.
        (one,) = (said.err or said.out).splitlines()
        told.append(f"$ {line}\n({code}) {one}\n")
        assert code == 2, line
    assert len(told) >= 40
    golden("mistakes.txt", "".join(told))
