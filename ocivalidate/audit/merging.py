"""One report of the reports of all shards, pure: what the whole audit would have said.

Every shard lists all of the registry and judges all documents, and verifies the blobs of its share. So what they say of
documents and storage is the same and counts once; what they say of blobs is different and adds up. Reports are files
that anybody may have written: what is no report of ours is refused in one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, NamedTuple

from ocivalidate.audit.judging import SOUND, STATES
from ocivalidate.audit.mending import COLLECT
from ocivalidate.audit.shard_reports import ADDED, FINDING, KIND, Part, parts_of
from ocivalidate.audit.summing import name_of
from ocivalidate.errors import UsageError
from ocivalidate.image.blobs import DIFF_ID, ORDER, SWAPPED
from ocivalidate.rules.clauses import Clause, Selection, Severity, load
from ocivalidate.rules.findings import Location, Outcome, Report
from ocivalidate.rules.ledger import NOT_PRESENT, Details, Ledger

# What has to be the same in all shards, and how messages call it.
_SAME = {
    "subject": "targets",
    "specification": "specifications",
    "release": "releases of image-spec",
    "selected": "selections of repositories and tags",
    "tool": "releases of ocivalidate",
}
# What is put together of what they say of each image.
_JOINED = (
    *("shard", "stopped", "selected", "images", "repositories", "not_sound", "sound", "digests", "mend"),
    # Pushes go on while the shards are at work.
    "uploads",
)
_POSITION: Final = ("line", "column", "end_column", "text")
_MOVED = "the registry changed between the shards, so that a blob may be in the share of none of them"


class _Told(NamedTuple):
    """A finding as a shard tells it: what it says, and how many more of its kind there are."""

    clause: str
    severity: str
    location: Location
    message: str
    got: str
    want: str
    hint: str

    @property
    def kind(self) -> tuple[str, str, str | None]:
        pointer = self.location.pointer
        pattern = pointer and "/".join("*" if token.isdecimal() else token for token in pointer.split("/"))
        return self.clause, self.severity, pattern

    @property
    def position(self) -> tuple[Any, ...]:
        place = self.location
        return place.file, place.line or 0, place.column or 0, *map(str, self)


def merged(documents: Iterable[tuple[str, Any]]) -> list[Report]:
    """A report for each target, of the JSON reports of all its shards, each with the name of its file.

    Raises :class:`UsageError` for anything else, and for shards that are missing, doubled, or not of one audit.
    """
    of_targets: dict[str, list[Part]] = {}
    for name, document in documents:
        for part in parts_of(name, document):
            of_targets.setdefault(str(part.said["subject"]), []).append(part)
    if len({len(parts) for parts in of_targets.values()}) > 1:
        names = sorted(of_targets, key=lambda target: len(of_targets[target]))
        one = of_targets[names[0]][0]
        raise UsageError(f"{one.name}: of another target than the others: {names[0]}, not {names[-1]}")
    return [_whole(parts) for parts in of_targets.values()]


def _whole(parts: list[Part]) -> Report:
    _refuse_others(parts)
    parts = _reordered(sorted(parts, key=lambda part: part.shard))
    first = parts[0].said
    problem = next((f"shard {part.shard}: {part.said['problem']}" for part in parts if part.said["problem"]), "")
    if problem:
        return Report(KIND, first["subject"], first["specification"], problem=problem)
    verdicts = _ledger(parts).verdicts()
    facts = _facts(parts)
    stopped = next((f"shard {part.shard}: {_why(part)}" for part in parts if not part.said["complete"]), "")
    if stopped:
        facts["stopped"] = stopped
    return Report(
        KIND,
        first["subject"],
        first["specification"],
        first["release"],
        first["release_note"],
        (),
        "",
        *verdicts,
        facts=facts,
        complete=not stopped,
        file=str(first.get("file", "")),
    )


def _why(part: Part) -> str:
    return str(part.facts.get("stopped") or "its report is incomplete")


def _refuse_others(parts: Sequence[Part]) -> None:
    """Refuse shards that are not of one audit, and not exactly all of it."""
    first = parts[0]
    seen: dict[int, str] = {}
    for part in parts:
        for member, called in _SAME.items():
            if part.same(member) != first.same(member):
                got, want = (_shown(one.same(member)) for one in (part, first))
                raise UsageError(f"{part.name} and {first.name} are of different {called}: {got} and {want}")
        if part.shard.of != first.shard.of:
            raise UsageError(f"{part.name} is shard {part.shard}, and {first.name} is shard {first.shard}")
        if part.shard.number in seen:
            raise UsageError(f"{part.name} and {seen[part.shard.number]} are both shard {part.shard}")
        seen[part.shard.number] = part.name
    missing = [number for number in range(1, first.shard.of + 1) if number not in seen]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        names = ", ".join(f"{number}/{first.shard.of}" for number in missing[:5])
        raise UsageError(f"shards are missing: {names}{more}")


def _shown(value: Any) -> str:
    return str(value)[:200] or "none"


# --- Findings and results


def _reordered(parts: list[Part]) -> list[Part]:
    """The shards, where diffIDs that several of them tell to be wrong turn out to be in another order than layers."""
    of_configs: dict[str, dict[str, Mapping[str, Any]]] = {}
    for part in parts:
        for one in part.said["findings"]:
            if one["clause"] == DIFF_ID:
                place = one["location"]
                of_configs.setdefault(place.get("file", ""), {})[str(place.get("pointer"))] = one
    swapped = {file: [*wrong.values()] for file, wrong in of_configs.items() if _are_swapped([*wrong.values()])}
    if not swapped:
        return parts
    order = [_of_order(wrong[0]) for wrong in swapped.values()]
    return [part._replace(said={**part.said, "findings": [*_others(part, swapped), *order]}) for part in parts]


def _are_swapped(wrong: Sequence[Mapping[str, Any]]) -> bool:
    return len(wrong) > 1 and sorted(one["got"] for one in wrong) == sorted(one["want"] for one in wrong)


def _others(part: Part, swapped: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        one
        for one in part.said["findings"]
        if one["clause"] != DIFF_ID or one["location"].get("file", "") not in swapped
    ]


def _of_order(wrong: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is told in place of the diffIDs of a config, the first of which this is."""
    place = {name: value for name, value in wrong["location"].items() if name not in _POSITION}
    place["pointer"] = str(place.get("pointer")).rpartition("/")[0]
    said = {"clause": ORDER, "message": SWAPPED, "got": "", "want": "", "location": place, "more": 0}
    return {**wrong, **said}


