"""The page of all kept records, in a browser: what it shows, how one gets about in it, and that it asks for nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import pytest

from ocivalidate.cli import main
from ocivalidate.matrix import html
from ocivalidate.matrix.changes import WORDS, compare
from ocivalidate.matrix.model import Matrix, matrix
from ocivalidate.matrix.reading import files_of, subjects_of
from tests.integration.browsing import ROOT, Browser, axe, browsing
from tests.matrices import AFTER, BEFORE, NASTY, RUNS

pytestmark = pytest.mark.integration
RECORDS = ROOT / "results"
VIEWS = ("matrix", "changes", "history", "times", "runs")
APPLIES = "runtime/runtime.create.applies-config"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as made:
        yield made


@pytest.fixture(scope="module")
def records() -> Matrix:
    return matrix(one for file in files_of(str(RECORDS)) for one in subjects_of(file))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    assert main(["report", str(RECORDS), "--format", "html", "--output", str(folder)]) == 0
    return folder / "index.html"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of few runs, of which one is hostile, one is stale, and one is a bundle."""
    file = tmp_path_factory.mktemp("odd") / "odd.html"
    file.write_text("".join(html.pieces(matrix(RUNS), "1.2.3")), encoding="utf-8")
    return file


def until_said(browser: Browser, text: str) -> None:
    """Wait until the address says it."""
    browser.until(lambda: text in browser.fragment, text)


def rows(browser: Browser) -> int:
    """How many rows the status line tells of."""
    return int(browser.texts("main [role=status]")[0].split(" ")[0].replace(",", ""))


def test_every_run_has_a_column_and_every_area_a_row(browser: Browser, page: Path, records: Matrix) -> None:
    browser.open(page)
    (sheet,) = records.sheets
    assert len(sheet.subjects) >= 12
    headers = [one.replace("(stale)", "").split() for one in browser.texts("thead th[scope=col]")]
    assert [" ".join(one) for one in headers] == [one.label for one in sheet.subjects]
    assert len(browser.all("tbody .fold")) == len(sheet.areas)
    assert rows(browser) == len(sheet.rows)


def test_counts_are_those_of_the_model(browser: Browser, page: Path, records: Matrix) -> None:
    browser.open(page)
    (sheet,) = records.sheets
    for number, area in enumerate(sheet.areas):
        told = browser.texts(f"tbody:nth-of-type({number + 2}) .sum .hidden")
        for column, text in enumerate(told):
            count = area.count(column)
            passed, failed = count["pass"] + count["xpass"], count["fail"] + count["xfail"]
            others = count.total() - passed - failed
            assert [int(word) for word in text.split() if word.isdigit()] == [passed, failed, others]


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("level", "SHOULD", lambda row: row.clause.level.startswith("SHOULD")),
        ("level", "MUST", lambda row: row.clause.level.startswith("MUST")),
        ("release", "1.0.0", lambda row: row.clause.holds_in("1.0.0")),
        ("platform", "linux", lambda row: row.clause.platform == "linux"),
        ("outcome", "failed", lambda row: any(cell.outcome == "fail" for cell in row.cells)),
        ("outcome", "passed", lambda row: any(cell.outcome == "pass" for cell in row.cells)),
        ("outcome", "could not be judged", lambda row: any(cell.outcome == "error" for cell in row.cells)),
    ],
)
def test_filters(browser: Browser, page: Path, records: Matrix, name: str, text: str, kept: object) -> None:
    assert callable(kept)
    wanted = [row for row in records.sheets[0].rows if row.clause and kept(row)]
    browser.open(page)
    browser.choose(name, text)
    browser.until(lambda: f"{name}=" in browser.fragment and rows(browser) == len(wanted), f"{len(wanted)} rows")
    # The address alone says it.
    browser.open(page, browser.fragment)
    assert rows(browser) == len(wanted)
    browser.click("button[name=reset]")
    browser.until(lambda: rows(browser) == len(records.sheets[0].rows), "all rows")


def test_search_finds_clauses_cases_and_messages(browser: Browser, page: Path) -> None:
    browser.open(page)
    every = rows(browser)
    for words in ("applies-config", "cgroups.cpu-burst", "is not applied"):
        box = browser.find("input[type=search]")
        box.clear()
        box.send_keys(words)
        until_said(browser, f"q={quote_plus(words)}")
        assert 0 < rows(browser) < every
        # What is found is not folded away, and the words are still being typed.
        assert browser.all("button.cell")
        assert browser.run("return document.activeElement.name") == "q"
    browser.find("input[type=search]").send_keys("no such thing anywhere")
    browser.find(".empty")
    assert browser.texts(".empty") == ["Nothing fits these filters."]


