"""From the host in a webhook's URL to the addresses that it may be reached at."""

import ipaddress
import socket
from collections.abc import Callable

from domain.webhooks.address import Address, WebhookTarget, check_addresses, refused

Lookup = Callable[[str, int], list[str]]
"""Every address of a host and port; raises OSError where there is none."""


def look_up(host: str, port: int) -> list[str]:
    """What the system's resolver says, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(place[0]) for *_, place in found]


class Resolver:
    """Resolves hosts to addresses that webhooks may lead to."""

    def __init__(self, lookup: Lookup = look_up, *, allow_private: bool) -> None:
        self.lookup = lookup
        self.allow_private = allow_private

    def resolve(self, target: WebhookTarget) -> list[Address]:
        """Every address of the host. Raises AddressRefused where one of them is not allowed, or there is none."""
        try:
            found = self.lookup(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise refused("The host can't be resolved to an address.") from error
        addresses = list(dict.fromkeys(map(ipaddress.ip_address, found)))
        check_addresses(addresses, allow_private=self.allow_private)
        return addresses
