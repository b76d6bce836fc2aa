"""The config under construction, on which all option groups are built."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import tree as trees
from ocivalidate.generate.defaults import PLATFORMS
from ocivalidate.generate.paths import Place, resolve
from ocivalidate.generate.profiles import starting_tree
from ocivalidate.generate.tree import Tree
from ocivalidate.generate.values import accept
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES, RUNTIME_RELEASES, holds, judged_by, version_for

OLDEST = "1.0.2"
"""The release that a config names unless it has something newer.

Every runtime in use knows it, and crun 1.8 no newer minor.
"""

# Members outside the sections of the platforms that only some platforms have.
_LINUX_ONLY = "apparmorProfile capabilities noNewPrivileges oomScoreAdj selinuxLabel".split()
_MEMBERS_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_LINUX_ONLY, ("linux",)),
    "rlimits": ("linux", "solaris", "zos", "freebsd"),
    "commandLine": ("windows",),
}


class Draft:
    """A config, the releases it may be for, and typed access to its members. The option groups derive from it."""

    def __init__(self, tree: Tree, *, release: str | None = None, platforms: frozenset[str]) -> None:
        """``release``: the one that every member has to be in.

        ``None``: the oldest that has all of them is found in the end.
        """
        self._tree = tree
        self._release = release
        self._platforms = platforms
        self._cgroup = "v1"
        self._added_capabilities: list[str] = []

    @classmethod
    def start(
        cls,
        os: str = "linux",
        *,
        profile: str = "default",
        rootless: bool = False,
        spec_version: str | None = None,
    ) -> Self:
        """Start from the defaults of a platform (``linux``, ``windows``, ``solaris``, ``freebsd``, ``vm`` or ``zos``).

        ``profile``: ``minimal``, ``default``, ``hardened`` or ``privileged``. ``rootless``: what an unprivileged user
        can run. ``spec_version``: the release to write for; members that it does not have are refused (``next``: the
        draft, for which a config names the newest release). Without it the config names the oldest release, from 1.0.2
        on, that has all of its members. Raises :class:`OptionError`.
        """
        tree = starting_tree(os, profile, without_root=rootless)
        if spec_version is not None:
            _check_release(spec_version)
            since = trees.section_since(os)
            if not holds(spec_version, since, None):
                raise OptionError(f"{os} was added in runtime-spec {since}, but this config is for {spec_version}")
            tree = trees.only_in(tree, spec_version)
        return cls(tree, release=spec_version, platforms=frozenset({os, "linux"} if os == "vm" else {os}))

    @classmethod
    def template(cls, config: Tree, *, spec_version: str | None = None) -> Self:
        """Start from a config that exists; nothing in it changes unless asked, and unknown members survive.

        It stays with the release that it names (or goes to ``spec_version``). Raises :class:`OptionError`.
        """
        if not isinstance(config, dict):
            raise OptionError("the template is not a JSON object")
        copy = deepcopy(config)
        if spec_version is not None:
            _check_release(spec_version)
            copy["ociVersion"] = version_for(spec_version, RUNTIME_RELEASES)
        written = copy.get("ociVersion")
        named = judged_by(written, RUNTIME_RELEASES).release if isinstance(written, str) else None
        release = spec_version or named
        present = {name for name in PLATFORMS if name in copy}
        return cls(copy, release=release, platforms=frozenset((present | {"linux"}) if present <= {"vm"} else present))

    # --- Access for the option groups

    def _on(self, platform: str) -> bool:
        return platform in self._platforms

    def _place(self, path: str) -> Place:
        """A concrete place for an option to write to; its platform has to be one of the config."""
        place = trees.concrete(self._tree, resolve(path))
        names = [step for step in place.steps if isinstance(step, str)]
        wanted = _MEMBERS_OF.get(names[1], ()) if names[0] == "process" and len(names) > 1 else ()
        wanted = (names[0],) if names[0] in PLATFORMS else wanted
        if wanted and self._platforms.isdisjoint(wanted):
            raise OptionError(
                f"{place.text} is for {' or '.join(wanted)}, but this config is for {self._named_platforms()}"
            )
        return place

    def _named_platforms(self) -> str:
        return " and ".join(sorted(self._platforms))

    def _put(self, path: str, value: Any) -> Self:
        place = self._place(path)
        accept(place, value, self._release)
        trees.put(self._tree, place, value)
        return self

    def _put_checked(self, path: str, entries: list[Any], new: list[Any]) -> Self:
        """Write an array of which only the ``new`` entries are to be judged: the others stood there before."""
        place = self._place(path)
        accept(place, new, self._release)
        trees.put(self._tree, place, entries)
        return self

    def _get(self, path: str, default: Any = None) -> Any:
        return trees.get(self._tree, trees.concrete(self._tree, resolve(path)), default)

    def _drop(self, path: str) -> Self:
        trees.drop(self._tree, trees.concrete(self._tree, resolve(path)))
        return self

    def _entries(self, path: str) -> list[Any]:
        """The array at a path, or an empty list that is in no config.

        Raises :class:`OptionError` when a template has something else there.
        """
        found = self._get(path, [])
        if not isinstance(found, list):
            raise OptionError(f"{path} is not an array in this config")
        return found

    def _objects(self, path: str) -> list[Tree]:
        """The entries of an array of objects; whatever else a template has in it is passed over."""
        return [entry for entry in self._entries(path) if isinstance(entry, dict)]

    def _put_entry(self, path: str, entry: Tree, *, key: str) -> Self:
        """Add an entry to an array, in place of the one with the same ``key``."""
        for index, existing in enumerate(self._entries(path)):
            if isinstance(existing, dict) and existing.get(key) == entry[key]:
                return self._put(f"{path}[{index}]", entry)
        return self._put(f"{path}[+]", entry)

    def _keep(self, path: str, keep: list[Any]) -> Self:
        """Leave these entries of an array, and no array when there are none left."""
        return self._put(path, keep) if keep else self._drop(path)


def _check_release(release: str) -> None:
    if release not in RUNTIME_CHOICES:
        raise OptionError(f"unknown release of runtime-spec: {release!r}; known are {', '.join(RUNTIME_CHOICES)}")
