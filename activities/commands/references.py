"""Uses of an environment, a segment, a metric or its source. They prevent its deletion, and decide who may change a segment."""

from collections.abc import Callable
from typing import Any, NamedTuple

from activities.providers.catalogue import provider_of
from activities.store.database import Store
from domain.flags.project import Feature, Project
from domain.pipelines.action import ForSegment
from domain.pipelines.pipeline import Pipeline, PipelineDefinition, PipelineStatus, Stage
from domain.pipelines.watching import metrics_used, sources_checked
from domain.releases.release import Release

Use = dict[str, Any]


def uses_of_environment(store: Store, project: Project, environment: str) -> list[Use]:
    """Return the published pipelines with a stage in the environment, and unfinished releases on these or on archived ones."""
    return _uses_by_stages(store, project, lambda stage: stage.environment == environment)


def uses_of_segment(store: Store, project: Project, segment: str) -> list[Use]:
    """Return the overrides for the segment, the published pipelines that name it, and unfinished releases on these or on archived ones."""
    overrides = provider_of(project, store).overridden_for(segment)
    uses: list[Use] = [{"kind": "override", "feature": each.feature, "environment": each.environment} for each in overrides]
    return uses + _uses_by_stages(store, project, lambda stage: _names(stage, segment))


def uses_of_metric(store: Store, project: Project, metric: str) -> list[Use]:
    """Return the published pipelines that name the metric, and unfinished releases on these or on archived ones."""
    return _uses_by_definition(store, project, lambda definition: metric in metrics_used(definition))


def uses_of_source(store: Store, project: Project, source: str) -> list[Use]:
    """Return the metrics of the source, the published pipelines that name it, and unfinished releases on these or on archived ones."""
    metrics: list[Use] = [{"kind": "metric", "key": each.key} for each in store.metrics.of_source(project.id, source)]
    return metrics + _uses_by_definition(store, project, lambda definition: source in sources_checked(definition))


def uses_of_variant(store: Store, project: Project, feature: Feature, variant: str) -> list[Use]:
    """Return the allocations of the feature's variant, and its unfinished release if a stage of that names it.

    A published pipeline is no use: it is for any feature, and adding one checks its variants.
    """
    states = provider_of(project, store).look_all([feature.key])[feature.key]
    uses: list[Use] = [
        {"kind": "allocation", "feature": feature.key, "environment": environment}
        for environment, state in states.items()
        if any(variant in allocation for allocation in (state.allocation, *(each.allocation or {} for each in state.overrides.values())))
    ]
    release = store.releases.unfinished_of([feature.id]).get(feature.id)
    stages = store.pipelines.get(project.id, release.pipeline.id).definition.stages if release else ()
    names = any(variant in stage.variants for stage in stages)
    return [*uses, *([{"kind": "release", "id": release.id, "feature": feature.key}] if release and names else [])]


def environments_of_segment(store: Store, project: Project, segment: str) -> list[str]:
    """Return every environment in which the segment decides something, now or later.

    These are the environments of its overrides, of those that a rollback could restore, and of the stages that name it in a published
    pipeline or an unfinished release.
    """
    overridden = {each.environment for each in provider_of(project, store).overridden_for(segment)}
    used = _using(store, project, lambda definition: any(_names(stage, segment) for stage in definition.stages))
    stages = [stage for pipeline in (*used.published, *used.under_way) for stage in pipeline.definition.stages]
    restorable = store.history.restorable_for(project.id, segment)
    return sorted(overridden | restorable | {stage.environment for stage in stages if _names(stage, segment)})


class _Using(NamedTuple):
    """The published pipelines that match, the unfinished releases on any version that does, and these versions."""

    published: list[Pipeline]
    under_way: list[Pipeline]
    releases: list[Release]


def _names(stage: Stage, segment: str) -> bool:
    return any(isinstance(action, ForSegment) and action.segment == segment for action in stage.actions)


def _uses_by_stages(store: Store, project: Project, matches: Callable[[Stage], bool]) -> list[Use]:
    return _uses_by_definition(store, project, lambda definition: any(map(matches, definition.stages)))


def _uses_by_definition(store: Store, project: Project, matches: Callable[[PipelineDefinition], bool]) -> list[Use]:
    using = _using(store, project, matches)
    found: list[Use] = [
        {"kind": "pipeline", "key": each.definition.key, "version": each.version, "id": each.id} for each in using.published
    ]
    return found + [{"kind": "release", "id": release.id, "feature": release.feature} for release in using.releases]


def _using(store: Store, project: Project, matches: Callable[[PipelineDefinition], bool]) -> _Using:
    matching = {each.id: each for each in store.pipelines.published(project.id) if matches(each.definition)}
    published = [each for each in matching.values() if each.status is PipelineStatus.PUBLISHED]
    releases = [release for release in store.releases.unfinished_in(project.id) if release.pipeline.id in matching]
    under_way = {release.pipeline.id: matching[release.pipeline.id] for release in releases}
    return _Using(published, list(under_way.values()), releases)
