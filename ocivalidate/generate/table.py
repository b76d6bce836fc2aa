"""The option table: every friendly option once, as a flag of ``oci-gen`` and as a method of ``ConfigBuilder``.

A method of the builder becomes a row by the decorator :func:`option`. The command line makes its flags from the rows,
so a method without a flag or a flag without a method cannot come about.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

Arguments = tuple[Any, ...]
Method = TypeVar("Method", bound=Callable[..., Any])


class Phase(IntEnum):
    """When an option of a command line is applied; those of one phase in the order in which they are written."""

    FIRST = 0
    EARLY = 1
    NORMAL = 2
    LATE = 3
    FIELDS = 4


GROUPS = {
    "start": "Starting point",
    "process": "Process",
    "resources": "Resources (Linux; --cpus, --memory and --cpu-shares also for Windows)",
    "devices": "Devices",
    "mounts": "Root filesystem and mounts",
    "names": "Names, namespaces and id mappings",
    "security": "Security",
    "hooks": "Hooks and annotations",
    "platforms": "Windows, virtual machines",
    "fields": "Every field of the specification",
    "output": "Output",
}


def as_text(text: str) -> Arguments:
    """One argument, the text itself: what most options take."""
    return (text,)


class Option(NamedTuple):
    """One row. ``metavar`` is empty for a flag without a value.

    ``reads`` turns the text of a value into the method's arguments.
    """

    method: str
    flags: tuple[str, ...]
    group: str
    metavar: str
    help: str
    reads: Callable[[str], Arguments]
    phase: Phase

    @property
    def flag(self) -> str:
        """The long flag that stands for the option in messages."""
        return next(flag for flag in self.flags if flag.startswith("--"))


TABLE: dict[str, Option] = {}


def option(
    *flags: str,
    group: str,
    help: str,  # noqa: A002  # the word that argparse has for it
    metavar: str = "",
    reads: Callable[[str], Arguments] = as_text,
    phase: Phase = Phase.NORMAL,
) -> Callable[[Method], Method]:
    """Make a row of the method that follows."""

    def register(method: Method) -> Method:
        name = method.__name__
        TABLE[name] = Option(name, flags, group, metavar, help, reads, phase)
        return method

    return register
