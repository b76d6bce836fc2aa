"""What of the tables can be drawn in a run: what the host has, the release knows, and the runtime applies."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocivalidate.runtime.driving.configs import changed
from ocivalidate.runtime.driving.subject import RuntimeUnderTest
from ocivalidate.runtime.exploring.features import Feature, Value
from ocivalidate.runtime.exploring.table import FEATURES
from ocivalidate.runtime.kernel.cgroup_values import RESOURCES, expected
from ocivalidate.runtime.kernel.cgroups import Layout
from ocivalidate.runtime.kernel.host import Host
from ocivalidate.runtime.properties import by_pointer, properties
from ocivalidate.runtime.run_context import RunContext

Lacking = Callable[[Sequence[str], Host, RuntimeUnderTest], tuple[str, str]]
"""Says which need is not met first, and why."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The features to draw from, each with those values that can be, and why others cannot: ``feature.value`` → why."""

    features: tuple[Feature, ...]
    left_out: Mapping[str, str]


def offer(stage: RunContext, lacking: Lacking, features: Sequence[Feature] = FEATURES) -> Offer:
    """What can be drawn in a run. Raises :class:`BadCase` for a need that nobody knows."""
    kept: list[Feature] = []
    left_out: dict[str, str] = {}
    for feature in features:
        why = {value.name: _obstacle(stage, feature, value, lacking) for value in feature.values}
        left_out |= {f"{feature.name}.{name}": reason for name, reason in why.items() if reason}
        values = tuple(value for value in feature.values if not why[value.name])
        if values:
            kept.append(feature._replace(values=values))
    return Offer(tuple(kept), left_out)


def _obstacle(stage: RunContext, feature: Feature, value: Value, lacking: Lacking) -> str:
    """Why a value cannot be drawn here; ``""`` if it can."""
    _need, reason = lacking((*feature.needs, *value.needs), stage.host, stage.subject)
    pointers = [*value.pointers()]
    unknown = [pointer for pointer in pointers if not in_release(pointer, stage.subject.release)]
    unapplied = stage.subject.unapplied(pointers)
    if reason:
        return reason
    if unknown:
        return f"{stage.subject.release} has no {unknown[0]}"
    if unapplied:
        return f"the runtime says that it does not apply {unapplied[0]}"
    return _without_files(stage.layout, stage.group, value)


def in_release(pointer: str, release: str) -> bool:
    """Whether a release has a property, or any below it."""
    if pointer in by_pointer():
        return by_pointer()[pointer].holds_in(release)
    below = [leaf for leaf in properties() if leaf.pointer.startswith(f"{pointer}/")]
    return any(leaf.holds_in(release) for leaf in below)


def _without_files(layout: Layout, group: str, value: Value) -> str:
    """Which file of a control group this kernel lacks for a value of ``linux.resources``."""
    resources: dict[str, Any] = {}
    for setting in value.settings:
        if setting.place.startswith(f"{RESOURCES}/"):
            resources = changed(resources, setting.place.removeprefix(RESOURCES), setting.value)
    for one in expected(resources, unified=layout.mode == "v2"):
        folder = f"{layout.controllers.get(one.controller, '')}{group}"
        if not any(os.path.exists(f"{folder}/{place.file}") for place in one.places):
            return f"this kernel has no {one.places[0].file} in control groups"
    return ""
