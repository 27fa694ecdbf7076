"""Features and their flag states."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from activities.store.identifiers import new_salt, salt_from
from activities.store.keyed_repository import KeyedRepository
from activities.store.tables import environments, feature_states, features
from activities.store.upsert import upsert
from domain.errors import FeatureNotFound
from domain.flags.flag import FlagState
from domain.flags.project import Environment, Feature

_PLACED = (
    select(features, environments.c.id.label("environment_id"), environments.c.name.label("environment_name"), feature_states.c.state)
    .join(environments, environments.c.project_id == features.c.project_id)
    .outerjoin(feature_states, (feature_states.c.feature_id == features.c.id) & (feature_states.c.environment_id == environments.c.id))
    .where(features.c.project_id == bindparam("project"), features.c.key == bindparam("feature"), features.c.deleted_at.is_(None))
    .where(environments.c.key == bindparam("environment"), environments.c.deleted_at.is_(None))
)


class FeatureRepository(KeyedRepository[Feature]):
    """A project's features, by key. Only changed flag states have a row; the others are the feature's default."""

    table = features
    noun = "feature"
    missing = FeatureNotFound

    def read(self, row: Row[Any]) -> Feature:
        """Convert a row."""
        return Feature(
            id=row.id,
            key=row.key,
            name=row.name,
            description=row.description,
            type=row.type,
            default=FlagState.model_validate(row.default_state),
            variants=row.variants,
            salt=row.salt or salt_from(row.id),
        )

    def insert(self, at: datetime, **values: Any) -> None:
        """Insert a feature, with a salt of its own. Every environment serves it."""
        super().insert(at, **{"salt": new_salt(), **values})
        self.versions.touch_all(values["project_id"])

    def update(self, id_: str, **values: Any) -> None:
        """Update a feature. Applications see nothing of it but its variants."""
        super().update(id_, **values)
        if "variants" in values:
            self.versions.touch_all(self._project_of(id_))

    def delete(self, id_: str, at: datetime) -> None:
        """Delete a feature in every environment."""
        super().delete(id_, at)
        self.versions.touch_all(self._project_of(id_))

    def state(self, feature: Feature, environment: Environment) -> FlagState:
        """Return the flag's state in one environment."""
        table = feature_states.c
        query = select(table.state).where(table.feature_id == feature.id, table.environment_id == environment.id)
        stored = self.connection.execute(query).scalar_one_or_none()
        return feature.default if stored is None else FlagState.model_validate(stored)

    def find_placed(self, project_id: str, key: str, environment: str) -> tuple[Feature, Environment, FlagState] | None:
        """Return a feature, an environment and the flag's state in it, or None if one of them is unknown."""
        row = self.connection.execute(_PLACED, {"project": project_id, "feature": key, "environment": environment}).one_or_none()
        if row is None:
            return None
        feature = self.read(row)
        place = Environment(id=row.environment_id, key=environment, name=row.environment_name)
        return feature, place, feature.default if row.state is None else FlagState.model_validate(row.state)

    def write_state(self, feature: Feature, environment: Environment, state: FlagState, at: datetime) -> None:
        """Store the flag's state. The caller must hold the lock on the feature's row."""
        place = {"feature_id": feature.id, "environment_id": environment.id}
        upsert(self.connection, feature_states, [place | {"state": state.model_dump(mode="json"), "changed_at": at}])
        self.versions.touch(environment.id)

    def changed_in(self, environment: Environment) -> Mapping[str, FlagState]:
        """Return feature id -> state of every flag that has been changed in the environment."""
        table = feature_states.c
        rows = self.connection.execute(select(table.feature_id, table.state).where(table.environment_id == environment.id))
        return {row.feature_id: FlagState.model_validate(row.state) for row in rows}

    def states(self, wanted: list[Feature], project_id: str) -> Mapping[str, Mapping[str, FlagState]]:
        """Return feature id -> environment key -> state for every environment of the project that is not deleted."""
        query = select(environments.c.key).where(environments.c.project_id == project_id, environments.c.deleted_at.is_(None))
        keys = self.connection.execute(query.order_by(environments.c.created_at, environments.c.id)).scalars().all()
        stored = self.connection.execute(
            select(feature_states.c.feature_id, environments.c.key, feature_states.c.state)
            .join(environments, environments.c.id == feature_states.c.environment_id)
            .where(feature_states.c.feature_id.in_([feature.id for feature in wanted]), environments.c.deleted_at.is_(None))
        )
        changed = {(row.feature_id, row.key): FlagState.model_validate(row.state) for row in stored}
        return {feature.id: {key: changed.get((feature.id, key), feature.default) for key in keys} for feature in wanted}

    def overridden_for(self, project_id: str, segment: str) -> list[tuple[str, str]]:
        """Return the (feature, environment) pairs whose flag has an override for the segment."""
        rows = self.connection.execute(
            select(features.c.key.label("feature"), environments.c.key.label("environment"), feature_states.c.state)
            .join(features, features.c.id == feature_states.c.feature_id)
            .join(environments, environments.c.id == feature_states.c.environment_id)
            .where(features.c.project_id == project_id, features.c.deleted_at.is_(None), environments.c.deleted_at.is_(None))
            .order_by(features.c.key, environments.c.key)
        )
        return [(row.feature, row.environment) for row in rows if segment in row.state["overrides"]]
