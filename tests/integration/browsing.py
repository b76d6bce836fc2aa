"""A headless Chromium for tests: what it shows, what it asks of the network, and what it complains of."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).parents[2]
_WAIT = 5.0
T = TypeVar("T")


class Browser:
    """One browser, which shows one page after the other."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(
        self, file: Path, fragment: str = "", *, width: int = 1200, dark: bool = False, script: bool = True
    ) -> None:
        """Show a page from disk in a window of this width."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.emulate(dark=dark)
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        self.driver.get("about:blank")
        self.complaints()
        self.requests()
        self.driver.get(file.as_uri() + fragment)

    def emulate(self, *, dark: bool = False, media: str = "") -> None:
        """What the reader prefers, and what the page is shown on."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme], "media": media})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script in the page gives."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        """The first element that fits, once there is one."""
        return self.until(lambda: next(iter(self.all(selector)), None), selector)

    def all(self, selector: str) -> list[Any]:
        """Every element that fits."""
        found: list[Any] = self.driver.find_elements("css selector", selector)
        return found

    def click(self, selector: str) -> None:
        """Press the first element that fits, as a reader would."""
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", element)
        element.click()

    def choose(self, name: str, text: str) -> None:
        """Choose an entry of a select by its text."""
        from selenium.webdriver.support.select import Select

        Select(self.find(f"select[name={name}]")).select_by_visible_text(text)

    def texts(self, selector: str) -> list[str]:
        """The text of every element that fits, also of those that only screen readers tell."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent.trim())", selector
        )
        return found

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    @property
    def fragment(self) -> str:
        """The part of the address that says what is shown."""
        return str(self.run("return location.hash"))

    def until(self, asked: Callable[[], T | None], what: str = "") -> T:
        """What is found in the end. Fails where that takes too long."""
        import time

        deadline = time.monotonic() + _WAIT
        while time.monotonic() < deadline:
            if found := asked():
                return found
            time.sleep(0.01)
        raise AssertionError(f"it does not come to that: {what}")

    def complaints(self) -> list[str]:
        """What stands on the console since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since then, but for the page itself and what stands in it."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith(("file:", "data:", "about:"))]


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser, which is ended afterwards. Skips the test where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("there is no chromium with its driver (apt install chromium chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="there is no selenium (pip install selenium)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(service=webdriver.ChromeService(driver), options=options)
    try:
        yield Browser(made)
    finally:
        made.quit()


def axe() -> str:
    """The script of axe-core, which finds what keeps people out. Skips the test where it is not there."""
    places = [os.environ.get("OCIVALIDATE_AXE", ""), str(ROOT / ".ci-subjects/node_modules/axe-core/axe.min.js")]
    file = next((place for place in places if place and Path(place).is_file()), None)
    if file is None:
        pytest.skip("there is no axe-core (npm install --prefix .ci-subjects axe-core, as .ci/run does)")
    return Path(file).read_text(encoding="utf-8")