def test_columns_can_be_hidden(browser: Browser, page: Path, records: Matrix) -> None:
    browser.open(page)
    browser.click(".chooser summary")
    browser.click(".chooser input[value='0']")
    browser.until(lambda: "hide=0" in browser.fragment)
    assert len(browser.all("thead th[scope=col]")) == len(records.subjects) - 1


def test_a_cell_opens_and_back_closes_it(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.click("[data-key='area runtime/runtime.create']")
    browser.click(f"button.cell.fail[data-key^='{APPLIES}@']")
    browser.find("dialog[open] h2")
    assert browser.texts("dialog[open] h2") == [APPLIES]
    opened = browser.fragment
    told = " ".join(browser.texts("dialog[open]"))
    assert "ocivalidate runtime --runtime crun --select cgroup" in told
    assert f"ocivalidate explain {APPLIES}" in told
    links = [one.get_attribute("href") for one in browser.all("dialog a")]
    assert any(link.endswith(f"clauses/{APPLIES}.html") for link in links)
    assert any("runtime-spec/blob" in link for link in links)
    browser.driver.back()
    browser.until(lambda: not browser.all("dialog[open]"), "closed")
    assert browser.run("return document.activeElement.dataset.key || ''").startswith(APPLIES)
    browser.driver.forward()
    browser.until(lambda: browser.all("dialog[open]"), "opened again")
    assert browser.fragment == opened
    browser.open(page, opened)
    assert browser.texts("dialog[open] h2") == [APPLIES]
    browser.click("dialog .close")
    browser.until(lambda: not browser.all("dialog[open]"), "closed")


def test_a_clause_that_was_not_judged_says_why(browser: Browser, page: Path) -> None:
    browser.open(page, "#/matrix?row=runtime%2Fconfig-linux.netDevices.available&run=crun+1.8.1")
    (told,) = browser.texts("dialog[open]")
    assert "not judged" in told
    assert "does not have this clause (since 1.3.0)" in told


def test_cases_are_rows_too(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.choose("rows", "cases")
    browser.click("[data-key='area seccomp']")
    browser.click("button.cell")
    browser.find("dialog[open] h2")
    assert browser.texts("dialog[open] h2")[0].startswith("seccomp.")
    assert "runtime/" in browser.texts("dialog[open] .point h3")[0]


def test_the_page_compares_as_the_command_does(browser: Browser, page: Path, records: Matrix) -> None:
    for old, new in (("runc 1.5.3", "runc 1.6.0-rc.1"), ("crun 1.21", "crun 1.28"), ("runc 1.0.3", "runc 1.5.1")):
        by_label = {one.label: one for one in records.subjects}
        found = compare(by_label[old], by_label[new])
        browser.open(page, "#/changes?" + urlencode({"old": old, "new": new}))
        wanted = [f"{found.counts[kind]} {words}" for kind, words in WORDS.items() if found.counts[kind]]
        assert browser.texts(".counts li") == wanted
        said = sorted((WORDS[one.kind], one.case, one.said) for one in found.changes)
        shown = browser.run(
            "return [...document.querySelectorAll('main .list:not(details *) tbody tr')]"
            ".map((row) => [row.cells[0], row.querySelector('.case'), row.cells[4]].map((one) => one.textContent))"
        )
        assert sorted(map(tuple, shown)) == said[: len(shown)]
        assert len(shown) == min(500, len(said))


def test_a_page_of_changes_begins_with_them(browser: Browser, tmp_path: Path) -> None:
    from ocivalidate.matrix.changes import difference

    sides = [matrix(replace(one, side=side) for one in runs) for runs, side in ((BEFORE, "before"), (AFTER, "now"))]
    both = matrix([*sides[0].subjects, *sides[1].subjects])
    (tmp_path / "diff.html").write_text("".join(html.pieces(both, "1.2.3", difference(*sides))), encoding="utf-8")
    browser.open(tmp_path / "diff.html")
    browser.choose("old", "runc 1.1.5")
    browser.choose("new", "runc 1.2.0")
    browser.until(lambda: browser.texts(".counts li")[:1] == ["2 got worse"], "2 got worse")
    assert any("is new" in line for line in browser.texts(".notes li"))
    browser.choose("change", "got better")
    said = "main .list:not(details *) tbody td.said"
    browser.until(lambda: browser.texts(said) == ["the container is still there"], "what got better")
    assert browser.complaints() == []


def test_history_tells_what_each_version_changed(browser: Browser, page: Path, records: Matrix) -> None:
    browser.open(page, "#/history?runtime=runc")
    own = [one for one in records.subjects if one.name == "runc"]
    assert len(browser.all("main .list tbody tr")) == len(own) >= 8
    worse = browser.find("main .list button.link[aria-label*='worse']")
    count = worse.text
    worse.click()
    browser.until(lambda: browser.fragment.startswith("#/changes?") and browser.all(".counts"), "the changes")
    assert browser.texts(".counts .worse b") == [count]
    browser.driver.back()
    assert browser.until(lambda: browser.texts("h2")[0].startswith("runc over"), "back")


def test_times_have_medians_and_spread(browser: Browser, odd: Path) -> None:
    browser.open(odd, "#/times")
    assert browser.texts("table.times caption") == ["create", "delete"]
    assert browser.texts("table.times:first-of-type tbody tr:last-child td")[:3] == [
        "18.0",
        "17.0 \N{EN DASH} 22.0",
        "40",
    ]
    assert len(browser.all("table.times svg .median")) == len(browser.all("table.times tbody tr"))


def test_what_is_stale_is_shown_as_that(browser: Browser, odd: Path) -> None:
    browser.open(odd)
    assert any("(stale)" in one for one in browser.texts("thead th.stale"))
    browser.open(odd, "#/runs")
    assert any("stale: judged by cases of another suite" in one for one in browser.texts("td.said"))


def test_bundles_have_a_matrix_of_their_own(browser: Browser, odd: Path) -> None:
    browser.open(odd)
    browser.choose("kind", "bundle")
    browser.until(lambda: browser.texts("thead th[scope=col]") == ["./b"], "the bundle")
    browser.click("[data-key='area runtime/config.process']")
    browser.click("button.cell.fail")
    browser.find("dialog[open] h2")
    (told,) = browser.texts("dialog[open]")
    for part in ('"app"', "a path that starts with /", "b/config.json:8:12", "ocivalidate bundle ./b --select"):
        assert part in told


def test_what_a_report_holds_is_text(browser: Browser, odd: Path) -> None:
    for view in VIEWS:
        browser.open(odd, f"#/{view}?open=*")
        assert browser.complaints() == []
        assert len(browser.all("script")) == 2
    browser.open(odd, "#/matrix?open=*")
    browser.click("button.cell.fail[aria-label*='script']")
    browser.find("dialog[open] h2")
    assert browser.texts("dialog[open] .message") == [NASTY]
    assert browser.texts("dialog[open] dd code") == [NASTY] * 4


# Names that every object has, markup, and more than anybody would write.
_FOREIGN = [
    *(
        f"#/matrix?{name}={word}"
        for name in ("rows", "outcome", "level", "kind")
        for word in ("constructor", "__proto__")
    ),
    "#/changes?change=constructor&old=__proto__&new=__proto__",
    "#/history?runtime=__proto__&rows=toString",
    "#/matrix?rows=<script>alert(1)</script>&row=x&run=y",
    f"#/matrix?rows=cases&q={'s+' * 20_000}",
    f"#/matrix?hide={'9,' * 20_000}&open={'x,' * 20_000}",
    "#/%E0%A4%A?%E0%A4%A=%E0%A4%A",
    "#/__proto__?__proto__=x",
]


@pytest.mark.parametrize(
    "fragment",
    ["#x", "#/no", "#/matrix?row=no&run=no", "#/changes?old=no", "#/matrix?kind=%00&open=%zz&hide=9", *_FOREIGN],
)
def test_an_address_that_means_nothing_shows_the_page(browser: Browser, page: Path, fragment: str) -> None:
    browser.open(page, fragment)
    assert browser.all("main table")
    assert browser.complaints() == []


def test_nothing_is_asked_for_and_nothing_complained_of(browser: Browser, page: Path) -> None:
    browser.open(page)
    for view in (*VIEWS, "matrix?open=*&rows=cases"):
        browser.run("location.hash = arguments[0]", f"#/{view}")
        browser.find(f"nav a[aria-current][data-key='view {view.partition('?')[0]}']")
    assert browser.run("return performance.getEntriesByType('resource').map((one) => one.name)") == []
    assert browser.requests() == []
    assert browser.complaints() == []


@pytest.mark.parametrize(
    "view", [*VIEWS, "matrix?open=runtime%2Fconfig.mounts", "matrix?row=runtime%2Fconfig.mounts.order&run=crun+1.28"]
)
def test_a_phone_scrolls_no_page_sideways(browser: Browser, page: Path, view: str) -> None:
    browser.open(page, f"#/{view}", width=375)
    assert browser.run("return document.documentElement.scrollWidth") == 375
    wide = browser.run(
        "return [...document.querySelectorAll('button, select, input, summary')].filter((one) => {"
        "const box = one.getBoundingClientRect();"
        "return box.width && !one.closest('.scroll') && (box.right > innerWidth + 1 || box.left < -1); })"
        ".map((one) => one.outerHTML)"
    )
    assert wide == []


def test_keys_alone_open_a_cell_and_lead_back(browser: Browser, page: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(page)
    browser.press(Keys.TAB)
    assert browser.run("return document.activeElement.textContent") == "Skip to the results"
    browser.press(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "main"
    for _ in range(30):
        browser.press(Keys.TAB)
        if "fold" in browser.run("return document.activeElement.className"):
            break
    browser.press(Keys.ENTER)
    assert browser.run("return document.activeElement.getAttribute('aria-expanded')") == "true"
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
    browser.press(Keys.TAB)
    first = browser.run("return document.activeElement.dataset.key")
    browser.press(Keys.ARROW_RIGHT)
    browser.press(Keys.ARROW_DOWN)
    there = browser.run("return document.activeElement.dataset.key")
    assert there.split("@")[0] != first.split("@")[0]
    assert int(there.split("@")[1]) == int(first.split("@")[1]) + 1
    browser.press(Keys.ENTER)
    browser.find("dialog[open] h2")
    assert browser.run("return document.activeElement.id") == "detail-title"
    browser.press(Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog[open]"), "closed")
    assert browser.run("return document.activeElement.dataset.key") == there
    assert (
        len(browser.run("return [...document.querySelectorAll('button.cell')].filter((one) => one.tabIndex === 0)"))
        == 1
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_keeps_people_out(browser: Browser, page: Path, odd: Path, *, dark: bool) -> None:
    script = axe()
    views = [(page, "#/matrix?open=runtime%2Fruntime.kill"), (page, "#/changes"), (page, "#/history?runtime=runc")]
    views += [
        (odd, "#/times"),
        (odd, "#/runs"),
        (page, "#/matrix?row=runtime%2Fruntime.create.creates&run=youki+0.7.0"),
    ]
    for file, fragment in views:
        browser.open(file, fragment, dark=dark)
        browser.run(script)
        found = browser.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then((one) => done(one.violations))"
        )
        grave = [(one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
        assert [one for one in grave if one[1] in ("serious", "critical", "moderate")] == [], fragment


def test_dark_is_dark_and_print_is_white(browser: Browser, page: Path) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
    browser.open(page, dark=True)
    assert max(browser.run(ground)) < 60
    browser.emulate(dark=True, media="print")
    assert min(browser.run(ground)) == 255
    assert browser.run("return getComputedStyle(document.querySelector('.filters')).display") == "none"
    browser.emulate()
    assert min(browser.run(ground)) > 230


@pytest.mark.parametrize("number", [1, 17, 60])
def test_paper_has_every_column_and_legible_names(browser: Browser, tmp_path: Path, number: int) -> None:
    runs = [replace(RUNS[0], version=f"1.{one}.0+git20261128.deadbeefcafe") for one in range(number)]
    file = tmp_path / "wide.html"
    file.write_text("".join(html.pieces(matrix(runs), "1.2.3")), encoding="utf-8")
    browser.open(file)
    browser.emulate(media="print")
    try:
        ends = browser.run(
            "return [...document.querySelectorAll('.matrix .version')].map((one) => one.getBoundingClientRect().right)"
        )
        first = browser.run("return document.querySelector('.matrix tbody th').getBoundingClientRect().width")
    finally:
        browser.emulate()
    assert len(ends) == number
    # Letter paper on its side has 980 pixels between its margins, and browsers make what is a little wider fit.
    assert max(ends) <= 1100
    assert first >= 150


def test_without_scripts_there_is_a_table(browser: Browser, page: Path, records: Matrix) -> None:
    browser.open(page, script=False)
    try:
        cells = browser.all("main .plain tbody tr")
        assert len(cells) == len(records.sheets[0].areas)
        assert "of" in cells[0].text or "not judged" in cells[0].text
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_data_is_that_of_the_reports(page: Path, records: Matrix) -> None:
    text = page.read_text(encoding="utf-8")
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    assert [one["label"] for one in data["sheets"][0]["subjects"]] == [one.label for one in records.subjects]
