"""Evaluating flags for an identity, with Flagsmith's own engine, on a context that is built once per version of an environment."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from flag_engine.context.types import IdentityContext
from flag_engine.engine import EvaluationContext, EvaluationResult, get_evaluation_result
from flag_engine.segments.evaluator import get_context_value

from domain.condition import can_be_evaluated
from domain.flag import LAST_PRIORITY, Value
from domain.identity import Identity, Trait
from domain.pattern import Deadline, compile_pattern, matches
from domain.segment import Operator, Rule
from domain.serving import ServedFlag, ServedSegment, Snapshot

PRIORITY_OF_ROLLOUT = LAST_PRIORITY + 1
"""Below every override, and above the default."""

_MATCHED = "\x00pattern "
"""How the traits are called that say which patterns match; nobody can send such a one."""


class FlagResult(NamedTuple):
    """What an identity gets of one flag, and why: by the override for a segment, or by being in the share of a rollout."""

    flag: ServedFlag
    enabled: bool
    value: Value
    reason: str
    segment: str | None
    in_rollout: bool


class Share(NamedTuple):
    """The identities that a rollout serves, as a segment that holds a percentage of all."""

    number: int
    name: str
    percent: int
    enabled: bool
    value: Value


class _Condition(NamedTuple):
    """A pattern that is tried beforehand, within a deadline: the engine only looks whether it matched."""

    trait: str
    property: str
    compiled: Any


def name_of_share(feature: str) -> str:
    """What SDKs show of the segment that a rollout makes; no segment's key looks like it."""
    return f"rollout of {feature}"


def share_of(flag: ServedFlag) -> Share | None:
    """The share that a rollout serves, what it does not name filled from the default; its salt is the feature and the environment."""
    if not (rollout := flag.state.rollout):
        return None
    enabled = rollout.enabled if "enabled" in rollout.named else flag.state.enabled
    value = rollout.value if "value" in rollout.named else flag.state.value
    return Share(flag.number, name_of_share(flag.feature.key), rollout.percent, enabled, value)


def overrides_for(segment: ServedSegment, flags: Iterable[ServedFlag]) -> Iterator[tuple[ServedFlag, bool, Value, int]]:
    """What the segment gets of each flag that has an override for it, inherited fields filled from the default; and its priority."""
    for flag in flags:
        if override := flag.state.overrides.get(segment.segment.key):
            yield flag, *flag.state.resolved(segment.segment.key), override.priority


def served_rules(segment: ServedSegment) -> tuple[Rule, ...]:
    """The segment's rules; none, and so nobody in it, where they can't be evaluated."""
    return segment.segment.rules if can_be_evaluated(segment.segment.rules) else ()


