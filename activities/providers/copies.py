"""A project of another flag system, in the terms of Flaghoist."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from domain.flags.flag import FeatureType
from domain.flags.segment import Rules
from domain.flags.variant import Variant

LONGEST_KEY = 64


class CopiedSegment(NamedTuple):
    """A segment to create."""

    key: str
    name: str
    rules: Rules


class CopiedFeature(NamedTuple):
    """A feature to create, and environment -> the patch that gives its flag the state that it has there."""

    key: str
    name: str
    description: str
    type: FeatureType
    flags: Mapping[str, dict[str, Any]]
    remarks: tuple[str, ...]
    variants: tuple[Variant, ...] = ()


class ProjectCopy(NamedTuple):
    """A project. Remarks are about segments; those about a flag are with its feature."""

    segments: tuple[CopiedSegment, ...]
    features: tuple[CopiedFeature, ...]
    remarks: tuple[str, ...]


def unique_key(name: str, taken: Iterable[str]) -> str:
    """Return a key like the name that is not taken."""
    slug = _slug(name, LONGEST_KEY)
    number, key, others = 1, slug, set(taken)
    while key in others:
        number += 1
        end = f"-{number}"
        key = _slug(name, LONGEST_KEY - len(end)) + end
    return key


def _slug(name: str, length: int) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:length].strip("-_") or "unnamed"
