"""Which servers tell secrets: where a cloud gives its machines their credentials. Nobody's data are there."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

_Number = IPv4Address | IPv6Address

_METADATA = IPv6Address("fd00:ec2::254")  # the one address of a cloud's metadata that is not link-local
_METADATA_NAME = "metadata.google.internal"


def secret_server(address: str) -> _Number | None:
    """The number of the server of a URL if it is one that tells secrets and the URL says so; ValueError for no URL."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    number = _METADATA if host == _METADATA_NAME else _number(host)
    return number if number is not None and _is_secret(number) else None


def resolved_secret_server(address: str) -> _Number | None:
    """The same, also of a host whose name leads there; a name that leads nowhere is nobody's."""
    parts = urlsplit(address)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    numbers = [_number(str(place[0]).partition("%")[0]) for *_, place in found]
    return secret_server(address) or next((number for number in numbers if number and _is_secret(number)), None)


def _is_secret(number: _Number) -> bool:
    return number.is_link_local or number == _METADATA


def _number(host: str) -> _Number | None:
    """The host as an address, in all spellings that resolvers know: 2852039166 is 169.254.169.254; None for a name."""
    try:
        number = ip_address(host)
        return getattr(number, "ipv4_mapped", None) or number
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
