"""Names of signals, as the image specification has them: SIGTERM, SIGRTMIN+3."""

from __future__ import annotations

import re

from ocivalidate.errors import OptionError

# signal(7), from 1 on, as on x86 and ARM
_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG "
    "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
).split()
_ALIASES = {"IOT": "ABRT", "CLD": "CHLD", "POLL": "IO", "UNUSED": "SYS"}
_LAST = 64
_REAL_TIME = re.compile(r"RTMIN(?:\+([0-9]{1,2}))?|RTMAX(?:-([0-9]{1,2}))?")
# How many there are between RTMIN and RTMAX of the C libraries, which keep the first two.
_BETWEEN = 30


def signal_name(written: int | str) -> str:
    """``kill``, ``SIGKILL`` and ``9`` as SIGKILL; real-time signals by their distance from an end.

    Raises :class:`OptionError`.
    """
    text = str(written).strip()
    if text.isascii() and text.isdigit() and len(text) < 4:
        number = int(text)
        if 1 <= number <= len(_NAMES):
            return f"SIG{_NAMES[number - 1]}"
        if _LAST - _BETWEEN <= number <= _LAST:
            return f"SIGRTMAX-{_LAST - number}" if number < _LAST else "SIGRTMAX"
        raise OptionError(f"{written} is not the number of a signal: 1 to {len(_NAMES)}, {_LAST - _BETWEEN} to {_LAST}")
    name = text.upper().removeprefix("SIG")
    name = _ALIASES.get(name, name)
    real_time = _REAL_TIME.fullmatch(name)
    if name in _NAMES or (real_time and int(real_time[1] or real_time[2] or 0) <= _BETWEEN):
        return f"SIG{name}"
    raise OptionError(f"unknown signal {written!r}; examples are SIGTERM, SIGRTMIN+3 and 15")
