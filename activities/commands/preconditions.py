"""Checks before a flag is added to a pipeline. Adding stops at the first refusal; a simulation collects them all."""

from activities.providers.catalogue import provider_of
from activities.providers.provider import FlagProvider
from activities.store.database import Store
from domain.errors import AlreadyReleasing, Invalid, NotPublished, Problem, ValueTypeWrong
from domain.flags.flag import FlagState, check_value
from domain.flags.project import Feature, Project
from domain.flags.variant import unknown_variants
from domain.metrics.source import SourceKind
from domain.pipelines.action import WithValue
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import Pipeline, PipelineDefinition, PipelineStatus
from domain.pipelines.validation import Known
from domain.text import did_you_mean


def known_in(store: Store, project: Project) -> Known:
    """Return the keys that a pipeline of the project may name."""
    provider = provider_of(project, store)
    metrics, checked = store.metrics.shapes(project.id), store.metric_sources.keys_of_kind(project.id, SourceKind.HTTP)
    return Known(provider.environments(), provider.segments(), metrics, checked)


def check_published(pipeline: Pipeline) -> None:
    """Raise NotPublished or PipelineArchived if the version accepts no releases."""
    pipeline.check_not_archived("/pipeline")
    if pipeline.status is PipelineStatus.DRAFT:
        message = f"'{pipeline.definition.key}' is a draft: publish it first."
        raise NotPublished(message, problems=(Problem(pointer="/pipeline", code="not_published", message=message),))


def starting_stage(definition: PipelineDefinition, name: str | None) -> int:
    """Return the index of the stage to start at, by default the first. Raises Invalid."""
    index = 0 if name is None else definition.index_of(name)
    if index is None:
        names = [stage.name for stage in definition.stages]
        stages = ", ".join(f"'{each}'" for each in names) or "no stages"
        message = f"Unknown stage '{name}': the pipeline has {stages}.{did_you_mean(name, names)}"
        raise Invalid(message, problems=(Problem(pointer="/starting_stage", code="not_found", message=message),))
    return index


def check_free(store: Store, feature: Feature) -> None:
    """Raise AlreadyReleasing if the flag is in an unfinished release."""
    if other := store.releases.unfinished_of([feature.id]).get(feature.id):
        message = f"'{feature.key}' is already in release {other.id}, on pipeline '{other.pipeline.key}': remove that release or wait."
        raise AlreadyReleasing(message, release=other.id, pipeline=other.pipeline.key)


def look_at(provider: FlagProvider, feature: Feature, definition: PipelineDefinition) -> dict[str, FlagState]:
    """Return the flag's present state in each environment of the pipeline, except those that don't exist."""
    environments = provider.environments() & {stage.environment for stage in definition.stages}
    return {each: provider.look(feature.key, each) for each in sorted(environments)}


def check_values(feature: Feature, definition: PipelineDefinition, start: int, parameters: Parameters) -> None:
    """Raise ValueTypeWrong for all values of the wrong type for the feature. Parameters without a value are not checked."""
    problems = []
    for stage in definition.stages[start:]:
        for action in stage.actions:
            if not isinstance(action, WithValue) or (action.value_from and action.value_from.parameter not in parameters):
                continue
            pointer = f"/parameters/{action.value_from.parameter}" if action.value_from else "/feature"
            try:
                check_value(feature.type, action.value_in(parameters), f"The value of stage '{stage.name}'")
            except ValueTypeWrong as wrong:
                problems.append(Problem(pointer=pointer, code=wrong.code(), message=wrong.message))
    if problems:
        raise ValueTypeWrong(problems[0].message, problems=tuple(problems), expected=feature.type.value)


def check_variants(project: Project, feature: Feature, definition: PipelineDefinition, start: int) -> None:
    """Raise Invalid for all variants of stages from the starting one on that the feature does not have."""
    found = {
        problem.message: Problem(pointer="/feature", code=problem.code, message=f"Stage '{stage.name}': {problem.message}")
        for stage in definition.stages[start:]
        for problem in unknown_variants({"": stage.variants}, feature.variants, project.provider)
    }
    if problems := tuple(found.values()):
        raise Invalid(problems[0].message, problems=problems)
