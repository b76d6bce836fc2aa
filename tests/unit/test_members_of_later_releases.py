"""A member that the release does not have yet: runtimes ignore it, and a wrong value in it is told with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sayings import WARNING, config, findings, linux

TOO_NEW = "lint/members.too-new"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (config("1.0.2", domainname="tides"), "domainname was added in version 1.1.0"),
        (config("1.0.2", domainname=5), "domainname was added in version 1.1.0, and domainname is not a string"),
        (
            config("1.0.2", linux=linux(timeOffsets=[])),
            "linux.timeOffsets was added in version 1.1.0, and linux.timeOffsets is not an object",
        ),
        (
            config("1.0.0", linux=linux(personality={})),
            "linux.personality was added in version 1.0.2, and linux.personality.domain is missing",
        ),
        (
            config("1.2.0", linux=linux(intelRdt={"schemata": "L3:0=f"})),
            "linux.intelRdt.schemata was added in version 1.3.0, and linux.intelRdt.schemata is not an array",
        ),
    ],
)
def test_both_are_told(document: dict[str, Any], message: str) -> None:
    (finding,) = findings(document)
    assert (finding.clause.id, finding.severity, finding.message) == (TOO_NEW, WARNING, message)


def test_linux_container_on_windows_that_writes_hyperv_in_another_way() -> None:
    """The finding says what is wrong: no member of this name, so that there has to be a root."""
    document = config("1.0.1", root=None, windows={"layerFolders": ["C:\\l"], "HyperV": {}})
    missing = next(
        finding for finding in findings(document) if finding.clause.id == "runtime/config.root.required-wcow"
    )
    assert missing.message == "root is missing: without windows.hyperv, a Linux container on Windows needs one"
    assert missing.hint == "windows.HyperV is not windows.hyperv: most readers ignore it"
