"""Checks that look at this host (``--host``): what a runtime here would find when it starts the bundle."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ocivalidate.bundle.hooks import kind_of
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation

# Kind of hook that runs in the runtime namespaces → the clause on its program.
HOOK_PATH = {
    "prestart": "runtime/config.hooks.prestart.path.runtime-ns",
    "createRuntime": "runtime/config.hooks.createRuntime.path.runtime-ns",
    "createContainer": "runtime/config.hooks.createContainer.path.runtime-ns",
    "poststart": "runtime/config.hooks.poststart.path.runtime-ns",
    "poststop": "runtime/config.hooks.poststop.path.runtime-ns",
}
RUNTIME_HOOKS = tuple(HOOK_PATH)
LISTENER = "runtime/config-linux.seccomp.listenerPath.af-unix-stream"
PAGE_SIZE = "runtime/config-linux.resources.hugepageLimits.pageSize.host"

HUGE_PAGES = Path("/sys/kernel/mm/hugepages")
UNIX_SOCKETS = Path("/proc/net/unix")
_STREAM = "0001"
_PAGE_SIZE = r"([1-9][0-9]*)([KMG])B"
_KILOBYTES = {"K": 1, "M": 1024, "G": 1024 * 1024}


@CONFIG.check(tuple(f"/hooks/{kind}/*/path" for kind in RUNTIME_HOOKS), *HOOK_PATH.values(), needs="host")
def hook_program_is_there(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """What cannot be inspected is not judged."""
    if not node.value.startswith("/") or "\0" in node.value:
        return
    try:
        os.stat(node.value)
    except (FileNotFoundError, NotADirectoryError):
        yield node.breaks(HOOK_PATH[kind_of(node)], f"{node.place} does not exist on this host")
    except OSError:
        return


@CONFIG.check("/linux/seccomp/listenerPath", LISTENER, needs="host")
def listener_is_a_stream_socket(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A socket that does not exist yet is not judged: the agent may start later."""
    try:
        mode = os.stat(node.value).st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISSOCK(mode):
        yield node.breaks(LISTENER, f"{node.place} is not a socket", want="a stream socket")
    elif _socket_types(node.value) - {_STREAM}:
        yield node.breaks(LISTENER, f"{node.place} is not a stream socket", want="a stream socket")


def _socket_types(path: str) -> set[str]:
    """The types of the sockets at ``path``, from the /proc file of unix(7); empty where it does not say."""
    try:
        lines = UNIX_SOCKETS.read_text(errors="surrogateescape").splitlines()[1:]
    except OSError:
        return set()
    rows = (line.split(maxsplit=7) for line in lines)
    return {row[4] for row in rows if len(row) == 8 and row[7] == path}


@CONFIG.check("/linux/resources/hugepageLimits/*/pageSize", PAGE_SIZE, needs="host")
def page_size_is_one_of_this_host(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The hugetlb controller has files for the page sizes of the kernel."""
    match = re.fullmatch(_PAGE_SIZE, node.value)
    if match is None:
        return
    folder = HUGE_PAGES / f"hugepages-{int(match[1]) * _KILOBYTES[match[2]]}kB"
    if not folder.is_dir():
        yield node.breaks(PAGE_SIZE, f"{node.place} is not a page size of this host", want=_sizes_of_this_host())


def _sizes_of_this_host() -> str:
    try:
        names = sorted(os.listdir(HUGE_PAGES))
    except OSError:
        names = []
    return " or ".join(name.removeprefix("hugepages-") for name in names) or "none: this host has no huge pages"
