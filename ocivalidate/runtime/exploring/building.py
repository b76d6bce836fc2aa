"""From the values of features to a ``config.json``. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ocivalidate.runtime.driving.configs import BOUND_SYS, changed
from ocivalidate.runtime.exploring.features import Feature, Place, Setting, Value
from ocivalidate.runtime.inside.probe import LOOKS
from ocivalidate.runtime.judging import device_rules, wanted_paths
from ocivalidate.runtime.judging.calls import tries

# What every container has (config-linux.md, runtime-linux.md).
_USUAL_PATHS = (
    "/",
    *(f"/dev/{name}" for name in "null zero full random urandom tty ptmx fd stdin stdout stderr".split()),
)
# What has members that have nothing to do with each other.
_HOLDERS = re.compile(r"hooks|linux\.resources(\.\w+)?")


def values_of(features: Iterable[Feature], draw: Mapping[str, str]) -> dict[str, Value]:
    """The values of a draw, by feature."""
    return {
        feature.name: value for feature in features for value in feature.values if draw.get(feature.name) == value.name
    }


def settings_of(values: Mapping[str, Value]) -> tuple[Setting, ...]:
    """All that some values set."""
    return tuple(setting for value in values.values() for setting in value.settings)


def built(base: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """The config with some settings: ``base`` is the usual one. Its program is the probe, and looks at all of it."""
    config = changed(base, "/annotations", {})
    del config["annotations"]
    said: list[str] = []
    for setting in settings:
        if setting.place == Place.SAY:
            said = list(setting.value)
        else:
            config = _set(config, setting)
    _bind_foreign_mounts(config)
    config["process"]["args"] = [*config["process"]["args"], *program(config, said)]
    return config


def program(config: Mapping[str, Any], said: Sequence[str] = ()) -> list[str]:
    """The steps of the probe that look at what a config asks for."""
    opens = device_rules.tries(config)
    # Step by step, so that each is told by itself where it is looked at again.
    words = list(itertools.chain.from_iterable((look, ",") for look in LOOKS))
    for path in dict.fromkeys((*_USUAL_PATHS, *wanted_paths(config), *(path for path, _ in opens))):
        words += ["look", path, ","]
    words.pop()
    for path, how in opens:
        words += [",", "open", path, how]
    for number, arguments in tries(config):
        words += [",", "syscall", str(number), *map(str, arguments)]
    if said:
        words += [",", "say", *said]
    return [*words, ",", "wait"]


def _set(config: dict[str, Any], setting: Setting) -> dict[str, Any]:
    place, value = setting
    if place.startswith(Place.NAMESPACE):
        return _with_namespace(config, place.removeprefix(Place.NAMESPACE), value)
    if place.startswith(Place.HOOK):
        return changed(config, f"/hooks/{place.removeprefix(Place.HOOK)}/-", dict(value))
    if place in {"/linux/sysctl", "/process/user"}:
        # Two features have some of it each.
        holder, _, name = place.removeprefix("/").partition("/")
        value = config[holder].get(name, {}) | value
    return changed(config, place, value)


def _with_namespace(config: dict[str, Any], kind: str, path: str | None) -> dict[str, Any]:
    entries = [entry for entry in config["linux"]["namespaces"] if entry["type"] != kind]
    if path is not None:
        entries.append({"type": kind, "path": path} if path else {"type": kind})
    return changed(config, "/linux/namespaces", entries)


def _bind_foreign_mounts(config: dict[str, Any]) -> None:
    """In a new user namespace only who owns the network namespace may mount sysfs: others have that of the host."""
    kinds = {entry["type"]: entry.get("path", "") for entry in config["linux"]["namespaces"]}
    if "user" in kinds and kinds.get("network") != "":
        config["mounts"] = [BOUND_SYS if mount.get("type") == "sysfs" else mount for mount in config["mounts"]]


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """A config with words of the run in the place of ``{sources}`` and its like."""
    if isinstance(value, str):
        for name, text in words.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {name: filled(member, words) for name, member in value.items()}
    return [filled(entry, words) for entry in value] if isinstance(value, list) else value


def beyond(config: Any, base: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The members that a config has and another has not, or has otherwise, with their values, in words for readers.

    What is there as a whole and not in the other is one member: an object, an entry of a list. Hooks and resources are
    a member for each.
    """
    if isinstance(config, dict) and (isinstance(base, dict) or _HOLDERS.fullmatch(place)):
        known = base if isinstance(base, dict) else {}
        for name, member in config.items():
            if name not in known or member != known[name]:
                yield from beyond(member, known.get(name), f"{place}.{name}" if place else name)
    elif isinstance(config, list) and isinstance(base, list) and any(isinstance(entry, dict) for entry in config):
        new = [number for number, entry in enumerate(config) if entry not in base]
        lost = [number for number, entry in enumerate(base) if entry not in config and number not in new]
        yield from ((f"{place}[{number}]", config[number]) for number in new)
        yield from ((f"no {place}[{number}]", base[number]) for number in lost)
    elif config != base:
        yield place, config