class Evaluator:
    """Evaluates the flags of one environment at one version."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.flags = {flag.feature.key: flag for flag in snapshot.flags}
        self._patterns: list[_Condition] = []
        self._known: dict[tuple[str, str], tuple[int, FlagResult]] = {}
        self._environment: dict[str, str] = {"key": snapshot.environment.id, "name": snapshot.environment.name}
        self._features = {key: _feature(flag, flag.state.enabled, flag.state.value) for key, flag in self.flags.items()}
        self._segments = dict(self._segment_contexts())
        self._segments_of = _by_feature(self._segments)
        self._targeted = {key: feature for key, feature in self._features.items() if key in self._segments_of}
        self._positions = {key: position for position, key in enumerate(self._features)}

    @cached_property
    def defaults(self) -> list[FlagResult]:
        """Every flag as everybody gets it, by key."""
        return [found for _, found in self._run(self._features, {}, None)]

    def evaluate(self, identity: Identity) -> list[FlagResult]:
        """Every flag, by key."""
        found = self.defaults.copy()
        for position, targeted in self.evaluate_targeted(identity):
            found[position] = targeted
        return found

    def evaluate_targeted(self, identity: Identity) -> list[tuple[int, FlagResult]]:
        """The flags that have an override or a rollout, each with its position among all. The others are the same for everybody."""
        return self._run(self._targeted, self._segments, identity)

    def evaluate_one(self, feature: str, identity: Identity | None = None) -> FlagResult:
        """One flag. Raises KeyError where there is none of that key."""
        return self._run({feature: self._features[feature]}, self._segments_of.get(feature, {}), identity)[0][1]

    def _run(self, features: Mapping[str, Any], segments: Mapping[str, Any], identity: Identity | None) -> list[tuple[int, FlagResult]]:
        context: EvaluationContext[Any, Any] = {"environment": self._environment, "features": dict(features)}  # type: ignore[typeddict-item]
        if identity:
            context["segments"] = dict(segments)
            traits: dict[str, Trait] = dict(identity.traits)
            key = f"{self.snapshot.environment.id}_{identity.identifier}"
            context["identity"] = IdentityContext(identifier=identity.identifier, key=key, traits=traits)  # type: ignore[typeddict-item]
            traits.update(self._matched(context))
        result: EvaluationResult[Any, Any] = get_evaluation_result(context)
        return [self._known.get((name, found["reason"])) or self._read(name, found) for name, found in result["flags"].items()]

    def _read(self, name: str, found: Any) -> tuple[int, FlagResult]:
        """A flag's reason settles what it is, so each is read once."""
        about = found["metadata"]
        whose = about.get("segment"), bool(about.get("rollout"))
        read = self._positions[name], FlagResult(self.flags[name], found["enabled"], found["value"], found["reason"], *whose)
        return self._known.setdefault((name, found["reason"]), read)

    def _matched(self, context: EvaluationContext[Any, Any]) -> dict[str, bool]:
        deadline = Deadline() if self._patterns else None
        matched = {}
        for pattern in self._patterns:
            value = get_context_value(context, pattern.property)
            if deadline and value is not None and matches(pattern.compiled, str(value), deadline):
                matched[pattern.trait] = True
        return matched

    def _segment_contexts(self) -> Iterator[tuple[str, Any]]:
        for segment in self.snapshot.segments:
            overrides = [
                _feature(flag, enabled, value, priority, segment=segment.segment.key)
                for flag, enabled, value, priority in overrides_for(segment, self.snapshot.flags)
            ]
            if overrides:
                yield _segment(segment.number, segment.segment.key, [self._rule(rule) for rule in served_rules(segment)], overrides)
        for flag in self.snapshot.flags:
            if share := share_of(flag):
                overrides = [_feature(flag, share.enabled, share.value, PRIORITY_OF_ROLLOUT, rollout=True)]
                yield _segment(share.number, share.name, [_percentage(share.percent)], overrides)

    def _rule(self, rule: Rule) -> dict[str, Any]:
        conditions = [self._condition(each.property or "", each.operator, each.value) for each in rule.conditions]
        return {"type": rule.type, "conditions": conditions, "rules": [self._rule(each) for each in rule.rules]}

    def _condition(self, property_: str, operator: Operator, value: str | None) -> dict[str, Any]:
        if operator is not Operator.REGEX:
            return {"property": property_, "operator": operator.value, "value": value}
        trait = f"{_MATCHED}{len(self._patterns)}"
        self._patterns.append(_Condition(trait, property_, compile_pattern(value or "")))
        return {"property": trait, "operator": Operator.IS_SET.value, "value": ""}


def _feature(flag: ServedFlag, enabled: bool, value: Value, priority: int | None = None, **why: str | bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "key": str(flag.number),
        "name": flag.feature.key,
        "enabled": enabled,
        "value": value,
        "metadata": {"id": flag.number, **why},
    }
    return made if priority is None else made | {"priority": priority}


def _segment(number: int, name: str, rules: list[dict[str, Any]], overrides: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return str(number), {"key": str(number), "name": name, "rules": rules, "overrides": overrides}


def _percentage(percent: int) -> dict[str, Any]:
    condition = {"property": "", "operator": Operator.PERCENTAGE_SPLIT.value, "value": str(percent)}
    return {"type": "ALL", "conditions": [condition], "rules": []}


def _by_feature(segments: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key, segment in segments.items():
        for override in segment["overrides"]:
            found.setdefault(override["name"], {})[key] = segment
    return found
