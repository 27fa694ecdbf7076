"""A project of Flagsmith as segments and flags of Flaghoist, with a remark on everything that can't be expressed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from activities.providers.copies import CopiedFeature, ProjectCopy, unique_key
from activities.providers.flagsmith.admin_api import FlagsmithAdminApi
from activities.providers.flagsmith.documents import Environment, Feature, Project
from activities.providers.flagsmith.reading import read_feature
from activities.providers.flagsmith.segment_copy import LONGEST_NAME, CopiedSegments
from activities.providers.flagsmith.state_copy import StateCopy, StateThere, state_in_list, state_there
from activities.providers.flagsmith.variant_copy import VariantCopy
from domain.flags.flag import FeatureType, type_of

LONGEST_DESCRIPTION = 2_000


class PlacedEnvironment(NamedTuple):
    """An environment of Flagsmith, and the key that it has here."""

    theirs: Environment
    ours: str


class _FeatureThere(NamedTuple):
    """A feature with its states in the environments, by the keys that these have here."""

    feature: Feature
    states: Mapping[str, StateThere]


def copy_project(api: FlagsmithAdminApi, project: Project, environments: Iterable[PlacedEnvironment]) -> ProjectCopy:
    """Read a project in these environments. Raises a ProviderError."""
    placed = list(environments)
    found = _read(api, project, placed)
    archived = {each.feature.id for each in found if each.feature.is_archived}
    segments = CopiedSegments(each for each in api.segments(project.id) if each.feature not in archived)
    features: dict[str, CopiedFeature] = {}
    for each in found:
        if each.feature.id not in archived:
            key = unique_key(each.feature.name, features)
            features[key] = _feature(key, each, segments.keys)
    remarks = [*segments.remarks, *_remarks(project, placed, len(archived))]
    return ProjectCopy(tuple(segments.copies.values()), tuple(features.values()), tuple(remarks))


def _read(api: FlagsmithAdminApi, project: Project, environments: Iterable[PlacedEnvironment]) -> list[_FeatureThere]:
    """Return the features, archived ones without states. Only those with overrides or variants take calls of their own."""
    features: dict[int, Feature] = {}
    states: dict[int, dict[str, StateThere]] = {}
    for place in environments:
        for feature in api.features(project.id, environment=place.theirs.id):
            features[feature.id] = feature
            read = None if feature.is_archived else _state(api, feature, place.theirs)
            states.setdefault(feature.id, {}).update({place.ours: read} if read else {})
    return [_FeatureThere(feature, states[feature.id]) for feature in features.values()]


def _state(api: FlagsmithAdminApi, feature: Feature, environment: Environment) -> StateThere | None:
    if feature.num_segment_overrides or feature.multivariate_options:
        found = read_feature(api, feature, environment)
        return state_there(found) if found else None
    return state_in_list(feature, feature.environment_feature_state) if feature.environment_feature_state else None


def _feature(key: str, found: _FeatureThere, segments: Mapping[int, str]) -> CopiedFeature:
    feature = found.feature
    kind = _type_of(found)
    variants = VariantCopy(kind, feature.multivariate_options)
    copy = StateCopy(kind, segments, variants)
    flags = {environment: copy.patch(environment, there) for environment, there in found.states.items()}
    remarks = [f"Its key is '{key}': keys are lower-case."] if key != feature.name else []
    if feature.is_server_key_only:
        remarks.append("Only server keys get it in Flagsmith. Here, every key of an application does.")
    description = (feature.description or "")[:LONGEST_DESCRIPTION]
    return CopiedFeature(
        key, feature.name[:LONGEST_NAME], description, kind, flags, (*remarks, *variants.remarks, *copy.remarks), variants.variants
    )


def _type_of(found: _FeatureThere) -> FeatureType:
    """Return the type of the first value: those for everyone, then those for segments, then those of variants. Empty text counts last."""
    defaults = [each.default.value for each in found.states.values()]
    others = [value for each in found.states.values() for value in each.values()]
    variants = [each.value for each in found.feature.multivariate_options]
    values = [each for each in (*defaults, *others, *variants) if each is not None]
    return type_of(next((each for each in values if each != ""), values[0] if values else None))


def _remarks(project: Project, environments: Iterable[PlacedEnvironment], archived: int) -> Iterator[str]:
    for place in environments:
        hides = place.theirs.hide_disabled_flags
        if project.hide_disabled_flags if hides is None else hides:
            name = place.theirs.name
            yield f"Applications in '{name}' don't get features that are off, because Flagsmith hides them. Here, they get them as off."
    if archived:
        yield f"{archived} archived {'feature was' if archived == 1 else 'features were'} not copied."
