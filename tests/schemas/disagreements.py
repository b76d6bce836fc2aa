"""Where our verdict and an official schema differ, who is right, and the sentence that decides.

The prose counts: the schemas stand beside it, and lag behind it or guess at it in places. A difference that no row
tells is a fault of ours until somebody shows a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Test = Callable[[Any], bool]


class Theirs(NamedTuple):
    """What an official schema refuses and we do not.

    ``kinds``: the start of the document types; ``place``: a regular expression of the pointer; ``keywords``: of the
    schema. The row holds for values for which ``when`` is true, in ``releases``, and, if ``platforms`` are given, only
    in documents for none of them.
    """

    kinds: str
    place: str
    keywords: str
    why: str
    when: Test = lambda _value: True
    releases: Sequence[str] = ()
    platforms: Sequence[str] = ()


class Ours(NamedTuple):
    """What we refuse and an official schema does not: a regular expression of clauses."""

    clauses: str
    why: str
    releases: Sequence[str] = ()


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _above(most: int) -> Test:
    return lambda value: isinstance(value, int) and value > most


_LATER_PLATFORMS = "config.md marks the member as one of Linux alone: documents for other platforms are not held to it"
_STRINGS = "the releases name values that runtimes know, and let them know others"

THEIRS = (
    Theirs(
        "image-config",
        ".*",
        "type",
        "config.md: a member that is null is treated as absent",
        lambda value: value is None,
    ),
    Theirs(
        "image-manifest", "/layers", "minItems", "manifest.md asks for a layer only of images that are to be portable"
    ),
    Theirs("", ".*", "type", "RFC 8259 has one sort of number, 1.0 is the integer 1; said as a warning", _is_whole),
    Theirs(
        "runtime-features", ".*", "type", "features.md: null stands for what is not known", lambda value: value is None
    ),
    Theirs(
        "runtime-features",
        "/linux/(namespaces|seccomp/.*)/.*",
        "enum",
        f"features.md lists what a runtime knows: {_STRINGS}",
    ),
    Theirs("runtime-features", "/linux/capabilities/.*", "pattern", "features.md: names of capabilities, with no form"),
    Theirs("runtime-state", "/status", "enum", "runtime.md: runtimes may add further values of status"),
    Theirs(
        "runtime-config",
        "/(linux|zos)/namespaces/[0-9]+",
        "anyOf",
        "a type that a later release lists: an open list, a warning",
    ),
    Theirs(
        "runtime-config",
        "/linux/seccomp/.*[aA]ction",
        "enum",
        "an action that a later release lists: an open list, a warning",
    ),
    Theirs(
        "runtime-config",
        "/linux/seccomp/.*rrnoRet",
        "maximum",
        "config-linux.md: an errno is a uint; one beyond it is a warning",
        _above(2**32 - 1),
    ),
    Theirs(
        "runtime-config",
        "/linux/seccomp/(architectures|flags)/.*",
        "enum",
        "what a later release lists: an open list, a warning",
    ),
    Theirs(
        "runtime-config",
        "/(linux|zos|freebsd)/devices/[0-9]+/(fileM|m)ode",
        "maximum",
        "config-linux.md: the mode is a uint32, with no limit",
        _above(511),
    ),
    Theirs(
        "runtime-config",
        "/linux/resources/pids",
        "required",
        "config-linux.md of 1.3.0: limit is OPTIONAL",
        releases=["1.3.0"],
    ),
    Theirs(
        "runtime-config",
        "/linux/resources/blockIO/.*eight",
        "type",
        "a weight is a uint16 that may be null to nobody but this schema",
    ),
    Theirs(
        "runtime-config",
        "/mounts/[0-9]+/[ug]idMappings(/.*)?",
        "type required minimum maximum",
        _LATER_PLATFORMS,
        platforms=["linux"],
    ),
    Theirs(
        "runtime-config",
        "/process/(ioPriority|execCPUAffinity|scheduler|apparmorProfile|oomScoreAdj|selinuxLabel)(/.*)?",
        "type enum pattern minimum maximum required",
        _LATER_PLATFORMS,
        platforms=["linux"],
    ),
    Theirs(
        "runtime-config",
        "/process/(rlimits|user|capabilities|noNewPrivileges)(/.*)?",
        "type pattern minimum maximum required",
        "config.md has the member on POSIX platforms or on Linux alone",
        platforms=["linux", "solaris"],
    ),
    Theirs(
        "runtime-config",
        "/process/ioPriority/priority",
        "minimum maximum",
        "config.md: it should be from 0 to 7: a warning",
    ),
    Theirs(
        "runtime-config",
        "/process/rlimits/[0-9]+/type",
        "pattern",
        "config.md: names that getrlimit(3) has; one that it has not on this platform is open to runtimes",
        platforms=["linux", "solaris"],
    ),
    Theirs(
        "runtime-config",
        "/vm/hwConfig/(vcpus|irqs/[0-9]+)",
        "maximum",
        "config-vm.md: an int, with no limit",
        _above(2**32 - 1),
    ),
    Theirs("runtime-config", "/vm/image", "required", "config-vm.md: an unset format is raw: contested, a warning"),
    Theirs(
        "runtime-config",
        "/vm/image/format",
        "enum",
        "config-vm.md lists commonly supported formats: an open list, a warning",
    ),
    Theirs(
        "runtime-config",
        "/windows/devices/[0-9]+/idType",
        "enum",
        "config-windows.md names the type that runtimes know today: an open list, a warning",
    ),
    Theirs(
        "runtime-config",
        "/windows/resources/cpu/affinity",
        "type",
        "config-windows.md: an array of objects; the schema has an object",
    ),
    Theirs(
        "runtime-config",
        "/zos/devices/[0-9]+",
        "required",
        "config-zos.md: major and minor are required unless the type is p",
    ),
    Theirs(
        "runtime-config",
        "/solaris/(cappedCPU|cappedMemory|anet/[0-9]+)/.*",
        "type",
        "config-solaris.md gives the members by name; the schema holds unknown ones to strings",
    ),
)

_PATHS = "the prose asks for an absolute path; FilePath is any text to the schema"
_REQUIRED = "the prose says REQUIRED, and the schema has no such list"
_TOGETHER = "the prose relates members to each other, which the schema does not"
_NOT_YET = "the schema of the release lacks what its prose has, or spells it otherwise"
_LISTS = "the prose gives the form or the values; the schema takes any text or number"

OURS = (
    Ours(
        "image/(config\\.config\\.(ExposedPorts|Volumes|Labels)|.*annotations)\\.type",
        "values of maps have a type; the pattern of the schema passes over an empty key",
    ),
    Ours(
        "image/(manifest|image-index)\\.mediaType\\..*",
        "it is reserved for the type of the document itself; schemas before 1.1.0 do not look at it",
    ),
    Ours(
        "image/image-index\\.manifests\\.platform\\.features\\..*",
        "image-index.md: reserved, an array of strings; the schema lacks it",
    ),
    Ours(
        "image/descriptor\\.digest\\.sha(256|512)-.*",
        "descriptor.md: so many hexadecimal digits, in lower case; the schema has the grammar of all algorithms",
    ),
    Ours(
        "image/descriptor\\.data\\.(base64|identical)",
        "descriptor.md: base64, and the bytes of the content; a schema takes any text",
    ),
    Ours("image/descriptor\\.size\\.type", "descriptor.md: a size in bytes; the schema takes negative ones"),
    Ours(
        "image/config\\.(config\\.(Env|User)\\.format|rootfs\\.diff_ids\\.digest|created\\..*|history\\.created\\..*)",
        _LISTS,
    ),
    Ours(
        "image/config\\.config\\.(ExposedPorts|Volumes)\\.(keys|values)",
        "config.md: a set, written as keys in their forms with empty objects",
    ),
    Ours(
        "image/config\\.config\\.(Memory|MemorySwap|CpuShares|Healthcheck)\\.type",
        "config.md of 1.1.0 reserves them, with their types; the schema lacks them",
    ),
    Ours(
        "image/config\\.config\\.Labels\\.annotation-rules",
        "config.md: labels follow the rules of annotations; the schema takes any key",
    ),
    Ours(
        "image/.*\\.rfc6838",
        "descriptor.md: names of RFC 6838; the pattern of the schema has a range, from & to ^, where a hyphen is meant",
    ),
    Ours("image/config\\.history\\.empty_layer\\.count", _TOGETHER),
    Ours(
        "image/manifest\\.(artifactType\\.with-empty-config|artifact\\.config-mediaType|empty-descriptor\\.content)",
        _TOGETHER,
    ),
    Ours("image/annotations\\..*", "annotations.md: values of predefined keys have forms; the schema takes any text"),
    Ours("safety/.*", "no sentence of the specification, but kernels and runtimes refuse it"),
    Ours("runtime/.*absolute(-.*)?", _PATHS),
    Ours(
        "runtime/.*ociVersion(Min|Max)?\\.(semver|not-below-min)",
        "config.md: the version is one of SemVer 2.0.0, in order; the schema takes any text",
    ),
    Ours("runtime/config-(linux|zos|freebsd)\\.devices\\.(major|minor|path)\\.required.*", _REQUIRED),
    Ours("runtime/.*\\.(uid|gid|rate|major|minor|domain|priority|mode)\\.required", _REQUIRED),
    Ours(
        "runtime/config\\.(root\\.(required|forbidden).*|process\\.commandLine\\.required-without-args)",
        "config.md requires it by platform, which the schema does not know",
    ),
    Ours("runtime/runtime\\.state\\.pid\\.required.*", "runtime.md requires the pid by status"),
    Ours("runtime/.*\\.(unique|no-duplicate-type|no-nesting-windows)", _TOGETHER),
    Ours("runtime/.*\\.(needs-.*|with-[ug]idMappings|mutually-exclusive|one-of|le-quota|mode-rules)", _TOGETHER),
    Ours(
        "runtime/.*\\.(format|values|range|none|unlimited|windows-volume-guid|windows-false|linux-values|solaris-values)",
        _LISTS,
    ),
    Ours(
        "runtime/config\\.process\\.args\\.non-empty-non-windows",
        "config.md: one entry at least; the schema takes an empty array",
    ),
    Ours("runtime/config-linux\\.resources\\.(unified\\.key|rdma\\..*)", _LISTS),
    Ours(
        "runtime/(config|features|runtime\\.state)\\.annotations\\.(type|key-non-empty)",
        "config.md: values are texts and keys are not empty; the pattern of the schema passes over an empty key",
    ),
    Ours(
        "runtime/config\\.annotations\\.image-.*",
        "config.md: such annotations are those of the image specification, in their forms",
    ),
    Ours(
        "runtime/features\\.no-undefined-properties",
        "features.md: no properties but those that are defined; the schema is open",
    ),
    Ours("runtime/features-linux\\.(intelRdt|memoryPolicy)\\..*type", _NOT_YET),
    Ours("runtime/config-linux\\.(intelRdt|timeOffsets)\\..*", _NOT_YET),
    Ours(
        "runtime/config-linux\\.resources\\.blockIO\\.throttle(Read|Write)IOPSDevice\\..*", _NOT_YET, ["1.0.0", "1.0.1"]
    ),
    Ours(
        "runtime/config-linux\\.resources\\.blockIO\\.(leafW|w|weightDevice\\..*W|weightDevice\\..*w)eight\\.type",
        "config-linux.md: a uint16; the schema of these releases has a wider one",
        ["1.0.0", "1.0.1"],
    ),
    Ours(
        "runtime/config-vm\\.hwConfig\\.iomems\\.type",
        "config-vm.md: an array of objects; the schema, by items in an array, holds the first entry alone",
    ),
    Ours(
        "runtime/config-windows\\.resources\\.cpu\\.affinity\\..*",
        "config-windows.md: an array of objects; the schema has an object",
    ),
)