def _ledger(parts: Sequence[Part]) -> Ledger:
    """What all shards found and had occasion to judge."""
    known = load()
    clauses: dict[str, Clause] = {}
    for part in parts:
        for result in part.said["results"]:
            clauses[result["clause"]] = known[result["clause"]]
    hidden = tuple({one["clause"] for part in parts for one in part.said.get("hidden", ()) if one["by"] == "ignore"})
    clauses |= {clause: known[clause] for clause in hidden}
    ordered = {clause: clauses[clause] for clause in known if clause in clauses}
    ledger = Ledger(ordered, Selection(ignore=hidden))
    for part in parts:
        for result in part.said["results"]:
            _occasion(ledger, result["clause"], result["outcome"], result["reason"])
    for members in ("findings", "hidden"):
        _put(ledger, [[_told(one) for one in part.said.get(members, ())] for part in parts], parts, members)
    return ledger


def _occasion(ledger: Ledger, clause: str, outcome: str, reason: str) -> None:
    """What one shard says of a clause: one that was left open or could not be judged is passed by no other."""
    if outcome in (Outcome.PASS, Outcome.FAIL):
        ledger.judged(clause)
    elif outcome == Outcome.ERROR:
        ledger.error(clause, reason)
    elif reason != NOT_PRESENT:
        ledger.leave_open(clause, reason)


