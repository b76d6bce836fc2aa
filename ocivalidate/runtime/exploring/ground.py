"""What a drawn config finds on the host: files to mask and to bind, namespaces to join, hooks that leave a trace."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers.mounting import host_mount
from ocivalidate.runtime.case_helpers.tracing import Trace
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.journal import Journal
from ocivalidate.runtime.exploring.building import filled
from ocivalidate.runtime.judging import device_rules
from ocivalidate.runtime.kernel import cgroups
from ocivalidate.runtime.kernel.namespaces import NAMESPACE_FILES, NamespaceHolder

# Below the root filesystem: what is masked and protected, and where things are mounted.
_FILES = ("etc/secret", "etc/kept", "var/secret/inside", "var/kept/inside", "m/file")
_RESTRICTIONS = ("nosuid", "nodev", "noexec")
_HOOK_PATIENCE, _HASTE = 5.0, 0.5  # seconds that a hook has to write what it noted
_JOINED = "{joined:"
_INSIDE = ("startContainer",)  # kinds of hooks whose program is in the container


def _make_node(path: Path, kind: str, major: int, minor: int) -> None:
    """Lay down a node that everybody may use, unless we may not: then nothing shows in what a container may do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, stat.S_IFCHR if kind == "c" else stat.S_IFBLK, os.makedev(major, minor))
    path.chmod(0o666)
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except PermissionError:
        path.unlink()
    except OSError:
        # No driver has these numbers.
        return


class Ground:
    """Prepares containers of one case, each with a config of its own."""

    def __init__(self, trial: CaseContext) -> None:
        self.trial = trial
        self._holders: dict[str, NamespaceHolder] = {}
        # Beside the bundles, whose folders nothing of ours is mounted in.
        self._sources = trial.folder / "sources"
        self._mounted: set[str] = set()
        self._patience = _HOOK_PATIENCE

    def wait_for_hook(self, trace: Trace, name: str, *, late: bool) -> None:
        """Wait until a hook has noted what it saw, where it may run ``late``.

        After one that was waited for in vain, others of the case are not waited for as long: it is tried many times.
        """
        if trace.wait(name, self._patience if late else 0) is None and late:
            self._patience = _HASTE

    def begin_anew(self) -> None:
        """Forget what the journal of the case has so far, where one is kept."""
        if self.trial.runtime.journal is not None:
            self.trial.runtime.journal = Journal(self.trial.folder, self.trial.stage.rootfs)

    def container(self, config: Mapping[str, Any]) -> tuple[Container, dict[str, Any], Trace | None]:
        """A container that is not created yet, its config with all words filled in, and the trace of its hooks."""
        trial = self.trial
        without = {name: member for name, member in config.items() if name != "hooks"}
        container = trial.container(without)
        given = json.loads((container.bundle / "config.json").read_text(encoding="utf-8"))
        made: dict[str, Any] = filled(given, self._words(container, json.dumps(given)))
        self._give_group(container, made)
        self._lay_out(container.bundle, made)
        trial.rewrite(container.bundle, made)
        trace = self._hooks(container, config.get("hooks") or {})
        return container, trace.config if trace else made, trace

    def joined(self, config: Mapping[str, Any]) -> dict[str, str]:
        """The namespaces that a config joins, by type, as links."""
        found: dict[str, str] = {}
        for entry in (config.get("linux") or {}).get("namespaces") or ():
            # A runtime may have ended who holds it: then nothing is known of it.
            with contextlib.suppress(OSError):
                if entry.get("path"):
                    found[entry["type"]] = os.readlink(entry["path"])
        return found

    def _words(self, container: Container, text: str) -> dict[str, str]:
        words = {
            "sources": str(self._sources),
            "group": self.trial.stage.group,
            "id": container.id,
            "name": f"{self.trial.stage.prefix}relative-{container.id.rpartition('-')[2]}-{os.urandom(3).hex()}",
        }
        for kind in NAMESPACE_FILES:
            if f"{_JOINED}{kind}}}" in text:
                words[f"joined:{kind}"] = self._holder(kind).path(kind)
        return words

    def _holder(self, kind: str) -> NamespaceHolder:
        if kind not in self._holders:
            self._holders[kind] = NamespaceHolder((kind,))
            self.trial.undo(self._holders[kind].close)
        return self._holders[kind]

    def _give_group(self, container: Container, config: Mapping[str, Any]) -> None:
        path = str((config.get("linux") or {}).get("cgroupsPath") or "")
        container.group = path or container.group
        above, layout = path.rpartition("/")[0], self.trial.stage.layout
        if above and above != self.trial.stage.group:
            self.trial.undo(lambda: [f"control group {folder}" for folder in cgroups.remove(layout, above)])

    def _lay_out(self, bundle: Path, config: Mapping[str, Any]) -> None:
        rootfs, text = bundle / "rootfs", json.dumps(config)
        for name in _FILES:
            (rootfs / name).parent.mkdir(parents=True, exist_ok=True)
            (rootfs / name).write_text("something that can be read\n", encoding="ascii")
        for entry in config.get("mounts") or ():
            place = rootfs / str(entry["destination"]).lstrip("/")
            if str(entry["destination"]).startswith("/m/") and not place.exists() and "/m/outer/" not in str(place):
                place.mkdir(parents=True)
        for path in dict.fromkeys(path for path, _ in device_rules.tries(config)):
            kind, *numbers = device_rules.NODES[path.rpartition("/")[2]]
            _make_node(rootfs / path.lstrip("/"), kind, *numbers)
        if "sources/" in text:
            self._make_sources(text)

    def _make_sources(self, text: str) -> None:
        if not self._sources.exists():
            for name in ("plain", "restricted", "deep"):
                (self._sources / name / "below").mkdir(parents=True)
            (self._sources / "file").write_text("the file that is bound\n", encoding="ascii")
        for name in ("restricted", "deep"):
            if f"sources/{name}" in text and name not in self._mounted:
                self._mounted.add(name)
                self._mount(self._sources / name)

    def _mount(self, place: Path) -> None:
        if place.name == "deep":
            host_mount(self.trial, place)
            host_mount(self.trial, place / "below")
        else:
            host_mount(self.trial, place, *_RESTRICTIONS)
            host_mount(self.trial, place, "remount", "bind", "ro", *_RESTRICTIONS)

    def _hooks(self, container: Container, hooks: Mapping[str, Sequence[Mapping[str, Any]]]) -> Trace | None:
        if not hooks:
            return None
        trace = Trace(container)
        # Whoever a hook in the container is, it may write there.
        trace.file.touch()
        trace.file.chmod(0o666)
        for kind, some in hooks.items():
            for hook in some:
                trace.add(kind, "note", inside=kind in _INSIDE, env=hook.get("env"), timeout=hook.get("timeout"))
        trace.write()
        return trace
