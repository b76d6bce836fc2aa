"""Seccomp seen from outside a container: the filters of a process, and the supervisor of SCMP_ACT_NOTIFY."""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocivalidate.errors import CannotJudge

with contextlib.suppress(ImportError):
    # It is absent on systems where cases can only be listed.
    import fcntl

_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH = 0x4206, 0x4207, 17
_PTRACE_SECCOMP_GET_METADATA = 0x420D
_WALL = 0x40000000
# struct seccomp_notif and seccomp_notif_resp of linux/seccomp.h, and the ioctls that read and write them.
_NOTIF_SIZE, _NOTIF_RECV, _NOTIF_SEND = 80, 0xC0502100, 0xC0182101

_MOST_PARTS, _MOST_OF_PART = 64, 1 << 16  # messages on a connection, and connections; bytes of a message
_PATIENCE = 30.0  # seconds to wait for what others do, on the slowest of hosts
_JOINING_PATIENCE = 2.0  # seconds for a thread to end that may wait for a process which has ended

FLAG_LOG = 2
"""``SECCOMP_FILTER_FLAG_LOG``, the only filter flag that the kernel reports."""


def filter_flags(pid: int) -> list[int]:
    """The flags that the kernel reports for each seccomp filter of a process, newest first.

    The process is stopped for a moment. Raises :class:`CannotJudge` (no CAP_SYS_ADMIN, or a kernel without
    CONFIG_CHECKPOINT_RESTORE).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    ptrace = libc.ptrace
    ptrace.restype, ptrace.argtypes = ctypes.c_long, [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if ptrace(_PTRACE_SEIZE, pid, None, None) < 0:
        raise CannotJudge(f"ptrace: {os.strerror(ctypes.get_errno())}")
    try:
        ptrace(_PTRACE_INTERRUPT, pid, None, None)
        _wait_for_stop(pid)
        flags: list[int] = []
        while True:
            metadata = (ctypes.c_ulonglong * 2)(len(flags), 0)
            if ptrace(_PTRACE_SECCOMP_GET_METADATA, pid, ctypes.sizeof(metadata), ctypes.addressof(metadata)) < 0:
                break
            flags.append(int(metadata[1]))
    finally:
        ptrace(_PTRACE_DETACH, pid, None, None)
    if not flags:
        raise CannotJudge("this kernel does not report the flags of seccomp filters")
    return flags


def _wait_for_stop(pid: int) -> None:
    """Wait until a traced process has stopped. Raises :class:`CannotJudge` if it does not: it may hang in a call."""
    end = time.monotonic() + _PATIENCE
    while not os.waitpid(pid, _WALL | os.WNOHANG)[0]:
        if time.monotonic() > end:
            raise CannotJudge("the process does not stop for ptrace")
        time.sleep(0.001)


@dataclass(slots=True)
class Message:
    """The data of one connection: each ``recvmsg`` with its descriptors, until the other side closed."""

    parts: list[tuple[bytes, list[int]]] = field(default_factory=list)
    closed: bool = False

    @property
    def text(self) -> bytes:
        """All text that was sent."""
        return b"".join(part for part, _ in self.parts)

    @property
    def descriptors(self) -> list[int]:
        """All descriptors that were sent."""
        return [descriptor for _, came in self.parts for descriptor in came]

    def state(self) -> Any:
        """The container process state; ``None`` if it is not JSON."""
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(self.text)
        return None


class Listener:
    """A socket that receives container process states, and answers each notified system call with an errno.

    ``messages``: one for each connection. ``answered``: the numbers of the calls that were answered.
    """

    def __init__(self, path: Path, errno: int) -> None:
        self.path = path
        self.messages: list[Message] = []
        self.answered: list[int] = []
        self._errno = errno
        self._closed = False
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._server.bind(str(path))
        path.chmod(0o777)
        self._server.listen()
        self._wake, self._stop = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def wait_closed(self, seconds: float) -> None:
        """Wait until the other side has closed all connections, for so long at most."""
        end = time.monotonic() + seconds
        while not all(message.closed for message in self.messages) and time.monotonic() < end:
            time.sleep(0.002)  # the thread that sees it has more to do

    def close(self) -> None:
        """Stop answering."""
        self._closed = True
        os.close(self._stop)
        # Older kernels do not wake a thread that waits for a call of an ended process: it then ends when we do.
        self._thread.join(_JOINING_PATIENCE)
        self._server.close()
        os.close(self._wake)
        for message in self.messages:
            for descriptor in message.descriptors:
                os.close(descriptor)

    def _serve(self) -> None:
        connections: dict[int, tuple[socket.socket, Message]] = {}
        notifiers: set[int] = set()
        while not self._closed:
            poller = select.poll()
            for descriptor in (self._wake, self._server.fileno(), *connections, *notifiers):
                poller.register(descriptor, select.POLLIN)
            ready = dict(poller.poll())
            if self._wake in ready:
                break
            for one, events in ready.items():
                if one == self._server.fileno():
                    self._accept(connections)
                elif one in connections:
                    notifiers |= self._receive(*connections[one])
                    if connections[one][1].closed or len(connections[one][1].parts) > _MOST_PARTS:
                        connections.pop(one)[0].close()
                # No process has the filter any more (POLLHUP): up to Linux 6.10, receiving a call would block forever.
                elif events & ~select.POLLIN or not self._answer(one):
                    notifiers.discard(one)
        for connection, _ in connections.values():
            connection.close()

    def _accept(self, connections: dict[int, tuple[socket.socket, Message]]) -> None:
        connection, _ = self._server.accept()
        if len(self.messages) > _MOST_PARTS:
            connection.close()
            return
        connection.settimeout(_PATIENCE)
        message = Message()
        self.messages.append(message)
        connections[connection.fileno()] = connection, message

    def _receive(self, connection: socket.socket, message: Message) -> set[int]:
        """Receive a message; return its descriptors that are seccomp listeners."""
        space = socket.CMSG_SPACE(16 * array.array("i").itemsize)
        try:
            part, beside, _, _ = connection.recvmsg(_MOST_OF_PART, space, socket.MSG_CMSG_CLOEXEC)
        except OSError:
            part, beside = b"", []
        came = array.array("i")
        for level, kind, data in beside:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                came.frombytes(data[: len(data) - len(data) % came.itemsize])
        if not part and not came:
            message.closed = True
        else:
            message.parts.append((part, list(came)))
        return {descriptor for descriptor in came if _notifies(descriptor)}

    def _answer(self, notifier: int) -> bool:
        """Answer one call; false if there will be no more."""
        request = bytearray(_NOTIF_SIZE)
        try:
            fcntl.ioctl(notifier, _NOTIF_RECV, request)
            identity, number = struct.unpack_from("Q", request)[0], struct.unpack_from("i", request, 16)[0]
            fcntl.ioctl(notifier, _NOTIF_SEND, struct.pack("=QqiI", identity, 0, -self._errno, 0))
        except OSError:
            return False
        self.answered.append(number)
        return True


def _notifies(descriptor: int) -> bool:
    """Whether a descriptor is the listener of a seccomp filter."""
    return "seccomp notify" in os.readlink(f"/proc/self/fd/{descriptor}")
