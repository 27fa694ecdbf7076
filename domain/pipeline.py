"""Pipelines: a named, ordered list of stages, in versions that never change once they are published."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.action import Action, fold, patch_in_words
from domain.model import Frozen, Moment
from domain.patch import FlagPatch
from domain.text import Description, Name, Slug
from domain.trigger import Trigger

MOST_STAGES = 30
LARGEST_DEFINITION = 64 * 1024
"""In bytes of JSON."""

OnConflict = Literal["block", "overwrite"]


class Stage(Frozen):
    """One step of a pipeline, in one environment; without actions it is a hold."""

    name: Name
    description: Description = ""
    environment: Slug
    trigger: Trigger
    actions: tuple[Action, ...] = Field(default=(), max_length=20)

    @property
    def is_hold(self) -> bool:
        """Whether the stage only waits."""
        return not self.actions

    @property
    def patch(self) -> FlagPatch:
        """Its actions as one patch."""
        return fold(self.actions)

    def in_words(self) -> str:
        """What the stage does, as people say it."""
        return f"{self.name}: {'hold' if self.is_hold else patch_in_words(self.patch)}"


class Definition(Frozen):
    """What people write: everything about a pipeline version but its number and its state."""

    key: Slug
    name: Name
    description: Description = ""
    on_conflict: OnConflict = "block"
    stages: tuple[Stage, ...] = Field(default=(), max_length=MOST_STAGES)

    def index_of(self, stage: str) -> int | None:
        """Where the stage of that name stands, whatever its case."""
        names = [each.name.casefold() for each in self.stages]
        return names.index(stage.casefold()) if stage.casefold() in names else None


class PipelineStatus(StrEnum):
    """What can be done with a pipeline version."""

    DRAFT = "draft"
    PUBLISHED = "published"


class Pipeline(Frozen):
    """One version of a pipeline."""

    id: str
    version: int
    revision: int
    status: PipelineStatus
    published_at: Moment | None = None
    published_by: str | None = None
    definition: Definition

    def published(self, at: datetime, by: str) -> "Pipeline":
        """The same version, published."""
        return self.model_copy(update={"status": PipelineStatus.PUBLISHED, "published_at": at, "published_by": by})
