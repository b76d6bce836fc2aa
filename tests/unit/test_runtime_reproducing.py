"""``reproduce.sh``: what anybody wrote stays text in it, and it says what the run said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ocivalidate.rules.clauses import Severity, load
from ocivalidate.rules.findings import Finding, Location, Outcome, Result
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.journal import Called, Held, Journal, Judged, Looked, Saw, Step, Waited, Written
from ocivalidate.runtime.driving.snapshots import Entry
from ocivalidate.runtime.inside.rootfs import PROBE
from ocivalidate.runtime.reproducing import script
from ocivalidate.runtime.reproducing.evidence import Evidence
from ocivalidate.runtime.reproducing.marking import Marks, key_of, line_of, masked
from ocivalidate.runtime.reproducing.quoting import document, octal, remark, word

FOLDER = "/tmp/ocivalidate-token/cases/names.hostname"  # noqa: S108  # nothing is written there
CLAUSE = "runtime/runtime.create.applies-config"
HOSTILE = "it's $(touch /tmp/x) `id` \"\\ \n end\n'; exit 9; '\x1b[31m"


def shell(text: str) -> bytes:
    """What a shell script prints."""
    done = subprocess.run(["sh", "-c", text], capture_output=True, check=True, timeout=20)
    return done.stdout


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_any_text_is_one_word(text: str) -> None:
    assert shell(f"printf %s {word(text)}") == text.encode()


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"END_0", b"a", b"'", b"$x"])).map(lambda some: b"\n".join(some) + b"\n")
)
def test_a_file_has_the_bytes_that_it_had(content: bytes) -> None:
    command, text = document(content)
    printed = subprocess.run(
        ["sh"],
        input=f"{command}\n{text}".encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=True,
        timeout=20,
    )
    assert printed.stdout == content


@given(st.text())
def test_a_remark_is_one_line_of_ascii(text: str) -> None:
    said = remark(text)
    assert said.isascii()
    assert said.isprintable()
    assert len(said) <= 3100


@given(st.binary(max_size=50))
def test_octal_is_ascii(content: bytes) -> None:
    assert octal(content).isascii()


def called(*words: str, status: int = 0, stdout: str = "", output: str = "") -> Called:
    argv = ("/usr/sbin/runc", "--root", f"{FOLDER}/root", *words)
    return Called(words, Call(argv, status, stdout, "no\n" if status else "", 0.1), output=output)


def journal(*steps: Step) -> Journal:
    made = Journal(Path(FOLDER), Path("/nosuch"), namespaces={"net": "net:[4026531840]"})
    made.steps += steps
    return made


RECORD = {"step": "uname", "args": [], "value": {"nodename": "second", "machine": "x86_64"}}
FAILED = Judged(CLAUSE, f"hostname is not applied {HOSTILE}", "second", "first", "/hostname")


def life(container: str = "ocivalidate-token-names-1") -> Journal:
    """The life of a container that had a wrong name."""
    config = b'{"hostname": "first",\n "x": "\'$(id)`"}\n'
    bundle = [
        Entry("bundle-1", "folder"),
        Entry("bundle-1/rootfs", "tree"),
        Entry("bundle-1/config.json", "file", 0o644, data=config),
    ]
    names = ["create", "--bundle", f"{FOLDER}/bundle-1", "--pid-file", f"{FOLDER}/{container}@bundle-1.pid", container]
    return journal(
        Written(tuple(bundle)),
        called(*names, output=f"{FOLDER}/{container}@bundle-1.out"),
        called("state", container, stdout='{"status": "created", "pid": 812}'),
        called("start", container),
        Waited("output", container, 1),
        Saw(container, RECORD),
        FAILED,
        called("kill", container, "KILL"),
        Waited("end", container),
        called("delete", container, status=1),
        Looked("left", "", [f"state {FOLDER}/root/{container}"], container),
        Judged(CLAUSE, "delete leaves things", f'["state {FOLDER}/root/{container}"]', "[]"),
    )


SETTING = script.Setting(
    "names.hostname",
    "/usr/sbin/runc",
    "runc 1.1.5",
    ("--root", "@WORK@/root"),
    "ocivalidate-token",
    ("/usr/bin/python3.11",),
)


def result(message: str) -> Result:
    clause = load("runtime")[CLAUSE]
    found = Finding(clause, Severity.ERROR, message, Location(case="names.hostname"), got="second", want="first")
    return Result(clause, Outcome.FAIL, case="names.hostname", findings=(found,))


def text_of(made: Journal, *messages: str) -> str:
    return script.script(SETTING, made, [result(message) for message in messages or (FAILED.message,)]).decode()


def test_the_story_of_a_life(golden: Callable[[str, str], None]) -> None:
    # What follows is the same in every script.
    told, _, _ = text_of(life()).partition("\ncopy_of_python() {")
    golden("reproduce.sh", f"{told}\n")


def test_it_is_good_shell(tmp_path: Path) -> None:
    path = tmp_path / "reproduce.sh"
    path.write_text(text_of(life()), encoding="utf-8")
    subprocess.run(["sh", "-n", str(path)], check=True, timeout=20)


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    program = shutil.which("shellcheck", path=f"{sys.prefix}/bin:{os.environ.get('PATH', '')}")
    if program is None:
        pytest.skip("shellcheck is not installed")
    path = tmp_path / "reproduce.sh"
    path.write_text(text_of(life()), encoding="utf-8")
    # What a script does not need it has all the same, and what is quoted in one is meant as it is.
    passed = "SC2016,SC2034,SC2329,SC2317,SC2015,SC2153"
    done = subprocess.run([program, "-s", "sh", "-e", passed, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_a_hostile_text_runs_nothing() -> None:
    made = life(container="ocivalidate-token-'; exit 9; '")
    told = text_of(made)
    assert subprocess.run(["sh", "-n"], input=told.encode(), check=False, timeout=20).returncode == 0
    for line in told.split("\nstory() {")[0].splitlines():
        assert line.startswith(("#", "RUNTIME=", "ROOTFS=", "COVERED=", "CASE=", "AS_ROOT=")) or not line


def test_what_differs_each_time_is_marked() -> None:
    told = text_of(life()).partition("\ncopy_of_python() {")[0]
    assert "ocivalidate-token" not in told
    assert "@WORK@/bundle-1" in told
    assert "@WORK@/c1.pid" in told


def test_a_failure_that_no_comparison_told_comes_in_the_end() -> None:
    told = text_of(life(), "start failed: no such device")
    assert "verdict runtime/runtime.create.applies-config 'start failed: no such device'" in told


def test_a_script_that_would_be_too_large_only_says_so() -> None:
    made = life()
    made.steps.insert(0, Written((Entry("much", "file", data=b"\1" * (script.MOST // 2)),)))
    told = text_of(made)
    assert len(told) < 5000
    assert told.endswith("exit 2\n")
    assert subprocess.run(["sh", "-c", told], capture_output=True, check=False, timeout=20).returncode == 2


def test_mounts_that_the_case_has_removed_are_removed_the_deepest_first() -> None:
    gone = ("bundle-1/rootfs\0mount", "bundle-1/rootfs/from-host\0mount", "bundle-1/note")
    lines = text_of(journal(Written((), gone), called("state", "c"))).splitlines()
    wanted = ["unmounted bundle-1/rootfs/from-host", "unmounted bundle-1/rootfs", "gone bundle-1/note"]
    assert [line for line in lines if line.startswith(("unmounted ", "gone "))] == wanted


def test_a_call_that_the_case_has_helped_hangs_in_the_script() -> None:
    made = journal(called("create", "c"))
    made.note(Looked("peeked", "something"))
    made.hung()
    assert "\ncall 'none, it hangs' / " in text_of(made)
    assert "\ncall 0 / " in text_of(journal(called("create", "c")))


def test_namespaces_that_are_joined_are_held() -> None:
    made = journal(Held(77, ("net", "uts"), ("net:[4026532001]", "uts:[4026532002]")))
    assert "holder 77 '' '' --net --uts" in text_of(made, "it fails")


def test_who_holds_a_pid_namespace_is_in_it() -> None:
    if subprocess.run(["unshare", "--pid", "--fork", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no PID namespace can be made here")
    machinery = (Path(script.__file__).parent / "machinery.sh").read_text(encoding="utf-8")
    function = machinery[machinery.index("holder() {") :].partition("\n}\n")[0]
    held = "known() { :; }; holder 77 '' '' --pid >&2; readlink /proc/$pid/ns/pid; kill -9 $above"
    done = subprocess.run(
        ["sh", "-c", f"{function}\n}}\n{held}"], stdout=subprocess.PIPE, text=True, check=False, timeout=20
    )
    assert done.stdout.startswith("pid:[")
    assert done.stdout.strip() != os.readlink("/proc/self/ns/pid")


def test_a_value_that_a_record_has_decides() -> None:
    steps: list[Step] = [Saw("c", RECORD), Saw("c", {"step": "cwd", "args": [], "value": "/"})]
    found = Evidence(steps, Marks({})).of(FAILED)
    assert [seen.command for seen in found.seen] == ["fact_holds"]
    assert found.decided


@pytest.mark.parametrize("said", ["no", "it says: no, and ends"])
def test_a_refusal_is_decided_by_how_the_call_ends(said: str) -> None:
    steps: list[Step] = [called("create", "c", status=1), called("state", "c", status=1)]
    found = Evidence(steps, Marks({})).of(Judged("safety/runtime.interaction", "it is refused", said, "a container"))
    assert [(seen.command, seen.arguments) for seen in found.seen] == [("came_to", ("create", "an error: no"))]
    assert found.decided


@pytest.mark.parametrize("pointer", ["/hooks/prestart/0", "/linux/resources/pids/limit", "/linux/cgroupsPath"])
def test_what_is_seen_from_the_host_does_not_rest_on_records(pointer: str) -> None:
    steps: list[Step] = [called("create", "c"), Saw("c", RECORD)]
    found = Evidence(steps, Marks({})).of(Judged(CLAUSE, "wrong", "{}", "[]", pointer))
    assert not found.sure
    assert not found.seen


def test_a_value_in_a_group_decides() -> None:
    steps: list[Step] = [Looked("value", "memory/memory.oom_control", ["0", "oom_kill_disable 0\n"], "c")]
    found = Evidence(steps, Marks({})).of(Judged(CLAUSE, "wrong", "0", "1", "/linux/resources/memory/disableOOMKiller"))
    assert [seen.command for seen in found.seen] == ["value"]


def test_a_record_of_a_path_concerns_what_names_the_path() -> None:
    looks = [{"step": "look", "args": [path], "value": {"readonly": False}} for path in ("/var/kept", "/sys")]
    steps: list[Step] = [Saw("c", look) for look in looks]
    found = Evidence(steps, Marks({})).of(Judged(CLAUSE, "/var/kept is not read-only", "no", "yes"))
    assert [seen.arguments[1] for seen in found.seen] == [key_of(looks[0])]


@pytest.mark.parametrize("kinds", [("pid",), ("time",), ("net", "pid")])
def test_a_held_namespace_is_that_of_the_child(kinds: tuple[str, ...], tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root")
    machinery = Path(script.__file__).with_name("machinery.sh").read_text("utf-8").replace('main "$@"', "")
    options = {"pid": "--pid", "time": "--time", "net": "--net"}
    line = f"holder 77 '' '' {' '.join(options[kind] for kind in kinds)}"
    links = "; ".join(f"readlink /proc/self/ns/{kind} /proc/$pid/ns/{kind}" for kind in kinds)
    (tmp_path / "held.sh").write_text(f"{machinery}\n{line}\n{links}\nkill -9 $above $pid\n", "utf-8")
    done = subprocess.run(
        ["sh", str(tmp_path / "held.sh")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=30,
    )
    found = done.stdout.decode().split()
    assert len(found) == 2 * len(kinds)
    assert len({*found}) == len(found)


def test_numbers_of_luck_in_a_status_are_masked() -> None:
    said = '{"FDSize":"64","VmHWM":"8600 kB","Seccomp":"2","nonvoluntary_ctxt_switches":"3"}'
    masked_one = '{"FDSize":#,"VmHWM":#,"Seccomp":"2","nonvoluntary_ctxt_switches":#}'
    assert masked(said) == masked_one
    machinery = Path(script.__file__).with_name("machinery.sh").read_text("utf-8").replace('main "$@"', "")
    assert shell(f"{machinery}\nprintf %s {word(said)} | masked").decode() == masked_one


def test_what_was_looked_at_elsewhere_is_not_sure() -> None:
    steps: list[Step] = [called("create", "c"), Looked("peeked", "a file")]
    assert not Evidence(steps, Marks({})).of(Judged(CLAUSE, "no", "true", "false")).sure
    assert Evidence(steps[:1], Marks({})).of(Judged(CLAUSE, "no", "true", "false")).sure


def test_the_line_of_a_record_is_what_the_shell_finds() -> None:
    inner = {"step": "in-child", "args": ["ids"], "value": {"step": "ids", "args": [], "value": 1}}
    assert line_of(inner) == '{"step":"in-child","args":["ids"],"value":'
    assert line_of(RECORD).startswith(key_of(RECORD))
    assert masked('{"pid":7,"uid":1000,"size":9,"n":65534}') == '{"pid":#,"uid":1000,"size":#,"n":#}'


def test_the_probe_is_where_the_script_puts_it() -> None:
    assert PROBE == "/usr/lib/ocivalidate/probe"
    assert '"$BASE/usr/lib/ocivalidate/probe"' in text_of(life())


MACHINERY = Path(script.__file__).with_name("machinery.sh").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path",
    ["/a b/runc", "/a|e;touch x|/runc", "/a&b\\c/runc", "/a\nb/runc", "/a|w /nosuch/x\n/runc", "/-e/$(id)`id`'\""],
)
def test_any_path_can_be_that_of_the_runtime(path: str, tmp_path: Path) -> None:
    functions = f"DID=/did NAME=name PYTHON={word(path)} RUNTIME={word(path)} HELD=\n" + MACHINERY
    text = f"{functions}\nprintf '%s\\n' '@RUNTIME@ @PYTHON@ @WORK@' | filled\n"
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False, timeout=20, cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"{path} {path} /did\n", "")
    assert [*tmp_path.iterdir()] == []


def test_it_ends_where_there_is_no_runtime(tmp_path: Path) -> None:
    path = tmp_path / "reproduce.sh"
    path.write_text(text_of(life()), encoding="utf-8")
    done = subprocess.run(
        ["sh", str(path), "/nosuch/runtime"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 2
    assert "there is no program" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["reproduce.sh"]


def test_a_process_that_vanishes_while_one_looks_is_not_alive() -> None:
    functions = MACHINERY.replace('main "$@"', "").partition("process_of() {")[2]
    ended = [subprocess.Popen(["true"]) for _ in range(12)]
    for one in ended:
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    look = f'process_of() {{ echo "$1"; }}\nignored() {{{functions}\n'
    pids = " ".join(str(one.pid) for one in ended)
    each = f'for one in {pids}; do while [ -d "/proc/$one" ]; do ! alive "$one" || echo "$one"; done; done'
    shell = subprocess.Popen(["sh", "-c", look + each], stdout=subprocess.PIPE)
    for one in ended:
        time.sleep(0.012)
        one.wait()
    assert shell.communicate(timeout=20)[0] == b""
