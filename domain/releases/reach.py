"""The stages that a stop or a freeze would hold back."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.pipelines.binding import with_fixed_times
from domain.pipelines.freeze import Freeze
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.releases.plan import scheduled_ahead
from domain.releases.release import Release
from domain.releases.schedule import calendar_of, steps_at

Holds = Callable[[Stage, datetime | None], bool]
"""True if a stage that acts at this time would be held back. The time is None if it is not known yet."""


class ComingStage(NamedTuple):
    """A stage that has not acted, or not completely, and when it acts next. The time is None while a person has to decide."""

    name: str
    environment: str
    acts_at: datetime | None


def stages_held(
    release: Release, definition: PipelineDefinition, now: datetime, freezes: Sequence[Freeze], holds: Holds
) -> list[ComingStage]:
    """Return the coming stages of an unfinished release that would be held back, each with the first time at which it would be."""
    stages = with_fixed_times(definition.stages, release.parameters)
    calendar = calendar_of(freezes)
    ahead = scheduled_ahead(release, stages, now, calendar)
    found = []
    for index in range(release.stage_index, len(stages)):
        stage, step = stages[index], release.step if index == release.stage_index else 1
        due = ahead.get(index)
        times: list[datetime | None] = [at for _, at in steps_at(stage, step, due.due_at, calendar)] if due else [None]
        held = [at for at in times if holds(stage, at)]
        if held:
            found.append(ComingStage(stage.name, stage.environment, held[0]))
    return found
