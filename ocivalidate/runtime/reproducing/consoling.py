"""Take the terminal of a container from its console socket, and write what it prints to a file: see ``copying.py``."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

PATIENCE = 60.0  # seconds


def main(path: str, output: str) -> None:
    """Listen at ``path``, and append what the terminal prints to the file ``output``."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    listener.settimeout(PATIENCE)
    connection, _ = listener.accept()
    _, descriptors, _, _ = socket.recv_fds(connection, 4096, 4)
    # Reading a terminal without users fails instead of returning the end of file.
    with open(output, "ab", 0) as file, contextlib.suppress(OSError, IndexError):
        while text := os.read(descriptors[0], 65536):
            file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:3])
