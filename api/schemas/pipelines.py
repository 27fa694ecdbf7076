"""Pipelines on the wire."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Tag

from domain.errors import Problem
from domain.model import Frozen, Moment
from domain.pipelines.pipeline import Pipeline, PipelineDefinition
from domain.releases.release import Release
from domain.text import Name, Slug


class ClonePipeline(Frozen):
    """What the copy is called: without a key it is the next version of its own, without a name it keeps it."""

    key: Slug | None = None
    name: Name | None = None


class FromTemplate(Frozen):
    """A template, and what is called otherwise than in it: its key and name, and the environments and segments by their names there."""

    template: Slug
    key: Slug | None = None
    name: Name | None = None
    environments: dict[Slug, Slug] = {}
    segments: dict[Slug, Slug] = {}


def _kind_of_new(body: Any) -> str:
    names_one = isinstance(body, FromTemplate) or (isinstance(body, dict) and "template" in body)
    return "from_template" if names_one else "from_definition"


NewPipeline = Annotated[
    Annotated[PipelineDefinition, Tag("from_definition")] | Annotated[FromTemplate, Tag("from_template")], Discriminator(_kind_of_new)
]


class PipelineSummary(PipelineDefinition):
    """A pipeline version, with how many releases are on it by status."""

    id: str
    version: int
    status: str
    published_at: Moment | None
    published_by: str | None
    releases: dict[str, int]


class FlagInStage(BaseModel):
    """A flag in a stage, and since when."""

    release: str
    feature: str
    status: str
    entered_at: datetime | None
    acts_at: datetime | None


class StageFlags(BaseModel):
    """How many flags are in a stage, and up to 50 of them, those that entered first first."""

    stage: str
    count: int
    flags: list[FlagInStage]


class CompletedFlag(BaseModel):
    """A flag that went the whole way."""

    release: str
    feature: str
    completed_at: datetime | None


class PipelineView(PipelineSummary):
    """A pipeline version, whole: its warnings, the flags in each stage, and up to 50 of those completed within 30 days, latest first."""

    warnings: list[Problem]
    flags: list[StageFlags]
    completed_count: int
    completed: list[CompletedFlag]


def summary(pipeline: Pipeline, counts: dict[str, int]) -> PipelineSummary:
    """A pipeline version in a list."""
    return PipelineSummary(**_plain(pipeline), releases=counts)


def completed_flags(count: int, latest: Iterable[Release]) -> dict[str, Any]:
    """How many flags went the whole way lately, and the latest of them."""
    flags = [CompletedFlag(release=each.id, feature=each.feature, completed_at=each.ended_at) for each in latest]
    return {"completed_count": count, "completed": flags}


def flag_in_stage(release: Release) -> FlagInStage:
    """A release, as one of the flags in its stage."""
    place = {"entered_at": release.entered_at, "acts_at": release.acts_at}
    return FlagInStage(release=release.id, feature=release.feature, status=release.status, **place)


def _plain(pipeline: Pipeline) -> dict[str, Any]:
    own = {field: getattr(pipeline, field) for field in ("id", "version", "published_at", "published_by")}
    return dict(pipeline.definition) | own | {"status": pipeline.status.value}
