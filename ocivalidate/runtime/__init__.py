"""Judging container runtimes: the harness that drives a runtime, and what cases are written with.

What stands in ``__all__`` is all that cases know of this package, those in ``conformance/`` and those of users.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocivalidate.errors import CannotJudge, RuntimeFailed
    from ocivalidate.runtime.api import run_runtime
    from ocivalidate.runtime.case_context import CaseContext
    from ocivalidate.runtime.case_helpers.tracing import Record, Trace
    from ocivalidate.runtime.cases import Case, case
    from ocivalidate.runtime.driving.callers import caller
    from ocivalidate.runtime.driving.configs import changed, objects_of, steps
    from ocivalidate.runtime.driving.container import Container
    from ocivalidate.runtime.driving.documents import document_clauses, judge_document
    from ocivalidate.runtime.driving.driver import Call
    from ocivalidate.runtime.inside.facts import Facts
    from ocivalidate.runtime.kernel.handed import pid_of, text_of
    from ocivalidate.runtime.kernel.kernelnames import capabilities
    from ocivalidate.runtime.kernel.namespaces import NamespaceHolder, namespaces_of

# The module that each public name comes from, seen from here; a dot in front leads up.
_HOMES = {
    "Call": "driving.driver",
    "CannotJudge": ".errors",
    "RuntimeFailed": ".errors",
    "Case": "cases",
    "Container": "driving.container",
    "Facts": "inside.facts",
    "NamespaceHolder": "kernel.namespaces",
    "Record": "case_helpers.tracing",
    "Trace": "case_helpers.tracing",
    "CaseContext": "case_context",
    "caller": "driving.callers",
    "capabilities": "kernel.kernelnames",
    "case": "cases",
    "changed": "driving.configs",
    "document_clauses": "driving.documents",
    "judge_document": "driving.documents",
    "namespaces_of": "kernel.namespaces",
    "objects_of": "driving.configs",
    "pid_of": "kernel.handed",
    "run_runtime": "api",
    "steps": "driving.configs",
    "text_of": "kernel.handed",
}

__all__ = [
    "Call",
    "CannotJudge",
    "Case",
    "CaseContext",
    "Container",
    "Facts",
    "NamespaceHolder",
    "Record",
    "RuntimeFailed",
    "Trace",
    "caller",
    "capabilities",
    "case",
    "changed",
    "document_clauses",
    "judge_document",
    "namespaces_of",
    "objects_of",
    "pid_of",
    "run_runtime",
    "steps",
    "text_of",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
