"""A project of another flag system, in the terms of Flaghoist."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from domain.flags.flag import FeatureType
from domain.flags.segment import Rules


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


class ProjectCopy(NamedTuple):
    """A project. Remarks are about segments; those about a flag are with its feature."""

    segments: tuple[CopiedSegment, ...]
    features: tuple[CopiedFeature, ...]
    remarks: tuple[str, ...]
