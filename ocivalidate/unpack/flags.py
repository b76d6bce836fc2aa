"""Flags for opening files. Systems that lack one can judge bundles but not unpack."""

from __future__ import annotations

import os

from ocivalidate.system.portable import flags

CAN_UNPACK = hasattr(os, "O_PATH")
# A folder to list or to open things in, without following a link.
LIST = os.O_RDONLY | flags("O_DIRECTORY O_NOFOLLOW O_CLOEXEC")
REACH = flags("O_PATH O_DIRECTORY O_NOFOLLOW O_CLOEXEC")
# Anything, without opening it.
TOUCH = flags("O_PATH O_NOFOLLOW O_CLOEXEC")
# A folder as the user names it, through links.
NAMED = os.O_RDONLY | flags("O_DIRECTORY O_CLOEXEC")
# A file of unknown type: opening a FIFO must not block.
READ = os.O_RDONLY | flags("O_NOFOLLOW O_NONBLOCK O_CLOEXEC")
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags("O_NOFOLLOW O_CLOEXEC")
