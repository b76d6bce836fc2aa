"""Options that reach every field of the specification by its path."""

from __future__ import annotations

from typing import Any, Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import tree as trees
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.paths import resolve, resolve_assignment
from ocivalidate.generate.table import Arguments, Phase, option
from ocivalidate.generate.values import accept, typed
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES, judged_by


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
