"""What goes wrong with registries. Every message is one line of ours: a server's own words may repeat a credential."""

from __future__ import annotations

from ocivalidate.errors import Unreadable


class RegistryError(Unreadable):
    """A registry does not give what was asked for. ``status``: of its last answer; 0 if there was none."""

    def __init__(self, reason: str, hint: str = "", status: int = 0) -> None:
        super().__init__(reason, hint)
        self.status = status

    def __reduce__(self) -> tuple[type[RegistryError], tuple[str, str, int]]:
        """All of it, for another process."""
        return type(self), (str(self), self.hint, self.status)


class NotThere(RegistryError):
    """The registry says that it does not have it (404)."""


class ConnectionFailed(RegistryError):
    """A connection failed, or a server limped: another attempt may succeed. ``silent``: nothing came any more."""

    def __init__(self, reason: str, hint: str = "", status: int = 0, *, silent: bool = False) -> None:
        super().__init__(reason, hint, status)
        self.silent = silent
