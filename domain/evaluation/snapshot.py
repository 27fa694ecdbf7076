"""How an environment is served to applications: its keys, and all that evaluating it needs, at one version."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.flags.flag import FlagState
from domain.flags.project import Environment, Feature, Project, Segment
from domain.model import Frozen

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KeyKind(StrEnum):
    """What a key of an environment is for: applications that people hold in their hands, or servers."""

    CLIENT = "client"
    SERVER = "server"


class EnvironmentKeys(Frozen):
    """What applications read an environment's flags with. The client key is no secret; the server key reads all rules too."""

    client_key: str
    server_key: str


class ServedFlag(NamedTuple):
    """A feature in one environment, and the number by which Flagsmith's SDKs know it."""

    number: int
    feature: Feature
    state: FlagState


class ServedSegment(NamedTuple):
    """A segment, and the number by which Flagsmith's SDKs know it."""

    number: int
    segment: Segment


class Snapshot(NamedTuple):
    """All that evaluating an environment needs, at one version.

    The environment's id is its bucketing identity: it salts every share, and never changes, whatever becomes of the keys.
    """

    number: int
    project: Project
    environment: Environment
    keys: EnvironmentKeys
    version: int
    flags: tuple[ServedFlag, ...]
    segments: tuple[ServedSegment, ...]

    @property
    def updated_at(self) -> datetime:
        """When anything in it changed last; no two versions have the same."""
        return _EPOCH + timedelta(microseconds=self.version)
