"""Evaluate flags for an identity with Flagsmith's own engine, on a context built once per version of an environment."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from flag_engine.context.types import IdentityContext
from flag_engine.engine import EvaluationContext, EvaluationResult, get_evaluation_result
from flag_engine.segments.evaluator import get_context_value
from flag_engine.utils.hashing import get_hashed_percentage_for_object_ids

from domain.evaluation.identity import Identity, Trait
from domain.evaluation.snapshot import ServedFlag, Snapshot
from domain.evaluation.targeting import (
    PRIORITY_OF_ROLLOUT,
    RolloutShare,
    needs_identifier,
    overrides_for,
    served_rules,
    share_of,
    split_of,
)
from domain.flags.flag import Value
from domain.flags.portable_pattern import WRITTEN
from domain.flags.regex import Deadline, compile_pattern, matches
from domain.flags.segment import Operator
from domain.flags.served_rules import ServedRule
from domain.flags.variant import Variant
from domain.percentage import Percentage

_MATCHED = "\x00pattern "
"""Prefix of the traits that hold the results of patterns. NUL is refused in the traits that applications send."""


class FlagResult(NamedTuple):
    """The result of one flag for an identity. `segment` is set if an override applied, `in_rollout` if a rollout did.

    `is_split` is true if an allocation decided. The variant is None for those who got the plain value.
    """

    flag: ServedFlag
    enabled: bool
    value: Value
    reason: str
    segment: str | None
    in_rollout: bool
    is_split: bool = False
    variant: Variant | None = None

    @property
    def origin(self) -> tuple[str, str | None, bool, str | None]:
        """The facts that determine the result of a flag."""
        return self.reason, self.segment, self.in_rollout, self.variant.key if self.variant else None


class _Outcome:
    """The result of a flag from one source, and its results for the slots of the allocation there.

    We choose the slot ourselves, with the engine's own hash and sums, because that is cheaper than another context for each.
    """

    def __init__(self, position: int, result: FlagResult) -> None:
        self.position = position
        slots = split_of(result.flag, result.segment, in_rollout=result.in_rollout)
        self.plain = result
        self._key = str(result.flag.feature.salt)
        self._limits = list(accumulate(slot.percent for slot in slots))
        rest = result._replace(is_split=True)
        chosen = [rest._replace(reason=f"SPLIT; weight={slot.percent}", variant=slot.variant) for slot in slots]
        self._results = [each._replace(value=each.variant.value) if each.variant else each for each in (*chosen, rest)]

    def of(self, identity_key: str | None) -> FlagResult:
        """Return the result for an identity."""
        if identity_key is None or not self._limits:
            return self.plain
        return self._results[bisect_right(self._limits, get_hashed_percentage_for_object_ids([self._key, identity_key]))]


class _Pattern(NamedTuple):
    """A pattern that is matched within a deadline before the engine runs. The engine only reads the result, as a trait."""

    trait: str
    property: str
    compiled: Any


class _RolloutSegment(NamedTuple):
    """A rollout as a segment that includes everyone or no one.

    We compute the share ourselves, with the engine's own hash, because that is cheaper than evaluating a rule.
    """

    key: str
    percent: Percentage
    everyone: Any
    no_one: Any

    def for_identity(self, identity_key: str) -> Any:
        """Return the segment to use for this identity."""
        return self.everyone if get_hashed_percentage_for_object_ids([self.key, identity_key]) <= self.percent else self.no_one


class Evaluator:
    """Evaluates the flags of one environment at one version."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.flags = {flag.feature.key: flag for flag in snapshot.flags}
        self._patterns: list[_Pattern] = []
        self._outcomes: dict[tuple[str, str], _Outcome] = {}
        self._environment: dict[str, str] = {"key": snapshot.environment.id, "name": snapshot.environment.name}
        self._features = {key: _feature(flag, flag.state.enabled, flag.state.value) for key, flag in self.flags.items()}
        self._rollouts = [_rollout_segment(share) for flag in snapshot.flags if (share := share_of(flag))]
        self._segments = dict(self._segment_contexts()) | {rollout.key: rollout.no_one for rollout in self._rollouts}
        self._segments_of = _by_feature(self._segments)
        self._targeted = {key: feature for key, feature in self._features.items() if key in self._segments_of}
        self._positions = {key: position for position, key in enumerate(self._features)}
        self._only_split = [
            _Outcome(self._positions[key], result)
            for key, result in zip(self._features, self.defaults, strict=True)
            if result.flag.state.allocation and key not in self._targeted
        ]

    @cached_property
    def defaults(self) -> list[FlagResult]:
        """The default results of all flags, by key."""
        return [result for _, result in self._run(self._features, {}, None)]

    @cached_property
    def need_identifier(self) -> Mapping[str, int]:
        """The flags whose results depend on the identifier, each with its position."""
        segments = self.snapshot.segments
        return {key: self._positions[key] for key, flag in self.flags.items() if needs_identifier(flag, segments)}

    def evaluate(self, identity: Identity) -> list[FlagResult]:
        """Return the results of all flags, by key."""
        results = self.defaults.copy()
        for position, targeted in self.evaluate_targeted(identity):
            results[position] = targeted
        return results

    def evaluate_targeted(self, identity: Identity) -> list[tuple[int, FlagResult]]:
        """Return the results of flags with overrides or shares, each with its position. Other flags are the same for everyone."""
        key = self._key_of(identity)
        split = [(outcome.position, outcome.of(key)) for outcome in self._only_split]
        return [*self._run(self._targeted, self._segments, identity), *split] if self._targeted else split

    def evaluate_one(self, feature: str, identity: Identity | None = None) -> FlagResult:
        """Return the result of one flag. Raise KeyError if there is no such flag."""
        return self._run({feature: self._features[feature]}, self._segments_of.get(feature, {}), identity)[0][1]

    def _run(self, features: Mapping[str, Any], segments: Mapping[str, Any], identity: Identity | None) -> list[tuple[int, FlagResult]]:
        context: EvaluationContext[Any, Any] = {"environment": self._environment, "features": dict(features)}  # type: ignore[typeddict-item]
        key = None
        if identity:
            traits: dict[str, Trait] = dict(identity.traits)
            key = self._key_of(identity)
            rollouts = {rollout.key: rollout.for_identity(key) for rollout in self._rollouts if rollout.key in segments}
            context["segments"] = {**segments, **rollouts}
            context["identity"] = IdentityContext(identifier=identity.identifier, key=key, traits=traits)  # type: ignore[typeddict-item]
            traits.update(self._matched_patterns(context))
        result: EvaluationResult[Any, Any] = get_evaluation_result(context)
        outcomes = [self._outcomes.get((name, found["reason"])) or self._outcome(name, found) for name, found in result["flags"].items()]
        return [(outcome.position, outcome.of(key)) for outcome in outcomes]

    def _key_of(self, identity: Identity) -> str:
        return f"{self.snapshot.environment.id}_{identity.identifier}"

    def _outcome(self, name: str, found: Any) -> _Outcome:
        """Cache one outcome per reason, because the reason determines everything else but the slot."""
        about = found["metadata"]
        source = about.get("segment"), bool(about.get("rollout"))
        result = FlagResult(self.flags[name], found["enabled"], found["value"], found["reason"], *source)
        return self._outcomes.setdefault((name, found["reason"]), _Outcome(self._positions[name], result))

    def _matched_patterns(self, context: EvaluationContext[Any, Any]) -> dict[str, bool]:
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
                rules = [self._rule(rule) for rule in served_rules(segment.segment.rules)]
                yield str(segment.number), _segment(segment.number, segment.segment.key, rules, overrides)

    def _rule(self, rule: ServedRule) -> dict[str, Any]:
        conditions = [self._condition(each.property or "", each.operator, each.value) for each in rule.conditions]
        return {"type": rule.type, "conditions": conditions, "rules": [self._rule(each) for each in rule.rules]}

    def _condition(self, property_: str, operator: Operator, value: str | None) -> dict[str, Any]:
        if operator is not Operator.REGEX or not (value or "").startswith(WRITTEN):
            return {"property": property_, "operator": operator.value, "value": value}
        trait = f"{_MATCHED}{len(self._patterns)}"
        self._patterns.append(_Pattern(trait, property_, compile_pattern(value or "")))
        return {"property": trait, "operator": Operator.IS_SET.value, "value": ""}


def _rollout_segment(share: RolloutShare) -> _RolloutSegment:
    overrides = [_feature(share.flag, share.enabled, share.value, PRIORITY_OF_ROLLOUT, rollout=True)]
    everyone = _segment(share.flag.number, share.name, [{"type": "ALL", "conditions": [], "rules": []}], overrides)
    return _RolloutSegment(str(share.flag.number), share.percent, everyone, everyone | {"rules": []})


def _feature(flag: ServedFlag, enabled: bool, value: Value, priority: int | None = None, **source: str | bool) -> dict[str, Any]:
    feature: dict[str, Any] = {
        "key": str(flag.number),
        "name": flag.feature.key,
        "enabled": enabled,
        "value": value,
        "metadata": {"id": flag.number, **source},
    }
    return feature if priority is None else feature | {"priority": priority}


def _segment(number: int, name: str, rules: list[dict[str, Any]], overrides: list[dict[str, Any]]) -> dict[str, Any]:
    return {"key": str(number), "name": name, "rules": rules, "overrides": overrides}


def _by_feature(segments: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key, segment in segments.items():
        for override in segment["overrides"]:
            found.setdefault(override["name"], {})[key] = segment
    return found
