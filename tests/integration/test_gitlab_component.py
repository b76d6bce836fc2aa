"""The component for GitLab: the script of the job that it becomes is run, and inputs are values of it and no text."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.fake_runtime import write

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")

ROOT = Path(__file__).parents[2]
TEMPLATE = (ROOT / "templates" / "ocivalidate.yml").read_text(encoding="utf-8")
SAMPLES = ROOT / "fixtures" / "demo"
CASE = "refusals.stopped-container"
HOSTILE = (
    "$(touch stolen)",
    "`touch stolen`",
    "x'; touch stolen; '",
    'x"\n  script: [touch stolen]',
    "$CI_JOB_TOKEN",
    "-q",
)


def job(inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The job that GitLab makes of the component (https://docs.gitlab.com/ci/inputs/)."""
    head, _, body = TEMPLATE.partition("\n---\n")
    declared = yaml.safe_load(head)["spec"]["inputs"]
    assert set(inputs) <= set(declared)
    texts = {}
    for name, row in declared.items():
        value = inputs.get(name, row["default"])
        assert row.get("regex") is None or re.fullmatch(row["regex"], value)
        assert value in row.get("options", [value])
        texts[name] = value if isinstance(value, str) else json.dumps(value)
    filled = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: texts[found[1]], body)
    ((name, made),) = yaml.safe_load(filled).items()
    return name, made


def run(folder: Path, **inputs: Any) -> subprocess.CompletedProcess[str]:
    """Run the job in a folder; pip and the virtualenv are stubs, and the installed program is ours."""
    _, made = job(inputs)
    programs = folder.parent / "bin"
    programs.mkdir(exist_ok=True)
    python = programs / "python3"
    stub = f"""#!{sys.executable} -I
import os, sys
if sys.argv[1:4] == ["-I", "-m", "venv"]:
    os.makedirs(sys.argv[4] + "/bin")
    ours = {sys.executable + " -P -m ocivalidate"!r}
    for name, line in (("python", "exec {python}"), ("ocivalidate", "exec " + ours)):
        with open(f"{{sys.argv[4]}}/bin/{{name}}", "w") as file:
            file.write(f'#!/bin/sh\\nOCI_VENV={{sys.argv[4]}} {{line}} "$@"\\n')
        os.chmod(file.name, 0o755)
elif sys.argv[1:4] == ["-I", "-m", "pip"]:
    print("pip", sys.argv[-1])
else:
    # The interpreter of the virtualenv, which stands beside the program.
    sys.executable = os.environ["OCI_VENV"] + "/bin/python"
    exec(sys.argv[3])
"""
    python.write_text(stub, encoding="utf-8")
    python.chmod(0o755)
    variables = {name: row["value"] for name, row in made["variables"].items()}
    assert all(row["expand"] is False for row in made["variables"].values())
    return subprocess.run(
        ["sh", "-e", "-c", "\n".join(made["script"])],
        cwd=folder,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "CI_PROJECT_DIR": str(folder), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    shutil.copytree(SAMPLES, folder)
    for name in ("json.py", "shutil.py", "ocivalidate.py"):
        (folder / name).write_text("open('stolen', 'w')", encoding="utf-8")
    return folder


def test_the_job_that_is_made() -> None:
    name, made = job({"allow_failure": True, "job": "oci images", "stage": ".pre"})
    assert (name, made["stage"], made["allow_failure"]) == ("oci images", ".pre", True)
    assert set(made["artifacts"]["reports"]) == {"junit", "codequality"}
    assert "$[[" not in str(made)


def test_findings_are_in_the_reports(checkout: Path) -> None:
    done = run(checkout, path=["bundle-good", "bundle-broken"])
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("pip ocivalidate\n")
    issues = json.loads((checkout / "ocivalidate-reports" / "codequality.json").read_text(encoding="utf-8"))
    assert {issue["location"]["path"] for issue in issues} == {"bundle-broken/config.json"}
    assert (checkout / "ocivalidate-reports" / "junit.xml").is_file()
    assert not (checkout / "stolen").exists()


def test_images_and_options(checkout: Path) -> None:
    assert run(checkout, kind="image", path=["image-good"]).returncode == 0
    assert run(checkout, kind="image", path=["image-broken"]).returncode == 1
    done = run(
        checkout, kind="image", path=["image-broken"], args=["--fail-on=never", "-q"], package="ocivalidate==1.0"
    )
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "pip ocivalidate==1.0")


def test_runtimes(checkout: Path) -> None:
    fake = write(checkout / "fake-runtime", "kills-what-has-stopped")
    assert run(checkout, kind="runtime", path=[f"./{Path(fake).name}"], args=["--select", CASE]).returncode == 1
    assert list((checkout / "ocivalidate-reports" / "dumps").iterdir())
    done = run(checkout, kind="runtime", path=["a", "b"])
    assert (done.returncode, done.stderr) == (1, "ocivalidate: error: the input path must name one runtime\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_inputs_are_no_commands(checkout: Path, text: str) -> None:
    (checkout / "elsewhere").mkdir()
    (checkout / "ocivalidate-reports").symlink_to("elsewhere")
    shutil.copytree(checkout / "bundle-good", checkout / text)
    done = run(checkout, path=[text])
    assert done.returncode == 0, done.stdout + done.stderr
    # Where an option may stand, it is an argument like any other.
    assert run(checkout, path=[text], args=[text]).returncode == 0
    assert not list(checkout.rglob("stolen"))
    assert not list((checkout / "elsewhere").iterdir())


def test_a_file_where_the_reports_go_is_replaced(checkout: Path) -> None:
    (checkout / "ocivalidate-reports").write_text("of the checkout", encoding="utf-8")
    done = run(checkout, path=["bundle-good"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "ocivalidate-reports" / "junit.xml").is_file()


def test_what_gitlab_refuses() -> None:
    for inputs in ({"kind": "x"}, {"job": "a: b"}, {"stage": "a\n"}, {"image": "$(x)"}, {"package": "-r x"}):
        with pytest.raises(AssertionError):
            job(inputs)
