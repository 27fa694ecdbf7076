"""The project `shop`, whose flags are in files for flagd."""

import dataclasses
from pathlib import Path
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.changes import ChangeActivities
from activities.dns import Resolver
from activities.messages import PutBack, Standing
from activities.providers.elsewhere import FlagsElsewhere
from activities.providers.sealing import Sealer
from activities.providers.systems import FlagSystems, Open
from activities.rollback import RollbackActivities
from activities.store.database import Database
from domain.flags.connection import Connection
from domain.flags.provider import ProviderKind
from domain.releases.release import Release
from tests.activities.acting import ACTED, LATER, command_for
from tests.pipelines import pipeline
from tests.scripted_metrics import guard_with
from tests.still_clock import still_clock
from tests.world import NOW, World, make_world


class Shop:
    """A world whose flags are at an address within a folder."""

    def __init__(self, database: Database, root: Path, address: str, opened: Open | None = None) -> None:
        self.world: World = make_world(database)
        self.elsewhere = FlagsElsewhere(database, FlagSystems(Sealer(), Resolver(allow_private=False), root, opened))
        environments = {"development": "staging", "production": "production"}
        connection = Connection(kind=ProviderKind.FLAGD, address=address, environments=environments)
        with database.transaction() as store:
            project = self.world.project
            for segment in store.segments.all(project.id):
                store.segments.delete(segment.id, NOW)
            store.features.delete(store.features.get("checkout", project.id).id, NOW)
            store.projects.update(project.id, provider=ProviderKind.FLAGD)
            store.connections.write(project.id, connection, None, NOW)
            self.world.project = store.projects.get(project.key)

    def add(self, feature: str, *stages: dict[str, Any]) -> Release:
        """Read a flag and add it to a pipeline with these stages."""
        self.elsewhere.refresh(self.world.project, feature)
        self.world.publish(pipeline(*stages))
        return self.world.add(feature)

    def change(self, release: Release, **more: Any) -> object:
        """Run one attempt at the change of the release's current stage."""
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(environment.info, started_time=ACTED)
        command = command_for(self.world, release, elsewhere=True, **more)
        activities = ChangeActivities(self.world.database, self.elsewhere, guard_with(self.world.database), clock_of=still_clock)
        return environment.run(activities.change_flag, command)

    def put_back(self, release: Release) -> Standing:
        """Run one attempt at the rollback that was requested."""
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(environment.info, started_time=LATER)
        now = self.world.release(release.id)
        assert now.rollback
        command = PutBack(project=now.project, release=now.id, sequence=now.sequence, n=now.rollback.n, elsewhere=True)
        return environment.run(RollbackActivities(self.world.database, self.elsewhere).put_back, command)

    def intents(self, release: Release) -> list[str]:
        """Return the keys of the intended changes that are open."""
        with self.world.database.reading() as store:
            return [each.key for each in store.intents.of_release(release.id)]
