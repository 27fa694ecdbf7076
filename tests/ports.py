"""Ports of this machine for servers that the tests start."""

import fcntl
import os
import random
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

_LOWEST, _HIGHEST = 10_240, 32_000
"""Below the ports that the system gives to outgoing connections."""

_reserved: set[int] = set()
_locks = Path(tempfile.gettempdir(), f"flaghoist-test-ports-{os.getuid()}").open("wb")  # noqa: SIM115 (open until the process ends)


def free_port() -> int:
    """Return a port on which nothing listens, and reserve it until this process ends.

    Test processes run side by side. A port that was only probed could go to two of them before either starts its server.
    """
    while True:
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311 (not a secret)
        if port not in _reserved and _reserve(port) and _is_free(port):
            return port


def _reserve(port: int) -> bool:
    """Lock the byte of that number in a file shared by all test processes. The lock ends with the process."""
    with suppress(OSError):
        fcntl.lockf(_locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        _reserved.add(port)
        return True
    return False


def _is_free(port: int) -> bool:
    with socket.socket() as listener, suppress(OSError):
        listener.bind(("127.0.0.1", port))
        return True
    return False
