"""A project as a team could have it, written directly to the store."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from activities.commands.add_release import AddRelease, add_release
from activities.store.database import Database
from activities.store.identifiers import new_id
from domain.access import Access, Caller, Grant, Owner, Role
from domain.flags.flag import FeatureType, FlagState
from domain.flags.project import Environment, Feature, Project, Segment
from domain.pipelines.pipeline import Pipeline, PipelineDefinition
from domain.releases.release import Release

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class World:
    """The project `shop`: three environments, two segments, a feature of type string, and its owner."""

    database: Database
    project: Project
    caller: Caller
    key_id: str

    def publish(self, definition: dict[str, Any]) -> Pipeline:
        """Write and publish a pipeline."""
        with self.database.transaction() as store:
            draft = store.pipelines.add(self.project.id, PipelineDefinition.model_validate(definition), NOW)
            return store.pipelines.publish(draft, NOW, "owner")

    def add(self, feature: str = "checkout", pipeline: str = "standard", **more: Any) -> Release:
        """Add a flag to a pipeline. Its workflow is not started."""
        with self.database.transaction() as store:
            message = AddRelease(pipeline=pipeline, feature=feature, **more)
            return add_release(store, self.caller, self.project, message, NOW)

    def add_feature(self, key: str) -> None:
        """Write another feature of type string."""
        feature = Feature(id=new_id(), key=key, name=key, type=FeatureType.STRING, default=FlagState(enabled=False, value="classic"))
        with self.database.transaction() as store:
            values = feature.model_dump(mode="json", exclude={"default"})
            store.features.insert(NOW, project_id=self.project.id, default_state=feature.default.model_dump(mode="json"), **values)

    def change_feature(self, key: str = "checkout", **values: Any) -> None:
        """Overwrite columns of a feature."""
        with self.database.transaction() as store:
            store.features.update(store.features.get(key, self.project.id).id, **values)

    def release(self, release_id: str) -> Release:
        """Return the record of a release."""
        with self.database.reading() as store:
            return store.releases.get(release_id)

    def flag(self, environment: str, feature: str = "checkout") -> FlagState:
        """Return the state of a flag in one environment."""
        with self.database.reading() as store:
            found = store.features.get(feature, self.project.id)
            return store.features.state(found, store.environments.get(environment, self.project.id))


def make_world(database: Database, project_key: str = "shop") -> World:
    """Write the project. A database with several needs a different key for each."""
    project = Project(id=new_id(), key=project_key, name=project_key.title())
    default = FlagState(enabled=False, value="classic")
    feature = Feature(id=new_id(), key="checkout", name="Checkout", type=FeatureType.STRING, default=default)
    owner, grants = Owner(kind="person", name="olivia"), (Grant(role=Role.OWNER),)
    with database.transaction() as store:
        store.projects.insert(NOW, **project.model_dump())
        for environment in ("development", "staging", "production"):
            store.environments.insert(
                NOW, project_id=project.id, **Environment(id=new_id(), key=environment, name=environment).model_dump()
            )
        for segment in ("beta-users", "staff"):
            store.segments.insert(NOW, project_id=project.id, **Segment(id=new_id(), key=segment, name=segment).model_dump(mode="json"))
        values = feature.model_dump(mode="json", exclude={"default"})
        store.features.insert(NOW, project_id=project.id, default_state=default.model_dump(mode="json"), **values)
        key = store.keys.add("olivia's", owner, grants, f"fh_the_secret_of_olivia_in_{project_key}", NOW)
        caller = Caller(key=key.id, owner=owner, owner_id=store.keys.owner_id(owner), access=Access(grants=grants))
    return World(database, project, caller, key.id)


def world_of(database: Database) -> World:
    """Return the existing project `shop`, without a key of its own."""
    with database.reading() as store:
        project = store.projects.get("shop")
    nobody = Caller(key="", owner=Owner(kind="person", name="nobody"), owner_id="", access=Access())
    return World(database, project, nobody, "")
