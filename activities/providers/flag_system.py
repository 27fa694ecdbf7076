"""The interface of a flag system that is not our own: Unleash, Flagsmith, or files for flagd."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

from domain.flags.flag import FeatureType, FlagState
from domain.flags.patch import FlagPatch
from domain.flags.variant import Variants


class SystemFeature(NamedTuple):
    """A feature of a flag system, by the name that it has there. A toggle has no values. `variants` is None if they are defined here."""

    name: str
    description: str = ""
    type: FeatureType = FeatureType.TOGGLE
    variants: Variants | None = None


class SystemSegment(NamedTuple):
    """A segment of a flag system. `reference` is its identity there, and `digest` changes whenever its definition does."""

    reference: str
    name: str
    digest: str


class SystemFlag(NamedTuple):
    """A flag in one environment: its state, and a sentence for each part of it that was made by others and is left alone."""

    state: FlagState
    foreign: tuple[str, ...] = ()


class Origin(NamedTuple):
    """The step of a release for which a flag is changed, for systems that can keep a reason with a change."""

    project: str
    feature: str
    stage: str
    release: str
    is_rollback: bool = False


ConnectionPart = Literal["address", "credential", "project", "environments"]


class Finding(NamedTuple):
    """The result of one check of a connection: a sentence on what works, or on what is missing and how to repair it.

    `part` is the part of the connection that it is about, and `environment` the name of an environment over there.
    """

    passed: bool
    message: str
    part: ConnectionPart = "address"
    environment: str | None = None


SegmentKeys = Mapping[str, str]
"""The key of each segment -> its reference in the flag system."""


class FlagSystem(Protocol):
    """The flags of one project of a flag system. Features and environments go by the names that they have there.

    Every flag system keeps these promises:

    - A change that is applied twice has the effect of one, and leaves everything alone that the patch does not name.
    - `apply` starts from what it reads itself. It does not look for conflicts: the caller did, and looks again afterwards.
    - A flag, environment or segment that does not exist is a NotFound, and a request that can't be expressed is an Invalid.
      Every other failure is a ProviderError.
    - Threads may share it. Each call to the system ends within a time limit of its own.
    """

    def check(self, environments: Iterable[str]) -> Iterator[Finding]:
        """Yield what works and everything that is missing: the address, the credential, the project, its environments, the rights."""
        ...

    def environments(self) -> list[str]:
        """Return the environments in which the project's flags can be changed."""
        ...

    def features(self) -> list[SystemFeature]:
        """Return all features that can be changed."""
        ...

    def segments(self) -> list[SystemSegment]:
        """Return all segments that a flag of the project may name."""
        ...

    def flags(self, feature: str, segments: SegmentKeys, variants: Variants = ()) -> Mapping[str, SystemFlag]:
        """Return environment -> flag, given the feature's variants as they are defined here. Raises FeatureNotFound."""
        ...

    def apply(
        self,
        feature: str,
        environment: str,
        patch: FlagPatch,
        segments: SegmentKeys,
        origin: Origin | None = None,
        variants: Variants = (),
    ) -> None:
        """Change the named fields. Raises FeatureNotFound, EnvironmentNotFound, SegmentNotFound or Invalid."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...
