"""Rules on what may be done with devices: ``linux.resources.devices``, and the nodes that the probe tried to open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocivalidate.rules.declared import judges
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, compare, unseen
from ocivalidate.runtime.properties import APPLIES_CONFIG

PLACE = "/linux/resources/devices"
# Nodes to open, which whoever makes a container lays down in its root: name → kind, major, minor. No driver has these
# numbers: opening such a device fails with ENXIO once it is allowed, and with EPERM before.
NODES = {"one": ("c", 1600, 1), "two": ("c", 1600, 2), "block": ("b", 1600, 1)}
FOLDER = "/opt/nodes"
_DENIED = ("EPERM", "EACCES")
_LETTERS = {"char": ("c", "a"), "block": ("b", "a")}
_EVERY_NUMBER = -1  # as runtimes take it, beside a number that is left out


@judges(APPLIES_CONFIG)
def opened(context: FactContext) -> Iterator[Judgement]:
    """``linux.resources.devices``: a device can be opened if the last rule that speaks of it allows that."""
    rules: Sequence[Mapping[str, Any]] = (context.section("linux").get("resources") or {}).get("devices") or ()
    for entry in context.facts.get("opens", ()) if rules else ():
        node = (context.path(entry["path"]) or {}).get("target")
        if not node or node["kind"] not in _LETTERS:
            continue
        last = [_last(rules, node, letter) for letter in entry["how"]]
        if None in last:
            yield unseen(PLACE, f"no rule speaks of {entry['path']}")
            continue
        number = next((number for number in last if not rules[number].get("allow")), last[0])  # type: ignore[index]
        want = "allowed" if rules[number]["allow"] else "refused"  # type: ignore[index]
        got = "refused" if entry["outcome"] in _DENIED else "allowed"
        message = (
            f"opening {node['kind']} {node['major']}:{node['minor']} for {entry['how']} is {got} against the rules"
        )
        yield compare(f"{PLACE}/{number}/allow", got, want, message=message)


def tries(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The nodes to open, and how, by which rules show: ``(path, access)``; none where a config has none."""
    resources = (config.get("linux") or {}).get("resources") or {}
    return [(f"{FOLDER}/{name}", how) for name in NODES for how in "rw"] if resources.get("devices") else []


def _last(rules: Sequence[Mapping[str, Any]], node: Mapping[str, Any], letter: str) -> int | None:
    """The number of the last rule on an access to a node; ``None`` if there is none."""
    speaking = (
        number
        for number, rule in enumerate(rules)
        if letter in (rule.get("access") or "rwm")
        and rule.get("type", "a") in _LETTERS[node["kind"]]
        and all(rule.get(name, _EVERY_NUMBER) in (_EVERY_NUMBER, node[name]) for name in ("major", "minor"))
    )
    return max(speaking, default=None)


RULES = (opened,)
