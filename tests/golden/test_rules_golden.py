"""What changes between releases, exactly as it is printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.command_line import Command
from tests.unit.conftest import say

__all__ = ["say"]

Golden = Callable[[str, str], None]

ASKED = {
    "runtime": ("--diff", "1.2.1..1.3.0"),
    "image-next": ("--diff", "1.1.1..next"),
    "steps": ("--since", "1.2.0", "--until", "next", "--spec", "runtime", "--level", "should", "--judged", "dynamic"),
}


@pytest.mark.parametrize("name", ASKED)
def test_changes(say: Command, golden: Golden, name: str) -> None:
    said = say("rules", *ASKED[name])
    assert (said.code, said.err) == (0, "")
    golden(f"rules-{name}.txt", said.out)
    golden(f"rules-{name}.json", say("rules", *ASKED[name], "--format", "json").out)
