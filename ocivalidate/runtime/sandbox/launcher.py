"""Engines in sandboxes."""

from __future__ import annotations

import os
from dataclasses import replace

from ocivalidate.errors import OptionError
from ocivalidate.runtime.launching import EngineProcess, LocalLauncher, RunningEngine
from ocivalidate.runtime.protocol import Request
from ocivalidate.runtime.sandbox import keeper, machines
from ocivalidate.runtime.sandbox.wanted import Sandbox

MOST_GUESTS = 32
"""The most guests of one run."""


class SandboxLauncher:
    """Starts each engine in a guest of its own, or in several, each with a part of the cases.

    The constructor raises :class:`CannotJudge` if there is no kernel, and :class:`OptionError` for too many guests.
    """

    def __init__(self, sandbox: Sandbox, guests: int = 1) -> None:
        if not 1 <= guests <= MOST_GUESTS:
            raise OptionError(f"--guests needs a number from 1 to {MOST_GUESTS}")
        self._sandbox, self._guests = sandbox, guests
        self._kernel = machines.find(sandbox)

    def start(self, request: Request) -> RunningEngine:
        """Boot what it takes, with engines in it. Raises :class:`OSError`, and :class:`BadCase` for several guests."""
        request = _absolute(request)
        if self._guests == 1:
            return self._booted(request)
        from ocivalidate.runtime.sandbox import splitting

        split = splitting.split(request, self._guests)
        engines: list[RunningEngine] = []
        try:
            engines.extend(self._booted(part) for part in split.requests)
        except OSError:
            for engine in engines:
                engine.kill()
                engine.wait()
            raise
        return splitting.SplitEngine(engines, split.order, split.everywhere)

    def _booted(self, request: Request) -> EngineProcess:
        return EngineProcess(keeper.command(self._sandbox, self._kernel), request)

    def sweep(self, name: str) -> None:
        """Remove what keepers left that were killed: what was in a guest is gone with it."""
        LocalLauncher().sweep(name)


def _absolute(request: Request) -> Request:
    """The request with paths that lead to the same places from anywhere."""
    paths = {name: getattr(request, name) for name in ("cases", "rootfs")}
    return replace(request, **{name: path and os.path.abspath(path) for name, path in paths.items()})
