"""Services, ``nohup``, hardened hosts and CI start a run each in its way: nothing of that shows in its verdicts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import fake_runtime
from ocivalidate.runtime.kernel import cgroups
from tests.integration.enclosure import why_not_root
from tests.tap14 import parse

RUNTIME = shutil.which(os.environ.get("OCIVALIDATE_RUNTIME", "runc"))
pytestmark = pytest.mark.integration
as_root = pytest.mark.skipif(
    why_not_root() is not None or RUNTIME is None, reason=str(why_not_root() or "the runtime is not installed")
)
# Starts the command line as a process that has these things from its own caller.
STARTER = """
import os, resource, signal, sys
{how}
sys.path[:0] = {path!r}
from ocivalidate.cli import main
sys.exit(main())
"""
LOWEST = "refusals.stopped-container"
GONE = "os.mkdir(f'/tmp/gone-{os.getpid()}'); os.chdir(f'/tmp/gone-{os.getpid()}'); os.rmdir(os.getcwd())"


def start(how: str, *arguments: str, closed: str = "") -> subprocess.CompletedProcess[str]:
    program = STARTER.format(how=how, path=sys.path)
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh"]
    command = [*shell, sys.executable, "-c", program, "runtime", "--no-config", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@as_root
@pytest.mark.parametrize(
    ("how", "cases"),
    [
        ("os.umask(0o077)", "capabilities.user-*,process,hooks.all-kinds-*"),
        ("os.umask(0o777)", "capabilities.user-*"),
        # In which runc says only that it cannot find out where it is.
        (GONE, "capabilities.user-*,refusals.running-container"),
        (
            "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
            "refusals.running-container,signals",
        ),
        ("[signal.signal(n, signal.SIG_IGN) for n in signal.valid_signals() - {9, 19}]", "signals"),
    ],
)
def test_what_is_inherited_shows_in_no_verdict(how: str, cases: str) -> None:
    assert RUNTIME is not None
    done = start(how, "--runtime", RUNTIME, "--select", cases)
    assert done.returncode == 0, done.stdout + done.stderr
    assert parse(done.stdout).passed


def fake(tmp_path: Path) -> list[str]:
    return ["--runtime", str(fake_runtime.write(tmp_path / "fake")), "--select", LOWEST]


@pytest.mark.parametrize(
    "how",
    [
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        GONE,
    ],
)
def test_a_run_comes_to_its_end(how: str, tmp_path: Path) -> None:
    done = start(how, *fake(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nok 1 " in done.stdout


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_standard_streams_may_be_closed(closed: str, tmp_path: Path) -> None:
    done = start("", *fake(tmp_path), closed=closed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nok 1 " in done.stdout


@pytest.mark.parametrize("limit", [8, 12, 16, 24, 40, 64])
def test_too_few_open_files_are_said(limit: int, tmp_path: Path) -> None:
    done = start(f"resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))", *fake(tmp_path))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "open files" in line
    assert "report it" not in line


def test_the_mask_of_new_files_holds_for_what_is_kept(tmp_path: Path) -> None:
    runtime = fake_runtime.write(tmp_path / "fake", "kills-what-has-stopped")
    kept = tmp_path / "kept"
    done = start("os.umask(0o077)", "--runtime", str(runtime), "--select", LOWEST, "--dump-dir", str(kept))
    assert done.returncode == 1, done.stdout + done.stderr
    assert (kept / LOWEST).stat().st_mode & 0o777 == 0o700


def test_a_hangup_that_is_ignored_ends_nothing(tmp_path: Path) -> None:
    how = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    program = STARTER.format(how=how, path=sys.path)
    command = [sys.executable, "-c", program, "runtime", "--no-config", *fake(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        assert run.stdout is not None
        said = run.stdout.readline()
        run.send_signal(signal.SIGHUP)
        said += run.stdout.read()
    assert run.returncode == 0, said
    assert "interrupted" not in said


def test_a_python_that_leaves_out_docstrings(tmp_path: Path) -> None:
    command = [sys.executable, "-OO", "-m", "ocivalidate", "runtime", *fake(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = subprocess.run([*command[:5], "--list"], capture_output=True, text=True, check=False)
    assert f"{LOWEST}: " in listed.stdout


@as_root
def test_no_more_cases_at_a_time_than_processors_of_ours(tmp_path: Path) -> None:
    """A container of an engine has some processors of many: a case for each of the others would only wait."""
    code = "import os\nfrom ocivalidate.runtime import case\n" + "".join(
        f"""
