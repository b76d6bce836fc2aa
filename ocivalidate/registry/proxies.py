"""Which proxy leads to a host: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read as Go's programs read them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping


def proxy_for(scheme: str, host: str, port: int, environment: Mapping[str, str]) -> str:
    """The address of the proxy for a host, or nothing. This machine itself is never reached by one."""
    if is_loopback(host) or _is_direct(host.lower(), port, _variable("NO_PROXY", environment)):
        return ""
    proxy = _variable(f"{scheme.upper()}_PROXY", environment)
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Whether this is this machine: ``localhost``, ``127.0.0.0/8``, ``::1``.

    Names below ``localhost`` are not: RFC 6761 (6.3) wants them to lead here, but says so as a SHOULD to resolvers, and
    some ask the network. docker, containerd and Go's proxies know the name itself alone.
    """
    if host.lower() == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _variable(name: str, environment: Mapping[str, str]) -> str:
    return (environment.get(name) or environment.get(name.lower()) or "").strip()


def _is_direct(host: str, port: int, no_proxy: str) -> bool:
    """Whether one of the rows of NO_PROXY is about this host: ``*``, a domain, an address or a range of them."""
    address = _address(host)
    return any(_is_about(row.strip().lower(), host, port, address) for row in no_proxy.split(","))


def _is_about(row: str, host: str, port: int, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if row == "*":
        return True
    if "/" in row and address is not None:
        try:
            return address in ipaddress.ip_network(row, strict=False)
        except ValueError:
            return False
    name, _, wanted = row.rpartition(":") if row.count(":") == 1 else (row, "", "")
    if wanted and wanted != str(port):
        return False
    if address is not None:
        return _address(name) == address
    bare = name.removeprefix("*").removeprefix(".")
    return bool(bare) and (host.endswith(f".{bare}") or (host == bare and not name.startswith((".", "*"))))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
