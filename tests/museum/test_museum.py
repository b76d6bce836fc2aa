"""Every bug that a runtime shipped and a run shows: caught on a version that has it, passed by one that has not.

Outside of the ordinary run: it fetches and builds some twenty runtimes (``python -m fixtures.subjects``), as root.
``python -m tests.museum`` prints what each run said.
"""

from __future__ import annotations

import os

import pytest

from fixtures.subjects import CannotFetch, cache
from tests.museum.bugs import Bug, Museum, bugs

BUGS = bugs()


@pytest.fixture(scope="session")
def museum() -> Museum:
    return Museum(cache.default(), BUGS)


@pytest.mark.museum
@pytest.mark.skipif(os.geteuid() != 0, reason="runtimes need root")
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_caught_where_it_is_and_passed_where_it_is_not(museum: Museum, bug: Bug) -> None:
    try:
        bad, good = museum.verdict(bug, bug.bad), museum.verdict(bug, bug.good)
    except CannotFetch as problem:
        pytest.fail(f"a subject cannot be had: {problem}", pytrace=False)
    assert bad.failed, f"{bug.bad} is not caught: {bad.said}"
    assert good.passed, f"{bug.good} does not pass: {good.said}"
