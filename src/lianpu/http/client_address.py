"""Where a call comes from, as limits count it."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

UNKNOWN = "unknown"
IPV6_PREFIX = 64


def client_address(scope: Mapping[str, Any]) -> str:
    """Of an ASGI scope: the caller's, or what a trusted proxy says it is (`server.trusted_proxies`)."""
    client = scope.get("client")
    return str(client[0]) if client else UNKNOWN


def client_group(address: str) -> str:
    """One subscriber: an IPv4 address, or the /64 network of an IPv6 address, within which anybody picks freely."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)
