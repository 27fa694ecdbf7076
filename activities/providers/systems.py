"""The flag systems of projects, each opened once per process and limited in the number of calls in flight."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.catalogue import Reach, open_system
from activities.providers.errors import ProviderThrottled
from activities.providers.flag_system import FlagSystem, Origin, SystemFeature, SystemFlag, SystemSegment
from activities.providers.sealing import Sealer
from activities.store.connections import StoredConnection
from domain.flags.connection import Connection
from domain.flags.git_address import GIT_AUTHOR
from domain.flags.patch import FlagPatch
from domain.flags.variant import Variants

T = TypeVar("T")

CALL_SECONDS = 8.0
"""The longest that one call to a flag system takes."""


class ConnectedSystem:
    """A flag system with the environments of a project. No more calls than the connection allows are in flight at the same time."""

    def __init__(self, connection: Connection, system: FlagSystem, turn_seconds: float = CALL_SECONDS) -> None:
        self.connection = connection
        self.system = system
        self._turns = threading.BoundedSemaphore(connection.calls)
        self._turn_seconds = turn_seconds

    def features(self) -> list[SystemFeature]:
        """Return all features."""
        with self._turn():
            return self.system.features()

    def segments(self) -> list[SystemSegment]:
        """Return all segments."""
        with self._turn():
            return self.system.segments()

    def flags(self, feature: str, segments: Mapping[str, str], variants: Variants = ()) -> Mapping[str, SystemFlag]:
        """Return our environment -> flag of a feature, for each environment that the project has over there."""
        with self._turn():
            found = self.system.flags(feature, segments, variants)
        return {key: found[name] for key, name in self.connection.environments.items() if name in found}

    def apply(
        self,
        feature: str,
        environment: str,
        patch: FlagPatch,
        segments: Mapping[str, str],
        origin: Origin | None = None,
        variants: Variants = (),
    ) -> None:
        """Change the named fields of a flag in one of our environments."""
        with self._turn():
            self.system.apply(feature, self.connection.environments[environment], patch, segments, origin, variants)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._turn_seconds):
            raise ProviderThrottled(None)
        try:
            yield
        finally:
            self._turns.release()


class _Opened(NamedTuple):
    changed_at: datetime
    system: ConnectedSystem


Open = Callable[[Connection, SecretStr | None], FlagSystem]
"""A function that opens a flag system."""


class FlagSystems:
    """Every project's flag system. Threads share it."""

    def __init__(
        self,
        sealer: Sealer,
        resolver: Resolver,
        flagd_folder: Path | None = None,
        opened: Open | None = None,
        git_author: str = GIT_AUTHOR,
    ) -> None:
        """Take the folder that has those of flagd, the author of commits, and for tests another function that opens systems."""
        self.sealer = sealer
        self.resolver = resolver
        reach = Reach(resolver, CALL_SECONDS, flagd_folder, git_author)
        self.open: Open = opened or (lambda connection, credential: open_system(connection, credential, reach))
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()

    def of(self, project_id: str, stored: StoredConnection) -> ConnectedSystem:
        """Return the system of a project, opened anew after its connection was changed. Raises CredentialUnreadable."""
        with self._lock:
            found = self._opened.get(project_id)
            if found and found.changed_at == stored.changed_at:
                return found.system
            credential = self.sealer.unseal(stored.sealed) if stored.sealed else None
            system = ConnectedSystem(stored.connection, self.open(stored.connection, credential))
            self._opened[project_id] = _Opened(stored.changed_at, system)
        if found:
            found.system.system.close()
        return system

    def close(self) -> None:
        """Close every system."""
        _close(each.system.system for each in self._opened.values())


def _close(systems: Iterable[FlagSystem]) -> None:
    for system in systems:
        system.close()
