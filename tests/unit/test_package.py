"""The public face of the package: every name in it works, and importing it loads nothing else."""

from __future__ import annotations

import subprocess
import sys

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
