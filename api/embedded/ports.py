"""Whether the ports that the embedded stack needs are free."""

import errno
import socket

from api.embedded.errors import CannotStart
from settings import Settings

_THIS_MACHINE = "127.0.0.1"


def check_ports(settings: Settings) -> None:
    """Raise CannotStart, naming the port and the setting that changes it, unless all three can be listened on."""
    wanted = [
        (settings.host, settings.port, "the API", "FLAGHOIST_PORT"),
        (_THIS_MACHINE, settings.temporal_port, "the Temporal server", "FLAGHOIST_TEMPORAL_PORT"),
        (_THIS_MACHINE, settings.temporal_ui_port, "the Temporal Web UI", "FLAGHOIST_TEMPORAL_UI_PORT"),
    ]
    taken: dict[int, str] = {}
    for host, port, what, variable in wanted:
        if port in taken:
            raise CannotStart(f"{taken[port]} and {variable} are both {port}: give each a port of its own.")
        taken[port] = variable
        _check_port(host, port, what, variable)


def is_listened_on(port: int) -> bool:
    """Whether something on this machine accepts connections there."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex((_THIS_MACHINE, port)) == 0


def _check_port(host: str, port: int, what: str, variable: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            # As servers do: a connection of an earlier run that lingers is no obstacle.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port}, which {what} needs, is taken: stop what listens there, or set {variable} to another port."
        elif error.errno == errno.EACCES:
            message = f"Port {port}, which {what} needs, is not for everyone: set {variable} to a port above 1023."
        else:
            message = f"{what.capitalize()} can't listen on {host}: set FLAGHOIST_HOST to an address of this machine."
        raise CannotStart(message) from error
