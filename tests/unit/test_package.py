"""The public face of the package: every name in it works, and importing it loads nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ocivalidate

LOADED = "import sys, ocivalidate; print(sorted(name for name in sys.modules if name.startswith('ocivalidate')))"


@pytest.mark.parametrize("name", ocivalidate.__all__)
def test_public_name_works(name: str) -> None:
    assert getattr(ocivalidate, name)
    assert name in dir(ocivalidate)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'ocivalidate' has no attribute 'chek_bundle'"):
        ocivalidate.chek_bundle  # noqa: B018  # the look-up is the test


def test_importing_the_package_loads_no_other_module_of_it() -> None:
    command = [sys.executable, "-c", LOADED]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "['ocivalidate']\n"


# Each takes a part of the time in which a good bundle is judged, and is of use to other command lines alone.
_DEAR = ("bz2", "careful", "jsonschema", "lzma", "positions", "random", "rich", "shutil", "tempfile", "wanted")


def test_a_good_bundle_is_judged_without_what_is_slow_to_import() -> None:
    code = "import sys; from ocivalidate.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    bundle = str(Path(__file__).parents[2] / "fixtures" / "demo" / "bundle-good")
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"]
    done = subprocess.run([*command, "bundle", "--no-config", bundle], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("ocivalidate.") for name in done.stdout.splitlines()[-1].split()}
    assert not loaded & {*_DEAR}
