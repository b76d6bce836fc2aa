"""Checks of the state of a container (runtime-spec runtime.md#state)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.paths import absolute_form, is_absolute
from ocivalidate.bundle.registry import STATE
from ocivalidate.checks import Node, Scene, Violation

PID_REQUIRED = "runtime/runtime.state.pid.required-created-running-linux"
BUNDLE_ABSOLUTE = "runtime/runtime.state.bundle.absolute"

_WITH_A_PROCESS = ("created", "running")


@STATE.check("/status", PID_REQUIRED)
def pid_is_there(node: Node, scene: Scene) -> Iterator[Violation]:
    """Other states may have one too, but do not need it."""
    if node.value in _WITH_A_PROCESS and not scene.root.has("pid"):
        message = f"pid is missing, though the container is {node.value}"
        yield scene.root.breaks(PID_REQUIRED, message, got="", want="a member pid")


@STATE.check("/bundle", BUNDLE_ABSOLUTE)
def bundle_is_absolute(node: Node, scene: Scene) -> Iterator[Violation]:
    """A path of Windows passes wherever the platform is only presumed: nobody writes one and means a relative path."""
    platforms = scene.platforms or {"linux"}
    if not is_absolute(node.value, platforms | {"windows"}):
        yield node.breaks(BUNDLE_ABSOLUTE, "bundle is not an absolute path", want=absolute_form(platforms))
