"""Runtimes that hand us what they should not: other people's processes, files that are none, output without end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures import fake_runtime

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux"),
]

NOBODY = 65534
PATIENCE = 60.0
MOST_MEMORY = 300 * 1024  # KiB
MOST_SECONDS = 5
# Runs the fake, and then does something to the pid file of create.
WRAPPER = """#!/bin/sh
pidfile=; before=
for word in "$@"; do
    [ "$before" = --pid-file ] && pidfile=$word
    before=$word
done
{fake} "$@"
status=$?
if [ -n "$pidfile" ] && [ -e "$pidfile" ]; then
    out=${{pidfile%.pid}}.out
    {action}
fi
exit $status
"""
# What is done to the pid file, and what is said of it. {innocent} is a process that nobody has to do with.
ACTIONS = {
    "echo {innocent} > $pidfile": "names a foreign process",
    "echo 99999999999999999999999 > $pidfile": "the pid file holds '99999999999999999999999', not a process id",
    "echo one two > $pidfile": "the pid file holds 'one two', not a process id",
    "rm $pidfile; ln -s /dev/zero $pidfile": "the pid file is a symbolic link, not a regular file",
    "rm $pidfile; mkfifo $pidfile": "the pid file is a FIFO, not a regular file",
    "rm $pidfile; mkdir $pidfile": "the pid file is a directory, not a regular file",
    "truncate -s 100G $pidfile": "not a process id",
    "rm $out; mkfifo $out": "in vain for output of the container",
    "rm $out; ln -s /dev/zero $out": "in vain for output of the container",
}
# Asked for this, it does the following instead of what the fake does.
INSTEAD = """#!/bin/sh
case " $* " in
*"{asked}"*) {action} ;;
esac
exec {fake} "$@"
"""
GARBAGE = "head -c 200000 /dev/urandom; exit"
LARGE = "head -c 100000000 /dev/zero | tr '\\0' '{'; exit"
NESTED = "head -c 1000000 /dev/zero | tr '\\0' '['; exit"
# What is asked, and what is done instead. None of it touches a file.
INSTEADS: Mapping[str, tuple[str, str]] = {
    "features of 100 MB": (" features ", LARGE),
    "features of garbage": (" features ", GARBAGE),
    "features of arrays": (" features ", NESTED),
    "features of objects": (" features ", "(printf '{\"a\": [0'; yes ',{}' | head -c 12000000; printf ']}'); exit"),
    "features of a long version": (
        " features ",
        "(printf '{\"ociVersionMax\": \"1'; yes .1 | head -c 9000000 | tr -d '\\n'; printf '\"}'); exit",
    ),
    "features without end": (" features ", "exec yes '{}'"),
    "a version without end": (" --version ", "exec yes"),
    "a version of garbage": (" --version ", GARBAGE),
    "a version of controls": (" --version ", "printf 'x\\033]0;a\\007\\n::error::x\\n##[error]x\\n'; exit"),
    "a state of garbage": (" state ", GARBAGE),
    "a state of 100 MB": (" state ", LARGE),
    "a state of arrays": (" state ", NESTED),
    "a state of objects": (" state ", "(printf '{\"a\": [0'; yes ',{}' | head -c 12000000; printf ']}'); exit"),
    "a state of a long pid": (" state ", f"printf '{{\"pid\": {'9' * 5000}}}'; exit"),
    "a state of a pid of others": (" state ", 'printf \'{"id": "a", "status": "running", "pid": 1}\'; exit'),
    "create that floods": (" create ", "exec yes >&2"),
    "delete that floods": (" delete ", "exec yes"),
}
WEIGHED = """
import resource, sys
sys.path[:0] = {path!r}
from ocivalidate.cli import main
status = main(sys.argv[1:])
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(sum(one.ru_utime + one.ru_stime for one in used))
# Not ru_maxrss of this process: it starts with what pytest, which it was forked from, ever had.
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(max(own, used[1].ru_maxrss))
sys.exit(status)
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a run; ``seconds`` of processor time and ``memory`` in KiB, those of the runtime among them."""

    status: int
    said: str
    errors: str
    seconds: float
    memory: int


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not ours to signal: it has the user, and no parent, in common with nobody."""
    process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def wrapped(folder: Path, action: str, python: str = sys.executable) -> Path:
    fake = fake_runtime.write(folder / "fake")
    fake.write_text(fake.read_text().replace(sys.executable, python))
    path = folder / "runtime"
    path.write_text(WRAPPER.format(fake=fake, action=action))
    path.chmod(0o755)
    return path


