"""The project `shop` with its flags in a real Unleash, and one worker that can die at any call."""

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.changes import ChangeActivities
from activities.dns import Resolver
from activities.messages import ChangeFlag, HeldBack, Made, PutBack, Refused, Standing
from activities.providers.elsewhere import FlagsElsewhere
from activities.providers.sealing import Sealer
from activities.providers.systems import FlagSystems
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.system import UnleashProject
from activities.rollback import RollbackActivities
from activities.store.database import Database
from domain.flags.connection import Connection, Outage
from domain.flags.flag import FlagState
from domain.flags.provider import ProviderKind
from domain.flags.variant import Variant
from domain.releases.release import Release
from tests.activities.acting import ACTED, LATER, command_for
from tests.scripted_metrics import ScriptedMetrics, guard_with
from tests.still_clock import still_clock
from tests.unleash.features import new_feature
from tests.unleash.server import PROJECT, UnleashServer
from tests.world import NOW, World, make_world

SECRET_KEY = "A" * 43 + "="
ENVIRONMENTS = {"development": "development", "production": "production"}
Answer = Made | HeldBack | Refused | Standing


class Died(BaseException):
    """The worker was killed."""


class WatchedApi(UnleashAdminApi):
    """A client that counts the calls that change something, and calls back before and after each of them."""

    def __init__(self, address: str, token: str) -> None:
        super().__init__(address, SecretStr(token), attempt_seconds=30, resolver=Resolver(allow_private=True))
        self.writes = 0
        self.calls = 0
        self.before: Callable[[int], None] = lambda _write: None
        self.after: Callable[[int], None] = lambda _write: None
        self.on_read: Callable[[], None] = lambda: None

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self.calls += 1
        if method == "GET":
            answer = super()._call(method, path, body)
            self.on_read()
            return answer
        self.writes += 1
        self.before(self.writes)
        answer = super()._call(method, path, body)
        self.after(self.writes)
        return answer


class Shop:
    """A world whose flags are in Unleash."""

    def __init__(self, database: Database, unleash: UnleashServer, world: World | None = None) -> None:
        self.unleash = unleash
        self.world: World = world or make_world(database)
        self.api = WatchedApi(unleash.address, unleash.admin_token)
        sealer = Sealer([SECRET_KEY])
        self.systems = FlagSystems(
            sealer, Resolver(allow_private=True), opened=lambda _connection, _token: UnleashProject(self.api, PROJECT)
        )
        self.elsewhere = FlagsElsewhere(database, self.systems)
        self._connect(database, sealer)
        self.feature = new_feature(self.api)
        self.key = self.feature

    def _connect(self, database: Database, sealer: Sealer) -> None:
        connection = Connection(kind=ProviderKind.UNLEASH, address=self.unleash.address, project=PROJECT, environments=ENVIRONMENTS)
        with database.transaction() as store:
            project = self.world.project
            for segment in store.segments.all(project.id):
                store.segments.delete(segment.id, NOW)
            store.features.delete(store.features.get("checkout", project.id).id, NOW)
            store.projects.update(project.id, provider=ProviderKind.UNLEASH)
            store.connections.write(project.id, connection, sealer.seal(SecretStr(self.unleash.admin_token)), NOW)
            self.world.project = store.projects.get(project.key)

    def close(self) -> None:
        """Close the client."""
        self.api.close()

    def add(self, pipeline: str = "standard", **more: Any) -> Release:
        """Read the flag and add it to a pipeline."""
        self.elsewhere.refresh(self.world.project, self.key)
        release = self.world.add(self.key, pipeline, **more)
        self.api.calls = self.api.writes = 0
        return release

    def change(self, release: Release, at: datetime = ACTED, **more: Any) -> Answer:
        """Run one attempt at the change of the release's current stage."""
        return self.attempt(command_for(self.world, release, elsewhere=True, **more), at)

    def attempt(self, command: ChangeFlag, at: datetime = ACTED, metrics: ScriptedMetrics | None = None) -> Answer:
        """Run one attempt at a change."""
        guard = guard_with(self.world.database, metrics)
        return _at(at).run(ChangeActivities(self.world.database, self.elsewhere, guard, clock_of=still_clock).change_flag, command)

    def put_back(self, release: Release, at: datetime = LATER) -> Standing:
        """Run one attempt at the rollback that was requested."""
        now = self.world.release(release.id)
        assert now.rollback
        command = PutBack(project=now.project, release=now.id, sequence=now.sequence, n=now.rollback.n, elsewhere=True)
        return _at(at).run(RollbackActivities(self.world.database, self.elsewhere).put_back, command)

    def dies(self, attempt: Callable[[], object], *, before: int = 0, after: int = 0) -> None:
        """Run an attempt that is killed before or after the call with that number, counted from its first change."""
        start = self.api.writes
        self.api.before = lambda write: _die() if write - start == before else None
        self.api.after = lambda write: _die() if write - start == after else None
        with suppress(Died):
            attempt()
            raise AssertionError("It was not killed.")
        self.lives()

    def lives(self) -> None:
        """End all interference."""
        self.api.before = self.api.after = lambda _write: None

    def segment(self, key: str, plan: str = "pro") -> int:
        """Create a segment in Unleash, and return its id. Its key here is like its name."""
        constraint = {"contextName": "plan", "operator": "IN", "values": [plan]}
        return int(self.unleash.call("POST", "/api/admin/segments", {"name": key, "constraints": [constraint]})["id"])

    def define_variants(self, *variants: Variant) -> None:
        """Define the variants of the feature, as people do here."""
        self.elsewhere.refresh(self.world.project, self.key)
        with self.world.database.transaction() as store:
            feature = store.features.get(self.key, self.world.project.id)
            store.features.update(feature.id, variants=[each.model_dump(mode="json") for each in variants])

    def person(self, method: str, path: str, body: Any = None, environment: str = "development") -> Any:
        """Change the feature as a person does in Unleash."""
        place = f"/api/admin/projects/{PROJECT}/features/{self.feature}/environments/{environment}"
        return self.unleash.call(method, f"{place}{path}", body)

    def is_on(self, environment: str = "development") -> bool:
        """True if the feature is on in Unleash."""
        found = self.api.feature(PROJECT, self.feature).environment(environment)
        assert found
        return found.enabled

    def titles(self, environment: str = "development") -> list[str | None]:
        """Return the titles of the strategies that are active in Unleash."""
        found = self.api.feature(PROJECT, self.feature).environment(environment)
        assert found
        return [each.title for each in found.strategies if found.enabled and not each.disabled]

    def flag(self, environment: str = "development") -> FlagState:
        """Return the flag as it is read from Unleash now."""
        self.elsewhere.refresh(self.world.project, self.key)
        return self.world.flag(environment, self.key)

    def outage(self) -> Outage | None:
        """Return the outage on the record."""
        with self.world.database.reading() as store:
            stored = store.connections.find(self.world.project.id)
        assert stored
        return stored.outage

    def intents(self, release: Release) -> list[str]:
        """Return the keys of the intended changes that are open."""
        with self.world.database.reading() as store:
            return [each.key for each in store.intents.of_release(release.id)]


def _at(time: datetime) -> ActivityEnvironment:
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, started_time=time)
    return environment


def _die() -> None:
    raise Died