@case("runtime.create.creates")
def case_{number}(trial):
    \"\"\"Shows what there is.\"\"\"
    import time
    open({str(tmp_path)!r} + "/now-{number}", "x").close()
    beside = [name for name in os.listdir({str(tmp_path)!r}) if name.startswith("now-")]
    time.sleep(0.2)
    os.unlink({str(tmp_path)!r} + "/now-{number}")
    trial.expect("runtime.create.creates", "beside others", got=beside, want=["now-{number}"])
"""
        for number in range(4)
    )
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "own.py").write_text(code, encoding="utf-8")
    assert RUNTIME is not None
    how = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    done = start(how, "--runtime", RUNTIME, "--cases", str(cases))
    assert done.returncode == 0, done.stdout + done.stderr


@as_root
@pytest.mark.parametrize("most", [16, 24, 40])
def test_too_few_processes_are_said(most: int) -> None:
    """Runtimes in a container of an engine, which limits processes, would seem to fail."""
    assert RUNTIME is not None
    where = cgroups.layout()
    if "pids" not in where.controllers:
        pytest.skip("no controller of processes on this host")
    group = f"{where.controllers['pids']}/starters-{os.getpid()}"
    os.mkdir(group)
    try:
        Path(group, "pids.max").write_text(str(most))
        how = f"open('{group}/cgroup.procs', 'w').write('0')"
        done = start(how, "--runtime", RUNTIME, "--select", "signals")
    finally:
        os.rmdir(group)
    assert done.returncode == 2, done.stdout
    assert "more processes, expected at least 96" in done.stderr


@pytest.mark.parametrize("command", ["unpack SAMPLE bundle", "image SAMPLE", "bundle BUNDLE", "demo", "rules"])
def test_other_commands_need_no_standard_error(command: str, tmp_path: Path) -> None:
    samples = Path(__file__).parents[2] / "fixtures" / "demo"
    words = command.replace("SAMPLE", str(samples / "image-good")).replace("BUNDLE", str(samples / "bundle-good"))
    shell = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", sys.executable, "-m", "ocivalidate", *words.split()]
    done = subprocess.run(shell, capture_output=True, text=True, check=False, cwd=tmp_path, env=found_by_path())
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "bundle/config.json").is_file() or not command.startswith("unpack")


@pytest.mark.parametrize("command", ["image", "bundle", "state"])
def test_a_closed_standard_input_is_said(command: str) -> None:
    shell = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "ocivalidate", command, "-"]
    done = subprocess.run(shell, capture_output=True, text=True, check=False, env=found_by_path())
    assert done.returncode == 2
    assert "-: could not be judged: standard input is closed\n" in (done.stdout, done.stderr)


def found_by_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


# A root folder with all that there is, which is no mount point itself.
CHROOT = """
mount -t tmpfs none "$1" && mkdir "$1/root-folder" && cd "$1/root-folder" || exit 3
for name in /*; do
    if [ -L "$name" ]; then cp -P "$name" .
    elif [ -d "$name" ]; then mkdir ".$name" && mount --rbind "$name" ".$name"; fi
done
mount --make-r"$2" /
shift 2
cat /proc/self/mountinfo && echo =====
chroot . "$@" || exit
echo ===== && cat /proc/self/mountinfo
"""


def in_a_chroot(folder: Path, propagation: str, *words: str) -> list[str]:
    """What a command line says in a folder that is no mount point, between the mounts around it before and after."""
    program = STARTER.format(how="", path=sys.path)
    shell = ["unshare", "-m", "--propagation", "private", "sh", "-c", CHROOT, "sh", str(folder), propagation]
    done = subprocess.run(
        [*shell, sys.executable, "-c", program, *words], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("=====\n")


@as_root
@pytest.mark.parametrize("propagation", ["private", "shared"])
def test_a_chroot_is_as_good_as_a_root(tmp_path: Path, propagation: str) -> None:
    """Its root is no mount point, and the kernel refuses it user namespaces."""
    cases = "lifecycle.one-life,namespaces.user-*,capabilities.user-*"
    words = ["runtime", "--no-config", "--runtime", str(RUNTIME), "--select", cases]
    before, said, after = in_a_chroot(tmp_path, propagation, *words)
    assert parse(said).passed
    assert not re.search(r"^ok .*# SKIP", said, re.MULTILINE), said
    # Nothing of the run can be seen outside.
    assert before == after
    assert ("shared:" in before) == (propagation == "shared")


@pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root()))
def test_the_demo_works_in_a_chroot(tmp_path: Path) -> None:
    _, said, _ = in_a_chroot(tmp_path, "private", "demo")
    assert "fake-runtime: conforms to runtime-spec" in said
