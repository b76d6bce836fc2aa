"""From the text of a value to a value of the type that the schema wants, and whether it fits there."""

from __future__ import annotations

import re
from typing import Any

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.paths import Node, Place, child, said
from ocivalidate.jsontext.pointers import path_of
from ocivalidate.vocabulary.spelling import one_typo_apart
from ocivalidate.vocabulary.versions import holds
from ocivalidate.vocabulary.wording import excerpt

# How many arrays and objects may stand inside each other in what options are given. Real configs have less than 20.
_DEEPEST = 100
# Integer fields that count something which people write with a unit, by their general path.
_UNITS = (
    (
        re.compile(
            r"linux\.resources\.memory\.(?:limit|reservation|swap|kernel|kernelTCP)"
            r"|linux\.resources\.hugepageLimits\[\]\.limit"
            r"|linux\.resources\.blockIO\.throttle(?:Read|Write)BpsDevice\[\]\.rate"
            r"|windows\.resources\.(?:memory\.limit|storage\.(?:bps|sandboxSize))|vm\.hwConfig\.memory"
        ),
        "bytes",
        units.size_or_unlimited,
    ),
    (
        re.compile(r"linux\.resources\.cpu\.(?:quota|period|burst|realtimeRuntime|realtimePeriod)"),
        "microseconds",
        units.microseconds,
    ),
    (
        re.compile(r"linux\.devices\[\]\.fileMode|zos\.devices\[\]\.fileMode|process\.user\.umask"),
        "octal digits",
        units.octal,
    ),
    (re.compile(r"freebsd\.devices\[\]\.mode"), "octal digits", units.octal),
)


def unit_of(path: str) -> str:
    """The unit in which ``--set`` takes an integer field (general path), or ``""``."""
    return next((name for pattern, name, _read in _UNITS if pattern.fullmatch(path)), "")


def typed(place: Place, text: str) -> Any:
    """The value that ``text`` means at ``place``. Raises :class:`OptionError`."""
    from ocivalidate.rules.schema import type_text

    kind = place.node.get("type")
    if kind == "string":
        return text
    if kind == "integer":
        return _integer(_general(place), text)
    if kind == "boolean":
        return boolean(text)
    if kind in ("array", "object") and not text.lstrip().startswith(("[", "{")):
        form = '["a","b"]' if kind == "array" else '{"name":"value"}'
        hint = "; --append adds one entry" if kind == "array" else ""
        raise OptionError(f"{place.text} is {type_text(kind)}: write it as JSON, such as {form}{hint}")
    return from_json(text, place.text)


def _integer(path: str, text: str) -> int:
    for pattern, _name, read in _UNITS:
        if pattern.fullmatch(path) and not text.startswith("-"):
            return read(text)
    return units.count(text)


def _general(place: Place) -> str:
    return re.sub(r"\[[^]]*\]", "[]", place.text)


def boolean(text: str) -> bool:
    """``true`` or ``false``."""
    known = {"true": True, "false": False}
    if text.lower() not in known:
        raise OptionError(f"{text!r} is neither true nor false")
    return known[text.lower()]


def from_json(text: str, name: str) -> Any:
    """A JSON value, read as strictly as a config. Raises :class:`OptionError`."""
    from ocivalidate.jsontext.documents import read_document

    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise OptionError(f"{name} is not valid UTF-8") from None
    document = read_document(data, name, max_depth=_DEEPEST)
    if document.problems:
        raise OptionError(f"{name} is not valid JSON: {document.problems[0].message}")
    return document.value


def accept(place: Place, value: Any, release: str | None) -> None:
    """Raise :class:`OptionError` unless ``value`` can stand at ``place`` in the release (``None``: in any).

    Members that the specification does not have, or not in the release, are refused, as is every value that
    breaks the schema.
    """
    from ocivalidate.rules.schema import violations

    for node in place.nodes:
        _in_release(node, place.text, release)
    _known(place.node, value, place.steps, release)
    for error in violations(place.node, value, path_of(*map(str, place.steps))):
        want = f", want {error.want}" if error.want else ""
        raise OptionError(f"{error.message} (got {error.got}{want})")


def _in_release(node: Node, path: str, release: str | None) -> None:
    since, until = node.get("x-since"), node.get("x-until")
    if release is None or holds(release, since, until):
        return
    came = not holds(release, since, None)
    change = f"was added in runtime-spec {since}" if came else f"was removed after runtime-spec {until}"
    raise OptionError(f"{path} {change}, but this config is for {release}")


def _known(node: Node, value: Any, steps: tuple[Any, ...], release: str | None) -> None:
    if node.get("x-open"):
        return
    if isinstance(value, dict) and ("properties" in node or "additionalProperties" in node):
        for name, member in value.items():
            found = child(node, name)
            if found is None:
                raise OptionError(_undefined((*steps, name), name, node))
            _in_release(found, said((*steps, name)), release)
            _known(found, member, (*steps, name), release)
    elif isinstance(value, list) and "items" in node:
        for index, entry in enumerate(value):
            _known(node["items"], entry, (*steps, index), release)


def _undefined(steps: tuple[Any, ...], name: str, node: Node) -> str:
    meant = next(
        (known for known in node.get("properties", {}) if known.lower() == name.lower() or one_typo_apart(name, known)),
        "",
    )
    return f"there is no field {said(steps)}" + (f"; did you mean {meant}?" if meant else "")


def described(node: Node, path: str) -> str:
    """The type of a field in words, such as ``integer (bytes)`` or ``"c" | "b"``."""
    if "enum" in node:
        return " | ".join(excerpt(value) for value in node["enum"])
    kind = str(node.get("type", "any"))
    if kind == "array":
        return f"array of {node['items'].get('type', 'any')}"
    if kind != "integer":
        return kind
    unit = unit_of(path)
    low, high = node.get("minimum"), node.get("maximum")
    wide = low is None or high is None or high - low >= 2**16
    limits = "" if wide else f" {low}..{high}"
    return f"integer{limits}" + (f" ({unit})" if unit else "")
