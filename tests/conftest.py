"""Options and fixtures of all tests."""

from __future__ import annotations

import difflib
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ocivalidate.rules.findings import Finding
from tests.severities import fault_in

GOLDENS = Path(__file__).parent / "golden" / "data"
FUZZ_EXAMPLES = 50

# A loaded machine is slow to make examples and slow to run them: neither is a failure of the code under test.
settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    max_examples=FUZZ_EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("full", settings.get_profile("default"), derandomize=False, max_examples=20_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ocivalidate")
    group.addoption(
        "--fuzz-examples",
        type=int,
        metavar="N",
        default=os.environ.get("OCIVALIDATE_FUZZ_EXAMPLES"),
        help="random examples per property test (default: the environment variable OCIVALIDATE_FUZZ_EXAMPLES,"
        f" else {FUZZ_EXAMPLES}, the same in every run)",
    )
    group.addoption("--update-goldens", action="store_true", help="rewrite the golden files instead of comparing")
    group.addoption(
        "--official-schemas", action="store_true", help="compare verdicts with the official schemas, fetched with Go"
    )
    group.addoption("--container", action="store_true", help="build an image of the tool from packages, and run it")
    group.addoption("--museum", action="store_true", help="fetch runtimes, and see the bugs that they shipped")
    group.addoption("--audit", action="store_true", help="run the audits of hundreds of images that take long")
    group.addoption("--sandbox", action="store_true", help="run whole runs in guests, and end guests at many moments")
    group.addoption("--slow", action="store_true", help="run the tests that take a minute or more")
    group.addoption("--install", action="store_true", help="run the tests that install our package from an index")


def pytest_configure(config: pytest.Config) -> None:
    examples = config.getoption("--fuzz-examples")
    if examples is None:
        settings.load_profile("default")
    else:
        settings.register_profile("asked", settings.get_profile("full"), max_examples=examples)
        settings.load_profile("asked")


# Marker → the option that lets its tests run, and why they do not without it.
_ASKED_FOR = {
    "audit": ("--audit", "takes long, or needs servers that tox installs: pytest --audit, or tox -e audit"),
    "container": ("--container", "fetches packages: pytest --container, or tox -e container"),
    "install": ("--install", "needs an index: pytest --install, or tox -e build"),
    "museum": ("--museum", "fetches runtimes: pytest --museum, or tox -e museum"),
    "sandbox": ("--sandbox", "takes many minutes: pytest --sandbox, or tox -e sandbox"),
    "slow": ("--slow", "takes a minute or more: pytest --slow, or tox -e slow"),
    "official": ("--official-schemas", "fetches schemas: pytest --official-schemas, or tox -e schemas"),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for marker, (option, reason) in _ASKED_FOR.items():
        if config.getoption(option):
            continue
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _findings_weigh_what_their_clauses_say() -> Iterator[None]:
    """Whichever test makes a finding: it weighs what its clause does, or the inventory says why not."""
    make = Finding.__init__

    def held_to_the_rule(self: Finding, *args: Any, **more: Any) -> None:
        make(self, *args, **more)
        fault = fault_in(self)
        assert not fault, fault

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Finding, "__init__", held_to_the_rule)
        yield


@pytest.fixture(autouse=True)
def _same_collector() -> Iterator[None]:
    """The command line collects garbage less often; a test that calls it must not do so for those after it."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.fixture(scope="session")
def fuzz_examples() -> int:
    """How many examples a loop of its own making is to try; property tests of hypothesis obey by themselves."""
    return settings().max_examples


@pytest.fixture(scope="session")
def golden(pytestconfig: pytest.Config) -> Callable[[str, str], None]:
    """``golden(name, text)`` fails unless ``text`` is byte for byte the file ``tests/golden/data/<name>``."""
    update = bool(pytestconfig.getoption("--update-goldens"))

    def compare(name: str, text: str) -> None:
        path = GOLDENS / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            return
        if not path.is_file():
            pytest.fail(f"{path} is missing; pytest --update-goldens writes it", pytrace=False)
        want = path.read_bytes().decode()
        if text != want:
            changes = _difference(want, text)
            pytest.fail(f"{name} is not as it was; pytest --update-goldens accepts it\n{changes}", pytrace=False)

    return compare


def _difference(want: str, got: str) -> str:
    """A unified diff in which invisible characters show."""
    before, after = ([ascii(line)[1:-1] for line in text.split("\n")] for text in (want, got))
    return "\n".join(difflib.unified_diff(before, after, "golden", "now", lineterm=""))
