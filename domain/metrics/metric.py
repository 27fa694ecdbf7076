"""Metrics: named questions to a source, and who asks them."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.duration import Duration
from domain.entity_tag import entity_tag
from domain.model import Frozen, Moment
from domain.text import Description, NameOrKey, Slug

MOST_METRICS = 200
LONGEST_QUERY = 10_000
FEWEST = 2
"""The fewest members of a group. With one, there is no variance."""


class MetricShape(StrEnum):
    """The shape of a metric's answer: one number, or a row for each group of users."""

    VALUE = "VALUE"
    GROUPS = "GROUPS"


def _query(text: str) -> str:
    if any(not (character.isprintable() or character in "\n\t") for character in text):
        raise ValueError("must not contain control characters")
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise ValueError("must be greater than zero")
    return duration


Query = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_QUERY), AfterValidator(_query)]
Pointer = Annotated[str, StringConstraints(max_length=500, pattern=r"^(/([^/~]|~[01])*)*$")]
"""A JSON pointer (RFC 6901). The empty one points at the whole document."""


class Metric(Frozen):
    """A question to a source, with parameters for the flag that it is about.

    `max_age` is how old the newest data may be. `minimum` is the fewest members that each group must have. `freshness` is a PromQL query
    for the Unix time of the newest data. `pointer` and `as_of` point into a JSON answer: at the value, and at the time of its data.
    """

    key: Slug
    name: NameOrKey = Field(default=None, validate_default=True)
    description: Description = ""
    source: Slug
    query: Query
    shape: MetricShape = MetricShape.VALUE
    max_age: Annotated[Duration, AfterValidator(_positive)] = timedelta(minutes=2)
    minimum: int | None = Field(default=None, ge=FEWEST, le=1_000_000_000, strict=True)
    freshness: Query | None = None
    pointer: Pointer | None = None
    as_of: Pointer | None = None

    @model_validator(mode="after")
    def _minimum_of_groups(self) -> Self:
        if self.minimum is not None and self.shape is MetricShape.VALUE:
            raise ValueError("must have no minimum with the shape VALUE: it is the fewest members of each group")
        return self

    @property
    def etag(self) -> str:
        """The entity tag of the metric."""
        return entity_tag(self)

    @property
    def fewest(self) -> int:
        """The fewest members that each group must have."""
        return self.minimum or FEWEST


class MetricQuestion(Frozen):
    """A metric, and the flag and the time that it is asked about. `since` is when the stage was entered."""

    project: str
    metric: str
    feature: str
    environment: str
    variant: str | None = None
    since: Moment
    at: Moment
