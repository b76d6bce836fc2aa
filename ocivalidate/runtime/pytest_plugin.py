"""The plugin for pytest: ``pytest conformance --oci-runtime runc`` runs the same cases with the same verdicts.

pytest loads this module in every run wherever ocivalidate is installed: it imports nothing, and does nothing
unless ``--oci-runtime`` is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_OPTIONS = (
    ("--oci-runtime", "store", "PROGRAM", "judge this container runtime: a path, or a name in PATH"),
    ("--oci-runtime-arg", "append", "ARG", "an argument that precedes every command of the runtime"),
    ("--oci-spec-version", "store", "VERSION", "the release to judge by (default: the one that the runtime claims)"),
    ("--oci-rootfs", "store", "DIR", "an existing root filesystem (default: one built from this Python)"),
    ("--oci-require", "append", "NEED", "what this host must have: without it, cases are errors instead of skips"),
    ("--oci-expectations", "append", "FILE", "a TOML file with known deviations"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    group = parser.getgroup("ocivalidate", "container runtimes (ocivalidate)")
    for name, action, metavar, text in _OPTIONS:
        group.addoption(name, action=action, metavar=metavar, help=text)
    group.addoption(
        "--oci-strict",
        action="store_true",
        help="a valid config that the runtime refuses is a failure instead of a skip",
    )
    group.addoption(
        "--no-oci-expectations",
        action="store_true",
        help="leave out the known deviations that come with ocivalidate",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take part in this run, if a runtime is to be judged."""
    if config.getoption("--oci-runtime"):
        from ocivalidate.runtime.pytest_cases import Conformance

        config.pluginmanager.register(Conformance(config), "ocivalidate-conformance")
