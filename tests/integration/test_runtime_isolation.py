"""The namespaces around the engine, as root."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.integration.enclosure import why_not_root

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
    pytest.mark.skipif(not os.path.exists("/proc/sys/kernel/ns_last_pid"), reason="this kernel gives numbers in order"),
]

_PROGRAM = """
import os
from ocivalidate.runtime.kernel import isolation

raise SystemExit(isolation.run_isolated(lambda: print(os.getpid()) or 0))
"""


def test_nobody_there_has_the_number_of_a_first_process_in_a_namespace_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=30)
    assert int(done.stdout) > 100
