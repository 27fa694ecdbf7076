"""Snapshots: an environment's keys and everything needed to evaluate its flags, at one version."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.flags.flag import FlagState
from domain.flags.project import Environment, Feature, Project, Segment
from domain.model import Frozen

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KeyKind(StrEnum):
    """The purpose of an environment's key: for client applications or for servers."""

    CLIENT = "client"
    SERVER = "server"


class EnvironmentKeys(Frozen):
    """The keys with which applications read an environment's flags. The client key is not secret. The server key also reads all rules."""

    client_key: str
    server_key: str


class ServedFlag(NamedTuple):
    """A feature in one environment, with its numeric id for Flagsmith's SDKs."""

    number: int
    feature: Feature
    state: FlagState


class ServedSegment(NamedTuple):
    """A segment, with its numeric id for Flagsmith's SDKs."""

    number: int
    segment: Segment


class Snapshot(NamedTuple):
    """Everything needed to evaluate an environment, at one version.

    The environment's id is its bucketing identity: it salts every share, and never changes, even when keys are rotated.
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
        """The time of the last change, unique to each version."""
        return _EPOCH + timedelta(microseconds=self.version)
