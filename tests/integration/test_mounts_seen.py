"""Mount points are seen by their names, whatever these are."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ocivalidate.runtime.inside import PROBE_SOURCE, RECORDER_SOURCE

pytestmark = pytest.mark.integration

# What mountinfo escapes, what looks like an escape, and what only some readers take for a blank or the end of a line.
NAMES = [
    *(b"a b", b"a\tb", b"a\nb", b"a\\b", b"a\\040b", b"a#b"),
    *(b"a\rb", b"a\x0bb", b"a\xc2\xa0b", b"a\xe2\x80\xa8b", b"a\xff"),
]
LOOKS = {
    "mounts_below": "from ocivalidate.runtime.kernel.mounts import mounts_below as look; found = look(sys.argv[1])",
    "unpack": "from ocivalidate.unpack.places import mounts; found = [one.point for one in mounts()]",
    "a run": "from pathlib import Path; from ocivalidate.runtime.running.workspace import _has_mounts; "
    "found = [one for one in points if _has_mounts(Path(one))]",
    "the probe": f"sys.path.insert(0, {os.path.dirname(PROBE_SOURCE)!r}); import probe; "
    "found = [one['point'] for one in probe.mountinfo()]",
    "the recorder": f"sys.path.insert(0, {os.path.dirname(RECORDER_SOURCE)!r}); import recorder; "
    "found = recorder._process(os.getpid())['mounts']",
}


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
@pytest.mark.parametrize("look", LOOKS)
def test_every_name_is_seen(tmp_path: Path, look: str) -> None:
    folder = os.fsencode(tmp_path)
    for name in NAMES:
        os.mkdir(folder + b"/" + name)
    program = (
        "import os, subprocess, sys\n"
        "points = [os.path.join(sys.argv[1], name) for name in sorted(os.listdir(sys.argv[1]))]\n"
        "for point in points: subprocess.run(['mount', '-t', 'tmpfs', 'none', point], check=True)\n"
        f"{LOOKS[look]}\n"
        "print(ascii([one for one in points if one not in found]))"
    )
    line = ["unshare", "-m", "--propagation", "private", sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60)
    assert ast.literal_eval(done.stdout) == []