def _put(ledger: Ledger, told: list[list[_Told]], parts: Sequence[Part], members: str) -> None:
    """Put down each finding once, and of each kind how many more there are."""
    counts = [_counts(part.said.get(members, ()), found) for part, found in zip(parts, told, strict=True)]
    every = sorted({one for found in told for one in found}, key=lambda one: one.position)
    of_kind: dict[Any, list[_Told]] = {}
    for one in every:
        of_kind.setdefault(one.kind, []).append(one)
    for kind, found in of_kind.items():
        numbers = [count.get(kind, 0) for count in counts]
        # What every shard tells is of documents, which each of them judges; else it is of blobs, which only one has.
        common = set.intersection(*({one for one in some if one.kind == kind} for some in told))
        total = max(*numbers, len(found)) if common else sum(numbers)
        for number, one in enumerate(found, 1):
            more = max(0, total - len(found)) if number == len(found) else 0
            details: Details = {
                "severity": Severity(one.severity),
                "got": one.got,
                "want": one.want,
                "hint": one.hint,
            }
            ledger.add(one.clause, one.location, one.message, more=more, **details)


def _counts(said: Iterable[Mapping[str, Any]], told: Iterable[_Told]) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for finding, one in zip(said, told, strict=True):
        counts[one.kind] = counts.get(one.kind, 0) + 1 + finding.get("more", 0)
    return counts


def _told(finding: Mapping[str, Any]) -> _Told:
    said = finding["location"]
    place = Location(**{member.name: said[member.name] for member in fields(Location) if member.name in said})
    message, got, want, hint = (str(finding[name]) for name in FINDING)
    return _Told(finding["clause"], finding["severity"], place, message, got, want, hint)


# --- Facts


def _facts(parts: Sequence[Part]) -> dict[str, Any]:
    first = parts[0].facts
    facts = {name: value for name, value in first.items() if name not in (*ADDED, *_JOINED)}
    facts = {"blobs": 0, "bytes": 0, **facts}
    moved = any({name: part.facts.get(name, facts[name]) for name in facts} != facts for part in parts)
    images = _images(parts)
    sound = [image for image in images if image["state"] == SOUND]
    broken = [image for image in images if image["state"] != SOUND]
    facts["repositories"] = _repositories(images)
    facts["images"] = {state: sum(image["state"] == state for image in images) for state in STATES}
    facts |= {"not_sound": broken, "sound": sound, "mend": _mending(parts)}
    named = ((name_of(image["repository"], image["name"]), image["digest"]) for image in (*sound, *broken))
    facts["digests"] = [{"name": name, "digest": digest} for name, digest in named]
    for name in ADDED:
        every = [part.facts.get(name, {}) for part in parts]
        facts[name] = {key: sum(one.get(key, 0) for one in every) for key in every[0]}
    left = [one for part in parts if (one := part.facts.get("uploads")) is not None]
    if left:
        facts["uploads"] = max(left, key=lambda one: (one["count"], one["bytes"]))
    if "selected" in first:
        facts["selected"] = first["selected"]
    facts["shards"] = len(parts)
    if moved:
        facts["incomplete"] = _MOVED
    return facts


def _images(parts: Sequence[Part]) -> list[Mapping[str, str]]:
    """All images, each as the worst that is said of it."""
    states: dict[tuple[str, str], Mapping[str, str]] = {}
    for part in parts:
        for image in (*part.facts["sound"], *part.facts["not_sound"]):
            key = image["repository"], image["name"]
            states[key] = max(states.get(key, image), image, key=lambda one: STATES.index(one["state"]))
    return [states[key] for key in sorted(states)]


def _repositories(images: Iterable[Mapping[str, str]]) -> dict[str, int]:
    worst: dict[str, str] = {}
    for image in images:
        name = image["repository"]
        worst[name] = max(worst.get(name, SOUND), image["state"], key=STATES.index)
    return {"count": len(worst)} | {state: [*worst.values()].count(state) for state in STATES}


def _mending(parts: Sequence[Part]) -> list[Any]:
    """What to do, each once; garbage is last, as what is mended first may refer to it."""
    every = {json.dumps(one, sort_keys=True): one for part in parts for one in part.facts["mend"]}
    return sorted(every.values(), key=lambda one: one.get("do") == COLLECT)
