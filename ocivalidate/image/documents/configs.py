"""Checks of an image configuration (image-spec config.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ocivalidate.image.documents.common import not_a_date
from ocivalidate.image.documents.registry import CONFIG
from ocivalidate.image.layers.users import LARGEST_ID, is_id, is_number
from ocivalidate.jsontext.pointers import Path, place_at
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity
from ocivalidate.vocabulary import digests

CREATED = "image/config.created.rfc3339"
USER = "image/config.config.User.format"
PORTS = "image/config.config.ExposedPorts.keys"
SETS = {
    "ExposedPorts": "image/config.config.ExposedPorts.values",
    "Volumes": "image/config.config.Volumes.values",
}
ENV = "image/config.config.Env.format"
ARGS_ESCAPED = "image/config.config.ArgsEscaped.deprecated"
DIFF_ID = "image/config.rootfs.diff_ids.digest"
NUL, USER_ID, PROGRAM, LABEL = (
    "safety/image.config.text.nul",
    "safety/image.config.user.no-id",
    "safety/image.config.program",
    "safety/image.config.label.key",
)

_PORT = re.compile(
    r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?(?:/(?P<protocol>tcp|udp|sctp))?", re.IGNORECASE | re.ASCII
)
_HIGHEST_PORT = 65535
# Becomes the process of a container, whose strings end at a NUL.
_FOR_SYSTEM_CALLS = ("User", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir")


@CONFIG.check("/created", CREATED)
def created_is_a_date(node: Node, context: CheckContext) -> Iterator[Violation]:
    """When the image was made."""
    yield from not_a_date(node, CREATED)


@CONFIG.check("/config/User", USER)
def user_is_of_a_known_form(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Linux only, as the text says; Docker writes an empty one for none."""
    if not node.value or context.root.text("os") == "windows":
        return
    user, colon, group = node.value.partition(":")
    if not user or (colon and not group) or ":" in group:
        message = f"{node.place} does not have a form that the specification allows"
        yield node.breaks(USER, message, want="user, uid, user:group, uid:gid, uid:group or user:gid")


@CONFIG.check("/config/User", USER_ID)
def numbers_of_the_user_are_ids(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Numbers go to the process unchanged (conversion.md#configuser), and setresuid(2) accepts no others."""
    if not node.value or context.root.text("os") == "windows":
        return
    for text in node.value.split(":", 2)[:2]:
        if is_number(text) and not is_id(text):
            message = f"{node.place} has a number out of range for a uid or gid"
            yield node.breaks(USER_ID, message, want=f"at most {LARGEST_ID}")
            return


@CONFIG.check("/config", PROGRAM)
def program_has_a_name(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Entrypoint followed by Cmd is run (conversion.md), and execve(2) refuses an empty path.

    Docker treats an Entrypoint of one empty string as none; containerd, CRI-O and others run it.
    """
    if context.root.text("os") != "linux":
        return
    first = next((entry for name in ("Entrypoint", "Cmd") for entry in node.elements(name)), None)
    if first is not None and first.value == "":
        yield first.breaks(PROGRAM, f"{first.place} is empty, but names the program to run")


@CONFIG.check("/config/Labels/*", LABEL)
def label_has_a_key(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Labels become annotations (conversion.md#annotation-fields), whose keys MUST NOT be empty in runtime-spec."""
    if not node.name:
        yield node.breaks(LABEL, "a label has an empty key", at_name=True)


@CONFIG.check("/config/ExposedPorts/*", PORTS)
def ports_are_of_a_known_form(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Builders write ranges, port 0 and sctp; some engines refuse ranges and port 0."""
    match = _PORT.fullmatch(node.name)
    ports = [int(port) for port in (match["first"], match["last"]) if port] if match else []
    want = "port, port/tcp or port/udp"
    if match is None or ports != sorted(ports) or ports[-1] > _HIGHEST_PORT:
        yield node.breaks(
            PORTS, "a key of config.ExposedPorts is not a valid port", got=node.name, want=want, at_name=True
        )
        return
    protocol = match["protocol"] or ""
    odd = ((match["last"], "a range of ports"), (0 in ports, "port 0"), (protocol != protocol.lower(), "in upper case"))
    what = next((what for is_so, what in odd if is_so), "")
    if what:
        message = f"a key of config.ExposedPorts is {what}, which some engines refuse"
        yield node.breaks(PORTS, message, got=node.name, want=want, severity=Severity.WARNING, at_name=True)
    elif protocol == "sctp":
        message = "a key of config.ExposedPorts has a form that the specification does not define"
        yield node.breaks(PORTS, message, got=node.name, severity=Severity.NOTE, at_name=True)


@CONFIG.check("/config/ExposedPorts/*", SETS["ExposedPorts"])
@CONFIG.check("/config/Volumes/*", SETS["Volumes"])
def value_is_empty(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The object represents a set: only its names matter."""
    if node.value:
        clause = SETS[node.pointer.split("/")[2]]
        yield node.breaks(clause, f"{node.place} is not an empty object", want="{}")


@CONFIG.check("/config/Env/*", ENV)
def variable_has_a_name_and_a_value(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Windows has special variables such as =C:."""
    name, equals, _ = node.value.partition("=")
    if not equals or (not name and context.root.text("os") != "windows"):
        yield node.breaks(ENV, f"{node.place} is not of the form NAME=VALUE", want="NAME=VALUE")


@CONFIG.check("/config/ArgsEscaped", ARGS_ESCAPED)
def args_escaped_is_not_used(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A note only: the inventory says which tools write it."""
    if node.value is not None:
        yield node.breaks(ARGS_ESCAPED, "config.ArgsEscaped is deprecated", at_name=True)


@CONFIG.check("/rootfs/diff_ids/*", DIFF_ID)
def diff_id_is_a_digest(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Tools build paths from them."""
    problem = digests.problem(node.value, context.release)
    if problem:
        yield node.breaks(DIFF_ID, f"{node.place} is not a valid digest: {problem}")


@CONFIG.check("/config", NUL)
def text_has_no_nul(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Strings go to system calls, which cut them at the first NUL. Labels do not."""
    for name in _FOR_SYSTEM_CALLS:
        member = node.get(name)
        if member is not None:
            for path in _texts_with_nul(member.path, member.value):
                yield Violation(NUL, path, f"{place_at(path)} contains a NUL character")


def _texts_with_nul(path: Path, value: Any) -> Iterator[Path]:
    if isinstance(value, str):
        if "\0" in value:
            yield path
    elif isinstance(value, dict):
        yield from ((path, name) for name in value if "\0" in name)
    elif isinstance(value, list):
        yield from ((path, index) for index, entry in enumerate(value) if isinstance(entry, str) and "\0" in entry)
