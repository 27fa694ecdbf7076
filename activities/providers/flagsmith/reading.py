"""Reads a feature of Flagsmith with all its states in one environment."""

from activities.providers.flagsmith.admin_api import FlagsmithAdminApi
from activities.providers.flagsmith.documents import Environment, Feature
from activities.providers.flagsmith.flag_state import FeatureInEnvironment, SegmentOverride
from activities.providers.flagsmith.rollout import RolloutSegments


def read_feature(api: FlagsmithAdminApi, feature: Feature, environment: Environment) -> FeatureInEnvironment | None:
    """Return the feature, its overrides by priority. None if it has no state there. Raises a ProviderError: Rejected if it is unknown."""
    states = api.states(environment.id, feature.id)
    default = next((each for each in states if each.feature_segment is None and each.identity is None), None)
    if default is None:
        return None
    by_segment = {each.feature_segment: each for each in states if each.feature_segment is not None}
    placed = api.feature_segments(environment.id, feature.id) if by_segment else []
    overrides = [SegmentOverride(each, by_segment[each.id]) for each in placed if each.id in by_segment]
    overrides.sort(key=lambda each: each.placed.priority)
    identities = sum(each.identity is not None for each in states)
    segments = RolloutSegments(api, feature, environment)
    shares = segments.shares() if any(segments.may_be_of(each.placed) for each in overrides) else {}
    return FeatureInEnvironment(feature, environment, default, tuple(overrides), identities, shares)
