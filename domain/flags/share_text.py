"""Allocations in words, from their JSON form."""

from collections.abc import Mapping
from typing import Any


def percents_in(allocation: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return variant -> percentage. In JSON, a share is a number, or an object with its percentage."""
    return {variant: share["percent"] if isinstance(share, dict) else share for variant, share in (allocation or {}).items()}


def shares_in_words(allocation: Mapping[str, Any] | None) -> str:
    """Describe an allocation, such as `one-page 10%, two-pages 10%`."""
    return ", ".join(f"{variant} {percent}%" for variant, percent in percents_in(allocation).items()) or "none"
