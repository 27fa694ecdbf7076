"""Uses of an environment or a segment, which prevent its deletion."""

from collections.abc import Callable
from typing import Any

from activities.providers.catalogue import provider_of
from activities.store.database import Store
from domain.flags.project import Project
from domain.pipelines.action import ForSegment
from domain.pipelines.pipeline import PipelineStatus, Stage

Use = dict[str, Any]


def uses_of_environment(store: Store, project: Project, environment: str) -> list[Use]:
    """Return the published pipelines with a stage in the environment, and unfinished releases on these or on archived ones."""
    return _uses_by_stages(store, project, lambda stage: stage.environment == environment)


def uses_of_segment(store: Store, project: Project, segment: str) -> list[Use]:
    """Return the overrides for the segment, the published pipelines that name it, and unfinished releases on these or on archived ones."""
    overrides = provider_of(project, store).overridden_for(segment)
    uses: list[Use] = [{"kind": "override", "feature": each.feature, "environment": each.environment} for each in overrides]
    return uses + _uses_by_stages(store, project, lambda stage: _names(stage, segment))


def _names(stage: Stage, segment: str) -> bool:
    return any(isinstance(action, ForSegment) and action.segment == segment for action in stage.actions)


def _uses_by_stages(store: Store, project: Project, matches: Callable[[Stage], bool]) -> list[Use]:
    using = [each for each in store.pipelines.published(project.id) if any(matches(stage) for stage in each.definition.stages)]
    published = [each for each in using if each.status is PipelineStatus.PUBLISHED]
    found: list[Use] = [{"kind": "pipeline", "key": each.definition.key, "version": each.version, "id": each.id} for each in published]
    ids = {each.id for each in using}
    releases = [release for release in store.releases.unfinished_in(project.id) if release.pipeline.id in ids]
    return found + [{"kind": "release", "id": release.id, "feature": release.feature} for release in releases]
