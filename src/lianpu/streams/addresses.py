"""What a stream may be read from: decided before anything is opened, and again wherever a server points elsewhere.

A camera's address comes from a user, and the server stands where users do not: inside the network. So addresses that
are not public, files outside of named folders, and every protocol but the named ones are refused unless allowed.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from lianpu.errors import SourceRefusedError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""Host name and port -> IP addresses in text."""

DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
PUSHED = "push:"
MASK = "***"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_6TO4 = ipaddress.ip_network("2002::/16")


class SourceKind(StrEnum):
    RTSP = "rtsp"
    HTTP = "http"
    FILE = "file"
    WEBCAM = "webcam"
    PUSH = "push"
    """Frames that a client sends to the server."""


@dataclass(frozen=True, slots=True)
class SourceRules:
    schemes: frozenset[str] = frozenset({"rtsp", "rtsps", "http", "https"})
    hosts: frozenset[str] = frozenset()
    """Names in lower case whose addresses may be private."""
    networks: tuple[IpNetwork, ...] = ()
    """Private networks that may be read from."""
    folders: tuple[Path, ...] = ()
    """Absolute; files in them and below may be read."""
    webcams: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A source that may be opened."""

    kind: SourceKind
    address: str
    """The URL without credentials, the file's real path, the webcam's index, or `push:`."""
    shown: str
    """For people and logs: credentials are masked."""
    host: str = ""
    port: int = 0
    ip_addresses: tuple[str, ...] = ()
    """The only ones to connect to: the name may stand for another one a moment later."""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


def checked_source(text: str, rules: SourceRules, resolve: Resolve | None = None) -> Source:
    """Blocks while a name is resolved; connects to nothing.

    Args:
        text: a URL, the path of a file, `webcam:` and an index (or the index alone), or `push:`.

    Raises:
        SourceRefusedError: it is not allowed, or cannot be understood.
    """
    text = text.strip()
    if not text or not text.isprintable():
        raise SourceRefusedError("Name a source: a URL, a file, a webcam such as webcam:0, or push:.")
    if text == PUSHED:
        return Source(SourceKind.PUSH, PUSHED, PUSHED)
    if text.isascii() and text.isdecimal():
        return _webcam(text, rules)
    scheme, colon, rest = text.partition(":")
    if scheme.lower() == "webcam" and colon:
        return _webcam(rest, rules)
    if colon and "/" not in scheme and len(scheme) > 1:
        if scheme.lower() == "file":
            raise SourceRefusedError("Files are named by their path, without file:.")
        return _network(text, scheme.lower(), rules, resolve or _resolved)
    return _file(text, rules)


def masked(text: str) -> str:
    """An address as it may be shown and logged, whether it is well-formed or not."""
    head, mark, rest = text.partition("://")
    if not mark:
        return text
    authority, slash, path = rest.partition("/")
    credentials, at, host = authority.rpartition("@")
    shown_path, question, query = path.partition("?")
    # Cameras take passwords in queries too.
    query = "&".join(f"{name}={MASK}" if value else name for name, _, value in _pairs(query)) if question else ""
    return f"{head}://{f'{MASK}@' if at and credentials else ''}{host}{slash}{shown_path}{question}{query}"


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&")]


def _webcam(text: str, rules: SourceRules) -> Source:
    index = int(text[:9]) if text.isascii() and text.isdecimal() else None
    if index is None or str(index) != text or index not in rules.webcams:
        raise SourceRefusedError(f"There is no webcam {text[:20]} here that may be used; see streams.webcams.")
    return Source(SourceKind.WEBCAM, text, f"webcam {text}")


def _file(text: str, rules: SourceRules) -> Source:
    path = Path(text)
    try:
        real = path.resolve(strict=True) if path.is_absolute() else _below(path, rules.folders)
    except (OSError, RuntimeError, ValueError):
        real = None
    # One answer for files that are missing and files that are elsewhere: nobody learns what there is.
    if real is None or not real.is_file() or not any(real.is_relative_to(folder.resolve()) for folder in rules.folders):
        raise SourceRefusedError("There is no such file in a folder that may be read; see streams.folders.")
    return Source(SourceKind.FILE, str(real), real.name)


def _below(path: Path, folders: Sequence[Path]) -> Path | None:
    for folder in folders:
        candidate = (folder / path).resolve()
        if candidate.is_file():
            return candidate
    return None


def _network(text: str, scheme: str, rules: SourceRules, resolve: Resolve) -> Source:
    if scheme not in rules.schemes or scheme not in DEFAULT_PORTS:
        allowed = ", ".join(sorted(rules.schemes))
        raise SourceRefusedError(f"Sources may be {allowed}; not {scheme}.")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or DEFAULT_PORTS[scheme]
    except ValueError as error:
        raise SourceRefusedError(f"{masked(text)} is no address.") from error
    if not parts.netloc or not host or "\\" in text or any(char.isspace() for char in text):
        raise SourceRefusedError(f"{masked(text)} is no address.")
    addresses = allowed_addresses(host, port, rules, resolve)
    kind = SourceKind.RTSP if scheme in {"rtsp", "rtsps"} else SourceKind.HTTP
    return Source(
        kind,
        _without_credentials(parts, host, port),
        masked(text),
        host,
        port,
        addresses,
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
    )


def allowed_addresses(host: str, port: int, rules: SourceRules, resolve: Resolve) -> tuple[str, ...]:
    """Where a host may be reached. All of its addresses must be allowed: nobody knows which one will be taken.

    Raises:
        SourceRefusedError: one is not, or the name stands for none.
    """
    try:
        found = addresses_of(host, port, resolve)
    except OSError as error:
        raise SourceRefusedError(f"The host {host!r} is not known.") from error
    if not may_connect(host, found, rules):
        raise SourceRefusedError(
            f"The host {host!r} is in a network that may not be read from; see streams.hosts and streams.networks."
        )
    return tuple(str(address) for address in found)


def addresses_of(host: str, port: int, resolve: Resolve | None = None) -> list[IpAddress]:
    """What a name stands for; at least one. Blocks.

    Raises:
        OSError: nobody knows.
    """
    try:
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in (resolve or _resolved)(host, port)]
    except (UnicodeError, ValueError) as error:
        raise OSError(f"{host!r} is no name of a host") from error
    if not found:
        raise OSError(f"{host!r} has no address")
    return found


def may_connect(host: str, addresses: Sequence[IpAddress], rules: SourceRules) -> bool:
    """Whether all of a host's addresses are public, or allowed by the rules' hosts and networks."""
    return host.lower() in rules.hosts or all(
        _is_public(address) or any(_within(address, network) for network in rules.networks) for address in addresses
    )


def _is_public(address: IpAddress) -> bool:
    inner = _inner(address)
    return address.is_global and not address.is_multicast and (inner is None or _is_public(inner))


def _inner(address: IpAddress) -> IpAddress | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return address.sixtofour
    return None if address.teredo is None else address.teredo[1]


def _within(address: IpAddress, network: IpNetwork) -> bool:
    inner = _inner(address)
    return address in network or (inner is not None and inner in network)


def _without_credentials(parts: SplitResult, host: str, port: int) -> str:
    shown_host = f"[{host}]" if ":" in host else host
    authority = shown_host if parts.port is None else f"{shown_host}:{port}"
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit((parts.scheme.lower(), authority, path, parts.query, ""))


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))
