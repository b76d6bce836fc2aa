"""Judging container runtimes: the harness that drives a runtime, and the API for writing cases.

Cases, those in ``conformance/`` and those of users, use only what is in ``__all__``: classes
and functions, and modules with helpers for the cases of one area.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocivalidate.errors import CannotJudge, RuntimeFailed
    from ocivalidate.runtime.api import run_runtime
    from ocivalidate.runtime.case_context import CaseContext
    from ocivalidate.runtime.case_helpers import (
        claimed_names,
        device_rules,
        filters,
        grouping,
        hook_containers,
        hook_sleepers,
        hook_states,
        hooking,
        limits,
        mounting,
        option_rows,
        supervising,
    )
    from ocivalidate.runtime.case_helpers.tracing import Record, Trace
    from ocivalidate.runtime.cases import Case, case
    from ocivalidate.runtime.driving.callers import caller
    from ocivalidate.runtime.driving.configs import changed, objects_of, steps
    from ocivalidate.runtime.driving.container import Container
    from ocivalidate.runtime.driving.documents import document_clauses, judge_document
    from ocivalidate.runtime.driving.driver import Call
    from ocivalidate.runtime.inside.facts import Facts
    from ocivalidate.runtime.kernel import cgroup_values, cgroups, programs, seccomp, syscalls
    from ocivalidate.runtime.kernel.handed import pid_of, text_of
    from ocivalidate.runtime.kernel.kernelnames import capabilities
    from ocivalidate.runtime.kernel.namespaces import NAMESPACE_FILES, NamespaceHolder, namespaces_of
    from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

# The module of each public name, relative to this package; a leading dot leads up.
_HOMES = {
    "Call": "driving.driver",
    "CannotJudge": ".errors",
    "Case": "cases",
    "CaseContext": "case_context",
    "Container": "driving.container",
    "Facts": "inside.facts",
    "NAMESPACE_FILES": "kernel.namespaces",
    "NamespaceHolder": "kernel.namespaces",
    "RUNTIME_RELEASES": ".vocabulary.versions",
    "Record": "case_helpers.tracing",
    "RuntimeFailed": ".errors",
    "Trace": "case_helpers.tracing",
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
# The packages of the modules that are public as a whole.
_ROOMS = {
    "cgroup_values": "kernel",
    "cgroups": "kernel",
    "claimed_names": "case_helpers",
    "device_rules": "case_helpers",
    "filters": "case_helpers",
    "grouping": "case_helpers",
    "hook_containers": "case_helpers",
    "hook_sleepers": "case_helpers",
    "hook_states": "case_helpers",
    "hooking": "case_helpers",
    "limits": "case_helpers",
    "mounting": "case_helpers",
    "option_rows": "case_helpers",
    "programs": "kernel",
    "seccomp": "kernel",
    "supervising": "case_helpers",
    "syscalls": "kernel",
}

__all__ = [
    "NAMESPACE_FILES",
    "RUNTIME_RELEASES",
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
    "cgroup_values",
    "cgroups",
    "changed",
    "claimed_names",
    "device_rules",
    "document_clauses",
    "filters",
    "grouping",
    "hook_containers",
    "hook_sleepers",
    "hook_states",
    "hooking",
    "judge_document",
    "limits",
    "mounting",
    "namespaces_of",
    "objects_of",
    "option_rows",
    "pid_of",
    "programs",
    "run_runtime",
    "seccomp",
    "steps",
    "supervising",
    "syscalls",
    "text_of",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        value: Any = importlib.import_module(f".{_ROOMS[name]}.{name}", __name__)
    elif name in _HOMES:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
