from __future__ import annotations

import pytest

from ocivalidate.vocabulary.licenses import is_license_expression


@pytest.mark.parametrize(
    "text",
    [
        "MIT",
        "GPL-2.0+",
        "Apache-2.0 OR MIT",
        "Apache-2.0 or MIT",
        "(MIT)",
        "MIT AND (LGPL-2.1-or-later OR BSD-3-Clause)",
        "GPL-2.0-or-later WITH Bison-exception-2.2",
        "(GPL-2.0-only WITH Classpath-exception-2.0) AND MIT",
        "LicenseRef-23",
        "DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2",
        "NOASSERTION",
        "((MIT))",
        " MIT ",
    ],
)
def test_expressions(text: str) -> None:
    assert is_license_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Apache License 2.0",
        "MIT, BSD",
        "MIT/BSD",
        "MIT AND",
        "AND MIT",
        "MIT OR AND BSD-2-Clause",
        "(MIT",
        "MIT)",
        "()",
        "MIT (BSD-2-Clause)",
        "GPL-2.0-only WITH (MIT)",
        "MIT++",
        "https://example.com/LICENSE",
    ],
)
def test_no_expressions(text: str) -> None:
    assert not is_license_expression(text)


def test_deep_and_long_expressions_are_no_burden() -> None:
    assert is_license_expression("(" * 100_000 + "MIT" + ")" * 100_000)
    assert is_license_expression(" OR ".join(["MIT"] * 100_000))
