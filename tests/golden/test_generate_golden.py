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

LIKE_DOCKER = (
    "-it -h box --user 1000: --ipc host --pid ns:/proc/1/ns/pid --cap-add ALL --cap-drop MKNOD --stop-signal RTMIN+3 "
    "-v /srv:/srv:rslave,ro --mount type=bind,src=/a,dst=/b,bind-nonrecursive "
    "--mount type=tmpfs,dst=/t,tmpfs-mode=1770 --device c:4:7:/dev/x:r:mode=0620:gid=5 "
    "--cpu-rt-runtime 950000 --read-only "
    "--read-only-tmpfs -l org.example.a=b "
    "--security-opt no-new-privileges:true --security-opt unmask=/proc/* --uidmap 0:100000:65536 --network host -- sh"
).split()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_starting_points(platform: str, profile: str, golden: Golden) -> None:
    golden(f"generate/{platform}-{profile}.json", run("--os", platform, "--profile", profile).out.decode())


@pytest.mark.parametrize("words", ["v1", "v2", "both"])
def test_friendly_options(words: str, golden: Golden) -> None:
    golden(f"generate/friendly-{words}.json", run("--cgroup", words, *FRIENDLY).out.decode())


def test_words_of_docker_and_podman(golden: Golden) -> None:
    golden("generate/like-docker.json", run(*LIKE_DOCKER).out.decode())


def test_paths(golden: Golden) -> None:
    golden("generate/paths.txt", run("--list-paths").out.decode())
