"""Validation of guardrails and of gates that sample something: what keeps a pipeline from being published, and warnings."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from domain.errors import Problem
from domain.metrics.metric import MetricShape
from domain.metrics.query import mistakes_in_url
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.gate import CheckGate, MetricGate, SampledGate
from domain.pipelines.guardrail import LONGEST_INTERVAL, SHORTEST_INTERVAL, Guardrail
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.text import did_you_mean, folded


class Sampled(NamedTuple):
    """A guardrail or a gate that samples something: its pointer, itself, and the stage of a gate."""

    pointer: str
    rule: Guardrail | SampledGate
    stage: Stage | None = None


def sampled_in(definition: PipelineDefinition) -> Iterator[Sampled]:
    """Yield the guardrails of a pipeline, and the gates of its stages that sample something."""
    for number, guardrail in enumerate(definition.guardrails):
        yield Sampled(f"/guardrails/{number}", guardrail)
    for s, stage in enumerate(definition.stages):
        for g, gate in enumerate(stage.gates):
            if isinstance(gate, SampledGate):
                yield Sampled(f"/stages/{s}/gates/{g}", gate, stage)


def metrics_used(definition: PipelineDefinition) -> set[str]:
    """Return the keys of the metrics that a pipeline samples."""
    return {key for each in sampled_in(definition) for _, key in _metrics(each.rule)}


def sources_checked(definition: PipelineDefinition) -> set[str]:
    """Return the keys of the sources that a pipeline's checks ask."""
    return {each.rule.source for each in sampled_in(definition) if isinstance(each.rule, CheckGate)}


def watching_problems(
    definition: PipelineDefinition, environments: Collection[str], metrics: Mapping[str, MetricShape], sources: Collection[str]
) -> Iterator[Problem]:
    """Yield every reason why a guardrail or a sampling gate could not work. `sources` are those that can be checked, of kind `http`."""
    for each in sampled_in(definition):
        yield from _broken(each, environments, metrics, sources)
        yield from _impossible_times(each)
    for number, guardrail in enumerate(definition.guardrails):
        yield from _wrong_stages(definition, f"/guardrails/{number}", guardrail)
    yield from _duplicate_names(definition)


def watching_warnings(definition: PipelineDefinition) -> Iterator[Problem]:
    """Yield a warning for each stage in which a guardrail can't see any effect, because nothing has changed in its environment yet."""
    names = [folded(stage.name) for stage in definition.stages]
    for number, guardrail in enumerate(definition.guardrails):
        for s, named in enumerate(guardrail.stages):
            if folded(named) not in names:
                continue
            index = names.index(folded(named))
            environment = guardrail.environment or definition.stages[index].environment
            earlier = any(not stage.is_hold and stage.environment == environment for stage in definition.stages[:index])
            if not earlier and definition.stages[index].ramp is None:
                message = (
                    f"While a flag is in '{named}', no stage has changed it in {environment} yet, because a stage acts when its wait ends. "
                    "Name the stage after the change that is to be watched."
                )
                yield Problem(pointer=f"/guardrails/{number}/stages/{s}", code="nothing_to_watch", message=message)


def _broken(
    each: Sampled, environments: Collection[str], metrics: Mapping[str, MetricShape], sources: Collection[str]
) -> Iterator[Problem]:
    rule = each.rule
    if rule.environment is not None and rule.environment not in environments:
        message = f"There is no environment '{rule.environment}': create it or name another.{did_you_mean(rule.environment, environments)}"
        yield Problem(pointer=f"{each.pointer}/environment", code="no_such_environment", message=message)
    if isinstance(rule, CheckGate):
        for mistake in mistakes_in_url(rule.path):
            yield Problem(pointer=f"{each.pointer}/path", code=mistake.code, message=mistake.message)
        if rule.source not in sources:
            message = f"There is no source '{rule.source}' of kind http: create it or name another.{did_you_mean(rule.source, sources)}"
            yield Problem(pointer=f"{each.pointer}/source", code="no_such_source", message=message)
    needs = MetricShape.GROUPS if isinstance(rule, CheckGate | ExperimentGate) else rule.condition.needs
    for field, key in _metrics(rule):
        if key not in metrics:
            message = f"There is no metric '{key}': create it or name another.{did_you_mean(key, metrics)}"
            yield Problem(pointer=f"{each.pointer}{field}", code="no_such_metric", message=message)
        elif metrics[key] is not needs:
            what = "An experiment" if isinstance(rule, ExperimentGate) else "This condition"
            message = f"{what} needs a metric of shape {needs}, and '{key}' is of shape {metrics[key]}: use another one."
            wrong = field if isinstance(rule, ExperimentGate) else "/condition"
            yield Problem(pointer=f"{each.pointer}{wrong}", code="metric_shape", message=message)


def _metrics(rule: Guardrail | SampledGate) -> list[tuple[str, str]]:
    """Return the field and the key of each metric that a rule names."""
    if isinstance(rule, CheckGate):
        return []
    goal = [("/metric", rule.metric)]
    guarded = rule.guardrails if isinstance(rule, ExperimentGate) else ()
    return goal + [(f"/guardrails/{number}/metric", each.metric) for number, each in enumerate(guarded)]


def _impossible_times(each: Sampled) -> Iterator[Problem]:
    if not SHORTEST_INTERVAL <= each.rule.every <= LONGEST_INTERVAL:
        message = "The time between two samples must be from 5 seconds to 1 day."
        yield Problem(pointer=f"{each.pointer}/every", code="interval_out_of_range", message=message)
    if isinstance(each.rule, MetricGate) and each.rule.passing_for < timedelta(0):
        message = "The time for which the metric must pass can't be negative."
        yield Problem(pointer=f"{each.pointer}/passing_for", code="wait_not_positive", message=message)


def _wrong_stages(definition: PipelineDefinition, at: str, guardrail: Guardrail) -> Iterator[Problem]:
    names = [stage.name for stage in definition.stages]
    known = {folded(name): index for index, name in enumerate(names)}
    watched = [known[folded(name)] for name in guardrail.stages if folded(name) in known]
    for number, name in enumerate(guardrail.stages):
        if folded(name) not in known:
            message = f"There is no stage '{name}': name one of the pipeline's stages.{did_you_mean(name, names)}"
            yield Problem(pointer=f"{at}/stages/{number}", code="no_such_stage", message=message)
    if guardrail.to_stage is None:
        return
    if folded(guardrail.to_stage) not in known:
        message = f"There is no stage '{guardrail.to_stage}': name one of the pipeline's stages.{did_you_mean(guardrail.to_stage, names)}"
        yield Problem(pointer=f"{at}/to_stage", code="no_such_stage", message=message)
    elif watched and known[folded(guardrail.to_stage)] >= min(watched):
        message = f"A flag in '{names[min(watched)]}' has not passed '{guardrail.to_stage}' yet: name an earlier stage."
        yield Problem(pointer=f"{at}/to_stage", code="stage_not_passed", message=message)


def _duplicate_names(definition: PipelineDefinition) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, guardrail in enumerate(definition.guardrails):
        if (other := first.setdefault(folded(guardrail.name), index)) != index:
            message = f"Guardrail {other + 1} already has this name: each name must be unique, ignoring case."
            yield Problem(pointer=f"/guardrails/{index}/name", code="name_used_twice", message=message)
