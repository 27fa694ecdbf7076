"""Which API is meant, and the key for it."""

from typing import NamedTuple

from api.client import ApiClient, is_local
from settings import Settings


class ApiTarget(NamedTuple):
    """An API's address and a key for it; empty where the settings say."""

    url: str
    key: str

    def key_for(self, settings: Settings) -> str:
        """The key that was given; for this machine, otherwise, that of the embedded stack."""
        return self.key or (_kept_key(settings) if is_local(self.url_by(settings)) else "")

    def url_by(self, settings: Settings) -> str:
        """The address that was given, otherwise that of the embedded stack."""
        return self.url or f"http://127.0.0.1:{settings.port}"

    def client(self, settings: Settings, timeout: float = 30) -> ApiClient:
        """The API at this address, with this key."""
        return ApiClient(self.url_by(settings), self.key_for(settings), timeout)


def _kept_key(settings: Settings) -> str:
    """The embedded stack's first key, if this is where it lives."""
    try:
        return (settings.home / "bootstrap.key").read_text().strip()
    except (OSError, UnicodeError):
        return ""
