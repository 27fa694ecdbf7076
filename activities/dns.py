"""Resolution of the host in a webhook's URL to the addresses that may be connected to."""

import ipaddress
import socket
from collections.abc import Callable

from domain.webhooks.address import Address, WebhookTarget, check_addresses, refused

Lookup = Callable[[str, int], list[str]]
"""A function that returns every address of a host and port, or raises OSError if there is none."""


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses from the system's resolver, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(address[0]) for *_, address in found]


class Resolver:
    """A resolver that returns only addresses that are allowed for webhooks."""

    def __init__(self, lookup: Lookup = look_up, *, allow_private: bool) -> None:
        self.lookup = lookup
        self.allow_private = allow_private

    def resolve(self, target: WebhookTarget) -> list[Address]:
        """Return every address of the host. Raises AddressRefused if one of them is not allowed, or there is none."""
        try:
            found = self.lookup(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise refused("The host can't be resolved to an address.") from error
        addresses = list(dict.fromkeys(map(ipaddress.ip_address, found)))
        check_addresses(addresses, allow_private=self.allow_private)
        return addresses
