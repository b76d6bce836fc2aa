"""Judge OCI bundles, images and runtimes against the OCI specifications.

>>> from ocivalidate import check_bundle
>>> report = check_bundle("path/to/bundle")

Importing the package costs next to nothing: a public name loads its module when it is first used (PEP 562).
"""

from __future__ import annotations

TYPE_CHECKING = False  # what checkers know by this name, without an import

if TYPE_CHECKING:
    from typing import Any

    from ocivalidate.bundle import check_bundle, check_config, check_features, check_state
    from ocivalidate.generate import ConfigBuilder
    from ocivalidate.image import check_image
    from ocivalidate.rules.clauses import Clause, Level, Severity
    from ocivalidate.rules.findings import ExitCode, Finding, Location, Outcome, Report, Result
    from ocivalidate.runtime.api import check_runtime, run_runtime
    from ocivalidate.unpack import check_conversion, unpack_image

__version__ = "0.1.0"

__all__ = [
    "Clause",
    "ConfigBuilder",
    "ExitCode",
    "Finding",
    "Level",
    "Location",
    "Outcome",
    "Report",
    "Result",
    "Severity",
    "__version__",
    "check_bundle",
    "check_config",
    "check_conversion",
    "check_features",
    "check_image",
    "check_runtime",
    "check_state",
    "run_runtime",
    "unpack_image",
]

# The module that each public name comes from.
_HOMES = {
    "Clause": "ocivalidate.rules.clauses",
    "ConfigBuilder": "ocivalidate.generate",
    "ExitCode": "ocivalidate.rules.findings",
    "Finding": "ocivalidate.rules.findings",
    "Level": "ocivalidate.rules.clauses",
    "Location": "ocivalidate.rules.findings",
    "Outcome": "ocivalidate.rules.findings",
    "Report": "ocivalidate.rules.findings",
    "Result": "ocivalidate.rules.findings",
    "Severity": "ocivalidate.rules.clauses",
    "check_bundle": "ocivalidate.bundle",
    "check_config": "ocivalidate.bundle",
    "check_conversion": "ocivalidate.unpack",
    "check_features": "ocivalidate.bundle",
    "check_image": "ocivalidate.image",
    "check_runtime": "ocivalidate.runtime.api",
    "check_state": "ocivalidate.bundle",
    "run_runtime": "ocivalidate.runtime.api",
    "unpack_image": "ocivalidate.unpack",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
