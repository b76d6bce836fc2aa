"""Judging container runtimes: the harness that drives a runtime, and what cases are written with.

What stands in ``__all__`` is all that cases know of this package, those in ``conformance/`` and those of users.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocivalidate.runtime.api import run_runtime
    from ocivalidate.runtime.callers import caller
    from ocivalidate.runtime.cases import Case, case
    from ocivalidate.runtime.configs import changed, objects_of
    from ocivalidate.runtime.console import NoConsole
    from ocivalidate.runtime.container import Container, RuntimeFailed
    from ocivalidate.runtime.documents import document_clauses, judge_document
    from ocivalidate.runtime.driver import Call
    from ocivalidate.runtime.facts import Facts
    from ocivalidate.runtime.kernelnames import capabilities
    from ocivalidate.runtime.namespaces import Holder, namespaces_of
    from ocivalidate.runtime.tracing import Record, Trace
    from ocivalidate.runtime.trial import Trial, steps

# The module that each public name comes from.
_HOMES = {
    "Call": "driver",
    "Case": "cases",
    "Container": "container",
    "Facts": "facts",
    "Holder": "namespaces",
    "NoConsole": "console",
    "Record": "tracing",
    "RuntimeFailed": "container",
    "Trace": "tracing",
    "Trial": "trial",
    "caller": "callers",
    "capabilities": "kernelnames",
    "case": "cases",
    "changed": "configs",
    "document_clauses": "documents",
    "judge_document": "documents",
    "namespaces_of": "namespaces",
    "objects_of": "configs",
    "run_runtime": "api",
    "steps": "trial",
}

__all__ = [
    "Call",
    "Case",
    "Container",
    "Facts",
    "Holder",
    "NoConsole",
    "Record",
    "RuntimeFailed",
    "Trace",
    "Trial",
    "caller",
    "capabilities",
    "case",
    "changed",
    "document_clauses",
    "judge_document",
    "namespaces_of",
    "objects_of",
    "run_runtime",
    "steps",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