def open_folder(name: str) -> Path:
    """A folder that every user may work in, and that is no run's."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix=f"hostile-{name}-"))
    folder.chmod(0o777)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    import shutil

    made = open_folder("runtime")
    yield made
    shutil.rmtree(made)


def judged(runtime: Path, *more: str, user: int | None = None) -> Judged:
    python = sys.executable if user is None else python_of_others()
    command = [python, "-c", WEIGHED.format(path=sys.path), "runtime", "--runtime", str(runtime), "--jobs", "1", *more]
    others: Mapping[str, object] = {"user": user, "group": user, "extra_groups": []} if user else {}
    done = subprocess.run(
        command,
        cwd=runtime.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "TMPDIR": str(runtime.parent)},
        **others,  # type: ignore[call-overload]  # arguments by name
    )
    *said, seconds, memory = done.stdout.splitlines(keepends=True)
    return Judged(done.returncode, "".join(said), done.stderr, float(seconds), int(memory))


def python_of_others() -> str:
    """A Python that other users can run and that reads this package; ``""`` where there is none."""
    version = f"python3.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}"):
        code = f"import sys; sys.path[:0] = {sys.path!r}; import ocivalidate.cli, fixtures"
        try:
            done = subprocess.run(
                [python, "-c", code], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=False
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return ""


def everybody() -> list[object]:
    """Root and an ordinary user, where this is root; else who this is."""
    if os.geteuid() != 0:
        return [pytest.param(None, id="user")]
    closed = pytest.mark.skipif(not python_of_others(), reason="no Python here is open to other users")
    return [pytest.param(None, id="root"), pytest.param(NOBODY, id="user", marks=closed)]


@pytest.mark.parametrize("user", everybody())
@pytest.mark.parametrize("action", ACTIONS)
def test_what_a_pid_file_can_be(action: str, user: int | None, folder: Path, innocent: subprocess.Popen[bytes]) -> None:
    # As an ordinary user the innocent has to be of that user: nobody else could be hurt.
    if user is not None:
        innocent.kill()
        innocent.wait()
        innocent = subprocess.Popen(["sleep", "1000"], start_new_session=True, user=user, group=user, extra_groups=[])
    try:
        python = sys.executable if user is None else python_of_others()
        runtime = wrapped(folder, action.format(innocent=innocent.pid), python)
        done = judged(runtime, "--select", "lifecycle", user=user)
        assert innocent.poll() is None
        assert done.status == 2
        assert "Traceback" not in done.said + done.errors
        assert done.memory < MOST_MEMORY
        bail = next(line for line in done.said.splitlines() if line.startswith("Bail out!"))
        # In a process namespace of its own there may be no process of that number.
        own = "innocent" in action and os.geteuid() == 0 and user is None
        assert (f"there is no process {innocent.pid} of the container" if own else ACTIONS[action]) in bail
    finally:
        innocent.kill()
        innocent.wait()


@pytest.mark.parametrize("name", INSTEADS)
def test_what_a_runtime_can_answer(name: str, folder: Path) -> None:
    asked, action = INSTEADS[name]
    runtime = folder / "runtime"
    fake = fake_runtime.write(folder / "fake")
    runtime.write_text(INSTEAD.format(asked=asked, action=action, fake=fake))
    runtime.chmod(0o755)
    done = judged(runtime, "--select", "lifecycle.one-life")
    # Who tells nonsense of its version may be a good runtime otherwise.
    assert done.status in ((0,) if name.startswith("a version of") else (1, 2)), done
    assert "the case broke" not in done.said, done
    assert "Traceback" not in done.said + done.errors
    assert "internal error" not in done.said + done.errors
    assert not re.search(r"^::|##\[|[\x00-\x08\x1b]", done.said, re.MULTILINE)
    assert done.said or len(done.errors.splitlines()) == 1, done
    assert done.memory < MOST_MEMORY
    assert done.seconds < MOST_SECONDS


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root")
def test_the_first_process_and_the_engine_are_not_the_runtimes(folder: Path) -> None:
    done = judged(wrapped(folder, "echo 1 > $pidfile"))
    assert done.status == 2
    assert "names a foreign process" in done.said


def test_under_pytest(folder: Path, innocent: subprocess.Popen[bytes]) -> None:
    runtime = wrapped(folder, f"echo {innocent.pid} > $pidfile")
    command = [sys.executable, "-m", "pytest", "-p", "ocivalidate.runtime.pytest_plugin", "-p", "no:cacheprovider"]
    cases = Path(__file__).parents[2] / "conformance" / "lifecycle.py"
    done = subprocess.run(
        [*command, "-q", "--oci-runtime", str(runtime), str(cases)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert innocent.poll() is None
    assert "names a foreign process" in done.stdout + done.stderr
    assert done.returncode == 2


CASES = '''
from ocivalidate.runtime import case

CLAUSE = "runtime.create.creates"

@case(CLAUSE)
def floods(trial):
    """A container that prints without end."""
    config = trial.config("wait")
    config["process"]["args"] = ["/usr/bin/python3", "-c", "import os\\nwhile True: os.write({to}, b'x' * {size})"]
    container = trial.container(config).must_create().must_start()
    {then}
    trial.expect(CLAUSE, "never", got=1, want=1)
'''
WAYS: Mapping[str, Callable[[], str]] = {
    "facts": lambda: "container.facts()",
    "exit": lambda: "container.wait_exit()",
    "line": lambda: "container.wait_line(lambda data: False)",
    "state": lambda: "container.wait_for_status('stopped'); container.printed()",
}


@pytest.mark.parametrize("way", WAYS)
# Not so small that a slow machine is still at it when the wait for a state ends: that is an error, and no verdict.
@pytest.mark.parametrize(("to", "size"), [(1, 1000), (1, 1 << 20), (2, 1 << 16)])
def test_a_container_that_prints_without_end(way: str, to: int, size: int, folder: Path) -> None:
    cases = folder / "cases"
    cases.mkdir()
    (cases / "floods.py").write_text(CASES.format(then=WAYS[way](), to=to, size=size))
    begun = time.monotonic()
    done = judged(fake_runtime.write(folder / "fake"), "--cases", str(cases), "--format", "json")
    assert done.status == 1, done
    assert "printed too much output" in done.said
    assert done.memory < MOST_MEMORY
    assert time.monotonic() - begun < 20


MARK = "time.sleep(98765)"
STRAYS = f'''
from ocivalidate.runtime import case

CLAUSE = "runtime.create.creates"

@case(CLAUSE)
def leaves(trial):
    """A container whose process leaves two others, in sessions of their own."""
    config = trial.config("wait")
    text = "import os, time\\nfor _ in (1, 2):\\n if os.fork() == 0:\\n  os.setsid(); {MARK}\\nos.write(1, b'go\\\\n')"
    config["process"]["args"] = ["/usr/bin/python3", "-c", text]
    container = trial.container(config).must_create().must_start()
    container.wait_output(lambda text: text or None)
    trial.expect(CLAUSE, "never", got=1, want=1)
'''


@pytest.mark.parametrize("user", everybody())
def test_no_process_outlives_the_run(user: int | None, folder: Path) -> None:
    cases = folder / "cases"
    cases.mkdir()
    (cases / "strays.py").write_text(STRAYS)
    python = sys.executable if user is None else python_of_others()
    done = judged(wrapped(folder, ":", python), "--cases", str(cases), user=user)
    assert done.status == 0, done
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True, timeout=10)
    assert MARK not in listed.stdout


def test_a_work_folder_that_is_gone(folder: Path) -> None:
    # Of the run's folder alone, should its place ever not be known.
    remove = 'rm -rf "${top:?}"/*'
    action = f'top=${{pidfile%/cases/*}}; [ -e $top/cases/smoke ] && case "$pidfile" in *smoke*) ;; *) {remove};; esac'
    done = judged(wrapped(folder, action), "--select", "lifecycle")
    assert done.status == 2, done
    assert "Traceback" not in done.said + done.errors
    assert not re.search("^not ok .*\n(?!  ---\n  severity: error)", done.said)
