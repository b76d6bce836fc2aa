"""The flags of oci-runtime-tool generate: which work here, and what the documentation says of the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.generate.aliases import ALIASES
from ocivalidate.generate.engines import ENGINE_FLAGS
from ocivalidate.generate.mount_forms import ENGINE_TYPES
from ocivalidate.generate.mount_words import BIND_WORDS, LEFT_OUT, REFUSED
from ocivalidate.generate.rewriting import migration
from ocivalidate.generate.table import GROUPS, TABLE
from tests.integration.podman_flags import ROWS
from tests.unit.generating import refused, run
from tests.unit.test_generate_options import at

DOCUMENT = Path(__file__).parents[2] / "docs" / "generate.md"


def test_all_131_flags_are_known() -> None:
    assert len(ALIASES) == 131


def options_text() -> str:
    text = ""
    for group, title in GROUPS.items():
        rows = [option for option in TABLE.values() if option.group == group]
        if rows:
            text += f"\n### {title}\n\n| option | |\n|---|---|\n"
        for option in rows:
            flags = ", ".join(f"`{flag}{' ' * bool(option.metavar)}{option.metavar}`" for flag in option.flags)
            cells = [cell.replace("|", "\\|") for cell in (flags, option.help)]
            text += f"| {cells[0]} | {cells[1]} |\n"
    return text + "\n"


def migration_text() -> str:
    rows = "".join(f"| `{flag}` | {accepted} | {words} |\n" for flag, accepted, words in migration())
    return "| flag | accepted | here, and what differs |\n|---|---|---|\n" + rows


def engines_text() -> str:
    rows: dict[str, list[str]] = {}
    for flag, line in ENGINE_FLAGS.items():
        rows.setdefault(line, []).append(f"`{flag}`")
    return "| flag | what to do instead |\n|---|---|\n" + "".join(
        f"| {', '.join(flags)} | {line} |\n" for line, flags in rows.items()
    )


def mount_words_text() -> str:
    taken = ", ".join(f"`{word}`" for word in sorted(BIND_WORDS))
    rows = [(taken, "taken"), *((f"`{word}`", f"left out: it {why}") for word, why in LEFT_OUT.items())]
    rows += [(f"`{word}`", f"refused: it {why}") for word, why in REFUSED.items()]
    rows += [(f"`type={kind}`", f"refused: {why}") for kind, why in ENGINE_TYPES.items()]
    return "| option | what happens |\n|---|---|\n" + "".join(f"| {word} | {what} |\n" for word, what in rows)


def podman_text() -> str:
    rows: dict[str, tuple[list[str], list[str]]] = {}
    for row in ROWS:
        for member, reason in row.differs.items():
            for column, text in zip(rows.setdefault(reason, ([], [])), (row.options, member), strict=True):
                column.extend([f"`{text}`"] if f"`{text}`" not in column else [])
    return "| options | member | why |\n|---|---|---|\n" + "".join(
        f"| {', '.join(options)} | {', '.join(members)} | {reason} |\n" for reason, (options, members) in rows.items()
    )


TABLES = {
    "options": options_text,
    "engines": engines_text,
    "podman": podman_text,
    "mount words": mount_words_text,
    "migration": migration_text,
}


def with_table(document: str, name: str, table: str) -> str:
    head, mark, rest = document.partition(f"<!-- {name} -->\n")
    _old, end, tail = rest.partition(f"<!-- end of {name} -->\n")
    assert mark
    assert end
    return head + mark + table + end + tail


def test_the_tables_of_the_documentation_are_those_of_the_code(pytestconfig: pytest.Config) -> None:
    before = now = DOCUMENT.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        now = with_table(now, name, table())
    if pytestconfig.getoption("--update-goldens"):
        DOCUMENT.write_text(now, encoding="utf-8")
    else:
        assert before == now, "pytest --update-goldens writes the tables"


@pytest.mark.parametrize(
    ("arguments", "path", "value"),
    [
        (["--args", "ls", "--args", "-l"], "process.args", ["ls", "-l"]),
        (["--domainname", "d"], "domainname", "d"),
        (["--env", "PATH=/x"], "process.env", ["PATH=/x"]),
        (["--hooks-prestart-add", '{"path":"/x","timeout":5}'], "hooks.prestart", [{"path": "/x", "timeout": 5}]),
        (["--hooks-poststop-add", '{"path":"/x"}', "--hooks-poststop-remove-all"], "hooks.poststop", None),
        (["--label", "org.example.a=b"], "annotations", {"org.example.a": "b"}),
        (["--linux-apparmor", "p"], "process.apparmorProfile", "p"),
        (["--linux-blkio-weight", "100"], "linux.resources.blockIO.weight", 100),
        (["--linux-blkio-leaf-weight", "100"], "linux.resources.blockIO.leafWeight", 100),
        (["--linux-blkio-read-bps-device", "8:0:9"], "linux.resources.blockIO.throttleReadBpsDevice.0.rate", 9),
        (["--linux-cpu-quota=-1"], "linux.resources.cpu.quota", -1),
        (["--linux-cpus=0-1"], "linux.resources.cpu.cpus", "0-1"),
        (["--linux-device-add", "c:1:3:/dev/x"], "linux.devices.0.path", "/dev/x"),
        (["--linux-device-add", "c:1:3:/dev/x"], "linux.resources.devices.1.allow", True),
        (["--linux-device-cgroup-add", "allow,type=c,major=1,access=r"], "linux.resources.devices.1.major", 1),
        (["--linux-disable-oom-kill"], "linux.resources.memory.disableOOMKiller", True),
        (["--linux-disable-oom-kill=false"], "linux.resources.memory", None),
        (["--linux-uidmappings", "1000:0:5"], "linux.gidMappings", [{"containerID": 0, "hostID": 1000, "size": 5}]),
        (["--linux-hugepage-limits-add", "2MB:5"], "linux.resources.hugepageLimits.0.limit", 5),
        (["--linux-intelRdt-closid", "c"], "linux.intelRdt.closID", "c"),
        (["--linux-masked-paths", "/a"], "linux.maskedPaths.12", "/a"),
        (["--linux-readonly-paths", "/a"], "linux.readonlyPaths.5", "/a"),
        (["--linux-mem-limit", "-1"], "linux.resources.memory.limit", -1),
        (["--linux-namespace-add", "network:/proc/1/ns/net"], "linux.namespaces.1.path", "/proc/1/ns/net"),
        (["--linux-namespace-add", "time"], "linux.namespaces.6.type", "time"),
        (["--linux-namespace-remove", "pid"], "linux.namespaces.0.type", "network"),
        (["--linux-namespace-remove-all"], "linux.namespaces", None),
        (
            ["--linux-network-priorities", "eth0:5"],
            "linux.resources.network.priorities",
            [{"name": "eth0", "priority": 5}],
        ),
        (["--linux-seccomp-remove-all"], "linux.seccomp", None),
        (["--linux-selinux-label", "a:b:c:d"], "process.selinuxLabel", "a:b:c:d"),
        (["--linux-sysctl", "net.a=b=c"], "linux.sysctl", {"net.a": "b=c"}),
        (["--mounts-add", '{"destination":"/x","source":"/y"}'], "mounts.7.destination", "/x"),
        (["--mounts-remove", "/proc"], "mounts.0.destination", "/dev"),
        (["--mounts-remove-all"], "mounts", None),
        (["--oci-version", "1.2.1"], "ociVersion", "1.2.1"),
        (
            ["--process-cap-drop-all", "--process-cap-add", "CAP_KILL,CAP_CHOWN"],
            "process.capabilities.permitted.1",
            "CAP_CHOWN",
        ),
        (["--process-cap-add-inheritable", "CAP_KILL"], "process.capabilities.inheritable", ["CAP_KILL"]),
        (["--process-consolesize", "80:25"], "process.consoleSize", {"height": 25, "width": 80}),
        (["--process-cwd", "/a"], "process.cwd", "/a"),
        (["--process-uid", "5", "--process-gid", "6"], "process.user", {"uid": 5, "gid": 6}),
        (["--process-groups", "7"], "process.user.additionalGids", [7]),
        (["--process-no-new-privileges"], "process.noNewPrivileges", True),
        (
            ["--process-rlimits-add", "RLIMIT_CORE:9:5"],
            "process.rlimits.1",
            {"type": "RLIMIT_CORE", "soft": 5, "hard": 9},
        ),
        (["--process-terminal"], "process.terminal", True),
        (["--process-umask", "022"], "process.user.umask", 18),
        (["--rootfs-path", "r"], "root.path", "r"),
        (["--rootfs-readonly=true"], "root.readonly", True),
        (["--os", "solaris", "--solaris-anet", '{"linkname":"n"}'], "solaris.anet", [{"linkname": "n"}]),
        (["--os", "vm", "--vm-kernel-parameters", "quiet"], "vm.kernel.parameters", ["quiet"]),
        (["--os", "windows", "--windows-devices", "A:class"], "windows.devices", [{"id": "A", "idType": "class"}]),
        (["--os", "windows", "--windows-network", '{"endpointList":["e"]}'], "windows.network.endpointList", ["e"]),
        (["--os", "windows", "--windows-servicing"], "windows.servicing", True),
    ],
)
def test_a_flag_of_the_older_tool_works(arguments: list[str], path: str, value: Any) -> None:
    assert at(run("--force", *arguments).config, path) == value


@pytest.mark.parametrize("flag", [flag for flag, alias in ALIASES.items() if alias.instead and flag != "--args"])
def test_a_flag_that_does_not_work_says_what_to_write(flag: str) -> None:
    problem = refused(flag, "x")
    assert problem.startswith(f"{flag} is a flag of oci-runtime-tool; write ")
    assert "`" not in problem


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--linux-blkio-weight", "70000"], "70000 is not a weight"),
        (["--linux-device-add", "c:1:3:/dev/x:fileMode=438"], "the mode in octal"),
        (["--linux-device-cgroup-add", "x"], "is not of the form allow|deny"),
        (["--linux-namespace-add", "nope"], "unknown namespace 'nope'"),
        (["--linux-uidmappings", "1:2"], "is not of the form HOST:CONTAINER:SIZE"),
        (["--oci-version", "foo"], "invalid choice: 'foo'"),
        (["--mounts-add", '{"destination":"/x","typo":1}'], "there is no field mounts[7].typo"),
        (["--rootfs-readonly=maybe"], "is true or false, not 'maybe'"),
        (["--process-uid"], "--process-uid needs a value"),
    ],
)
def test_the_faults_of_the_older_tool_are_refused(arguments: list[str], problem: str) -> None:
    assert problem in refused(*arguments)


def test_a_template_keeps_its_root(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    template = {"root": {"path": "myroot"}, "process": {"cwd": "/work", "args": ["a"], "user": {"uid": 0, "gid": 0}}}
    file.write_text(json.dumps(template))
    config = run("--template", str(file)).config
    assert (config["root"]["path"], config["process"]["cwd"]) == ("myroot", "/work")


def test_what_follows_the_dashes_is_no_flag() -> None:
    assert run("--", "x", "--process-uid").config["process"]["args"] == ["x", "--process-uid"]
