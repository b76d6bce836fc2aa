"""What people expect of a tool that checks files: asked of ours and of five others, as far as they are in PATH.

``python benchmarks/comparison.py`` prints the table of docs/comparison.md, and exits with 1 where ours does less than
another and no reason is given. ``-v`` prints each command, what it said, and why it counts or does not; ``--write``
writes the table to the page.

    pip install ruff zizmor check-jsonschema
    go install github.com/rhysd/actionlint/cmd/actionlint@latest
    go install github.com/google/go-containerregistry/cmd/crane@latest
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "fixtures" / "demo"
PAGE = HERE.parent / "docs" / "comparison.md"
TABLE = re.compile(r"(<!-- the table .*-->\n)(?:\|.*\n)*(<!-- its end -->)")
LONGEST = 60.0
TIMES = 7
# What each of them is started with to check one small file.
STARTS = {
    "ocivalidate": "ocivalidate bundle good",
    "ruff": "ruff check --no-cache good.py",
    "zizmor": "zizmor --offline -q good.yml",
    "check-jsonschema": "check-jsonschema --schemafile schema.json good.json",
    "actionlint": "actionlint good.yml",
    "crane": "crane validate --tarball good.tar",
}
VERSIONS = {"actionlint": "actionlint -version", "crane": "crane version"}


def load(name: str) -> ModuleType:
    """A module that stands beside this one."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


GOOD_WORKFLOW = """name: good
on: [push]
permissions: {}
concurrency:
  group: ${{ github.ref }}
  cancel-in-progress: true
jobs:
  one:
    name: one
    runs-on: ubuntu-24.04
    steps:
      - run: echo one
"""
BAD_WORKFLOW = """name: bad
on: [pull_request_target]
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - run: echo ${{ github.event.pull_request.title }}
"""


def prepare(folder: Path) -> None:
    """Write the samples: for each tool something sound and something with findings."""
    texts = {
        "good.py": "ONE = 1\n",
        "bad.py": "import os\n",
        "jsons/worse.py": "import sys\n",
        "noted.py": "import os  # noqa: F401\n",
        "fixable.py": "import os\n",
        "good.yml": GOOD_WORKFLOW,
        "bad.yml": BAD_WORKFLOW,
        "worse.yml": BAD_WORKFLOW,
        "fixable.yml": BAD_WORKFLOW,
        ".github/workflows/tree.yml": BAD_WORKFLOW,
        "noted.yml": GOOD_WORKFLOW.replace("[push]", "[pull_request_target] # zizmor: ignore[dangerous-triggers]"),
        "ignoring.yaml": 'paths:\n  "**/*.yml":\n    ignore: [".*"]\n',
        "schema.json": '{"required": ["name"]}',
        "good.json": '{"name": 1}',
        "bad.json": "{}",
        "jsons/bad.json": "{}",
        "configured/ocivalidate.toml": 'ignore = ["runtime"]\n',
        "ignoring/.gitignore": "out/\n",
        "ignoring/out/bad.py": "import os\n",
        "ignoring/out/.github/workflows/bad.yml": BAD_WORKFLOW,
        "ignoring/.github/workflows/good.yml": GOOD_WORKFLOW,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("good", "ignoring/good"):
        shutil.copytree(SAMPLES / "bundle-good", folder / name)
    for name in ("broken", "configured/broken", "ignoring/out/broken"):
        shutil.copytree(SAMPLES / "bundle-broken", folder / name)
    for name in ("fixable", "unfixed"):
        shutil.copytree(SAMPLES / "bundle-good", folder / name)
        document = folder / name / "config.json"
        document.write_text(document.read_text(encoding="utf-8").replace('"readonly"', '"readOnly"'), encoding="utf-8")
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    (folder / "tars").mkdir()
    images = load("comparison_images")
    for place in ("good.tar", "tars/good.tar"):
        images.write(folder / place, sound=True)
    images.write(folder / "bad.tar", sound=False)


def run(words: str, folder: Path, given: str = "") -> tuple[int, str]:
    """The exit code of a command line and all that it prints; -1 where it does not end."""
    data = (folder / given).read_bytes() if given else b""
    own = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "CI")}
    try:
        done = subprocess.run(
            shlex.split(words),
            cwd=folder,
            env={**own, "GITHUB_WORKSPACE": ""},
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")


def failing(code: int, said: str, ask: object) -> str:
    """What is missing from what a tool says to an expectation; empty if nothing is."""
    wanted, says, not_says = ask.code, ask.says, ask.not_says  # type: ignore[attr-defined]  # a row of comparison_rows
    if code < 0 or (code == 0 if wanted is None else code != wanted):
        return f"exit code {code}"
    if not re.search(says, said):
        return f"does not say {says}"
    return f"says {not_says}" if not_says and re.search(not_says, said) else ""


def measured(words: str, folder: Path) -> float:
    """How many milliseconds a command line takes, the median of several."""
    taken = []
    for _ in range(TIMES):
        start = time.monotonic()
        run(words, folder)
        taken.append((time.monotonic() - start) * 1000)
    return statistics.median(taken)


def compared(folder: Path, tools: list[str], *, verbose: bool) -> tuple[list[list[str]], list[str]]:
    """The rows of the table, and the expectations where ours does less without a reason."""
    table, worse = [], []
    for row in load("comparison_rows").ROWS:
        cells = {}
        for tool, ask in zip(load("comparison_rows").TOOLS, row.asks, strict=True):
            if tool not in tools:
                continue
            code, said = run(ask.words, folder, ask.given)
            fault = failing(code, said, ask)
            cells[tool] = "" if fault else "✓"
            if verbose:
                print(f"$ {ask.words}\n{said}exit code {code}: {fault or 'yes'}\n")
        table.append([row.expected, *cells.values(), row.why])
        if not cells["ocivalidate"] and "✓" in cells.values() and not row.why:
            worse.append(row.expected)
    return table, worse


def main(arguments: list[str]) -> int:
    """Print the table."""
    tools = [tool for tool in load("comparison_rows").TOOLS if shutil.which(tool)]
    if "ocivalidate" not in tools:
        print("comparison.py: ocivalidate is not in PATH", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="comparison-") as name:
        folder = Path(name)
        prepare(folder)
        table, worse = compared(folder, tools, verbose="-v" in arguments)
        versions = [
            run(VERSIONS.get(tool, f"{tool} --version"), folder)[1].split("\n")[0].split()[-1] for tool in tools
        ]
        times = [f"{measured(STARTS[tool], folder):.0f} ms" for tool in tools]
    lines = [f"| expected | {' | '.join(tools)} | where ours does less |", f"|---|{'---|' * len(tools)}---|"]
    rows = [["version", *versions, ""], *table, ["one small file", *times, ""]]
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    print("\n".join(lines))
    if "--write" in arguments:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(re.sub(TABLE, "\\1" + "\n".join(lines) + "\n\\2", text), encoding="utf-8")
    for expected in worse:
        print(f"comparison.py: ours does less, and nothing says why: {expected}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
