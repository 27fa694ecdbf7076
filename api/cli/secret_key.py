"""The command that makes a key for encrypting credentials."""

from typing import TYPE_CHECKING

from api.cli.lazy import LazyModule
from api.cli.output import show

if TYPE_CHECKING:
    from activities.providers import sealing
else:
    sealing = LazyModule("activities.providers.sealing")


def make_secret_key() -> None:
    """Print a new key for FLAGHOIST_SECRET_KEYS, with which credentials of flag systems are encrypted. Stores nothing."""
    show(sealing.new_secret_key())
