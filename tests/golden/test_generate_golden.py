"""The exact bytes of every starting point, and of the lists that oci-gen prints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ocivalidate.generate.defaults import PLATFORMS
from ocivalidate.generate.profiles import PROFILES
from tests.unit.generating import run

Golden = Callable[[str, str], None]
FRIENDLY = (
    "--cpus 1.5 --memory 64m --pids-limit 50 --hostname box -u 1000:1000 --cap-drop all "
    "--cap-add NET_BIND_SERVICE "
    "-v ./data:/data:ro "
    "--tmpfs /run:size=16m --device /dev/fuse --ulimit nofile=1024:2048 -e A=b "
    "--sysctl net.ipv4.ip_forward=1 "
    "--hook createRuntime=/bin/hook,one --annotation org.example.key=value "
    "--uidmap 0:100000:65536 -- /bin/server --port 80"
).split()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_starting_points(platform: str, profile: str, golden: Golden) -> None:
    golden(f"generate/{platform}-{profile}.json", run("--os", platform, "--profile", profile).out.decode())


@pytest.mark.parametrize("words", ["v1", "v2", "both"])
def test_friendly_options(words: str, golden: Golden) -> None:
    golden(f"generate/friendly-{words}.json", run("--cgroup", words, *FRIENDLY).out.decode())


def test_paths(golden: Golden) -> None:
    golden("generate/paths.txt", run("--list-paths").out.decode())
