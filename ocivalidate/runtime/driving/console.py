"""The console socket: where ``create --console-socket`` sends the terminal of a container (SCM_RIGHTS)."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from pathlib import Path

from ocivalidate.errors import RuntimeFailed
from ocivalidate.runtime.kernel import handed


class ConsoleSocket:
    """A socket that receives the terminal of one container.

    ``path`` is passed to the runtime. After ``create``, :meth:`receive` returns the terminal, and :meth:`pump` copies
    its output to a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.terminal = -1
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.bind(str(path))
        self._socket.listen(1)
        self._stop, self._stopper = os.pipe2(os.O_CLOEXEC)
        self._pump: threading.Thread | None = None

    def receive(self, timeout: float = 5.0) -> int:
        """The descriptor of the terminal's master. Raises :class:`RuntimeFailed`."""
        deadline = time.monotonic() + timeout
        self._socket.settimeout(timeout)
        try:
            with self._socket.accept()[0] as connection:
                connection.settimeout(max(0.01, deadline - time.monotonic()))
                _, descriptors, _, _ = socket.recv_fds(connection, 4096, 4)
        except OSError as problem:
            raise RuntimeFailed(f"the runtime sent no terminal to its console socket: {problem}") from problem
        if not descriptors:
            raise RuntimeFailed("the runtime sent no file descriptor to its console socket")
        self.terminal, *others = descriptors
        for descriptor in others:
            os.close(descriptor)
        if not os.isatty(self.terminal):
            raise RuntimeFailed("the descriptor that the runtime sent to its console socket is not a terminal")
        # Another reader may take the data first.
        os.set_blocking(self.terminal, False)
        return self.terminal

    def pump(self, output: Path) -> None:
        """Append the output of the terminal to a file, until its last user closes it, or :meth:`close`."""
        self._pump = threading.Thread(target=self._copy, args=(output,), daemon=True)
        self._pump.start()

    def _copy(self, output: Path) -> None:
        poller = select.poll()
        poller.register(self.terminal, select.POLLIN)
        poller.register(self._stop, select.POLLIN)
        left = handed.MOST_PRINTED + 1
        with handed.opened(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as file:
            while left > 0:
                if self._stop in dict(poller.poll()):
                    return
                try:
                    # Reading a terminal without users fails instead of returning the end of file.
                    left -= os.write(file, os.read(self.terminal, 65536))
                except BlockingIOError:
                    continue
                except OSError:
                    return

    def close(self) -> None:
        """Close everything; a terminal hangs up."""
        os.close(self._stopper)
        if self._pump is not None:
            self._pump.join(2)
        for descriptor in (self._stop, self.terminal):
            if descriptor >= 0:
                os.close(descriptor)
        self._socket.close()
        with contextlib.suppress(OSError):
            self.path.unlink()
