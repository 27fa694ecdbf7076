"""Documents of Flagsmith's Admin API: the fields that are used, under the names that they have there."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A document. Fields that it does not know are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Project(Document):
    """A project that the key can see."""

    id: int
    name: str
    hide_disabled_flags: bool = False


class Environment(Document):
    """An environment of a project."""

    id: int
    name: str
    project: int
    api_key: str
    use_v2_feature_versioning: bool = False
    hide_disabled_flags: bool | None = None
    """True if applications don't get features that are off. None if the project decides."""
    minimum_change_request_approvals: int | None = None
    """Set if changes need a change request there, even if it takes no approvals."""


class StateInList(Document):
    """A feature's default state in one environment, as it comes with the list of features."""

    enabled: bool = False
    feature_state_value: str | int | bool | None = None


class StateValue(Document):
    """A value, in the field of its type."""

    type: Literal["unicode", "int", "bool"] | None = "unicode"
    string_value: str | None = None
    integer_value: int | None = None
    boolean_value: bool | None = None

    @property
    def value(self) -> str | int | bool | None:
        """The value itself. Fields of other types may have an earlier one."""
        return {"int": self.integer_value, "bool": self.boolean_value}.get(self.type or "unicode", self.string_value)


class Option(StateValue):
    """A variant of a feature: a value with an id, and with a key if somebody gave it one."""

    id: int
    key: str | None = None


class Feature(Document):
    """A feature of a project. `initial_value` is text, whatever type it has.

    If the list was read for an environment, it has the feature's default state there, and the numbers of other states.
    """

    id: int
    name: str
    description: str | None = None
    initial_value: str | None = None
    is_archived: bool = False
    is_server_key_only: bool = False
    multivariate_options: list[Option] = []
    environment_feature_state: StateInList | None = None
    num_segment_overrides: int = 0
    num_identity_overrides: int | None = None


class Segment(Document):
    """A segment. One with a feature can only be used for that feature."""

    id: int
    name: str
    feature: int | None = None
    rules: list[dict[str, Any]] = []


class VariantShare(Document):
    """A share of identities, in percent, that gets a variant instead of the state's own value."""

    multivariate_feature_option: int
    percentage_allocation: float


class FeatureState(Document):
    """A state of a feature in one environment: the default, or that of a segment or an identity."""

    id: int
    enabled: bool
    feature_state_value: StateValue
    multivariate_feature_state_values: list[VariantShare] = []
    feature_segment: int | None = None
    identity: int | None = None


class FeatureSegment(Document):
    """The override of a feature for a segment in one environment. The lowest priority wins."""

    id: int
    segment: int
    priority: int
    segment_name: str = ""
    is_feature_specific: bool = False
