"""``ConfigBuilder``: what ``oci-gen`` does, for programs.

Each option is a method of the same name, and each method returns the builder.

>>> from ocivalidate.generate import ConfigBuilder
>>> config = ConfigBuilder.linux().cpus(2).volume("./data", "/data", ["ro"]).command("sh", "-c", "ls /data").build()
>>> config["linux"]["resources"]["cpu"]
{'quota': 200000, 'period': 100000}
>>> config["mounts"][-1]["options"]
['rbind', 'rprivate', 'ro']

The config names the oldest release, from 1.0.2 on, that has all of its members; ``spec_version`` names another.

>>> config["ociVersion"]
'1.0.2'
>>> ConfigBuilder.linux().memory("1.5g").unified("memory.high", "1g").build()["ociVersion"]
'1.1.0'
>>> ConfigBuilder.linux(spec_version="1.0.2").domainname("example")
Traceback (most recent call last):
ocivalidate.errors.OptionError: domainname was added in runtime-spec 1.1.0, but this config is for 1.0.2

Every field of the specification has a path; types, members and releases are those of the schema.

>>> ConfigBuilder.linux().set("linux.memoryPolicy", {"mode": "MPOL_LOCAL"}).build()["ociVersion"]
'1.3.0'
>>> ConfigBuilder.linux().set("linux.memoryPolcy.mode", "MPOL_LOCAL")
Traceback (most recent call last):
ocivalidate.errors.OptionError: there is no field linux.memoryPolcy; did you mean linux.memoryPolicy?

A config that ``check_bundle`` would reject is not given out.

>>> ConfigBuilder.linux().workdir("app").build()
Traceback (most recent call last):
ocivalidate.rules.refusals.Rejected: process.cwd is not an absolute path
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ocivalidate.generate import tree as trees
from ocivalidate.generate.devices import DeviceOptions
from ocivalidate.generate.draft import OLDEST
from ocivalidate.generate.fields import FieldOptions
from ocivalidate.generate.hooks import HookOptions
from ocivalidate.generate.names import NameOptions
from ocivalidate.generate.platforms import PlatformOptions
from ocivalidate.generate.process import ProcessOptions
from ocivalidate.generate.resources import ResourceOptions
from ocivalidate.generate.security import SecurityOptions
from ocivalidate.generate.tree import Tree
from ocivalidate.rules.refusals import Rejected
from ocivalidate.vocabulary.versions import NEXT, RUNTIME_RELEASES, version_for

if TYPE_CHECKING:
    from ocivalidate.rules.findings import Report


class ConfigBuilder(
    ProcessOptions,
    ResourceOptions,
    DeviceOptions,
    NameOptions,
    SecurityOptions,
    HookOptions,
    PlatformOptions,
    FieldOptions,
):
    """A ``config.json`` in the making. Every option raises :class:`OptionError` for what cannot be written."""

    @classmethod
    def linux(cls, *, profile: str = "default", rootless: bool = False, spec_version: str | None = None) -> Self:
        """Start with a Linux container; see :meth:`start`."""
        return cls.start("linux", profile=profile, rootless=rootless, spec_version=spec_version)

    @classmethod
    def windows(cls, *, profile: str = "default", spec_version: str | None = None) -> Self:
        """Start with a Hyper-V container; :meth:`layer` says where its image is."""
        return cls.start("windows", profile=profile, spec_version=spec_version)

    @classmethod
    def solaris(cls, *, profile: str = "default", spec_version: str | None = None) -> Self:
        """Start with a Solaris zone."""
        return cls.start("solaris", profile=profile, spec_version=spec_version)

    @classmethod
    def freebsd(cls, *, profile: str = "default", spec_version: str | None = None) -> Self:
        """Start with a FreeBSD jail."""
        return cls.start("freebsd", profile=profile, spec_version=spec_version)

    @classmethod
    def vm(cls, *, profile: str = "default", spec_version: str | None = None) -> Self:
        """Start with a Linux container in a virtual machine."""
        return cls.start("vm", profile=profile, spec_version=spec_version)

    @classmethod
    def zos(cls, *, profile: str = "default", spec_version: str | None = None) -> Self:
        """Start with a z/OS container."""
        return cls.start("zos", profile=profile, spec_version=spec_version)

    def get(self, path: str, default: Any = None) -> Any:
        """What stands at a path so far."""
        return deepcopy(self._get(path, default))

    def finish(self) -> Finished:
        """The config as it stands, right or not, with its text and what ``check_bundle`` says of it.

        Raises :class:`OptionError`.
        """
        tree = deepcopy(self)._complete()  # noqa: SLF001  # one of our own, so that the builder itself stays as it is
        if self._release == NEXT:
            return _finished({"ociVersion": version_for(NEXT, RUNTIME_RELEASES), **tree}, NEXT)
        if "ociVersion" in tree:
            return _finished(tree)
        releases = [self._release] if self._release else trees.releases_with_all(tree, OLDEST)
        return _best({**tree, "ociVersion": release} for release in releases)

    def _complete(self) -> Tree:
        """The config, with what depends on several options."""
        self._keep_added_capabilities()
        self._refuse_unmapped_users()
        self._fit_user_namespace()
        self._convert_profile()
        return self._tree

    def report(self) -> Report:
        """What ``check_bundle`` says of the config."""
        return self.finish().report

    def build(self, *, force: bool = False) -> Tree:
        """The config, members in the order of the specification.

        Raises :class:`Rejected` when ``ocivalidate bundle`` would fail on it, unless ``force``; and
        :class:`OptionError`.
        """
        finished = self.finish()
        if finished.rejected and not force:
            raise Rejected(finished.report)
        return finished.tree

    def render(self, *, force: bool = False) -> bytes:
        """The text of the config, the same for the same options, with a newline at the end.

        Raises as :meth:`build` does.
        """
        return trees.rendered(self.build(force=force))


class Finished(NamedTuple):
    """A config, its text, and what ``check_bundle`` says of it."""

    tree: Tree
    text: bytes
    report: Report

    @property
    def rejected(self) -> bool:
        """Whether ``ocivalidate bundle`` would fail on it."""
        from ocivalidate.rules.findings import ExitCode, exit_code

        return exit_code([self.report]) is not ExitCode.CONFORMS

    @property
    def weight(self) -> tuple[int, int]:
        """How much is wrong with it: errors, then all findings."""
        from ocivalidate.rules.clauses import Severity

        findings = self.report.findings
        return sum(finding.severity is Severity.ERROR for finding in findings), len(findings)


def _finished(tree: Tree, release: str | None = None) -> Finished:
    from ocivalidate.bundle.api import check_config  # --help has no use for it
    from ocivalidate.rules.clauses import Selection

    ordered: Tree = trees.ordered(tree)
    text = trees.rendered(ordered)
    return Finished(ordered, text, check_config(text, Selection(spec_version=release), name="config.json"))


def _best(candidates: Iterable[Tree]) -> Finished:
    """The first one in which least is found.

    The same config for several releases: a value can be newer than the member that holds it (``SCMP_ACT_NOTIFY``,
    say), and only the findings tell those releases apart.
    """
    best: Finished | None = None
    for tree in candidates:
        found = _finished(tree)
        if best is None or found.weight < best.weight:
            best = found
        if best.weight == (0, 0):
            break
    if best is None:
        raise AssertionError("there is always a release to write for")
    return best
