"""The page of many reports: how large it is, how long it takes to write, and to load from disk in Chromium.

    python benchmarks/page.py [--runs 30]

Takes the kept records of ``results/``, each of them again as another version until there are so many runs. Times are
the medians of several; those of the browser are from the start of the navigation until the table is drawn, and what its
main thread used of a processor for that, which others on the machine change little.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ocivalidate.matrix import html  # noqa: E402  # a script finds the checkout only now
from ocivalidate.matrix.model import matrix  # noqa: E402
from ocivalidate.matrix.reading import files_of, subjects_of  # noqa: E402
from ocivalidate.matrix.subjects import Subject  # noqa: E402

TIMES = 7
_LOADED = "const one = performance.getEntriesByType('navigation')[0]; return one.domContentLoadedEventEnd"
_OPENED = """
const began = performance.now(), done = arguments[arguments.length - 1];
const drawn = () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
addEventListener("hashchange", drawn, { once: true });
location.hash = "#/matrix?open=*";
"""


def runs(many: int) -> Iterator[Subject]:
    """So many runs: the kept records, then the same as versions that nobody made, with other messages."""
    read = (one for file in files_of(str(ROOT / "results")) for one in subjects_of(file))
    kept = [one for one in read if isinstance(one, Subject)]
    for number in range(many):
        one, again = kept[number % len(kept)], number // len(kept)
        if not again:
            yield one
            continue
        points = tuple(
            point._replace(said=tuple(said._replace(message=f"{said.message} ({again})") for said in point.said))
            for point in one.points
        )
        yield replace(one, version=f"{one.version}.{again}", points=points)


def main() -> int:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    subjects = [*runs(parser.parse_args().runs)]
    began = time.process_time()
    found = matrix(subjects)
    text = "".join(html.pieces(found, "benchmark"))
    wrote = time.process_time() - began
    clauses, results = len(found.sheets[0].rows), sum(len(one.points) for one in subjects)
    print(f"{len(subjects)} runs, {clauses} clauses, {results:,} results")
    print(
        f"page: {len(text.encode()):,} bytes, of which scripts {len(html.script()):,} and style {len(html.style()):,}"
    )
    print(f"written in {wrote:.2f} s of processor time")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "index.html")
        file.write_text(text, encoding="utf-8")
        loaded(file)
    return 0


def loaded(file: Path) -> None:
    """Print how long a browser takes."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        print("no chromium with its driver: not loaded")
        return
    from tests.integration.browsing import browsing

    with browsing() as browser:
        times, opened, used = [], [], []
        browser.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        for _ in range(TIMES):
            browser.open(file)
            times.append(browser.run(_LOADED))
            metrics = browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
            used.append(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))
            opened.append(browser.driver.execute_async_script(_OPENED))
    print(f"loaded in {statistics.median(times):.0f} ms (at least {min(times):.0f})")
    print(f"for which {statistics.median(used):.2f} s of processor time were used")
    print(f"all areas opened in {statistics.median(opened):.0f} ms (at least {min(opened):.0f})")


if __name__ == "__main__":
    raise SystemExit(main())
