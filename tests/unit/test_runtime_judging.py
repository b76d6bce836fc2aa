"""Judging facts that a probe recorded in a container of a runtime that did all that its config asks."""

from __future__ import annotations

import copy
import functools
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.rules.findings import Outcome, exit_code
from ocivalidate.runtime.driving.configs import changed
from ocivalidate.runtime.inside.facts import Facts, find_facts
from ocivalidate.runtime.judging import Judgement, judge, property_of, wanted_paths
from ocivalidate.runtime.judging.capabilities import after_exec
from ocivalidate.runtime.judging.documents import check_facts

DATA = Path(__file__).parents[1] / "data" / "runtime"
CONFIG, FACTS = DATA / "config.json", DATA / "facts.json"
RELEASE = "1.3.0"


@functools.cache
def recorded() -> Facts:
    facts = find_facts(FACTS.read_text(encoding="utf-8"))
    assert facts is not None
    return facts


def config() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(CONFIG.read_text(encoding="utf-8"))
    return value


def looks() -> dict[str, Any]:
    return copy.deepcopy(recorded().looks())


def failed(judgements: Sequence[Judgement]) -> list[str]:
    return [judgement.pointer or judgement.clause for judgement in judgements if judgement.held is False]


def unseen(judgements: Sequence[Judgement]) -> dict[str, str]:
    return {judgement.pointer: judgement.reason for judgement in judgements if judgement.held is None}


def test_what_was_applied_is_found_so() -> None:
    found = judge(config(), looks(), RELEASE)
    assert failed(found) == []
    assert sum(judgement.held is True for judgement in found) > 80
    assert "/linux/namespaces" in unseen(found)


MASKED = "/linux/maskedPaths/0"
# What a config might have asked instead, and the place at which this is seen.
OTHERWISE: list[tuple[str, Any]] = [
    ("/process/user/uid", 0),
    ("/process/user/gid", 1000),
    ("/process/user/additionalGids", [5]),
    ("/process/user/umask", 0o22),
    ("/process/cwd", "/"),
    ("/process/env", ["GREETING=hello"]),
    ("/process/args", ["/usr/bin/python3"]),
    ("/process/terminal", True),
    ("/process/capabilities/bounding", ["CAP_KILL"]),
    ("/process/capabilities/inheritable", []),
    ("/process/rlimits/0/soft", 511),
    ("/process/rlimits/0/hard", 2**64 - 1),
    ("/process/rlimits/0/type", "RLIMIT_OTHER"),
    ("/process/oomScoreAdj", 0),
    ("/process/scheduler/policy", "SCHED_OTHER"),
    ("/process/scheduler/nice", 0),
    ("/process/scheduler/flags", ["SCHED_FLAG_RESET_ON_FORK"]),
    ("/process/ioPriority/class", "IOPRIO_CLASS_IDLE"),
    ("/process/ioPriority/priority", 7),
    ("/hostname", "bo"),
    ("/domainname", "example.org"),
    ("/root/readonly", False),
    ("/mounts/0/type", "tmpfs"),
    ("/mounts/0/destination", "/tmp/none"),  # noqa: S108  # a path in the container
    ("/linux/sysctl/kernel.msgmax", "9001"),
    ("/linux/personality/domain", "LINUX"),
    ("/linux/devices/0/minor", 228),
    ("/linux/devices/0/fileMode", 0o666),
    ("/linux/devices/0/gid", 0),
    ("/linux/devices/1/type", "c"),
    ("/linux/maskedPaths/0", "/usr"),
    ("/linux/readonlyPaths/0", "/tmp"),  # noqa: S108
]

# What of the process rests on another place, by the rules of execve.
ALSO = {
    "/process/user/uid": "/process/capabilities",
    "/process/capabilities/inheritable": "/process/capabilities",
}


@pytest.mark.parametrize(("pointer", "value"), OTHERWISE, ids=[pointer for pointer, _ in OTHERWISE])
def test_what_was_not_applied_is_found_at_its_place(pointer: str, value: Any) -> None:
    facts = looks()
    for path in ("/usr", "/tmp/none"):  # noqa: S108
        facts["paths"][path] = {
            "real": path,
            "stat": facts["paths"]["/"]["stat"],
            "target": facts["paths"]["/"]["stat"],
            "readonly": False,
            "entries": ["something"],
        }
    found = failed(judge(changed(config(), pointer, value), facts, RELEASE))
    also = ALSO.get(pointer, "none")
    assert found
    assert all(place.startswith((pointer, also)) or pointer.startswith(place) for place in found)


