"""The share of identities that a rollout serves: a segment of the feature, for one environment, that only Flaghoist changes."""

from copy import deepcopy
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from activities.providers.errors import ProviderRejected
from activities.providers.flagsmith.admin_api import FlagsmithAdminApi
from activities.providers.flagsmith.documents import Document, Environment, Feature, FeatureSegment, Segment
from domain.errors import KeptByOthers
from domain.percentage import PartialPercentage

NOT_FOUND = 404

_IDENTITY = "$.identity.key"


class RolloutSegments:
    """The segments of the rollouts of one feature in one environment. There is more than one only if two workers began at once.

    Flagsmith hashes the id of a segment with the identity. So a share grows in its segment, and nobody loses the flag.
    """

    def __init__(self, api: FlagsmithAdminApi, feature: Feature, environment: Environment) -> None:
        self._api, self._feature, self._environment = api, feature, environment
        self._name = f"Flaghoist rollout of {feature.name} in {environment.name}"

    def may_be_of(self, placed: FeatureSegment) -> bool:
        """True if an override can be that of a rollout, judging by the name of its segment."""
        return placed.is_feature_specific and placed.segment_name == self._name

    def shares(self) -> dict[int, PartialPercentage]:
        """Return segment -> share, the oldest first. Those that somebody gave another form are left out."""
        shares = {each.id: share_in(each.rules) for each in self._segments()}
        return {segment: share for segment, share in sorted(shares.items()) if share is not None}

    def prepare(self, percent: PartialPercentage) -> int:
        """Return a segment with this share, which is created if there is none. Raises KeptByOthers if somebody changed its form."""
        shares = self.shares()
        if not shares:
            if self._segments():
                raise self._changed()
            created = self._api.create_segment(self._environment.project, self._document(_rules(percent)))
            shares = self.shares()
            if created != (oldest := min(shares)):
                self.delete(created)
                created = oldest
        segment = min(shares)
        if shares[segment] != percent:
            self.resize(segment, percent)
        return segment

    def resize(self, segment: int, percent: PartialPercentage) -> None:
        """Give a segment another share. The ids of its rules stay, because Flagsmith serves a segment without new rules for a moment.

        Raises KeptByOthers if somebody changed its form.
        """
        rules = next((each.rules for each in self._segments() if each.id == segment and share_in(each.rules)), None)
        if rules is None:
            raise self._changed()
        changed = deepcopy(rules)
        changed[0]["rules"][0]["conditions"][0]["value"] = str(percent)
        self._api.update_segment(self._environment.project, segment, self._document(changed))

    def delete(self, segment: int) -> None:
        """Delete a segment whose override is gone, unless another worker was faster."""
        try:
            self._api.delete_segment(self._environment.project, segment)
        except ProviderRejected as rejected:
            if rejected.status != NOT_FOUND:
                raise

    def delete_all(self) -> None:
        """Delete what is left of a rollout whose end broke off between the deletions of its override and its segment."""
        for segment in self.shares():
            self.delete(segment)

    def _segments(self) -> list[Segment]:
        listed = self._api.segments(self._environment.project, search=self._name)
        return [each for each in listed if each.feature == self._feature.id and each.name == self._name]

    def _changed(self) -> KeptByOthers:
        return KeptByOthers(f"Somebody changed the segment '{self._name}' in Flagsmith. Delete it there, or give it another name.")

    def _document(self, rules: list[dict[str, Any]]) -> dict[str, Any]:
        description = "Made by Flaghoist for a phased rollout, which deletes it in the end. Do not change it."
        return {
            "name": self._name,
            "description": description,
            "project": self._environment.project,
            "feature": self._feature.id,
            "rules": rules,
        }


def _rules(percent: PartialPercentage) -> list[dict[str, Any]]:
    condition = {"property": _IDENTITY, "operator": "PERCENTAGE_SPLIT", "value": str(percent)}
    return [{"type": "ALL", "conditions": [], "rules": [{"type": "ANY", "rules": [], "conditions": [condition]}]}]


class _Split(Document):
    property: Literal["$.identity.key"]
    operator: Literal["PERCENTAGE_SPLIT"]
    value: float


class _AnyOf(Document):
    type: Literal["ANY"]
    conditions: Annotated[list[_Split], Field(min_length=1, max_length=1)]
    rules: Annotated[list[Any], Field(max_length=0)] = []


class _AllOf(Document):
    type: Literal["ALL"]
    conditions: Annotated[list[Any], Field(max_length=0)] = []
    rules: Annotated[list[_AnyOf], Field(min_length=1, max_length=1)]


_RULES: TypeAdapter[list[_AllOf]] = TypeAdapter(Annotated[list[_AllOf], Field(min_length=1, max_length=1)])
_SHARE: TypeAdapter[PartialPercentage] = TypeAdapter(PartialPercentage)


def share_in(rules: list[dict[str, Any]]) -> PartialPercentage | None:
    """Return the share that the rules of a segment have, or None if they have another form than those of a rollout."""
    try:
        return _SHARE.validate_python(_RULES.validate_python(rules)[0].rules[0].conditions[0].value)
    except ValidationError:
        return None
