"""What signals do while a run goes on, and after one did."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from ocivalidate import cli
from ocivalidate.cli.interrupts import forward_interrupts


class Noted:
    """Something that can be stopped, and notes how."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stop(self) -> None:
        self.said.append("stop")

    def kill(self) -> None:
        self.said.append("kill")


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_ends_in_order_and_the_second_at_once() -> None:
    running = Noted()
    with forward_interrupts(running) as interrupt:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert running.said == ["stop", "kill"]
    assert interrupt.happened


def test_one_that_comes_while_the_process_ends_does_not_change_how_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_owns_process", True)
    with forward_interrupts(Noted()):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGHUP)


def test_without_one_all_is_as_before() -> None:
    with forward_interrupts(Noted()):
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_who_calls_us_keeps_its_handlers() -> None:
    with forward_interrupts(Noted()):
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
