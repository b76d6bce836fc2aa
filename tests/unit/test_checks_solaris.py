from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle import solaris as checks
from tests.unit.checking import broken_clauses


@pytest.mark.parametrize(
    ("destination", "platforms", "broken"),
    [
        ("/opt/local", ["solaris"], False),
        ("opt/local", ["solaris"], True),
        ("", ["solaris"], True),
        ("C:\\opt", ["solaris"], True),
        # Told by the rules of the other platform.
        ("opt/local", ["solaris", "linux"], False),
        ("opt/local", ["solaris", "windows"], False),
        ("opt/local", ["freebsd"], False),
    ],
)
def test_destinations(destination: str, platforms: list[str], broken: bool) -> None:  # noqa: FBT001 - a column of the table
    found = broken_clauses(checks, {"mounts": [{"destination": destination}]}, *platforms)
    assert found == ([(checks.DESTINATION_ABSOLUTE, "/mounts/0/destination")] if broken else [])


@pytest.mark.parametrize(
    "limitpriv",
    ["default", "default,sys_time", "basic, !proc_fork ,-FILE_LINK_ANY", "", "all", "{file_write}:/var/*,basic"],
)
def test_privilege_sets(limitpriv: str) -> None:
    assert broken_clauses(checks, {"solaris": {"limitpriv": limitpriv}}, "solaris") == []


@pytest.mark.parametrize(
    "limitpriv", ["default sys_time", "default,,sys_time", "default;sys_time", ",", "default,!", " "]
)
def test_texts_that_are_no_privilege_sets(limitpriv: str) -> None:
    found = broken_clauses(checks, {"solaris": {"limitpriv": limitpriv}}, "solaris")
    assert found == [(checks.LIMITPRIV, "/solaris/limitpriv")]


@pytest.mark.parametrize("ncpus", ["8", ".75", "1.25", "0.5", "1."])
def test_numbers_of_cpus(ncpus: str) -> None:
    assert broken_clauses(checks, {"solaris": {"cappedCPU": {"ncpus": ncpus}}}, "solaris") == []


@pytest.mark.parametrize("ncpus", ["", ".", "-1", "75%", "1,25", "1e3", " 8", "8\n", "eight", "٣", "1.2.3"])
def test_texts_that_are_no_numbers_of_cpus(ncpus: str) -> None:
    found = broken_clauses(checks, {"solaris": {"cappedCPU": {"ncpus": ncpus}}}, "solaris")
    assert found == [(checks.NCPUS, "/solaris/cappedCPU/ncpus")]


@pytest.mark.parametrize("solaris", [{"limitpriv": 1}, {"cappedCPU": {"ncpus": 8}}, {"cappedCPU": []}, None, {}])
def test_what_is_of_a_wrong_type_or_absent_is_left_alone(solaris: Any) -> None:
    assert broken_clauses(checks, {"solaris": solaris}, "solaris") == []