def test_mount_options_that_are_lacking_are_found() -> None:
    asked = config()
    number = next(
        number
        for number, entry in enumerate(asked["mounts"])
        if entry["destination"] == "/tmp"  # noqa: S108
    )
    asked["mounts"][number]["options"] += ["noexec"]
    assert failed(judge(asked, looks(), RELEASE)) == [f"/mounts/{number}/options"]


def test_the_last_of_two_contrary_options_counts() -> None:
    asked = config()
    number = len(asked["mounts"]) - 1
    asked["mounts"][number]["options"] = ["nosuid", "suid", "ro", "rw", "ro"]
    assert failed(judge(asked, looks(), RELEASE)) == []


def mount(number: int, parent: int, point: str, kind: str = "tmpfs") -> dict[str, Any]:
    return {
        "id": number,
        "parent": parent,
        "root": "/",
        "point": point,
        "options": ["rw"],
        "propagation": [],
        "type": kind,
        "source": "x",
        "super": ["rw"],
    }


ENTRIES = [{"destination": point, "type": "tmpfs", "source": "x"} for point in ("/a", "/a/b", "/c")]


@pytest.mark.parametrize(
    ("mounts", "held"),
    [
        ([mount(1, 0, "/"), mount(2, 1, "/a"), mount(3, 2, "/a/b"), mount(4, 1, "/c")], True),
        # Made in the other order, the inner one hangs on the root and is hidden.
        ([mount(1, 0, "/"), mount(2, 1, "/a/b"), mount(3, 1, "/a"), mount(4, 1, "/c")], False),
        # Numbers need not rise: a runtime may make a mount first and put it into its place later.
        ([mount(1, 0, "/"), mount(9, 1, "/a"), mount(3, 9, "/a/b"), mount(4, 1, "/c")], True),
    ],
)
def test_the_order_of_mounts_shows_in_their_parents(mounts: list[dict[str, Any]], *, held: bool) -> None:
    found = judge({"mounts": ENTRIES}, {"mountinfo": mounts}, RELEASE)
    assert [one.held for one in found if one.clause.endswith("mounts.order")] == [held]


SOME = frozenset({"CAP_CHOWN", "CAP_KILL"})
ASKED = {"bounding": SOME, "permitted": {"CAP_CHOWN"}, "effective": (), "inheritable": {"CAP_KILL"}}


@pytest.mark.parametrize(
    ("asked", "root", "no_new_privileges", "permitted", "effective", "ambient"),
    [
        # capabilities(7): P'(permitted) of root is P(inheritable) | P(bounding).
        (ASKED, True, False, SOME, SOME, set()),
        (ASKED, True, True, {"CAP_CHOWN"}, {"CAP_CHOWN"}, set()),
        (ASKED, False, False, set(), set(), set()),
        (dict.fromkeys(("permitted", "inheritable", "ambient"), SOME), False, False, SOME, SOME, SOME),
        # A capability that is not inheritable cannot be ambient.
        ({"permitted": SOME, "inheritable": {"CAP_KILL"}, "ambient": SOME}, False, True, *[{"CAP_KILL"}] * 3),
    ],
)
def test_execve_makes_the_sets_anew(
    *, asked: Mapping[str, Any], root: bool, no_new_privileges: bool, permitted: Any, effective: Any, ambient: Any
) -> None:
    got = after_exec(asked, root=root, no_new_privileges=no_new_privileges)
    assert (got["permitted"], got["effective"], got["ambient"]) == (permitted, effective, ambient)


def test_a_capability_that_may_not_be_grantable_is_left_open_from_1_1_on() -> None:
    asked = config()
    asked["process"]["capabilities"]["bounding"].append("CAP_SYS_BOOT")
    place = "/process/capabilities/bounding"
    assert "CAP_SYS_BOOT is missing" in unseen(judge(asked, looks(), RELEASE))[place]
    assert failed(judge(asked, looks(), RELEASE)) == []
    assert failed(judge(asked, looks(), "1.0.2")) == [place]
    assert failed(judge(asked, looks(), RELEASE, grantable=["SYS_BOOT", "KILL"])) == [place]


def test_a_capability_too_many_is_found() -> None:
    facts = looks()
    facts["status"]["CapBnd"] = f"{int(facts['status']['CapBnd'], 16) | 1 << 21:016x}"
    assert failed(judge(config(), facts, RELEASE)) == ["/process/capabilities/bounding"]


