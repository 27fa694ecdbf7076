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


class Environment(Document):
    """An environment of a project."""

    id: int
    name: str
    api_key: str
    use_v2_feature_versioning: bool = False
    minimum_change_request_approvals: int | None = None
    """Set if changes need a change request there, even if it takes no approvals."""


class StateInList(Document):
    """A feature's default state in one environment, as it comes with the list of features."""

    feature_state_value: str | int | bool | None = None


class Feature(Document):
    """A feature of a project. `initial_value` is text, whatever type it has."""

    id: int
    name: str
    description: str | None = None
    initial_value: str | None = None
    is_archived: bool = False
    multivariate_options: list[dict[str, Any]] = []
    environment_feature_state: StateInList | None = None


class Segment(Document):
    """A segment. One with a feature can only be used for that feature."""

    id: int
    name: str
    feature: int | None = None
    rules: list[dict[str, Any]] = []


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


class FeatureState(Document):
    """A state of a feature in one environment: the default, or that of a segment or an identity."""

    id: int
    enabled: bool
    feature_state_value: StateValue
    feature_segment: int | None = None
    identity: int | None = None


class FeatureSegment(Document):
    """The override of a feature for a segment in one environment. The lowest priority wins."""

    id: int
    segment: int
    priority: int
    segment_name: str = ""
    is_feature_specific: bool = False
