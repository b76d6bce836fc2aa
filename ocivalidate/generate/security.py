"""Options about security: capabilities, seccomp, labels, kernel parameters, what is hidden."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import profiles
from ocivalidate.generate.filters import FilterOptions
from ocivalidate.generate.table import Arguments, Phase, option
from ocivalidate.generate.texts import pair
from ocivalidate.generate.values import boolean

ALL_SETS = ("effective", "bounding", "inheritable", "permitted", "ambient")
# What SELinux policies call an ordinary container; label=type:... and its kin change parts of it.
_LABEL = ("system_u", "system_r", "container_t", "s0")
_LABEL_PARTS = ("user", "role", "type", "level")
_ON_BY_DEFAULT = ("no-new-privileges", "writable-cgroups")


def capability(written: str) -> str:
    """The full name of a capability: ``net_admin`` is ``CAP_NET_ADMIN``. Raises :class:`OptionError`."""
    from ocivalidate.bundle.values import CAPABILITIES

    name = f"CAP_{written.upper().removeprefix('CAP_')}"
    if name in CAPABILITIES:
        return name
    import difflib  # only on errors

    close = difflib.get_close_matches(name[:64], sorted(CAPABILITIES), n=1, cutoff=0.7)
    raise OptionError(
        f"unknown capability {written!r}" + (f"; did you mean {close[0]}?" if close else "; see capabilities(7)")
    )


def _names(written: str) -> list[str]:
    from ocivalidate.bundle.values import CAPABILITIES

    words = [word for word in written.replace(",", " ").split() if word]
    if not words:
        raise OptionError("there is no capability")
    named = [capability(word) for word in dict.fromkeys(words) if not _means_all(word)]
    return sorted(CAPABILITIES) if any(map(_means_all, words)) else [*dict.fromkeys(named)]


def _has_all(written: str) -> bool:
    return any(_means_all(word) for word in written.replace(",", " ").split())


def _means_all(word: str) -> bool:
    return word.upper().removeprefix("CAP_") == "ALL"


def _read_security(text: str) -> Arguments:
    """``no-new-privileges``, ``NAME=VALUE`` or, as Docker once had it, ``NAME:VALUE``."""
    separator = "=" if "=" in text else ":"
    name, _found, value = text.partition(separator)
    return name, value


def _matches(path: str, pattern: str) -> bool:
    from pathlib import PurePosixPath  # few command lines unmask anything

    return path == pattern or (pattern.startswith("/") and PurePosixPath(path).match(pattern))


class SecurityOptions(FilterOptions):
    """Capabilities, AppArmor, SELinux, ``noNewPrivileges``, sysctl, masked and read-only paths."""

    _dropped: frozenset[str] = frozenset()
    _all_added: bool = False

    @option(
        "--privileged",
        group="security",
        phase=Phase.FIRST,
        help="every capability and device, nothing masked, no seccomp, no labels",
    )
    def privileged(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Give the container every capability and device and hide nothing from it, as ``--profile privileged`` does."""
        if wanted and not self._on("linux"):
            raise OptionError(f"privileged is for linux, but this config is for {self._named_platforms()}")
        if wanted:
            self._objects("mounts")
            self._put("process.capabilities", {})
            self._put("linux.resources.devices", [])
            profiles.privileged(self._tree, "linux")
        return self

    @option(
        "--cap-drop",
        group="security",
        metavar="NAME",
        phase=Phase.EARLY,
        help="drop a capability, or all; a name overrides all, in any order",
    )
    def cap_drop(self, names: str) -> Self:
        """Take capabilities from every set: a name, several with commas between, or ``all``.

        What is named here stays out when all are added, before or after.
        """
        dropped = _names(names)
        if not _has_all(names):
            self._dropped |= set(dropped)
        self._take_out(dropped)
        return self

    def _take_out(self, dropped: Collection[str]) -> None:
        for kind in ALL_SETS:
            entries = self._get(f"process.capabilities.{kind}")
            if entries is not None:
                self._put(
                    f"process.capabilities.{kind}",
                    [name for name in self._entries(f"process.capabilities.{kind}") if name not in dropped],
                )

    @option(
        "--cap-add",
        group="security",
        metavar="NAME",
        help="add a capability, or all: NET_ADMIN; also ambient for a user other than root",
    )
    def cap_add(self, names: str) -> Self:
        """Give capabilities: a name, several with commas between, or ``all`` but those that were dropped by name.

        Adding all adds nothing by name: what was dropped stays out, as with engines.
        """
        added = _names(names)
        if _has_all(names):
            self._all_added = True
            self._take_out(self._dropped)
        if self._all_added:
            added = [name for name in added if name not in self._dropped]
        self._added_capabilities += [name for name in added if name not in self._added_capabilities]
        for kind in profiles.CAPABILITY_SETS:
            self._add_to(kind, added)
        return self

    def _add_to(self, kind: str, names: list[str]) -> None:
        path = f"process.capabilities.{kind}"
        entries = self._entries(path)
        self._put(path, [*entries, *(name for name in names if name not in entries)])

    def _keep_added_capabilities(self) -> None:
        """A user other than root keeps only ambient capabilities, which must also be inheritable."""
        uid = self._get("process.user.uid", 0)
        held = [name for name in self._added_capabilities if name in self._entries("process.capabilities.permitted")]
        if held and isinstance(uid, int) and uid != 0:
            for kind in ("inheritable", "ambient"):
                self._add_to(kind, held)

    @option(
        "--security-opt",
        group="security",
        metavar="NAME[=VALUE]",
        reads=_read_security,
        phase=Phase.LATE,
        help="seccomp=FILE|unconfined, apparmor=PROFILE|unconfined, label=LABEL|disable|type:TYPE..., "
        "no-new-privileges[=false], mask=PATH, unmask=PATH|all, systempaths=unconfined, proc-opts=OPTION,..., "
        "writable-cgroups[=false]",
    )
    def security_opt(self, name: str, value: str = "") -> Self:
        """One of the options that Docker and Podman gather under this name; ``value`` is a text."""
        options: dict[str, Callable[[str], None]] = {
            "seccomp": self._seccomp,
            "apparmor": self._apparmor,
            "label": self._label,
            "no-new-privileges": self._no_new_privileges,
            "mask": self._mask,
            "unmask": self._unmask,
            "proc-opts": self._proc_options,
            "writable-cgroups": self._writable_cgroups,
            "systempaths": lambda _unconfined: self._unmask("all"),
        }
        if name == "credentialspec":
            raise OptionError(
                "the credential spec file belongs to an engine; --set windows.credentialSpec=JSON writes one"
            )
        if name not in options:
            raise OptionError(f"unknown security option {name!r}; known are {', '.join(options)}")
        if not value and name not in _ON_BY_DEFAULT:
            raise OptionError(f"{name} needs a value: {name}=...")
        if name == "systempaths" and value != "unconfined":
            raise OptionError(f"systempaths must be unconfined, not {value!r}")
        options[name](value)
        return self

    def _apparmor(self, profile: str) -> None:
        if profile == "unconfined":
            self._drop("process.apparmorProfile")
        else:
            self._put("process.apparmorProfile", profile)

    def _label(self, label: str) -> None:
        part, colon, value = label.partition(":")
        if label == "disable":
            self._drop("process.selinuxLabel")
            self._drop("linux.mountLabel")
        elif part in _LABEL_PARTS and colon and value:
            parts = (str(self._get("process.selinuxLabel", "")).split(":", 3) + [""] * 4)[:4]
            filled = [old or default for old, default in zip(parts, _LABEL, strict=True)]
            filled[_LABEL_PARTS.index(part)] = value
            self._put("process.selinuxLabel", ":".join(filled))
        elif part == "filetype" and value:
            self._put("linux.mountLabel", f"system_u:object_r:{value}:s0")
        elif label.count(":") >= 3:
            self._put("process.selinuxLabel", label)
        else:
            raise OptionError(
                f"{label!r} is not a label: write disable, user:role:type:level, or for example type:container_t"
            )

    def _no_new_privileges(self, wanted: str) -> None:
        self._put("process.noNewPrivileges", boolean(wanted) if wanted else True)

    def _mask(self, paths: str) -> None:
        for path in paths.split(":"):
            if path not in self._entries("linux.maskedPaths"):
                self._put("linux.maskedPaths[+]", path)

    def _unmask(self, paths: str) -> None:
        """A path of its own, or a pattern of glob(7), as podman has it: ``*`` does not go across a slash."""
        shown = paths.split(":")
        for field in ("linux.maskedPaths", "linux.readonlyPaths"):
            if self._get(field) is not None:
                kept = [
                    path
                    for path in self._entries(field)
                    if paths.lower() != "all" and not any(_matches(str(path), pattern) for pattern in shown)
                ]
                self._keep(field, kept)

    def _proc_options(self, words: str) -> None:
        """Options of proc(5), besides those that it has: nosuid, noexec and nodev stay."""
        added = [word for word in words.split(",") if word]
        names = {word.partition("=")[0] for word in added}
        for index, entry in enumerate(self._entries("mounts")):
            if isinstance(entry, dict) and entry.get("destination") == "/proc":
                found = self._entries(f"mounts[{index}].options")
                kept = [word for word in found if str(word).partition("=")[0] not in names]
                self._put(f"mounts[{index}].options", [*kept, *added])
                return
        raise OptionError("there is no mount at /proc")

    def _writable_cgroups(self, wanted: str) -> None:
        old, new = ("ro", "rw") if not wanted or boolean(wanted) else ("rw", "ro")
        for index, entry in enumerate(self._entries("mounts")):
            if isinstance(entry, dict) and entry.get("type") in ("cgroup", "cgroup2"):
                found = self._entries(f"mounts[{index}].options")
                self._put(f"mounts[{index}].options", [new if word == old else word for word in found])

    @option(
        "--sysctl",
        group="security",
        metavar="NAME=VALUE",
        reads=pair,
        help="a kernel parameter of one of its namespaces: net.ipv4.ip_forward=1",
    )
    def sysctl(self, name: str, value: str) -> Self:
        """A kernel parameter that belongs to one of the container's namespaces."""
        return self._put(f"linux.sysctl.{name}", str(value))
