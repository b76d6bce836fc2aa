"""Judge OCI bundles, images and runtimes against the OCI specifications.

>>> from ocivalidate import check_bundle
>>> report = check_bundle("path/to/bundle")

Importing the package costs next to nothing: a public name loads its module when it is first used (PEP 562).
"""

from __future__ import annotations

TYPE_CHECKING = False  # what checkers know by this name, without an import

if TYPE_CHECKING:
    from typing import Any

    from ocivalidate.bundle.api import check_bundle, check_config, check_features, check_state
    from ocivalidate.bundle.options import BundleOptions, DocumentOptions
    from ocivalidate.errors import (
        BadCase,
        CannotJudge,
        NotMeant,
        OciValidateError,
        OptionError,
        RuntimeFailed,
        TooLarge,
        UnpackError,
        Unreadable,
        UsageError,
    )
    from ocivalidate.generate import ConfigBuilder
    from ocivalidate.image.api import ImageOptions, check_image
    from ocivalidate.image.found import ImageFilter
    from ocivalidate.image.layers.limits import LayerLimits
    from ocivalidate.image.limits import Limits
    from ocivalidate.registry.options import RegistryLimits, RegistryOptions
    from ocivalidate.rules.clauses import Clause, Level, Selection, Severity
    from ocivalidate.rules.findings import Change, ExitCode, Finding, Fix, Location, Outcome, Report, Result, exit_code
    from ocivalidate.rules.refusals import Refused, Rejected, RunStopped
    from ocivalidate.runtime.api import check_runtime, run_runtime
    from ocivalidate.runtime.judging.documents import check_facts
    from ocivalidate.runtime.launching import Launcher
    from ocivalidate.runtime.options import RuntimeOptions
    from ocivalidate.unpack.api import Unpacked, UnpackOptions, unpack_image
    from ocivalidate.unpack.attributes import IdRange
    from ocivalidate.unpack.generator import ConfigSteps
    from ocivalidate.unpack.judging import ConversionOptions, check_conversion

__version__ = "0.1.0"

__all__ = [
    "BadCase",
    "BundleOptions",
    "CannotJudge",
    "Change",
    "Clause",
    "ConfigBuilder",
    "ConfigSteps",
    "ConversionOptions",
    "DocumentOptions",
    "ExitCode",
    "Finding",
    "Fix",
    "IdRange",
    "ImageFilter",
    "ImageOptions",
    "Launcher",
    "LayerLimits",
    "Level",
    "Limits",
    "Location",
    "NotMeant",
    "OciValidateError",
    "OptionError",
    "Outcome",
    "Refused",
    "RegistryLimits",
    "RegistryOptions",
    "Rejected",
    "Report",
    "Result",
    "RunStopped",
    "RuntimeFailed",
    "RuntimeOptions",
    "Selection",
    "Severity",
    "TooLarge",
    "UnpackError",
    "UnpackOptions",
    "Unpacked",
    "Unreadable",
    "UsageError",
    "__version__",
    "check_bundle",
    "check_config",
    "check_conversion",
    "check_facts",
    "check_features",
    "check_image",
    "check_runtime",
    "check_state",
    "exit_code",
    "run_runtime",
    "unpack_image",
]

# The module that each public name comes from.
_HOMES = {
    "BadCase": "ocivalidate.errors",
    "BundleOptions": "ocivalidate.bundle.options",
    "CannotJudge": "ocivalidate.errors",
    "Clause": "ocivalidate.rules.clauses",
    "ConfigBuilder": "ocivalidate.generate",
    "ConfigSteps": "ocivalidate.unpack.generator",
    "ConversionOptions": "ocivalidate.unpack.judging",
    "DocumentOptions": "ocivalidate.bundle.options",
    "ExitCode": "ocivalidate.rules.findings",
    "Change": "ocivalidate.rules.findings",
    "Finding": "ocivalidate.rules.findings",
    "Fix": "ocivalidate.rules.findings",
    "IdRange": "ocivalidate.unpack.attributes",
    "ImageFilter": "ocivalidate.image.found",
    "ImageOptions": "ocivalidate.image.api",
    "Launcher": "ocivalidate.runtime.launching",
    "LayerLimits": "ocivalidate.image.layers.limits",
    "Level": "ocivalidate.rules.clauses",
    "Limits": "ocivalidate.image.limits",
    "Location": "ocivalidate.rules.findings",
    "NotMeant": "ocivalidate.errors",
    "OciValidateError": "ocivalidate.errors",
    "OptionError": "ocivalidate.errors",
    "Outcome": "ocivalidate.rules.findings",
    "Refused": "ocivalidate.rules.refusals",
    "RegistryLimits": "ocivalidate.registry.options",
    "RegistryOptions": "ocivalidate.registry.options",
    "Rejected": "ocivalidate.rules.refusals",
    "RunStopped": "ocivalidate.rules.refusals",
    "Report": "ocivalidate.rules.findings",
    "Result": "ocivalidate.rules.findings",
    "RuntimeFailed": "ocivalidate.errors",
    "RuntimeOptions": "ocivalidate.runtime.options",
    "Selection": "ocivalidate.rules.clauses",
    "Severity": "ocivalidate.rules.clauses",
    "TooLarge": "ocivalidate.errors",
    "UnpackError": "ocivalidate.errors",
    "UnpackOptions": "ocivalidate.unpack.api",
    "Unpacked": "ocivalidate.unpack.api",
    "Unreadable": "ocivalidate.errors",
    "UsageError": "ocivalidate.errors",
    "check_bundle": "ocivalidate.bundle.api",
    "check_config": "ocivalidate.bundle.api",
    "check_conversion": "ocivalidate.unpack.judging",
    "check_facts": "ocivalidate.runtime.judging.documents",
    "check_features": "ocivalidate.bundle.api",
    "check_image": "ocivalidate.image.api",
    "check_runtime": "ocivalidate.runtime.api",
    "check_state": "ocivalidate.bundle.api",
    "exit_code": "ocivalidate.rules.findings",
    "run_runtime": "ocivalidate.runtime.api",
    "unpack_image": "ocivalidate.unpack.api",
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
