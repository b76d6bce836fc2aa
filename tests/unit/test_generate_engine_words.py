"""What docker and podman mean by their words, and what oci-gen says to those that ask an engine for something."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle.values import CAPABILITIES
from ocivalidate.errors import OptionError
from ocivalidate.generate import ConfigBuilder
from ocivalidate.generate.engines import ENGINE_FLAGS
from ocivalidate.generate.mount_forms import ENGINE_TYPES
from ocivalidate.generate.mount_words import BIND_WORDS, LEFT_OUT, PROPAGATIONS, REFUSED
from ocivalidate.generate.signals import signal_name
from ocivalidate.generate.table import TABLE
from tests.unit.generating import refused, run
from tests.unit.test_generate_options import at

SETS = ("effective", "bounding", "permitted")
SHM = "/dev/shm"  # noqa: S108  # a path in the container

# Flags of `docker run` 28 that podman does not have. Those of podman are asked for in the integration tests.
ONLY_DOCKER = """
--attach --cpu-count --cpu-percent --detach-keys --dns-opt --domainname --gpus --io-maxbandwidth
--io-maxiops --isolation --kernel-memory --link --link-local-ip --net --net-alias --runtime --sig-proxy --storage-opt
--use-api-socket --volume-driver
""".split()


def mounted(config: Any, destination: str) -> Any:
    """The mount at a destination, or ``None``."""
    return next((entry for entry in config["mounts"] if entry["destination"] == destination), None)


def capabilities(*arguments: str) -> set[str]:
    """What a process of root is left with, the same in all three sets that count."""
    found = run(*arguments).config["process"]["capabilities"]
    assert [set(found[kind]) for kind in SETS] == [set(found["bounding"])] * 3
    return set(found["bounding"])


# --- Capabilities


@pytest.mark.parametrize("written", ["MKNOD", "CAP_MKNOD", "mknod", "Cap_Mknod"])
@pytest.mark.parametrize("everything", ["all", "ALL", "CAP_ALL"])
def test_what_is_dropped_by_name_stays_out_of_all(everything: str, written: str) -> None:
    want = set(CAPABILITIES) - {"CAP_MKNOD"}
    assert capabilities("--cap-add", everything, "--cap-drop", written) == want
    assert capabilities("--cap-drop", written, "--cap-add", everything) == want
    assert capabilities("--privileged", "--cap-drop", written) == want


@pytest.mark.parametrize("everything", ["all", "ALL"])
def test_what_is_added_by_name_is_all_that_is_left_of_none(everything: str) -> None:
    for order in itertools.permutations(
        [("--cap-drop", everything), ("--cap-add", "net_admin"), ("--cap-add", "KILL")]
    ):
        assert capabilities(*(word for pair in order for word in pair)) == {"CAP_NET_ADMIN", "CAP_KILL"}


def test_what_is_dropped_by_name_stays_out_of_all_though_it_is_added_by_name_too() -> None:
    """Who adds all adds nothing by name: moby and podman pass over what else is added."""
    words = [("--cap-add", "all"), ("--cap-add", "MKNOD"), ("--cap-drop", "MKNOD"), ("--cap-add", "CHOWN")]
    for order in itertools.permutations(words):
        assert capabilities(*(word for pair in order for word in pair)) == set(CAPABILITIES) - {"CAP_MKNOD"}
    assert "CAP_MKNOD" not in capabilities("--cap-add", "MKNOD,ALL", "--cap-drop", "MKNOD")
    # Without all, what is added by name is there: docker takes it so, and podman refuses it.
    assert "CAP_MKNOD" in capabilities("--cap-add", "MKNOD", "--cap-drop", "MKNOD")


def test_a_program_may_drop_before_or_after_it_adds_all() -> None:
    first = ConfigBuilder.linux().cap_drop("MKNOD").cap_add("all").build()
    second = ConfigBuilder.linux().cap_add("all").cap_drop("MKNOD").build()
    assert first == second


def test_what_is_dropped_is_not_ambient_for_another_user() -> None:
    found = run("--cap-add", "all", "--cap-drop", "MKNOD", "-u", "5").config["process"]["capabilities"]
    assert all("CAP_MKNOD" not in names for names in found.values())


# --- Mounts


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_a_propagation_replaces_the_private_one(propagation: str) -> None:
    by_volume = run("-v", f"/a:/b:{propagation}").config
    assert mounted(by_volume, "/b")["options"] == ["rbind", propagation]
    assert by_volume == run("--mount", f"type=bind,src=/a,dst=/b,bind-propagation={propagation}").config


@pytest.mark.parametrize(
    ("words", "propagation"),
    [("shared", "shared"), ("rshared", "shared"), ("slave", "rslave"), ("rslave", "rslave"), ("private", None)],
)
def test_the_root_lets_through_what_a_mount_is_to_get(words: str, propagation: str | None) -> None:
    assert at(run("-v", f"/a:/b:{words}").config, "linux.rootfsPropagation") == propagation
    chosen = run("--rootfs-propagation", "private", "-v", f"/a:/b:{words}").config
    assert at(chosen, "linux.rootfsPropagation") == "private"


def test_a_shared_root_is_enough_for_slaves() -> None:
    assert at(run("-v", "/a:/b:shared", "-v", "/c:/d:slave").config, "linux.rootfsPropagation") == "shared"


@pytest.mark.parametrize("word", sorted(BIND_WORDS - {"idmap", "ridmap", "bind", "rbind", *PROPAGATIONS}))
def test_an_option_that_the_specification_has_is_kept(word: str) -> None:
    ran = run("-v", f"/a:/b:{word}")
    assert mounted(ran.config, "/b")["options"] == ["rbind", "rprivate", word]


@pytest.mark.parametrize("word", sorted(set(LEFT_OUT) - {"notmpcopyup", "consistency"}))
def test_an_option_that_changes_nothing_is_left_out(word: str) -> None:
    assert run("-v", f"/a:/b:{word}").config == run("-v", "/a:/b").config


@pytest.mark.parametrize("word", sorted(REFUSED))
def test_an_option_for_engines_is_refused(word: str) -> None:
    text = f"the option {word} {REFUSED[word]}"
    assert text in refused("-v", f"/a:/b:{word}")
    assert text in refused("--tmpfs", f"/b:{word}")
    with pytest.raises(OptionError, match=re.escape(text)):
        ConfigBuilder.linux().mount("/b", "bind", "/a", [word])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("ro,rw", "ro and rw contradict each other"),
        ("bind,rbind", "bind and rbind contradict each other"),
        ("shared,rprivate", "shared and rprivate contradict each other"),
        ("nosuid,suid", "nosuid and suid contradict each other"),
        ("size=4", "'size=4' is not an option of a bind mount"),
        ("bogus", "'bogus' is not an option of a bind mount"),
    ],
)
def test_options_that_make_no_sense(words: str, problem: str) -> None:
    assert problem in refused("-v", f"/a:/b:{words}")


@pytest.mark.parametrize("source", ["name", "my.vol", "data/x", "~/data", "a b"])
def test_a_source_that_is_no_path_would_be_a_volume(source: str) -> None:
    assert "volumes belong to an engine" in refused("-v", f"{source}:/data")
    assert "volumes belong to an engine" in refused("--mount", f"src={source},dst=/data")
    with pytest.raises(OptionError, match="volumes belong to an engine"):
        ConfigBuilder.linux().volume(source, "/data")


@pytest.mark.parametrize("source", ["/a", "./a", "../a", "."])
def test_a_source_that_is_a_path_is_shown(source: str) -> None:
    assert mounted(run("-v", f"{source}:/data").config, "/data")["source"] == source
    assert mounted(run("--mount", f"source={source},target=/data").config, "/data")["source"] == source


def test_a_type_says_that_a_name_is_a_path() -> None:
    assert mounted(run("--mount", "type=bind,src=data,dst=/data").config, "/data")["source"] == "data"


@pytest.mark.parametrize("kind", sorted(ENGINE_TYPES))
def test_types_for_engines(kind: str) -> None:
    assert ENGINE_TYPES[kind] in refused("--mount", f"type={kind},src=a,dst=/b")


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("ro", ["rbind", "rprivate", "ro"]),
        ("readonly=true", ["rbind", "rprivate", "ro"]),
        ("ro=1", ["rbind", "rprivate", "ro"]),
        ("readonly=false", ["rbind", "rprivate", "rw"]),
        ("rw=false", ["rbind", "rprivate", "ro"]),
        ("bind-nonrecursive", ["bind", "rprivate"]),
        ("bind-nonrecursive=true", ["bind", "rprivate"]),
        ("bind-nonrecursive=false", ["rbind", "rprivate"]),
        ("bind-recursive=disabled", ["bind", "rprivate"]),
        ("bind-recursive=enabled", ["rbind", "rprivate"]),
        ("bind-recursive=writable,ro", ["rbind", "rprivate", "ro"]),
        ("bind-recursive=readonly,ro", ["rbind", "rprivate", "rro"]),
        ("bind-nonrecursive,bind-propagation=rslave,noexec", ["bind", "rslave", "noexec"]),
        ("consistency=cached", ["rbind", "rprivate"]),
        ("U=false,chown=false", ["rbind", "rprivate"]),
        ("rprivate,nosuid", ["rbind", "rprivate", "nosuid"]),
    ],
)
def test_a_bind_mount_in_the_words_of_mount(words: str, options: list[str]) -> None:
    assert mounted(run("--mount", f"type=bind,src=/a,dst=/b,{words}").config, "/b")["options"] == options


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("U", "changes the owner of files"),
        ("U=true", "changes the owner of files"),
        ("relabel=shared", "relabels files for SELinux"),
        ("z", "relabels files for SELinux"),
        ("bind-propagation=x", "bind-propagation is one of private,"),
        ("bind-propagation", "bind-propagation is one of private,"),
        ("bind-recursive=x", "bind-recursive is one of enabled,"),
        ("bind-recursive=readonly", "bind-recursive=readonly also needs readonly"),
        ("readonly=x", "'x' is neither true nor false"),
        ("tmpfs-size=1m", "tmpfs-size is for type=tmpfs, but this is type=bind"),
        ("volume-nocopy", "volume-nocopy is for type=volume"),
        ('"x', "cannot be split at its commas"),
    ],
)
def test_a_bind_mount_that_is_refused(words: str, problem: str) -> None:
    assert problem in refused("--mount", f"type=bind,src=/a,dst=/b,{words}")


def test_a_path_with_a_comma_stands_in_quotes() -> None:
    assert mounted(run("--mount", '"src=/a,b",dst=/b').config, "/b")["source"] == "/a,b"


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("", ["nosuid", "nodev", "noexec"]),
        (",tmpfs-mode=1770", ["nosuid", "nodev", "noexec", "mode=1770"]),
        (",tmpfs-size=64m,ro", ["nosuid", "nodev", "noexec", "size=67108864", "ro"]),
        (",tmpfs-size=50%", ["nosuid", "nodev", "noexec", "size=50%"]),
        (",exec,suid", ["nodev", "exec", "suid"]),
        (",notmpcopyup", ["nosuid", "nodev", "noexec"]),
        (",tmpcopyup", ["nosuid", "nodev", "noexec", "tmpcopyup"]),
    ],
)
def test_a_filesystem_in_memory(words: str, options: list[str]) -> None:
    assert mounted(run("--mount", f"type=tmpfs,dst=/t{words}").config, "/t") == {
        "destination": "/t",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": options,
    }


def test_bind_words_are_not_for_filesystems_in_memory() -> None:
    assert "bind-propagation is for type=bind" in refused("--mount", "type=tmpfs,dst=/t,bind-propagation=shared")


def test_an_idmapped_volume() -> None:
    found = mounted(run("-v", "/a:/b:idmap=uids=0-1000-1,ro").config, "/b")
    assert found["uidMappings"] == [{"containerID": 0, "hostID": 1000, "size": 1}]
    assert found["options"] == ["rbind", "rprivate", "idmap", "ro"]


def test_a_root_that_cannot_be_written_with_places_that_can() -> None:
    config = run("--read-only-tmpfs", "--read-only", "-v", "/a:/tmp").config
    assert [mounted(config, path)["type"] for path in ("/run", "/tmp", "/var/tmp")] == ["tmpfs", "bind", "tmpfs"]  # noqa: S108
    assert run("--read-only-tmpfs").config == run().config


# --- Namespaces


def test_the_ipc_of_the_host_comes_with_its_shared_memory() -> None:
    config = run("--ipc", "host").config
    options = ["bind", "rprivate", "nosuid", "noexec", "nodev"]
    assert mounted(config, SHM) == {"destination": SHM, "type": "bind", "source": SHM, "options": options}
    assert "ipc" not in [entry["type"] for entry in config["linux"]["namespaces"]]
    for order in (["--ipc", "host", "--shm-size", "1m"], ["--shm-size", "1m", "--ipc", "host"]):
        assert "the size of the host's /dev/shm cannot be set" in refused(*order)


def test_a_mount_of_ones_own_is_left_where_shared_memory_is() -> None:
    for order in (["--ipc", "host", "-v", "/a:/dev/shm"], ["-v", "/a:/dev/shm", "--ipc", "host"]):
        assert mounted(run(*order).config, SHM)["source"] == "/a"
    assert mounted(run("--tmpfs", SHM, "--ipc", "none").config, SHM)["type"] == "tmpfs"


def test_other_words_for_ipc() -> None:
    assert run("--ipc", "shareable").config == run("--ipc", "private").config == run().config
    assert mounted(run("--ipc", "none").config, SHM) is None


@pytest.mark.parametrize("flag", ["--pid", "--ipc", "--uts", "--network", "--net", "--cgroupns", "--userns"])
def test_namespaces_in_the_words_of_podman(flag: str) -> None:
    kind = {"--net": "network", "--cgroupns": "cgroup", "--userns": "user"}.get(flag, flag[2:])
    for written in ("ns:/proc/1/ns/x", "/proc/1/ns/x"):
        namespaces = run(flag, written).config["linux"]["namespaces"]
        assert {"type": kind, "path": "/proc/1/ns/x"} in namespaces
    assert run(flag, "").config == run().config
    for written in ("container:x", "pod"):
        problem = refused(flag, written)
        assert "belong to an engine" in problem
        assert "ns:/proc/PID/ns/" in problem
    assert refused(flag, "ns:x")


@pytest.mark.parametrize("network", ["bridge", "mine", "slirp4netns:mtu=1500", "pasta", "default"])
def test_a_network_that_an_engine_makes(network: str) -> None:
    assert "ns:/run/netns/NAME" in refused("--network", network)


@pytest.mark.parametrize("users", ["auto", "auto:size=5", "keep-id", "keep-id:uid=5", "nomap"])
def test_ids_that_an_engine_hands_out(users: str) -> None:
    assert "--uidmap" in refused("--userns", users)


# --- Devices


def test_a_device_of_this_host_comes_with_mode_and_owner(tmp_path: Path) -> None:
    import os
    import stat

    node = tmp_path / "tty7"
    try:
        os.mknod(node, stat.S_IFCHR | 0o620, os.makedev(4, 7))
    except PermissionError:
        pytest.skip("needs root")
    node.chmod(0o620)
    os.chown(node, 5, 6)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(node)
    members = {"type": "c", "major": 4, "minor": 7, "fileMode": 0o620, "uid": 5, "gid": 6}
    assert run("--device", f"{node}:/dev/x").config["linux"]["devices"] == [{**members, "path": "/dev/x"}]
    config = run("--device", f"{tmp_path}:/dev/y:r").config
    assert config["linux"]["devices"] == [{**members, "path": "/dev/y/tty7"}]
    rule = {"allow": True, "type": "c", "major": 4, "minor": 7, "access": "r"}
    assert config["linux"]["resources"]["devices"][1:] == [rule]
    other = run("--device", f"{node}:/dev/x:rw:mode=0600:uid=7").config["linux"]["devices"]
    assert other == [{**members, "path": "/dev/x", "fileMode": 0o600, "uid": 7}]
    node.unlink()
    assert "contains none" in refused("--device", str(tmp_path))


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        ("c:4:7:/dev/x:mode=0620:gid=5", {"type": "c", "major": 4, "minor": 7, "fileMode": 0o620, "gid": 5}),
        ("c:4:7:/dev/x:r:uid=1", {"type": "c", "major": 4, "minor": 7, "uid": 1}),
        ("p:/dev/x:mode=600", {"type": "p", "fileMode": 0o600}),
        ("/dev/null:/dev/x:mode=600", {"type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 0, "gid": 0}),
        ("/dev/kmsg:/dev/x", {"type": "c", "major": 1, "minor": 11, "fileMode": 0o644, "uid": 0, "gid": 0}),
    ],
)
def test_mode_and_owner_of_a_device(written: str, entry: dict[str, Any]) -> None:
    assert run("--device", written).config["linux"]["devices"] == [{**entry, "path": "/dev/x"}]


def test_a_device_that_an_engine_looks_up() -> None:
    assert "is a CDI device name" in refused("--device", "vendor.com/class=all")


# --- The process and its limits


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *((word, "SIGKILL") for word in ("SIGKILL", "kill", "KILL", "9")),
        ("SIGRTMIN+3", "SIGRTMIN+3"),
        ("rtmin", "SIGRTMIN"),
        ("RTMAX-2", "SIGRTMAX-2"),
        ("64", "SIGRTMAX"),
        ("34", "SIGRTMAX-30"),
        ("CLD", "SIGCHLD"),
    ],
)
def test_a_signal_to_stop_with(written: str, name: str) -> None:
    found = run("--stop-signal", written)
    assert found.config["annotations"] == {"org.opencontainers.image.stopSignal": name}
    assert not found.err


@pytest.mark.parametrize("written", ["NOPE", "0", "32", "65", "RTMIN+31", "RTMAX+1", "", "-9", "SIG"])
def test_what_is_no_signal(written: str) -> None:
    with pytest.raises(OptionError):
        signal_name(written)


@pytest.mark.parametrize(
    ("arguments", "path", "value"),
    [
        (["-i"], "process.terminal", None),
        (["-it"], "process.terminal", True),
        (["-ti", "--interactive"], "process.terminal", True),
        (["-itw/x"], "process.cwd", "/x"),
        (["-ite", "A=b"], "process.env.2", "A=b"),
        (["--tty=false"], "process.terminal", False),
        (["-t=true"], "process.terminal", True),
        (["--read-only=true"], "root.readonly", True),
        (["--read-only", "--read-only=0"], "root.readonly", False),
        (["-h", "box"], "hostname", "box"),
        (["--user", ":5"], "process.user", {"uid": 0, "gid": 5}),
        (["--user", "5:"], "process.user", {"uid": 5, "gid": 0}),
        (["--group-add", "keep-groups"], "annotations", {"run.oci.keep_original_groups": "1"}),
        (["--entrypoint", "/x", "--entrypoint", "", "--", "ls"], "process.args", ["ls"]),
        (["--entrypoint", ""], "process.args", ["sh"]),
        (["--ulimit", "host"], "process.rlimits", None),
        (["--personality", "LINUX32"], "linux.personality", {"domain": "LINUX32"}),
        (["--unsetenv", "PATH"], "process.env", None),
        (["--unsetenv-all", "-e", "A=b"], "process.env", ["A=b"]),
        (["-l", "a.b=c", "--label", "d.e"], "annotations", {"a.b": "c", "d.e": ""}),
        (["--cpu-rt-runtime", "950ms", "--cpu-rt-period", "1s"], "linux.resources.cpu.realtimeRuntime", 950_000),
        (["--cpu-rt-runtime", "950000", "--cpu-rt-period", "1000000"], "linux.resources.cpu.realtimePeriod", 1_000_000),
        (["--cpu-rt-runtime", "-1"], "linux.resources.cpu.realtimeRuntime", -1),
        (["--cgroup-conf", "memory.high=1"], "linux.resources.unified", {"memory.high": "1"}),
        (["--pids-limit", "0"], "linux.resources.pids.limit", -1),
        (["--memory-swappiness", "-1"], "linux.resources.memory", None),
    ],
)
def test_words_of_docker_and_podman(arguments: list[str], path: str, value: Any) -> None:
    assert at(run(*arguments).config, path) == value


@pytest.mark.parametrize(
    "flag",
    "--memory --memory-swap --memory-reservation --cpus --cpu-quota --cpu-period --cpu-shares --blkio-weight "
    "--cpu-rt-runtime --cpu-rt-period".split(),
)
def test_a_limit_of_nothing_is_none(flag: str) -> None:
    assert run(flag, "0").config == run().config


def test_memory_and_swap_together_want_a_limit_of_memory() -> None:
    assert "--memory SIZE" in refused("--memory-swap", "1g")
    assert "is less than memory" in refused("--memory-swap", "1g", "-m", "2g")
    assert at(run("--memory-swap", "-1").config, "linux.resources.memory.swap") == -1


def test_variables_that_start_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_A", "1")
    monkeypatch.setenv("OUR_B", "2")
    assert run("-e", "OUR_*").config["process"]["env"][1:] == ["OUR_A=1", "OUR_B=2"]
    env = run("-e", "OUR_A=x", "--env-host").config["process"]["env"]
    assert {"OUR_A=x", "OUR_B=2"} <= set(env)


def test_labels_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "labels"
    file.write_text("# none\na.b=c d\n\ne.f\n")
    assert run("--label-file", str(file)).config["annotations"] == {"a.b": "c d", "e.f": ""}
    file.write_text("=x")
    assert "is not of the form KEY[=VALUE]" in refused("--label-file", str(file))


# --- Flags for engines


@pytest.mark.parametrize("flag", sorted(ENGINE_FLAGS))
def test_a_flag_for_engines_says_what_to_do(flag: str) -> None:
    for arguments in ([flag], [flag, "x"], [f"{flag}=x"], ["--cpus", "1", flag, "--read-only"]):
        assert refused(*arguments) == f"{flag}: {ENGINE_FLAGS[flag]}"


def test_all_flags_for_engines_stand_in_the_same_line() -> None:
    problem = refused("--rm", "-dit", "-p", "80:80", "--name", "x", "--nope")
    assert [f"{flag}: " in problem for flag in ("--rm", "-d", "-p", "--name")] == [True] * 4
    assert "\n" not in problem


def test_no_flag_is_for_engines_and_for_us() -> None:
    ours = {flag for option in TABLE.values() for flag in option.flags}
    assert not ours & set(ENGINE_FLAGS)


@pytest.mark.parametrize("flag", ONLY_DOCKER)
def test_every_flag_of_docker_has_an_answer(flag: str) -> None:
    assert flag in ENGINE_FLAGS or any(flag in option.flags for option in TABLE.values())


def test_what_engines_are_told_at_the_end_is_no_option_here() -> None:
    assert "the command goes after --" in refused("-it", "ubuntu", "sh")


def test_a_dash_and_an_h_alone_are_help() -> None:
    assert run("-h").out == run("--help").out == run("--cpus", "1", "-h").out


# --- Words by case, words of other types, and what stands for nothing


@pytest.mark.parametrize("kind", ["bind", "Bind", "BIND"])
@pytest.mark.parametrize(("source", "destination"), [("src", "dst"), ("Source", "Target"), ("SRC", "Destination")])
def test_names_and_types_of_mounts_are_read_without_regard_to_case(kind: str, source: str, destination: str) -> None:
    """As docker reads them: a type of another case would be a file system that no kernel has."""
    config = run("--mount", f"Type={kind},{source}=/a,{destination}=/b,ReadOnly").config
    assert mounted(config, "/b") == {
        "destination": "/b",
        "type": "bind",
        "source": "/a",
        "options": ["rbind", "rprivate", "ro"],
    }


def test_volumes_are_known_in_any_case() -> None:
    assert "volumes belong to an engine" in refused("--mount", "type=Volume,src=v,dst=/b")


@pytest.mark.parametrize(("word", "kind"), [("tmpfs-options=noswap", "tmpfs"), ("bind-create-src", "bind")])
def test_word_that_nobody_knows(word: str, kind: str) -> None:
    assert f"a {kind} mount has no {word.partition('=')[0]}" in refused("--mount", f"type={kind},src=/a,dst=/b,{word}")


def test_device_whose_path_in_the_container_is_left_empty() -> None:
    config = run("--device", "/dev/fuse::r").config
    assert config["linux"]["devices"][0]["path"] == "/dev/fuse"


@pytest.mark.parametrize("flag", ["--cpuset-cpus", "--cpuset-mems"])
@pytest.mark.parametrize("written", ["x", "0-", "3-1", "0,,1", "-1"])
def test_lists_of_processors(flag: str, written: str) -> None:
    """Also in a config of a release whose text says nothing of their form."""
    assert f"{flag}: {written!r} is not a list" in refused(f"{flag}={written}")


@pytest.mark.parametrize("flag", ["--user", "--group-add"])
@pytest.mark.parametrize("written", ["0x1", "0o7", "+5"])
def test_ids_are_decimal(flag: str, written: str) -> None:
    assert f"{written!r} is not a numeric id" in refused(flag, written)


@pytest.mark.parametrize("kind", ["network", "pid", "ipc", "uts"])
def test_namespace_without_an_absolute_path(kind: str) -> None:
    assert f"--{kind}: 'run/x' is not an absolute path" in refused(f"--{kind}", "ns:run/x")


@pytest.mark.parametrize(
    ("flag", "destination"), [("--pid", "/proc"), ("--ipc", "/dev/mqueue"), ("--network", "/sys"), ("--uts", "")]
)
def test_what_shows_a_namespace_of_the_host_is_bound_where_ids_are_mapped(flag: str, destination: str) -> None:
    """As podman does: the kernel mounts no proc, mqueue or sysfs that shows what the user namespace does not own."""
    plain = run(flag, "host").config
    mapped = run("--uidmap", "0:100000:65536", flag, "host").config
    bound = {entry["destination"]: entry["source"] for entry in mapped["mounts"] if "rbind" in entry.get("options", [])}
    assert bound == ({destination: destination} if destination else {})
    assert not destination or mounted(plain, destination)["type"] in ("proc", "mqueue", "sysfs")
    rootless = run("--rootless", flag, "host").config
    assert not destination or mounted(rootless, destination)["type"] == "bind"
