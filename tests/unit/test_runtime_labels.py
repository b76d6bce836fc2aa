"""Labels of SELinux: what a host's policy lets a case have."""

from __future__ import annotations

import pytest

from ocivalidate import resources
from ocivalidate.runtime.running.loading import load_cases


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (
            "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023",
            "unconfined_u:unconfined_r:unconfined_t:s0:c123,c456",
        ),
        ("system_u:system_r:container_t:s0:c1,c2", "system_u:system_r:container_t:s0:c123,c456"),
        ("system_u:object_r:tmp_t:s0", "system_u:object_r:tmp_t:s0:c123,c456"),
        ("user_u:user_r:user_t", ""),
        ("kernel", ""),
    ],
)
def test_a_label_in_other_categories(own: str, other: str) -> None:
    [case, *_] = [one for one in load_cases(resources.folder("conformance")) if one.id.startswith("labels.")]
    assert case.run.__globals__["in_other_categories"](own) == other
