"""Documents of any size that are as expensive to judge as we can make them.

``DOCUMENTS`` maps a name to the command that judges it and to ``make(size)``, which returns about that many bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

GOOD: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "demo" / "bundle-good" / "config.json").read_text(encoding="utf-8")
)
_MARK = "\0here\0"


class Document(NamedTuple):
    """``make`` returns a document of about that many bytes; ``command`` judges it."""

    make: Callable[[int], bytes]
    command: str = "bundle"


def _placed(pointer: str, text: str, base: dict[str, Any]) -> bytes:
    """A document with this text at a place."""
    whole = json.loads(json.dumps(base))
    around = whole
    *outer, last = pointer.removeprefix("/").split("/")
    for name in outer:
        around = around.setdefault(name, {})
    around[last] = _MARK
    return json.dumps(whole).replace(json.dumps(_MARK), text).encode()


def entries(pointer: str, entry: str, **base: Any) -> Callable[[int], bytes]:
    """An array of one entry again and again."""
    return lambda size: _placed(pointer, f"[{','.join([entry] * (size // (len(entry) + 1)))}]", base or GOOD)


def members(pointer: str, member: str, **base: Any) -> Callable[[int], bytes]:
    """An object of members that differ by the number that replaces ``%d``."""

    def make(size: int) -> bytes:
        number = size // (len(member) + 4)
        text = ",".join(member.replace("%d", str(index)) for index in range(number))
        return _placed(pointer, f"{{{text}}}", base or GOOD)

    return make


def text(before: str, piece: str, after: str = "") -> Callable[[int], bytes]:
    """A text in which a piece is repeated."""
    return lambda size: (before + piece * (size // len(piece)) + after).encode()


def nested(inner: str, depth: int = 500) -> Callable[[int], bytes]:
    """Deeply nested entries."""
    return lambda size: _placed(
        "/unknown", "[" * depth + ",".join([inner] * (size // (len(inner) + 1))) + "]" * depth, GOOD
    )


def long_name(inner: str) -> Callable[[int], bytes]:
    """Entries below a name of half the size."""
    return lambda size: _placed(
        "/linux/netDevices",
        f'{{"{"n" * (size // 2)}":{{{",".join([inner] * (size // 2 // (len(inner) + 1)))}}}}}',
        GOOD,
    )


CONFIGS: dict[str, Callable[[int], bytes]] = {
    **{
        f"{pointer} of {{}}": entries(pointer, "{}")
        for pointer in (
            "/mounts", "/process/rlimits", "/linux/devices", "/linux/namespaces", "/linux/uidMappings",
            "/linux/seccomp/syscalls", "/linux/resources/hugepageLimits", "/hooks/prestart",
        )
    },
    "args of numbers": entries("/process/args", "0"),
    "args of arrays": entries("/process/args", "[]"),
    "args with NUL": entries("/process/args", '"\\u0000"'),
    "env without =": entries("/process/env", '"A"'),
    "env of one name": entries("/process/env", '"A=1"'),
    "capabilities unknown": entries("/process/capabilities/bounding", '"X"'),
    "rlimits twice": entries("/process/rlimits", '{"type":"RLIMIT_NOFILE","soft":2,"hard":1}'),
    "rlimits unknown": entries("/process/rlimits", '{"type":"R","soft":2,"hard":1}'),
    "mounts relative": entries("/mounts", '{"destination":"a"}'),
    "mounts without source": entries("/mounts", '{"destination":"a","options":["bind"]}'),
    "mounts with mappings": entries("/mounts", '{"destination":"/a","uidMappings":[{}]}'),
    "mounts misspelled": entries("/mounts", '{"destnation":"a"}'),
    "namespaces twice": entries("/linux/namespaces", '{"type":"pid"}'),
    "namespaces unknown": entries("/linux/namespaces", '{"type":"x","path":"a"}'),
    "devices twice": entries("/linux/devices", '{"path":"a","type":"c","major":1,"minor":1}'),
    "architectures unknown": entries("/linux/seccomp/architectures", '"X"'),
    "syscalls without names": entries("/linux/seccomp/syscalls", '{"names":[],"action":"X"}'),
    "mappings that overlap": entries("/linux/uidMappings", '{"containerID":0,"hostID":0,"size":9}'),
    "masked paths relative": entries("/linux/maskedPaths", '"a"'),
    "hooks relative": entries("/hooks/createRuntime", '{"path":"a"}'),
    "whole floats": entries("/process/user/additionalGids", "1.0"),
    "huge numbers": entries("/process/user/additionalGids", "1e999"),
    "long numbers": entries("/process/args", "9" * 4301),
    "lone surrogates": entries("/process/args", '"\\ud800"'),
    "unknown members": members("/linux", '"x%d":0'),
    "misspelled members": members("/linux", '"resourc%d":0'),
    "annotations of numbers": members("/annotations", '"a%d":0'),
    "sysctl": members("/linux/sysctl", '"a%d":""'),
    "unified": members("/linux/resources/unified", '"a%d":"x"'),
    "rdma": members("/linux/resources/rdma", '"a%d":{}'),
    "one name again": members("/annotations", '"a":""'),
    "every name twice": members("/unknown", '"a%d":0,"a%d":0'),
    "names twice, deep": nested('{"a":0,"a":0}'),
    "a long name": long_name('"a":0'),
    "a long string of escapes": text('{"a":"', "\\n", '"}'),
    "a long number": text('{"a":', "9", "}"),
    "a long exponent": text('{"a":1e', "9", "}"),
    "a long fraction": text('{"a":0.', "9", "}"),
    "open arrays": text("", "["),
    "open objects": text("", '{"a":'),
    "white space before a bracket": text('{"a":1,', " ", "}"),
    "an open string": text('{"a":"', '\\"'),
    "lines": lambda size: _placed("/mounts", "[" + "{},\n" * (size // 4) + "{}]", GOOD),
    "not UTF-8": lambda size: b'{"a":"' + b"\xff" * size,
    "addresses": entries("/freebsd/jail/ip4Addr", '"x"', ociVersion="1.3.0"),
    "nested mounts of Windows": lambda size: json.dumps(
        {"ociVersion": "1.2.1", "windows": {"layerFolders": ["a"]}, "mounts": [
            {"destination": "c:\\" + "a\\" * number} for number in range(int((size // 2) ** 0.5))
        ]}
    ).encode(),
}  # fmt: skip

DOCUMENTS: dict[str, Document] = {
    **{name: Document(make) for name, make in CONFIGS.items()},
    "state, annotations": Document(members("/annotations", '"a%d":0', ociVersion="1.0.0"), "state"),
    "state, unknown members": Document(members("/x", '"x%d":0'), "state"),
    "features, unknown members": Document(members("/linux/cgroup", '"x%d":0', ociVersionMin="1.0.0"), "features"),
    "features, hooks": Document(entries("/hooks", "0", ociVersionMin="1.0.0"), "features"),
    "index of {}": Document(entries("/manifests", "{}", schemaVersion=2), "image"),
    "index, descriptors": Document(
        entries("/manifests", '{"mediaType":"a","digest":"x","size":-1}', schemaVersion=2), "image"
    ),
    "manifest, layers": Document(entries("/layers", '{"digest":"sha256:a"}', schemaVersion=2, config={}), "image"),
    "image config, diff_ids": Document(
        entries("/rootfs/diff_ids", '"x"', architecture="amd64", os="linux"), "image"
    ),
    "image config, history": Document(
        entries("/history", "{}", architecture="amd64", os="linux", rootfs={"type": "layers"}), "image"
    ),
    "image config, Labels": Document(
        members("/config/Labels", '"a%d":0', architecture="amd64", os="linux", rootfs={"type": "layers"}), "image"
    ),
}  # fmt: skip
