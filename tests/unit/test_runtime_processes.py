from __future__ import annotations

import os
import subprocess

from ocivalidate.runtime.kernel.processes import began


def test_a_process_that_has_ended_did_not_begin_even_if_nobody_has_reaped_it() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert os.path.isdir(f"/proc/{process.pid}")
    assert began(process.pid) == ""
    process.wait()
    assert began(process.pid) == ""


def test_a_process_that_lives_began_once() -> None:
    assert began(os.getpid()).isdigit()
    assert began(os.getpid()) == began(os.getpid())