def test_defaults_are_asked_of_every_container() -> None:
    facts = looks()
    facts["paths"]["/dev/null"]["target"]["minor"] = 5
    facts["paths"]["/dev/stdin"]["link"] = "/proc/1/fd/0"
    facts["paths"]["/dev/ptmx"]["real"] = "/dev/ptmx"
    facts["mountinfo"] = [one for one in facts["mountinfo"] if one["point"] != "/proc"]
    found = failed(judge({"linux": {"namespaces": []}}, facts, RELEASE))
    assert found == [
        "runtime/config-linux.default-devices",
        "runtime/config-linux.default-devices.ptmx",
        "runtime/runtime-linux.dev-symlinks",
        "runtime/config-linux.default-filesystems",
    ]


def test_members_that_a_release_does_not_have_are_not_judged() -> None:
    asked = changed(config(), "/process/scheduler/nice", 0)
    assert failed(judge(asked, looks(), "1.0.2")) == []


def test_what_was_not_looked_at_is_told() -> None:
    found = unseen(judge(config(), {}, RELEASE))
    assert found["/process/user"] == "the facts have no valid ids"
    assert found["/linux/devices/0"] == "the probe did not look at /dev/fuse"
    assert found["/linux/sysctl/kernel.msgmax"] == "the probe did not look at /proc/sys/kernel/msgmax"
    assert not [one for one in judge(config(), {}, RELEASE) if one.held is not None]


def test_a_probe_that_is_not_the_first_process_has_arguments_of_its_own() -> None:
    facts = looks()
    facts["ids"]["pid"] = 7
    assert "first process" in unseen(judge(config(), facts, RELEASE))["/process/args"]


@pytest.mark.parametrize("broken", [None, 5, {}, [], {"uids": [0], "gids": [0], "groups": [], "umask": 1, "pid": 1}])
def test_facts_of_another_shape_are_not_judged(broken: Any) -> None:
    facts = looks() | {"ids": broken}
    assert unseen(judge(config(), facts, RELEASE))["/process/user"] == "the facts have no valid ids"


def test_mappings_of_users() -> None:
    linux = {
        "namespaces": [{"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}, {"containerID": 1, "hostID": 5000, "size": 10}],
        "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}],
    }
    facts = {"idmaps": {"uid": [[1, 5000, 10], [0, 1000, 1]], "gid": [[0, 1001, 1]]}}
    assert failed(judge({"linux": linux}, facts, RELEASE)) == ["/linux/gidMappings"]


def test_properties_and_paths() -> None:
    assert property_of("/process/rlimits/3/soft") == "/process/rlimits/*/soft"
    assert property_of("/linux/sysctl/net.ipv4.ip_forward") == "/linux/sysctl/*"
    asked = {
        "process": {"cwd": "/work"},
        "mounts": [{"destination": "relative/"}],
        "linux": {"sysctl": {"net/ipv4/conf/eth0.1/mtu": "1"}, "maskedPaths": ["/proc/kcore"]},
    }
    assert wanted_paths(asked) == ["/work", "/relative", "/proc/kcore", "/proc/sys/net/ipv4/conf/eth0.1/mtu"]


# --- the report


def test_a_report_has_every_place(tmp_path: Path) -> None:
    report = check_facts(str(CONFIG), str(FACTS))
    assert (report.kind, report.release, exit_code([report])) == ("judge", RELEASE, 0)
    assert {result.case for result in report.results} == {""}
    passed = {result.pointer for result in report.results if result.outcome is Outcome.PASS}
    assert passed >= {"/process/cwd", "/hostname", ""}
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(changed(config(), "/hostname", "other"), indent=1), encoding="utf-8")
    report = check_facts(str(wrong), str(FACTS))
    (finding,) = report.findings
    line = wrong.read_text(encoding="utf-8").splitlines()[(finding.location.line or 0) - 1]
    assert line.strip() == '"hostname": "other",'
    assert (finding.got, finding.want, finding.location.pointer) == ("box", "other", "/hostname")
    assert exit_code([report]) == 1


def test_facts_may_be_laid_out_anew(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps(json.loads(FACTS.read_text(encoding="utf-8")), indent=2), encoding="utf-8")
    assert exit_code([check_facts(str(CONFIG), str(facts))]) == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "does not contain the output of ocivalidate probe"),
        (b"[1]", "does not contain the output of ocivalidate probe"),
        (b"[" * 100_000, "does not contain the output of ocivalidate probe"),
        (b'{"ocivalidate-probe": 5}', "does not contain the output of ocivalidate probe"),
    ],
)
def test_what_is_no_facts_cannot_be_judged(tmp_path: Path, content: bytes, problem: str) -> None:
    facts = tmp_path / "facts.json"
    facts.write_bytes(content)
    report = check_facts(str(CONFIG), str(facts))
    assert problem in report.problem
    assert exit_code([report]) == 2


