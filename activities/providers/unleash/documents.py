"""Documents of Unleash's Admin API. They keep fields that they don't know, so that what was read can be written back."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

ADMIN = "ADMIN"
"""The permission that includes all others."""


class Document(BaseModel):
    """A document with Unleash's names in JSON and ours in Python."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel, populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """Return the fields that were given or read."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Permission(BaseModel):
    """A right, in one project or environment if it names them."""

    model_config = ConfigDict(frozen=True)

    permission: str
    project: str | None = None
    environment: str | None = None

    def includes(self, permission: str, project: str, environment: str) -> bool:
        """True if it gives that right there."""
        return self.permission == ADMIN or (
            self.permission == permission and self.project in (None, "", "*", project) and self.environment in (None, "", "*", environment)
        )


class Caller(BaseModel):
    """The owner of a token. It keeps no other fields: Unleash returns the token among them."""

    model_config = ConfigDict(frozen=True)

    username: str | None = None
    permissions: tuple[Permission, ...]

    def may(self, permission: str, project: str, environment: str) -> bool:
        """True if the token has that permission in the environment of a project."""
        return any(each.includes(permission, project, environment) for each in self.permissions)


class Project(Document):
    """A project."""

    id: str
    name: str


class Environment(Document):
    """An environment as one project sees it."""

    name: str
    enabled: bool
    """False if it is switched off for all of Unleash."""
    visible: bool
    """True if it is enabled for the project. For a project that does not exist, no environment is."""


class Constraint(Document):
    """A comparison of one field of the context. Operators compare with either one value or several."""

    context_name: str
    operator: str
    values: list[str] | None = None
    value: str | None = None
    inverted: bool = False
    case_insensitive: bool = False


class Payload(Document):
    """The value of a variant. The server does not check that a number is one."""

    type: str
    value: str


class Variant(Document):
    """One of the variants that a strategy or a feature splits its users into."""

    name: str
    payload: Payload | None = None


class Dependency(Document):
    """A feature on which another one depends: the parent."""

    feature: str


class NewStrategy(Document):
    """An activation strategy to add. Parameters are strings, also if they are numbers."""

    name: str
    title: str | None = None
    disabled: bool = False
    parameters: dict[str, str] = Field(default_factory=dict)
    constraints: list[dict[str, Any]] = Field(default_factory=list)
    segments: list[int] = Field(default_factory=list)
    variants: list[dict[str, Any]] = Field(default_factory=list)
    sort_order: int = 0


class Strategy(NewStrategy):
    """An activation strategy that was read."""

    id: str


class FeatureEnvironment(Document):
    """A feature in one environment."""

    name: str
    enabled: bool
    strategies: list[Strategy]
    variants: list[Variant] | None = None
    """Variants of the feature, for strategies that have none of their own. They are deprecated."""


class Feature(Document):
    """A feature that is not archived, in every environment of its project."""

    name: str
    project: str
    description: str | None = None
    environments: list[FeatureEnvironment]
    dependencies: list[Dependency] = []

    def environment(self, name: str) -> FeatureEnvironment | None:
        """Return the feature in that environment. None if the project does not have it."""
        return next((each for each in self.environments if each.name == name), None)


class ListedFeature(Document):
    """A feature in a list."""

    name: str
    description: str | None = None


class NewSegment(Document):
    """A segment to create. Without a project, every project may use it."""

    name: str
    description: str | None = None
    project: str | None = None
    constraints: list[dict[str, Any]]


class Segment(NewSegment):
    """A segment that was read."""

    id: int
