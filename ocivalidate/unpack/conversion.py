"""Whether a runtime configuration follows from an image configuration by conversion.md, whoever made it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from ocivalidate.image.layers.users import Read, Unknown, User, is_number, resolve
from ocivalidate.jsontext.pointers import Path
from ocivalidate.rules.checks import Node, Violation
from ocivalidate.rules.declared import FUNCTIONS, judges
from ocivalidate.unpack import convert
from ocivalidate.vocabulary.wording import excerpt

VERBATIM = "image/conversion.verbatim"
NO_OVERRIDE = "image/conversion.env.no-override"
ENTRYPOINT_AND_CMD = "image/conversion.args.entrypoint-plus-cmd"
LABELS_WIN = "image/conversion.annotations.labels-win"
NO_MODIFY = "image/conversion.annotations.no-modify"
NOT_FROM_MANIFEST = "image/conversion.annotations.not-from-manifest"
PORTS = "image/conversion.exposedPorts.annotation"
PARSED = "image/conversion.parsed-fields"
NUMERIC = "image/conversion.user.numeric-verbatim"
RESOLVED = "image/conversion.user.name-resolved"
GROUPS = "image/conversion.user.additionalGids"
NO_GROUPS = "image/conversion.user.numeric-no-additionalGids"
# Older releases said so of a number alone, not of a name with a group.
NO_GROUPS_OF_NUMBER = "image/conversion.user.numeric-user-no-additionalGids"
VOLUMES = "image/conversion.volumes.mounts"
DESTINATION = "image/conversion.volumes.destination"
# Suffix of an annotation key → its clause.
IMPLIED = {
    "os": "image/conversion.annotations.os",
    "architecture": "image/conversion.annotations.architecture",
    "variant": "image/conversion.annotations.variant",
    "os.version": "image/conversion.annotations.os.version",
    "os.features": "image/conversion.annotations.os.features",
    "author": "image/conversion.annotations.author",
    "created": "image/conversion.annotations.created",
    "stopSignal": "image/conversion.annotations.stopSignal",
    "exposedPorts": PORTS,
}
_LONGEST_NUMBER = 100
NO_ROOTFS = "no root file system to look users up in"


@dataclass(slots=True)
class Pair:
    """An image configuration and the runtime configuration made from it.

    ``attached``: the annotations of the manifest and of its entry in an index. ``read`` gives files of the bundle's
    root file system, ``None`` where there is none. Judging fills ``judged`` and ``unjudged`` (with the reason).
    """

    image: Node
    runtime: Node
    attached: dict[str, str] = field(default_factory=dict)
    read: Read | None = None
    judged: set[str] = field(default_factory=set)
    unjudged: dict[str, str] = field(default_factory=dict)

    def at(self, *names: str) -> Path:
        """The path to a member of the runtime configuration, or to its nearest ancestor that exists."""
        node = self.runtime
        for name in names:
            found = node.get(name)
            if found is None:
                break
            node = found
        return node.path

    def breaks(self, clause: str, message: str, *names: str, got: object = "", want: object = "") -> Violation:
        """A violation at a member of the runtime configuration."""
        texts = [text if isinstance(text, str) else excerpt(text) for text in (got, want)]
        return Violation(clause, self.at(*names), message, got=texts[0], want=texts[1])


def violations(pair: Pair) -> Iterator[Violation]:
    """All violations of the pair."""
    for check in (_arguments, _working_folder, _environment, _annotations, _attached, _user, _volumes):
        for violation in check(pair):
            if violation.clause not in FUNCTIONS[check]:
                raise AssertionError(f"{check.__name__} does not declare {violation.clause}")
            yield violation


@judges(ENTRYPOINT_AND_CMD, VERBATIM)
def _arguments(pair: Pair) -> Iterator[Violation]:
    wanted = convert.arguments(pair.image)
    if not wanted:
        return
    both = bool(pair.image.texts("config", "Entrypoint") and pair.image.texts("config", "Cmd"))
    clause = ENTRYPOINT_AND_CMD if both else VERBATIM
    pair.judged |= {clause, VERBATIM}
    found = pair.runtime.texts("process", "args")
    if found != wanted:
        what = "Entrypoint followed by Cmd" if both else "what the image says"
        yield pair.breaks(clause, f"process.args is not {what}", "process", "args", got=found, want=wanted)


@judges(VERBATIM)
def _working_folder(pair: Pair) -> Iterator[Violation]:
    written = pair.image.text("config", "WorkingDir")
    if not written:
        return
    pair.judged.add(VERBATIM)
    found = pair.runtime.text("process", "cwd")
    if found not in (written, convert.working_folder(pair.image)):
        yield pair.breaks(VERBATIM, "process.cwd is not WorkingDir", "process", "cwd", got=found or "", want=written)


@judges(VERBATIM, NO_OVERRIDE)
def _environment(pair: Pair) -> Iterator[Violation]:
    wanted = convert.environment(pair.image)
    if not wanted:
        return
    pair.judged |= {VERBATIM, NO_OVERRIDE}
    found = pair.runtime.texts("process", "env")
    left = list(found)
    for entry in wanted:
        if entry in left:
            left.remove(entry)
            continue
        name = convert.variable(entry)
        got = next((other for other in found if convert.variable(other) == name), "no such variable")
        yield pair.breaks(VERBATIM, f"process.env does not set {name} as the image does", "process", "env", got=got)
    names = {convert.variable(entry) for entry in wanted if entry in found}
    for entry in left:
        if convert.variable(entry) in names:
            message = f"process.env sets {convert.variable(entry)} again, which the image sets itself"
            yield pair.breaks(NO_OVERRIDE, message, "process", "env", got=entry)


@judges(VERBATIM, LABELS_WIN, NO_MODIFY, *IMPLIED.values())
def _annotations(pair: Pair) -> Iterator[Violation]:
    labels, implied = convert.labels(pair.image), convert.implied_annotations(pair.image)
    found = _texts(pair.runtime.get("annotations"))
    for key, want in labels.items():
        clause = LABELS_WIN if key in implied else NO_MODIFY
        pair.judged.add(clause)
        if key not in found:
            pair.judged.add(VERBATIM)
            yield pair.breaks(VERBATIM, f"the label {key} is not among the annotations", "annotations", want=want)
        elif found[key] != want:
            message = f"the annotation {key} differs from the label"
            yield pair.breaks(clause, message, "annotations", key, got=found[key], want=want)
    for end, clause in IMPLIED.items():
        key = f"{convert.PREFIX}{end}"
        if key not in implied or key in labels:
            continue
        pair.judged.add(clause)
        if not _same(end, found.get(key, ""), implied[key]):
            message = f"the annotation {key} does not match the image configuration"
            yield pair.breaks(clause, message, "annotations", key, got=found.get(key, ""), want=implied[key])


def _same(end: str, found: str, wanted: str) -> bool:
    """Whether an annotation has the value; ports are compared as a set."""
    if end == "exposedPorts":
        return sorted(found.split(",")) == sorted(wanted.split(","))
    return found == wanted


def _texts(node: Node | None) -> dict[str, str]:
    return {child.name: child.value for child in node.children() if isinstance(child.value, str)} if node else {}


@judges(NOT_FROM_MANIFEST)
def _attached(pair: Pair) -> Iterator[Violation]:
    own = convert.labels(pair.image) | convert.implied_annotations(pair.image)
    found = _texts(pair.runtime.get("annotations"))
    if pair.attached:
        pair.judged.add(NOT_FROM_MANIFEST)
    for key, value in pair.attached.items():
        if key not in own and found.get(key) == value:
            message = f"the annotation {key} comes from the manifest or the index"
            yield pair.breaks(NOT_FROM_MANIFEST, message, "annotations", key, got=value)


@judges(PARSED, NUMERIC, NO_GROUPS, NO_GROUPS_OF_NUMBER, RESOLVED, GROUPS)
def _user(pair: Pair) -> Iterator[Violation]:
    written = pair.image.text("config", "User")
    if not written or pair.image.text("os") == "windows":
        return
    user = pair.runtime.get("process", "user")
    pair.judged.add(PARSED)
    if user is None:
        yield pair.breaks(PARSED, "Config.User is not parsed: there is no process.user", "process", want=written)
        return
    name, _colon, group = written.partition(":")
    yield from _numbers(pair, user, name, group)
    yield from _names(pair, user, written)


def _numbers(pair: Pair, user: Node, name: str, group: str) -> Iterator[Violation]:
    for text, member in ((name, "uid"), (group, "gid")):
        if is_number(text):
            pair.judged.add(NUMERIC)
            # Python refuses to convert thousands of digits to a number, and no uid has that many.
            if len(text) > _LONGEST_NUMBER or user.number(member) != int(text):
                message = f"process.user.{member} does not match the number in Config.User"
                yield pair.breaks(NUMERIC, message, "process", "user", member, got=user.number(member), want=text)
    if is_number(name) or group:
        clauses = (NO_GROUPS, NO_GROUPS_OF_NUMBER) if is_number(name) else (NO_GROUPS,)
        pair.judged.update(clauses)
        found = _additional(user)
        for clause in clauses if found else ():
            message = "additionalGids are set, although Config.User is a number or names a group"
            yield pair.breaks(clause, message, "process", "user", "additionalGids", got=found)


def _names(pair: Pair, user: Node, written: str) -> Iterator[Violation]:
    name, _colon, group = written.partition(":")
    named = [text for text in (name, group) if text and not is_number(text)]
    if not named:
        return
    if pair.read is None:
        pair.unjudged |= {RESOLVED: NO_ROOTFS, GROUPS: NO_ROOTFS}
        return
    pair.judged.add(RESOLVED)
    try:
        wanted = resolve(written, pair.read)
    except Unknown as problem:
        yield pair.breaks(RESOLVED, str(problem), "process", "user", got=user.value)
        return
    yield from _resolved(pair, user, name, group, wanted)
    if wanted.additional is not None:
        pair.judged.add(GROUPS)
        found = _additional(user)
        if set(found) - {wanted.gid} != set(wanted.additional) - {wanted.gid}:
            message = "additionalGids are not the groups of the user in /etc/group"
            want = list(wanted.additional)
            yield pair.breaks(GROUPS, message, "process", "user", "additionalGids", got=found, want=want)


def _resolved(pair: Pair, user: Node, name: str, group: str, wanted: User) -> Iterator[Violation]:
    """The ids of names; a number in Config.User is judged by another check."""
    for member, text, number in (("uid", name, wanted.uid), ("gid", group or name, wanted.gid)):
        if not is_number(text) and user.number(member) != number:
            message = f"process.user.{member} does not match {text} in the root file system"
            yield pair.breaks(RESOLVED, message, "process", "user", member, got=user.number(member), want=number)


def _additional(user: Node) -> list[int]:
    return [child.value for child in user.each("additionalGids") if isinstance(child.value, int)]


@judges(VOLUMES, DESTINATION)
def _volumes(pair: Pair) -> Iterator[Violation]:
    wanted = convert.volumes(pair.image)
    if not wanted:
        return
    pair.judged |= {VOLUMES, DESTINATION}
    found = [mount.text("destination") or "" for mount in pair.runtime.each("mounts")]
    places = {posixpath.normpath(destination).lstrip("/"): destination for destination in found}
    for volume in wanted:
        destination = places.get(posixpath.normpath(volume).lstrip("/"))
        if destination is None:
            yield pair.breaks(VOLUMES, f"there is no mount for the volume {volume}", "mounts", want=volume)
        elif destination != volume and volume.startswith("/"):
            message = "the destination of the mount does not match the volume of the image"
            yield pair.breaks(DESTINATION, message, "mounts", got=destination, want=volume)
