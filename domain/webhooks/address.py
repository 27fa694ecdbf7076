"""Validation of webhook URLs: only servers on the public internet are allowed, unless a setting allows others."""

import ipaddress
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from domain.errors import AddressRefused, Problem

LONGEST_URL = 2_000
HTTPS = "https"
_PORTS = {HTTPS: 443, "http": 80}

_UNICAST = ipaddress.ip_network("2000::/3")
"""All allocated IPv6 unicast addresses (RFC 4291). Addresses mapped from IPv4 or translated to it are outside this range."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class WebhookTarget(NamedTuple):
    """The host and port named by a URL."""

    host: str
    port: int


def target_of(url: str, *, allow_private: bool) -> WebhookTarget:
    """Return the host and port of a webhook's URL, without resolving the host. Raise AddressRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise refused("The URL is invalid: write https://host/path.") from error
    if objection := _objection(url, parts, allow_private):
        raise refused(objection)
    return WebhookTarget(str(parts.hostname), _PORTS[parts.scheme] if port is None else port)


def _objection(url: str, parts: SplitResult, allow_private: bool) -> str | None:
    objections = {
        "The URL is invalid: write https://host/path, in ASCII and without spaces.": not _is_plain(url) or not parts.hostname,
        f"The scheme must be https, not '{parts.scheme}'.": parts.scheme != HTTPS and not (allow_private and parts.scheme in _PORTS),
        "The URL must not contain a user or password: receivers authenticate us by the signature.": "@" in parts.netloc,
        "The URL must not contain a fragment: fragments are never sent.": "#" in url,
        "The port must be 1 to 65535.": parts.port == 0,
    }
    return next((objection for objection, applies in objections.items() if applies), None)


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url and "\\" not in url


def is_public(address: Address) -> bool:
    """True if the address is a single server on the public internet, and not an IPv4 address embedded in IPv6."""
    if isinstance(address, ipaddress.IPv6Address) and (address not in _UNICAST or address.sixtofour or address.teredo):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_link_local)


def check_addresses(addresses: list[Address], *, allow_private: bool) -> None:
    """Raise AddressRefused unless all addresses of a host are allowed, because any of them may be connected to."""
    if not addresses:
        raise refused("The host can't be resolved to an address.")
    if not allow_private and not all(is_public(address) for address in addresses):
        raise refused("The host resolves to an address that is private, loopback, link-local, multicast, reserved or mapped from IPv4.")


def refused(message: str) -> AddressRefused:
    """Return the refusal of a webhook's URL."""
    return AddressRefused(message, problems=(Problem(pointer="/url", code=AddressRefused.code(), message=message),))
