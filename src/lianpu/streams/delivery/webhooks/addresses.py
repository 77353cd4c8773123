"""Where webhooks may be posted to: checked when an endpoint is made, and again before each post."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from lianpu.errors import WebhookRefusedError
from lianpu.streams.addresses import DEFAULT_PORTS, IpNetwork, Resolve, SourceRules, addresses_of, may_connect

SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class PostRules:
    hosts: frozenset[str] = frozenset()
    """Names in lower case whose addresses may be private."""
    networks: tuple[IpNetwork, ...] = ()
    """Private networks that may be posted to."""
    is_public_allowed: bool = True
    """Else only to those hosts, and to addresses that are written as such and lie in those networks."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that may be posted to."""

    url: str
    host: str
    port: int
    ip_addresses: tuple[str, ...]
    """The only ones to connect to: the name may stand for another one a moment later."""


def checked_destination(url: str, rules: PostRules, resolve: Resolve | None = None) -> Destination:
    """Blocks while a name is resolved; connects to nothing.

    Raises:
        WebhookRefusedError: it is no address, its host is not known, or may not be posted to.
    """
    host, port = checked_form(url)
    if not rules.is_public_allowed and not _is_named(host, rules):
        # Nobody is asked about a name that is refused anyway.
        raise WebhookRefusedError(
            f"The host {host!r} is none of those that may be posted to; see streams.webhooks.hosts and "
            "streams.webhooks.networks."
        )
    try:
        found = addresses_of(host, port, resolve)
    except OSError as error:
        raise WebhookRefusedError(f"The host {host!r} is not known.") from error
    if not may_connect(host, found, SourceRules(hosts=rules.hosts, networks=rules.networks)):
        raise WebhookRefusedError(
            f"The host {host!r} is in a network that may not be posted to; see streams.webhooks.hosts and "
            "streams.webhooks.networks."
        )
    return Destination(url, host, port, tuple(str(address) for address in found))


def checked_form(url: str) -> tuple[str, int]:
    """Host in lower case, and port.

    Raises:
        WebhookRefusedError: it is no address that could be posted to.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise WebhookRefusedError("The address holds characters that have to be percent-encoded (hosts: punycode).")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise WebhookRefusedError("This is no address.") from error
    if parts.scheme not in SCHEMES or not host:
        raise WebhookRefusedError("Webhooks are posted to addresses that begin with https:// or http://.")
    if parts.username is not None or parts.password is not None:
        raise WebhookRefusedError("An address must not hold a user or password: receivers check the signature.")
    if "#" in url:
        raise WebhookRefusedError("An address ends before its #: no server is told what comes after it.")
    return host, port


def _is_named(host: str, rules: PostRules) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in rules.hosts
    return host in rules.hosts or any(address in network for network in rules.networks)