def test_facts_without_records_judge_nothing(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text('{"ocivalidate-probe": [5, {"step": 1}, {"step": "ids", "args": [7]}]}', encoding="utf-8")
    assert exit_code([check_facts(str(CONFIG), str(facts))]) == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{}", "is not valid"),
        ("[]", "is not a JSON object"),
        ('{"ociVersion": "1.3.0", "process": {"cwd": 5}}', "/process/cwd: "),
    ],
)
def test_a_config_that_is_not_valid_is_not_judged_by(tmp_path: Path, content: str, problem: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(content, encoding="utf-8")
    assert problem in check_facts(str(file), str(FACTS)).problem


def test_of_mounts_in_one_place_each_that_others_lie_on_counts_once() -> None:
    asked = {
        "mounts": [{"destination": point, "type": "tmpfs", "source": "x"} for point in ("/a", "/a", "/a/b", "/a/b/c")]
    }
    made = [mount(1, 0, "/"), mount(2, 1, "/a"), mount(3, 2, "/a"), mount(4, 3, "/a/b"), mount(5, 4, "/a/b/c")]
    found = judge(asked, {"mountinfo": made}, RELEASE)
    orders = [(one.pointer, one.held, one.want) for one in found if one.clause.endswith("mounts.order")]
    assert orders == [
        ("/mounts/1", True, "above mounts/0"),
        ("/mounts/2", True, "above mounts/1"),
        ("/mounts/3", True, "above mounts/1"),
        ("/mounts/3", True, "above mounts/2"),
    ]


def test_mounts_that_lie_on_each_other_without_end_are_not_judged() -> None:
    made = [mount(number, number - 1, "/a" if number < 999 else "/a/b") for number in range(1, 1000)]
    ring = [mount(1, 2, "/a"), mount(2, 1, "/a/b"), mount(3, 3, "/c")]
    for mounts in (made, ring):
        found = judge({"mounts": ENTRIES}, {"mountinfo": mounts}, RELEASE)
        assert [one.held for one in found if one.clause.endswith("mounts.order")] == [None]


def test_a_variable_that_is_given_twice_may_have_either_value() -> None:
    given = {"process": {"args": ["x"], "env": ["A=1", "A=2", "B=1", "C=1"]}}
    [found] = [one for one in judge(given, {"environ": ["A=3", "B=2", "C=1"]}, RELEASE) if one.held is False]
    assert (found.got, found.want) == (["B=2"], ["B=1"])


MANY = 8000
GROWING: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "variables": (
        {"process": {"env": [f"A{number}=1" for number in range(MANY)]}},
        {"environ": [f"A{number}=2" for number in range(MANY)]},
    ),
    "one variable": ({"process": {"env": ["A=1"] * MANY}}, {"environ": ["A=2"] * MANY}),
    "mounts": (
        {"mounts": [{"destination": f"/d{number}", "type": "tmpfs", "source": "x"} for number in range(MANY)]},
        {"mountinfo": [mount(number, number + 1, f"/d{number}") for number in range(MANY)]},
    ),
    "mounts in one place, and in it": (
        {
            "mounts": [
                {"destination": f"/a/{number}" if number % 2 else "/a", "type": "tmpfs", "source": "x"}
                for number in range(MANY)
            ]
        },
        {"mountinfo": [mount(number, 1, f"/a/{number}" if number % 2 else "/a") for number in range(MANY)]},
    ),
    "parts of a path": (
        {"mounts": [{"destination": "/a" * 100 * MANY, "type": "tmpfs", "source": "x"}]},
        {"mountinfo": [mount(1, 0, "/a" * 100 * MANY)]},
    ),
}


@pytest.mark.parametrize("name", GROWING)
def test_what_is_judged_takes_time_that_grows_with_it(name: str) -> None:
    asked, seen = GROWING[name]
    start = time.process_time()
    judge(asked, seen, RELEASE)
    # What took the square of it took more than ten times as long.
    assert time.process_time() - start < 1.0
