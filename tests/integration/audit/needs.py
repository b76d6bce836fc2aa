"""Which programs a test needs."""

from __future__ import annotations

import pytest

from fixtures.registries import servers


def need(*programs: str) -> None:
    """Skip the test unless these programs are here."""
    for program in programs:
        reason = servers.absent(program)
        if reason:
            pytest.skip(reason)
