"""One thread cuts all connections whose answers do not begin in time, and leaves the others alone."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from ocivalidate.registry import connections
from ocivalidate.registry.connections import _Clock
from ocivalidate.registry.failing import RegistryError
from ocivalidate.registry.transport import origin


def is_cut(sock: socket.socket, seconds: float) -> bool:
    """Whether a connection ends within so many seconds."""
    sock.settimeout(seconds)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False


def test_a_connection_is_cut_when_its_time_is_over_and_no_other() -> None:
    clock = _Clock()
    pairs = [socket.socketpair() for _number in range(3)]
    clock.begin(pairs[0][0], 30)
    clock.begin(pairs[1][0], 0.05)
    clock.end(clock.begin(pairs[2][0], 0.05))
    assert is_cut(pairs[1][1], 5)
    assert not is_cut(pairs[0][1], 0.1)
    assert not is_cut(pairs[2][1], 0.1)
    for sock in (one for pair in pairs for one in pair):
        sock.close()


def test_the_thread_ends_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_IDLE", 0.02)
    clock = _Clock()
    for _time in range(2):
        here, there = socket.socketpair()
        clock.begin(here, 0.02)
        assert is_cut(there, 5)
        assert within(5, lambda: not clock._runs)
        here.close()
        there.close()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_many_connections_share_one_thread() -> None:
    clock, before = _Clock(), threading.active_count()
    here, there = socket.socketpair()
    numbers = [clock.begin(here, 30) for _number in range(100)]
    assert threading.active_count() <= before + 1
    for number in numbers:
        clock.end(number)
    here.close()
    there.close()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://a/v2/x/manifests/1", "a"),
        ("https://a.example:443/v2/?n=1&last=a,b", "a.example"),
        ("http://[::1]:5000/v2/", "[::1]:5000"),
        ("http://a:5000", "a:5000"),
    ],
)
def test_the_origin_of_an_address(address: str, shown: str) -> None:
    assert origin(address).shown == shown


@pytest.mark.parametrize(
    "address",
    ["http://a@b/", "http://a\\b/", "http://a:99999/x", "ftp://a/", "http:///x", "http://a b/", "http://a/\n", "a/b"],
)
def test_an_address_that_may_be_read_in_two_ways_has_no_origin(address: str) -> None:
    try:
        found = origin(address)
    except RegistryError:
        return
    # What has a user in it is read alike by all.
    assert address == "http://a@b/"
    assert found.host == "b"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_a_clock_of_its_own() -> None:
    here, there = socket.socketpair()
    connections._CLOCK.begin(here, 30)
    child = os.fork()
    if not child:
        mine, other = socket.socketpair()
        connections._CLOCK.begin(mine, 0.05)
        os._exit(0 if is_cut(other, 5) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    here.close()
    there.close()
