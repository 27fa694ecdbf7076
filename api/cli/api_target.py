"""The API that a command calls, and the key for it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from api.cli.lazy import LazyModule

if TYPE_CHECKING:
    import settings
    from api import client
else:
    settings, client = LazyModule("settings"), LazyModule("api.client")

DEFAULT_HOME, DEFAULT_PORT = ".flaghoist", "8080"
"""The defaults in `Settings`. Importing that class takes longer than everything else that a call to the API needs."""


class ApiTarget(NamedTuple):
    """The address and the key that were given, each empty if the settings decide."""

    url: str
    key: str

    def resolved(self) -> "ApiTarget":
        """Fill in what was not given: the embedded stack's address, and its key for an API on this machine. Raises ValidationError."""
        url = self.url or f"http://127.0.0.1:{_api_port()}"
        return ApiTarget(url, self.key or (_stored_key() if client.is_local(url) else ""))

    def connect(self, timeout: float = 30) -> "client.ApiClient":
        """Return a client of this API."""
        return client.ApiClient(self.url, self.key, timeout)


def _api_port() -> int:
    """The port in the settings. Only a port that is not plainly valid is left to `Settings`, which explains what is wrong with it."""
    text = os.environ.get("FLAGHOIST_PORT") or DEFAULT_PORT
    is_plain = text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= 65535
    return int(text) if is_plain else settings.Settings().port


def _stored_key() -> str:
    """The embedded stack's first key, or nothing if its state folder is elsewhere."""
    try:
        return (Path(os.environ.get("FLAGHOIST_HOME") or DEFAULT_HOME) / "bootstrap.key").read_text().strip()
    except (OSError, UnicodeError):
        return ""
