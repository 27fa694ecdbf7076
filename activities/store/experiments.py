"""The evidence of experiments: the numbers at each look, and the decision, which is made once."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, insert, select

from activities.store.evidence import WatchKey, from_milliseconds, milliseconds
from activities.store.watching_tables import decisions, looks, watches
from domain.experiments.decision import Decision
from domain.experiments.look import Look


class StoredLook(NamedTuple):
    """The numbers of an experiment at one time."""

    at: datetime
    look: Look


class StoredDecision(NamedTuple):
    """The final decision of an experiment: what is shipped, when and why. `ships` is None if a person decides."""

    visit: int
    key: str
    at: datetime
    ships: str | None
    decision: Decision


class ExperimentRepository:
    """Looks and decisions of experiments, by the gate and the visit of a release."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add_look(self, watch: WatchKey, at: datetime, look: Look, split: float) -> None:
        """Store the numbers at one time, with the p-value of their split. The state of the watch is stored already."""
        self.connection.execute(
            insert(looks).values(watch_id=self._id(watch), at=milliseconds(at), look=look.model_dump(mode="json"), split=split)
        )

    def worst_split(self, watch: WatchKey) -> Look | None:
        """Return the look whose users were split most unlike the plan."""
        query = select(looks.c.look).where(looks.c.watch_id == self._id(watch), looks.c.split.is_not(None))
        found = self.connection.execute(query.order_by(looks.c.split, looks.c.at).limit(1)).scalar_one_or_none()
        return None if found is None else Look.model_validate(found)

    def looks(self, watch: WatchKey) -> Sequence[StoredLook]:
        """Return the numbers at each look, oldest first."""
        of_watch = select(looks).join(watches, watches.c.id == looks.c.watch_id).where(_is(watch))
        rows = self.connection.execute(of_watch.order_by(looks.c.at)).all()
        return [StoredLook(from_milliseconds(row.at), Look.model_validate(row.look)) for row in rows]

    def decide(self, release_id: str, decided: StoredDecision) -> None:
        """Store the decision of an experiment. The caller holds the state of the watch, so nobody else decides meanwhile."""
        self.connection.execute(
            insert(decisions).values(
                release_id=release_id,
                visit=decided.visit,
                key=decided.key,
                at=decided.at,
                ships=decided.ships or "",
                decision=decided.decision.model_dump(mode="json"),
            )
        )

    def decisions(self, release_id: str) -> Sequence[StoredDecision]:
        """Return the decisions of a release's experiments, oldest first."""
        rows = self.connection.execute(select(decisions).where(decisions.c.release_id == release_id).order_by(decisions.c.visit)).all()
        return [StoredDecision(row.visit, row.key, row.at, row.ships or None, Decision.model_validate(row.decision)) for row in rows]

    def decision(self, watch: WatchKey) -> StoredDecision | None:
        """Return the decision of one experiment, or None if it has not decided."""
        return next((each for each in self.decisions(watch.release) if (each.visit, each.key) == (watch.visit, watch.key)), None)

    def _id(self, watch: WatchKey) -> int:
        return int(self.connection.execute(select(watches.c.id).where(_is(watch))).scalar_one())


def _is(watch: WatchKey) -> ColumnElement[bool]:
    return and_(watches.c.release_id == watch.release, watches.c.visit == watch.visit, watches.c.key == watch.key)
