"""The search of the site, in a browser that reads it from the disk."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.site.conftest import Site

CHROMIUM = shutil.which("chromium")
CWD = "clauses/runtime/config.process.cwd.absolute.html"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (apt install chromium)")


@pytest.mark.parametrize(
    ("words", "first"),
    [(("runtime/config.process.cwd.absolute",), CWD), (("check_bundle",), "api.html#ocivalidate.check_bundle")],
)
def test_a_name_is_found_first(words: tuple[str, ...], first: str, site: Site, tmp_path: Path) -> None:
    assert found(site, tmp_path, *words)[0].startswith(first)


def test_words_find_clauses_cases_and_pages(site: Site, tmp_path: Path) -> None:
    results = found(site, tmp_path, "running", "container")
    assert any(result.startswith("cases/refusals.html") for result in results)
    assert any(result.startswith("clauses/runtime/runtime.") for result in results)


def found(site: Site, home: Path, *words: str) -> list[str]:
    """The pages that a search finds, in its order."""
    assert CHROMIUM is not None
    address = f"{(site.folder / 'search.html').as_uri()}?q={'+'.join(words)}"
    # Its own clock runs ahead, so that it does not wait; nothing can be had from a network.
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--virtual-time-budget=9000",
    ]
    options += [f"--user-data-dir={home / 'chromium'}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    shown = subprocess.run(
        [CHROMIUM, *options, "--dump-dom", address], capture_output=True, text=True, check=True, timeout=120
    )
    _, _, results = shown.stdout.partition('id="search-results"')
    return re.findall(r'<a href="([^"]+)"', results.partition("</ul>")[0])
