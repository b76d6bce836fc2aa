"""What the tests of the command line share: what a command says, and the samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

SAMPLES = Path(__file__).parents[2] / "fixtures" / "demo"
GOOD, BROKEN = str(SAMPLES / "bundle-good"), str(SAMPLES / "bundle-broken")
# Two clauses that BROKEN breaks.
CWD = "runtime/config.process.cwd.absolute"
MISSPELLED = "lint/members.misspelled"


class Said(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output of a command that prints JSON."""
        return json.loads(self.out)

    @property
    def clauses(self) -> list[str]:
        """The clauses of the findings of the first report."""
        return [finding["clause"] for finding in self.json["reports"][0]["findings"]]

    @property
    def judged(self) -> set[str]:
        """The clauses that the first report speaks of."""
        return {result["clause"] for result in self.json["reports"][0]["results"]}


Command = Callable[..., Said]


def complaint(said: Said) -> str:
    """The one line that is said of a command line that makes no sense."""
    assert (said.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    assert line.startswith("ocivalidate: error: ")
    return line.removeprefix("ocivalidate: error: ")
