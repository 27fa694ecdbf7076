"""A feature of Flagsmith in one environment as the state of a flag, and the parts of it that are left alone."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from activities.providers.flag_system import SegmentKeys, SystemFlag
from activities.providers.flagsmith.documents import Environment, Feature, FeatureSegment, FeatureState
from domain.flags.flag import LAST_PRIORITY, MOST_OVERRIDES, FeatureType, FlagState, Override, Rollout, Value, type_of
from domain.percentage import PartialPercentage

_VALUE: TypeAdapter[Value] = TypeAdapter(Value)


class SegmentOverride(NamedTuple):
    """An override as it was read: its place in the order, and its state."""

    placed: FeatureSegment
    state: FeatureState


class FeatureInEnvironment(NamedTuple):
    """A feature with its states in one environment."""

    feature: Feature
    environment: Environment
    default: FeatureState
    overrides: tuple[SegmentOverride, ...]
    identities: int
    shares: Mapping[int, PartialPercentage] = {}
    """Segment -> the share of a rollout, the oldest first."""

    @property
    def rollouts(self) -> list[SegmentOverride]:
        """The overrides of rollouts. The first one counts; others are there only if two workers began at once."""
        placed = {each.placed.segment: each for each in self.overrides}
        return [placed[segment] for segment in self.shares if segment in placed]

    def ours(self, segments: SegmentKeys) -> dict[str, SegmentOverride]:
        """Return segment key -> override, for the segments that a flag may name, by priority."""
        keys = {reference: key for key, reference in segments.items()}
        known = ((keys.get(str(each.placed.segment)), each) for each in self.overrides)
        return {key: each for key, each in known if key is not None and not each.placed.is_feature_specific}

    def others(self, segments: SegmentKeys) -> list[SegmentOverride]:
        """Return the other overrides."""
        ours = [each.placed.id for each in (*self.ours(segments).values(), *self.rollouts)]
        return [each for each in self.overrides if each.placed.id not in ours]


def flag_in(found: FeatureInEnvironment, segments: SegmentKeys) -> SystemFlag:
    """Return the flag, and a sentence for each part that Flaghoist leaves alone."""
    return SystemFlag(state_of(found, segments), tuple(_remarks(found, segments)))


def state_of(found: FeatureInEnvironment, segments: SegmentKeys) -> FlagState:
    """Return the state. An override has both fields of its own, because nothing follows the default in Flagsmith."""
    overrides = {
        key: Override(enabled=each.state.enabled, value=_value(each.state), priority=min(each.placed.priority, LAST_PRIORITY))
        for key, each in found.ours(segments).items()
    }
    return FlagState(enabled=found.default.enabled, value=_value(found.default), overrides=overrides, rollout=_rollout(found))


def _rollout(found: FeatureInEnvironment) -> Rollout | None:
    if not found.rollouts:
        return None
    placed, state = found.rollouts[0]
    return Rollout(percent=found.shares[placed.segment], enabled=state.enabled, value=_value(state))


def type_of_feature(feature: Feature, states: Mapping[str, Value]) -> FeatureType:
    """Return the type of a feature's values: of the default in the first environment with one, or else of the initial value."""
    values = [*states.values(), _typed(feature.initial_value)]
    return next((type_of(each) for each in values if each not in (None, "")), FeatureType.TOGGLE)


def _typed(text: str | None) -> Value:
    """Return a value as Flagsmith reads an initial value from its text."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return int(text or "")
    except ValueError:
        return text


def value_in(stored: str | int | bool | None) -> Value:
    """Return a value as one here, or none if it is longer or larger than one may be."""
    try:
        return _VALUE.validate_python(stored)
    except ValidationError:
        return None


def _value(state: FeatureState) -> Value:
    return value_in(state.feature_state_value.value)


def _remarks(found: FeatureInEnvironment, segments: SegmentKeys) -> Iterator[str]:
    if found.feature.multivariate_options:
        yield "The feature has variants. Flaghoist only enables or disables it for everyone, and leaves the variants as they are."
    for each in found.others(segments):
        yield f"The override for '{each.placed.segment_name}' is left alone, because no stage can name that segment."
    if found.identities:
        yield f"{found.identities} identities have a state of their own, which comes before everything that a stage sets."
    if len(found.overrides) > MOST_OVERRIDES:
        yield f"There are more than {MOST_OVERRIDES} overrides."
    if any(_value(each) != each.feature_state_value.value for each in (found.default, *(each.state for each in found.overrides))):
        yield "A value is longer than one may be here, and is shown as no value."
