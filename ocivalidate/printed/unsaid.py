"""What a printed schema does not say, though it is judged, and why."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

from ocivalidate.bundle import registry as bundle_checks
from ocivalidate.image.documents import registry as image_checks
from ocivalidate.printed.openlists import OPEN_LISTS
from ocivalidate.printed.schemas import ROWS, SUBJECTS, says_in, stands_in
from ocivalidate.rules.clauses import Severity, load
from ocivalidate.rules.schema import clause_ids
from ocivalidate.vocabulary.versions import holds

_TEXT = "it is about the text, of which a validator of schemas sees the values alone"
_DISK = "it takes a look at the bundle folder or at this host"
_COMPARES = "it compares values that stand in different places"
_COUNTS = "it takes arithmetic"
_BYTES = "it takes the bytes of the content"

# Clause, or a glob → the reason. Where a part of a clause is said, the rest is what is meant.
REASONS: dict[str, str] = {
    "*.json.no-duplicate-names": _TEXT,
    "*.json.syntax": _TEXT,
    "*.json.utf8": _TEXT,
    "image/considerations.i-json.*": _TEXT,
    "safety/json.*": _TEXT,
    "image/annotations.key-unique": _TEXT,
    "safety/image.members.case": "it compares names without regard to case",
    "safety/image.*.ambiguous": "of names that differ by case from the members it says nothing",
    "runtime/bundle.*": _DISK,
    "safety/bundle.*": _DISK,
    "runtime/config.hooks.*.path.runtime-ns": _DISK,
    "runtime/config.root.path.directory-exists": _DISK,
    "runtime/config-linux.resources.hugepageLimits.pageSize.host": _DISK,
    "runtime/config-linux.seccomp.listenerPath.af-unix-stream": _DISK,
    "runtime/config.windows.must-be-set": "only --os windows asks for it",
    "runtime/config.annotations.image-created.valid": "months differ in their days",
    "image/annotations.created.rfc3339": "months differ in their days",
    "image/config.created.rfc3339": "months differ in their days",
    "image/config.history.created.rfc3339": "months differ in their days",
    "runtime/config-linux.resources.cpu.burst.le-quota": _COMPARES,
    "runtime/config-linux.resources.cpu.cpus.format": "no range may run backwards, and that compares its ends",
    "runtime/config-linux.resources.cpu.mems.format": "no range may run backwards, and that compares its ends",
    "runtime/config-linux.memoryPolicy.nodes.format": "no range may run backwards, and that compares its ends",
    "runtime/config.process.execCPUAffinity.*.format": "no range may run backwards, and that compares its ends",
    "runtime/config-zos.namespaces.no-duplicate-type": "values that nobody knows may not be repeated either",
    "runtime/config-linux.namespaces.type.unique": "values that nobody knows may not be repeated either",
    "runtime/config.process.rlimits.type.unique": "values that nobody knows may not be repeated either",
    "runtime/config.process.rlimits.type.*-values": "a document for Linux and Solaris may have the limits of both",
    "runtime/config.mounts.destination.no-nesting-windows": _COMPARES,
    "runtime/config.mounts.options.idmap.needs-mappings": _COMPARES,
    "runtime/features.ociVersionMax.not-below-min": _COMPARES,
    "safety/config.idMappings.overlap": _COMPARES,
    "safety/config.idMappings.range-overflow": _COUNTS,
    "safety/config.mounts.idMappings.overlap": _COMPARES,
    "safety/config.mounts.foreign-namespace": _COMPARES,
    "safety/config.mounts.options.no-id": _COMPARES,
    "safety/config.netDevices.name": "it counts bytes, where a schema counts characters",
    "safety/config.netDevices.name-clash": _COMPARES,
    "safety/config.*name.length": "it counts bytes, where a schema counts characters",
    "safety/config.process.rlimits.soft-above-hard": _COMPARES,
    "safety/config.process.scheduler.deadline": _COMPARES,
    "safety/config.process.user.unmapped": _COMPARES,
    "safety/config.resources.memory.swap-below-limit": _COMPARES,
    "image/annotations.base-digest.digest": "an empty digest is none, and what an algorithm asks of one is its own",
    "image/config.config.ExposedPorts.keys": "a port is at most 65535, and a name is no number to a schema",
    "image/config.history.empty_layer.count": _COMPARES,
    "image/descriptor.data.identical": _BYTES,
    "image/manifest.empty-descriptor.content": _BYTES,
    "image/manifest.artifact.config-mediaType": _COMPARES,
}


class Limit(NamedTuple):
    """A clause whose violation is an error, and which the schema says in part or not at all; and why."""

    clause: str
    reason: str
    said_in_part: bool


def limits(kind: str, release: str) -> list[Limit]:
    """What the printed schema of a document type does not refuse, though judging does.

    Raises ``LookupError`` for a clause that is neither said nor explained: the tables have to be whole.
    """
    bundle_checks.load_checks()
    image_checks.load_checks()
    said = said_clauses(kind, release)
    found = []
    for clause_id in sorted(SUBJECTS[kind].claimed()):
        clause = load()[clause_id]
        if clause.severity is not Severity.ERROR or not stands_in(clause_id, release) or _is_mild(clause_id, release):
            continue
        reason = next((why for pattern, why in REASONS.items() if fnmatchcase(clause_id, pattern)), "")
        if reason:
            found.append(Limit(clause_id, reason, clause_id in said))
        elif clause_id not in said:
            raise LookupError(f"the schema of {kind} does not say {clause_id}, and nobody says why")
    return found


def _is_mild(clause_id: str, release: str) -> bool:
    """Whether a value that an open list does not have weighs less than an error in this release."""
    untils = [listed.until for listed in OPEN_LISTS if listed.clause == clause_id]
    return any(until is not None and not holds(release, None, until) for until in untils)


def said_clauses(kind: str, release: str) -> set[str]:
    """The clauses that the printed schema says, in whole or in part."""
    said = clause_ids(kind) | {row.clause for row in ROWS[kind] if says_in(row, release)}
    return said | ({SUBJECTS[kind].closed} if SUBJECTS[kind].closed else set())
