"""Checks of hooks, all six kinds (runtime-spec config.md#posix-platform-hooks)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.process import is_variable
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation

# Kind of hook → the clause on its path.
PATH = {
    "prestart": "runtime/config.hooks.prestart.path.absolute",
    "createRuntime": "runtime/config.hooks.createRuntime.path.absolute",
    "createContainer": "runtime/config.hooks.createContainer.path.absolute",
    "startContainer": "runtime/config.hooks.startContainer.path.absolute",
    "poststart": "runtime/config.hooks.poststart.path.absolute",
    "poststop": "runtime/config.hooks.poststop.path.absolute",
}
KINDS = tuple(PATH)
PATHS = tuple(f"/hooks/{kind}/*/path" for kind in KINDS)
ENV = "safety/config.hooks.env.name-value"


def kind_of(hook_member: Node) -> str:
    """The kind of the hook to which a member at ``/hooks/<kind>/<index>/<member>`` belongs."""
    return hook_member.pointer.split("/")[2]


@CONFIG.check(PATHS, *PATH.values())
def hook_path_is_absolute(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A hook is run by its path alone: there is no search path and no base directory."""
    yield from not_absolute(node, PATH[kind_of(node)], context.platforms)


@CONFIG.check(tuple(f"/hooks/{kind}/*/env/*" for kind in KINDS), ENV)
def env_entry_has_a_name(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The environment holds strings of the form NAME=value, as that of the process does (POSIX, environ).

    An empty entry is reported as an empty text.
    """
    if node.value and not is_variable(node.value):
        yield node.breaks(ENV, f"{node.place} is not of the form NAME=value")
