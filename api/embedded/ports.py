"""Checks that the ports of the embedded stack are free."""

import errno
import socket

from api.embedded.errors import CannotStart
from settings import Settings

_THIS_MACHINE = "127.0.0.1"


def check_ports(settings: Settings) -> None:
    """Raise CannotStart, with the port and its setting, unless all three ports are free."""
    needed = [
        (settings.host, settings.port, "the API", "FLAGHOIST_PORT"),
        (_THIS_MACHINE, settings.temporal_port, "the Temporal server", "FLAGHOIST_TEMPORAL_PORT"),
        (_THIS_MACHINE, settings.temporal_ui_port, "the Temporal Web UI", "FLAGHOIST_TEMPORAL_UI_PORT"),
    ]
    variables: dict[int, str] = {}
    for host, port, user, variable in needed:
        if port in variables:
            raise CannotStart(f"{variables[port]} and {variable} are both {port}. Set them to different ports.")
        variables[port] = variable
        _check_port(host, port, user, variable)


def is_listening(port: int) -> bool:
    """True if a process on this machine accepts connections on this port."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex((_THIS_MACHINE, port)) == 0


def _check_port(host: str, port: int, user: str, variable: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            # Servers set this option too: lingering connections of an earlier run are no obstacle.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} for {user} is already in use. Stop the process that uses it, or set {variable} to another port."
        elif error.errno == errno.EACCES:
            message = f"Port {port} for {user} is privileged (needs root). Set {variable} to a port above 1023."
        else:
            message = f"{user[0].upper()}{user[1:]} can't listen on {host}. Set FLAGHOIST_HOST to an address of this machine."
        raise CannotStart(message) from error
