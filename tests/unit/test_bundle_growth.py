"""What two parts of a config.json have to do with each other is judged in time that grows with their sizes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle import check_bundle
from ocivalidate.generate import ConfigBuilder

MANY = 6000
Config = dict[str, Any]
_RANGES = [{"containerID": 3 * number, "hostID": 3 * number, "size": 1} for number in range(MANY)]


def capabilities(config: Config) -> None:
    names = [f"CAP_X{number}" for number in range(MANY)]
    config["process"]["capabilities"] = {"effective": names, "permitted": names[::-1]}


def groups_and_mappings(config: Config) -> None:
    config["process"]["user"]["additionalGids"] = [3 * number for number in range(MANY)]
    config["linux"] |= {"uidMappings": _RANGES, "gidMappings": _RANGES}
    config["linux"]["namespaces"].append({"type": "user"})


def owners_and_mappings(config: Config) -> None:
    groups_and_mappings(config)
    options = [f"uid={3 * number}" for number in range(MANY)]
    config["mounts"].append({"destination": "/x", "type": "tmpfs", "source": "x", "options": options})


def parameters_and_namespaces(config: Config) -> None:
    config["linux"]["sysctl"] = {f"net.x{number}": "1" for number in range(MANY)}
    config["linux"]["namespaces"] = [{"type": "pid"}] * MANY


def mounts_and_namespaces(config: Config) -> None:
    config["mounts"] = [
        {"destination": f"/{number}", "type": "none", "source": "/x", "options": ["rbind", "idmap"]}
        for number in range(MANY)
    ]
    config["linux"]["namespaces"] = [{"type": "pid"}] * MANY


GROWING: Mapping[str, Callable[[Config], None]] = {
    function.__name__: function
    for function in (
        capabilities,
        groups_and_mappings,
        owners_and_mappings,
        parameters_and_namespaces,
        mounts_and_namespaces,
    )
}


@pytest.mark.parametrize("name", GROWING)
def test_two_large_parts_of_a_config_are_judged_quickly(name: str, tmp_path: Path) -> None:
    config = json.loads(ConfigBuilder.start().finish().text)
    GROWING[name](config)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    start = time.process_time()
    check_bundle(str(file))
    # Their product took from 4 to 40 seconds.
    assert time.process_time() - start < 2.5


def test_an_id_in_any_of_the_ranges_exists(tmp_path: Path) -> None:
    config = json.loads(ConfigBuilder.start().finish().text)
    ranges = [(10, 5), (0, 3), (12, 20), (1, 1), (40, 1)]
    mappings = [{"containerID": start, "hostID": start, "size": size} for start, size in ranges]
    config["linux"] |= {"uidMappings": mappings, "gidMappings": mappings}
    config["linux"]["namespaces"].append({"type": "user"})
    config["process"]["user"]["additionalGids"] = [0, 2, 3, 9, 10, 14, 15, 31, 32, 39, 40, 41]
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    found = [one for one in check_bundle(str(file)).findings if one.clause.id.endswith("user.unmapped")]
    assert [one.got for one in found] == ["3", "9", "32", "39", "41"]
