"""Finds the data folders that people read at the top of a checkout and that a wheel carries inside the package.

``schemas/``, ``fixtures/`` and ``conformance/`` stand beside the package in a checkout, and so in an editable install,
which therefore sees every edit at once. In a wheel they stand inside the package, where the build hook puts them.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Literal

from ocivalidate.errors import CannotJudge

Name = Literal["schemas", "fixtures", "conformance"]

PACKAGE = Path(__file__).resolve().parent


@functools.cache
def folder(name: Name) -> Path:
    """The absolute path of a data folder.

    Raises :class:`CannotJudge` when it stands neither inside the package nor beside it.
    """
    return _find(name, PACKAGE)


def _find(name: str, package: Path) -> Path:
    inside = package / name
    if inside.is_dir():
        return inside
    beside = package.parent / name
    # Without the project file beside it, a folder of that name in site-packages is not ours.
    if beside.is_dir() and (package.parent / "pyproject.toml").is_file():
        return beside
    raise CannotJudge(f"the installation of ocivalidate is incomplete: neither {inside} nor {beside} exists")


@functools.cache
def read_json(name: Name, relative: str) -> Any:
    """The content of the JSON file ``relative`` (with ``/``) of a data folder.

    Read once: every caller gets the same object and must not change it.
    Raises :class:`CannotJudge` when the file is missing, cannot be read or is not JSON.
    """
    path = folder(name) / relative
    try:
        return json.loads(path.read_bytes())
    except OSError as problem:
        raise CannotJudge(f"{path} of ocivalidate cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise CannotJudge(f"{path} of ocivalidate is not JSON: {problem}") from problem


@functools.cache
def load_package(name: Name, relative: str) -> Any:
    """The Python package that stands in a data folder, imported under a name of its own.

    Raises :class:`CannotJudge` when it is not there.
    """
    import importlib.util
    import sys

    path = folder(name) / relative / "__init__.py"
    called = f"ocivalidate_{name}_{relative}"
    spec = importlib.util.spec_from_file_location(called, path, submodule_search_locations=[str(path.parent)])
    if spec is None or spec.loader is None or not path.is_file():
        raise CannotJudge(f"{path} of ocivalidate is missing")
    package = importlib.util.module_from_spec(spec)
    sys.modules[called] = package
    spec.loader.exec_module(package)
    return package
