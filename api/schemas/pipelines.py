"""Request and response bodies of pipelines."""

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
    """The key and name of a copy, by default those of the original. A copy with the original key is its next version."""

    key: Slug | None = None
    name: Name | None = None


class FromTemplate(Frozen):
    """A template and what to rename in it: the key and name, and environments and segments by their names in the template."""

    template: Slug
    key: Slug | None = None
    name: Name | None = None
    environments: dict[Slug, Slug] = {}
    segments: dict[Slug, Slug] = {}


def _kind_of_new(body: Any) -> str:
    has_template = isinstance(body, FromTemplate) or (isinstance(body, dict) and "template" in body)
    return "from_template" if has_template else "from_definition"


NewPipeline = Annotated[
    Annotated[PipelineDefinition, Tag("from_definition")] | Annotated[FromTemplate, Tag("from_template")], Discriminator(_kind_of_new)
]


class PipelineSummary(PipelineDefinition):
    """A pipeline version, with the number of its releases by status."""

    id: str
    version: int
    status: str
    published_at: Moment | None
    published_by: str | None
    releases: dict[str, int]


class FlagInStage(BaseModel):
    """A flag in a stage, with the time it entered."""

    release: str
    feature: str
    status: str
    entered_at: datetime | None
    acts_at: datetime | None


class StageFlags(BaseModel):
    """The number of flags in a stage, and up to 50 of them, in the order in which they entered."""

    stage: str
    count: int
    flags: list[FlagInStage]


class CompletedFlag(BaseModel):
    """A flag that completed the pipeline."""

    release: str
    feature: str
    completed_at: datetime | None


class PipelineView(PipelineSummary):
    """A pipeline version with its warnings, the flags in each stage, and up to 50 of those completed within 30 days, latest first."""

    warnings: list[Problem]
    flags: list[StageFlags]
    completed_count: int
    completed: list[CompletedFlag]


def summary(pipeline: Pipeline, counts: dict[str, int]) -> PipelineSummary:
    """Return a pipeline version as a list item."""
    return PipelineSummary(**_fields(pipeline), releases=counts)


def completed_flags(count: int, latest: Iterable[Release]) -> dict[str, Any]:
    """Return the number of recently completed flags, and the latest of them."""
    flags = [CompletedFlag(release=each.id, feature=each.feature, completed_at=each.ended_at) for each in latest]
    return {"completed_count": count, "completed": flags}


def flag_in_stage(release: Release) -> FlagInStage:
    """Return a release as one of the flags in its stage."""
    times = {"entered_at": release.entered_at, "acts_at": release.acts_at}
    return FlagInStage(release=release.id, feature=release.feature, status=release.status, **times)


def _fields(pipeline: Pipeline) -> dict[str, Any]:
    of_version = {field: getattr(pipeline, field) for field in ("id", "version", "published_at", "published_by")}
    return dict(pipeline.definition) | of_version | {"status": pipeline.status.value}
