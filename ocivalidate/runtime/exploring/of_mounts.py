"""Features of ``mounts``: each has a destination of its own, so that any of them can be in one config.

What they bind is made beside the bundle: ``sources/plain``, ``sources/restricted`` (a mount with all
restrictions), ``sources/deep`` (with a mount below it) and ``sources/file``; see ``ground.py``.
"""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime.exploring.features import Feature, Value, value

_ORDER = ("runtime/config.mounts.order",)
SOURCES = "{sources}"
_MAPPINGS = [{"containerID": 0, "hostID": 100_000, "size": 65_536}]


def _mount(place: str, kind: str, source: str, options: str, **more: Any) -> tuple[str, dict[str, Any]]:
    entry = {"destination": place, "type": kind, "source": source}
    return "/mounts/-", entry | ({"options": options.split()} if options else {}) | more


def _tmpfs(name: str, options: str, place: str = "/m/tmpfs") -> Value:
    return value(name, _mount(place, "tmpfs", "tmpfs", options))


def _bind(name: str, source: str, options: str, place: str = "/m/bind", **more: Any) -> Value:
    # The type of a mount that binds is a dummy.
    kind = "bind" if place == "/m/bind" else "none"
    return value(name, _mount(place, kind, f"{SOURCES}/{source}", options, **more))


FEATURES = (
    Feature(
        "mount-tmpfs",
        (
            _tmpfs("plain", ""),
            _tmpfs("restricted", "nosuid nodev noexec"),
            _tmpfs("readonly", "ro"),
            _tmpfs("data", "size=1024k mode=0710 nr_inodes=600"),
            _tmpfs("owned", "uid=7 gid=8 mode=0750"),
            _tmpfs("times", "noatime nodiratime"),
            _tmpfs("strict", "strictatime"),
            _tmpfs("undone", "nosuid suid nodev dev noexec exec"),
        ),
        _ORDER,
    ),
    Feature(
        "mount-tmpfs-again",
        (
            _tmpfs("readonly-of-a-mode", "ro mode=0750 size=512k", "/m/again"),
            _tmpfs("restricted-of-a-mode", "nosuid nodev noexec noatime mode=1770", "/m/again"),
            _tmpfs("shared", "shared noexec", "/m/again"),
            _tmpfs("small", "nodev size=64k nr_inodes=50 uid=9", "/m/again"),
        ),
        _ORDER,
    ),
    Feature(
        "mount-bind",
        (
            _bind("plain", "plain", "bind"),
            _bind("readonly", "plain", "bind ro"),
            _bind("restricted", "plain", "bind nosuid nodev noexec"),
            _bind("all", "deep", "rbind ro"),
            _bind("times", "plain", "bind noatime"),
            value("relative", _mount("/m/bind", "none", "../sources/plain", "bind nosuid")),
        ),
        _ORDER,
    ),
    Feature(
        "mount-undoing",
        (
            _bind("permissions", "restricted", "bind suid dev exec", "/m/undoing"),
            _bind("writing", "restricted", "bind rw", "/m/undoing"),
            _bind("again", "restricted", "bind ro nosuid", "/m/undoing"),
        ),
        _ORDER,
    ),
    Feature(
        "mount-recursive",
        (
            _bind("readonly", "deep", "rbind rro", "/m/recursive"),
            _bind("restricted", "deep", "rbind rnosuid rnodev rnoexec", "/m/recursive"),
            _bind("times", "deep", "rbind rnoatime", "/m/recursive"),
        ),
        needs=("root", "isolation", "kernel:5.12"),
    ),
    Feature(
        "mount-propagation",
        tuple(
            _bind(word, "deep" if word.startswith("r") else "plain", f"{bind} {word}", "/m/propagation")
            for bind, words in (("bind", "private shared slave unbindable"), ("rbind", "rprivate rshared rslave"))
            for word in words.split()
        ),
    ),
    Feature(
        "mount-file",
        (
            _bind("writable", "file", "bind", "/m/file"),
            _bind("readonly", "file", "bind ro", "/m/file"),
        ),
        _ORDER,
    ),
    Feature(
        "mount-nested",
        (
            value(
                "two", _mount("/m/outer", "tmpfs", "tmpfs", "nosuid"), _mount("/m/outer/inner", "tmpfs", "tmpfs", "ro")
            ),
            value(
                "bind-on-tmpfs",
                _mount("/m/outer", "tmpfs", "tmpfs", "nodev"),
                _mount("/m/outer/inner", "none", f"{SOURCES}/plain", "bind ro"),
            ),
            value(
                "over-another",
                _mount("/m/outer", "tmpfs", "tmpfs", ""),
                _mount("/m/outer", "tmpfs", "tmpfs", "noexec"),
            ),
        ),
        _ORDER,
    ),
    Feature(
        "mount-idmap",
        (
            _bind("given", "plain", "bind idmap", "/m/idmap", uidMappings=_MAPPINGS, gidMappings=_MAPPINGS),
            _bind("all", "deep", "rbind ridmap", "/m/idmap", uidMappings=_MAPPINGS, gidMappings=_MAPPINGS),
        ),
        needs=("root", "isolation", "kernel:5.12"),
    ),
    Feature(
        "mount-mqueue",
        (value("usual", _mount("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev")),),
    ),
    Feature(
        "mount-cgroup",
        (value("readonly", _mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro")),),
    ),
)
