"""Engines in sandboxes."""

from __future__ import annotations

import os
from dataclasses import replace

from ocivalidate.runtime.launching import EngineProcess, LocalLauncher
from ocivalidate.runtime.protocol import Request
from ocivalidate.runtime.sandbox import keeper, machines
from ocivalidate.runtime.sandbox.wanted import Sandbox


class SandboxLauncher:
    """Starts each engine in a guest of its own. The constructor raises :class:`CannotJudge` if there is no kernel."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._kernel = machines.find(sandbox)

    def start(self, request: Request) -> EngineProcess:
        """Boot a guest, with an engine in it. Raises :class:`OSError`."""
        return EngineProcess(keeper.command(self._sandbox, self._kernel), _absolute(request))

    def sweep(self, name: str) -> None:
        """Remove what keepers left that were killed: what was in a guest is gone with it."""
        LocalLauncher().sweep(name)


def _absolute(request: Request) -> Request:
    """The request with paths that lead to the same places from anywhere."""
    paths = {name: getattr(request, name) for name in ("cases", "rootfs")}
    return replace(request, **{name: path and os.path.abspath(path) for name, path in paths.items()})
