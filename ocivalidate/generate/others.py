"""Options about hooks and annotations, Windows and virtual machines, and the paths to every field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ocivalidate.generate import tree as trees, units
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.errors import OptionError
from ocivalidate.generate.paths import resolve, resolve_assignment
from ocivalidate.generate.table import Arguments, Phase, option
from ocivalidate.generate.texts import pair
from ocivalidate.generate.tree import Tree
from ocivalidate.generate.units import Number
from ocivalidate.generate.values import accept, from_json, typed
from ocivalidate.versions import RUNTIME_RELEASES, judged_by

HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
_ISOLATIONS = ("process", "hyperv")


def _read_hook(text: str) -> Arguments:
    """``KIND=PATH,ARG,...``, or ``KIND={"path": ...}`` for arguments with commas, an environment, a timeout."""
    kind, words = pair(text, form="KIND=PATH[,ARG...]")
    if not words.startswith("{"):
        args = words.split(",")
        return kind, args[0], args if len(args) > 1 else []
    entry = from_json(words, "the hook")
    strangers = [name for name in entry if name not in ("path", "args", "env", "timeout")]
    if strangers or not isinstance(entry.get("path"), str):
        raise OptionError(
            f"a hook has path, args, env and timeout, and path is required; got {', '.join(entry) or 'nothing'}"
        )
    for name in ("args", "env"):
        if not isinstance(entry.get(name, []), list):
            raise OptionError(f"the {name} of a hook are an array")
    return kind, entry["path"], entry.get("args", []), entry.get("env", []), entry.get("timeout")


class HookOptions(Draft):
    """``hooks`` and ``annotations``."""

    @option(
        "--hook",
        group="hooks",
        metavar="KIND=PATH[,ARG...]",
        reads=_read_hook,
        help=f"a program to run; KIND is one of {', '.join(HOOKS)}; "
        'KIND={"path":...,"args":...,"env":...,"timeout":...} says more',
    )
    def hook(
        self,
        kind: str,
        path: str,
        args: Sequence[str] = (),
        env: Sequence[str] = (),
        timeout: Number | None = None,
    ) -> Self:
        """A program to run, behind the others of its kind.

        ``args`` are what it sees, its own name first; ``timeout`` is in seconds.
        """
        if kind not in HOOKS:
            raise OptionError(f"unknown kind of hook {kind!r}; known are {', '.join(HOOKS)}")
        entry: Tree = {"path": path, "args": list(args)} if args else {"path": path}
        entry |= {"env": list(env)} if env else {}
        entry |= {"timeout": units.seconds(timeout)} if timeout is not None else {}
        return self._put(f"hooks.{kind}[+]", entry)

    @option(
        "--annotation",
        "--label",
        group="hooks",
        metavar="KEY=VALUE",
        reads=pair,
        help="a note for whoever reads the config: org.example.key=value",
    )
    def annotation(self, key: str, value: str) -> Self:
        """A note for whoever reads the config."""
        return self._put(
            f"annotations.{key}" if "." not in key and "=" not in key else f"annotations[{_quoted(key)}]", value
        )


def _quoted(key: str) -> str:
    import json

    return json.dumps(key)


class PlatformOptions(Draft):
    """What Windows and virtual machines have and nobody else."""

    _layers: tuple[str, ...] = ()

    @option(
        "--layer",
        group="platforms",
        metavar="FOLDER",
        help="Windows: a folder with a layer of the image, from the top; may be repeated",
    )
    def layer(self, folder: str) -> Self:
        """Windows: a folder with a layer of the image. The first one replaces the example of the defaults."""
        self._layers = (*self._layers, folder)
        return self._put("windows.layerFolders", list(self._layers))

    @option(
        "--isolation",
        group="platforms",
        metavar="process|hyperv",
        help="Windows: share the kernel of the host (needs --rootfs), or not",
    )
    def isolation(self, kind: str) -> Self:
        """Windows: ``hyperv`` for a container with a kernel of its own, ``process`` for one that shares the host's."""
        if kind not in _ISOLATIONS:
            raise OptionError(f"unknown isolation {kind!r}; known are {', '.join(_ISOLATIONS)}")
        if kind == "hyperv":
            self._drop("root")
            return self._put("windows.hyperv", self._get("windows.hyperv", {}))
        return self._drop("windows.hyperv")

    @option("--vm-kernel", group="platforms", metavar="PATH", help="virtual machine: the kernel, a path on the host")
    def vm_kernel(self, path: str) -> Self:
        """The kernel of the virtual machine, a path on the host."""
        return self._put("vm.kernel.path", path)


def _read_assignment(text: str) -> Arguments:
    place, value = resolve_assignment(text)
    return place.text, typed(place, value)


def _read_entry(text: str) -> Arguments:
    place, value = resolve_assignment(text)
    if place.node.get("type") != "array":
        raise OptionError(f"{place.text} is not an array: --set writes it")
    return place.text, typed(resolve(f"{place.text}[+]"), value)


class FieldOptions(Draft):
    """Every field that the schema of the specification has, on every platform."""

    @option(
        "--set",
        group="fields",
        metavar="PATH=VALUE",
        reads=_read_assignment,
        phase=Phase.FIELDS,
        help="write any field: process.scheduler.policy=SCHED_BATCH; arrays and objects as JSON",
    )
    def set(self, path: str, value: Any) -> Self:
        """Write a field. ``value`` is what stands in JSON.

        Its type and its members have to be those of the specification.
        """
        place = trees.concrete(self._tree, resolve(path))
        if place.steps == ("ociVersion",) and isinstance(value, str):
            self._release = judged_by(value, RUNTIME_RELEASES).release
        accept(place, value, self._release)
        trees.put(self._tree, place, value)
        return self

    @option(
        "--append",
        group="fields",
        metavar="PATH=VALUE",
        reads=_read_entry,
        phase=Phase.FIELDS,
        help='add an entry to any array: process.args=-l, mounts={"destination":"/x"}',
    )
    def append(self, path: str, value: Any) -> Self:
        """Add an entry to an array."""
        if resolve(path).node.get("type") != "array":
            raise OptionError(f"{path} is not an array")
        return self.set(f"{path}[+]", value)

    @option("--unset", group="fields", metavar="PATH", phase=Phase.FIELDS, help="remove any field or array entry")
    def unset(self, path: str) -> Self:
        """Remove a field or an array entry; that there is none is fine."""
        place = trees.concrete(self._tree, resolve(path))
        trees.drop(self._tree, place)
        return self
