"""Where a call comes from, as limits count it."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

UNKNOWN = "unknown"
IPV6_PREFIX = 64


def client_address(scope: Mapping[str, Any]) -> str:
    """Of an ASGI scope: the caller's, or what a trusted proxy says it is (`server.trusted_proxies`)."""
    client = scope.get("client")
    return str(client[0]) if client else UNKNOWN


def client_group(address: str) -> str:
    """One subscriber: an IPv4 address, or the /64 network of an IPv6 address, within which anybody picks freely."""
    parsed = ip_of(address)
    if parsed is None:
        return UNKNOWN
    return str(ip_network((parsed, IPV6_PREFIX), strict=False) if isinstance(parsed, IPv6Address) else parsed)


def ip_of(address: str) -> IPv4Address | IPv6Address | None:
    """As networks have it: without its zone, and an IPv4 address that came as IPv6 as what it is. None: it is none."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def is_in(address: IPv4Address | IPv6Address, networks: Iterable[str]) -> bool:
    """`networks`: addresses or networks, as settings have them."""
    return any(address in ip_network(network) for network in networks)
