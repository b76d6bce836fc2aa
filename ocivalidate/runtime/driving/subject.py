"""The runtime under test: what it says about itself, and its command line.

A runtime is identified by the output of ``--version``, never by its file name, as people run wrappers. How runtimes
differ is data: ``conformance/runtimes.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocivalidate import resources
from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.driving.driver import Call, call, json_object
from ocivalidate.runtime.kernel import programs
from ocivalidate.vocabulary.spelling import one_typo_apart
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES, RUNTIME_RELEASES, judged_by, version_for

# Seconds for ``--version`` and ``features``: together with those for the first container, less
# than the half minute after which a user thinks that a program hangs.
_PATIENCE = 8.0
_PATIENCE_FOR_FEATURES = 4.0
_NAME = re.compile(r"^[ \t]*(\S+)\s+version:?\s+v?(\S+)", re.MULTILINE)
_SPEC = re.compile(r"^[ \t]*spec:\s*(\S+)", re.MULTILINE)
_MOST_BANNER = 64 * 1024  # characters of the output of --version that are read


# The annotation in its features by which a runtime says that it applies only these properties of config.json: their
# pointers, separated by spaces. Such a runtime does not isolate and needs no root: a fake, or an aid for tests.
APPLIES = "org.ocivalidate.applies"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The command line of a runtime.

    ``arguments`` precede every command; in them ``{root}`` is the state directory and ``{log}``
    a file. ``cover``: directories that this runtime must not see, covered in the engine's mount namespace.
    """

    name: str
    arguments: tuple[str, ...] = ("--root", "{root}")
    cover: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RuntimeUnderTest:
    """A runtime and what it claims.

    ``claim``: the version of the specification as it reports it; ``release``: the release judged by;
    ``oci_version``: the ociVersion of its bundles. ``digest``: that of its program.
    ``features``: the output of ``features``, ``None`` if it does not
    have the command.
    """

    command: tuple[str, ...]
    name: str
    version: str
    claim: str
    release: str
    oci_version: str
    dialect: Dialect
    banner: str = ""
    features: Mapping[str, Any] | None = None
    extra: tuple[str, ...] = field(default=())
    digest: str = ""

    @property
    def applies(self) -> frozenset[str] | None:
        """The pointers of the only properties that the runtime applies; ``None`` for a runtime that isolates."""
        annotations = (self.features or {}).get("annotations")
        said = annotations.get(APPLIES) if isinstance(annotations, dict) else None
        return frozenset(said.split()) if isinstance(said, str) else None

    @property
    def isolates(self) -> bool:
        """Whether the runtime isolates containers from the host at all."""
        return self.applies is None

    def unapplied(self, pointers: Sequence[str]) -> list[str]:
        """The properties among ``pointers`` that the runtime says it does not apply."""
        applied = self.applies
        return [] if applied is None else [pointer for pointer in pointers if pointer not in applied]

    def argv(self, root: str, log: str, *command: str) -> list[str]:
        """The argument vector of one command."""
        places = {"{root}": root, "{log}": log}
        return [*self.command, *(_put(word, places) for word in self.dialect.arguments), *self.extra, *command]


def _put(word: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        word = word.replace(name, value)
    return word


def identify(
    runtime: str, extra: Sequence[str] = (), spec_version: str | None = None, pace: float = 1.0
) -> RuntimeUnderTest:
    """Identify a runtime.

    ``runtime`` is looked up in PATH. ``pace``: how much slower than usual everything goes here. Raises
    :class:`CannotJudge`, also for an unknown release. The program's answers may be anything.
    """
    if spec_version not in (None, *RUNTIME_CHOICES):
        raise CannotJudge(f"unknown release of runtime-spec: {spec_version}; known are {', '.join(RUNTIME_CHOICES)}")
    path = programs.find(runtime)
    if path is None:
        raise CannotJudge(f"there is no program {runtime}{_meant(runtime)}")
    banner = _asked([path, "--version"], _PATIENCE * pace)
    if banner.ended != "exit":
        raise CannotJudge(f"{path} --version {banner.last_error_line}")
    said = f"{banner.stdout[:_MOST_BANNER]}\n{banner.stderr[:_MOST_BANNER]}" if banner.ok else ""
    name = _NAME.search(said)
    dialect = _dialect(name[1] if name else "")
    asking = [path, *_without_places(dialect), *extra, "features"]
    features = _features(asking, _PATIENCE_FOR_FEATURES * pace) if banner.ok else None
    spec = _SPEC.search(said)
    claim = str((features or {}).get("ociVersionMax") or (spec[1] if spec else ""))
    release = spec_version or judged_by(claim or None, RUNTIME_RELEASES).release
    return RuntimeUnderTest(
        command=(path,),
        name=name[1] if name else "",
        version=name[2] if name else "",
        claim=claim,
        release=release,
        oci_version=version_for(release, RUNTIME_RELEASES),
        dialect=dialect,
        banner=said.strip()[:2000],
        features=features,
        extra=tuple(extra),
        digest=programs.digest(path),
    )


def _meant(runtime: str) -> str:
    """The runtime that is installed here and whose name was misspelled."""
    names = (entry.name for entry in dialects() if one_typo_apart(runtime, entry.name))
    found = next((name for name in names if programs.find(name)), "")
    return f"; did you mean {found}?" if found else ""


def _asked(argv: list[str], timeout: float) -> Call:
    return call(argv, timeout=timeout)


def _features(argv: list[str], timeout: float) -> Mapping[str, Any] | None:
    answer = _asked(argv, timeout)
    if not answer.ok:
        return None
    try:
        return json_object(answer.stdout)
    except ValueError:
        return None


def _without_places(dialect: Dialect) -> list[str]:
    """The arguments without paths, for commands that concern no container."""
    words = iter(dialect.arguments)
    kept: list[str] = []
    for word in words:
        if "{" not in word:
            kept.append(word)
        elif kept and kept[-1].startswith("--") and not word.startswith("--"):
            kept.pop()
    return kept


def _dialect(name: str) -> Dialect:
    """The dialect of a runtime; an unknown runtime is assumed to have ``--root``."""
    for entry in dialects():
        if entry.name == name:
            return entry
    return Dialect(name)


def dialects() -> list[Dialect]:
    """The dialects that ``conformance/runtimes.toml`` describes."""
    table = tomllib.loads((resources.folder("conformance") / "runtimes.toml").read_text(encoding="utf-8"))
    return [
        Dialect(
            name=entry["name"],
            arguments=tuple(entry.get("arguments", ("--root", "{root}"))),
            cover=tuple(entry.get("cover", ())),
        )
        for entry in table["runtime"]
    ]
