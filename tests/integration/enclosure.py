"""Run other people's tools so that they leave nothing behind.

podman and buildah keep locks, networks, caches, mounts, processes and control groups all over a host.
:func:`run_enclosed` runs them where all that they write elsewhere than in one folder is refused or forgotten, and where
all that they start ends with them.
"""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

TOOL_TIMEOUT = 30.0
"""Seconds that one session of a tool may take; each takes well under one."""

_UNSHARE = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")

# What the shell does before the tools run. `mount -n`, because plain mount makes /run/mount on the host. The folder at
# the top of the work folder's path (/tmp, say) is covered by an empty one with only the work folder in it, which any
# user may pass through: pytest's own folders are closed to others, and one tool is to run as another user. `-c .` binds
# the shell's own folder although its path is covered. Control groups can be looked at, not written.
_ENCLOSE = r"""
set -eu
umask 022
top=${PWD#/}
top=/${top%%/*}
if [ "$top" = /dev ]; then top=/dev/shm; fi
mount -n -t tmpfs tmpfs "$top"
mkdir -p "$PWD"
mount -n -c --bind . "$PWD"
cd "$PWD"
for covered in /tmp /run /dev/shm /var/lib; do
    if [ "$covered" = "$top" ]; then continue; fi
    mkdir -p "$covered"
    mount -n -t tmpfs tmpfs "$covered"
done
mount -n -o remount,bind,ro /
while read -r _ point type _; do
    case $type in cgroup | cgroup2) mount -n -o remount,bind,ro "$point" ;; esac
done < /proc/self/mounts
set +e
"""

# Without a folder for networks, podman locks /etc/containers/networks. Only runtimes on the list may go without control
# groups. The sysctl is what distributions set.
_CONTAINERS_CONF = """\
[containers]
default_sysctls = ["net.ipv4.ping_group_range=0 0"]
[network]
network_config_dir = "{work}/networks"
[engine]
runtime_supports_nocgroup = ["saving-runtime"]
"""


class ToolFailed(Exception):
    """A tool did not do what it is there for; the text is the command and what it said."""


def run(command: Sequence[str], work: Path) -> str:
    """Run one command in the folder ``work`` and return what it printed.

    Raises ToolFailed if it fails, and subprocess.TimeoutExpired after TOOL_TIMEOUT seconds.
    """
    done = subprocess.run(
        command,
        check=False,
        cwd=work,
        env=_environment(work),
        input="",  # not /dev/null: a runtime may give its standard input to the user of the container
        capture_output=True,
        text=True,
        timeout=TOOL_TIMEOUT,
    )
    if done.returncode:
        raise ToolFailed(f"{shlex.join(command)}: {done.stderr.strip()}")
    return done.stdout


def run_enclosed(commands: Sequence[Sequence[str]], work: Path) -> str:
    """Run commands one after another in an enclosure that leaves nothing but ``work`` behind; return all they printed.

    The enclosure ends with the last command, and every process and mount in it with it; so it does at the timeout.
    That a command fails is not an error here: an engine whose runtime refuses always fails.
    """
    lines = (f"{shlex.join(command)} 2>&1" for command in commands)
    return run([*_UNSHARE, "sh", "-c", "\n".join([_ENCLOSE, *lines, ":"])], work)


def why_not_root() -> str | None:
    """Say that root is needed, or nothing if we are."""
    return "needs root" if os.geteuid() != 0 else None


@functools.cache
def why_not_enclosed() -> str | None:
    """Say why this machine cannot make an enclosure, or nothing if it can."""
    if why_not_root() is not None:
        return why_not_root()
    tried = subprocess.run([*_UNSHARE, "true"], check=False, capture_output=True, text=True, timeout=TOOL_TIMEOUT)
    return f"cannot make namespaces: {tried.stderr.strip()}" if tried.returncode else None


def _environment(work: Path) -> dict[str, str]:
    """Give a tool nothing of the user's own: its home, its settings and its temporary files are in ``work``."""
    home, temporary, settings = work / "home", work / "tmp", work / "containers.conf"
    home.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    settings.write_text(_CONTAINERS_CONF.format(work=work))
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {"HOME": str(home), "TMPDIR": str(temporary), "CONTAINERS_CONF": str(settings)}
