"""The workers that watch stages, and what each of them watches."""

import secrets
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, exists, select, update

from activities.store.upsert import insert_into
from activities.store.watching_tables import open_watches, watchers


class Visit(NamedTuple):
    """One visit of a release to a stage."""

    release: str
    number: int


_WATCHES_NOTHING = ~exists().where(open_watches.c.watcher == watchers.c.id)


class WatcherRepository:
    """Signs of life of the workers that watch, and the visits that they watch."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def beat(self, watcher: str) -> None:
        """Show that a worker lives. Its number starts anywhere, so that it differs from one that it had before it was given up."""
        statement = insert_into(self.connection, watchers).values(id=watcher, beats=secrets.randbits(48))
        counted_up = {"beats": watchers.c.beats + 1}
        self.connection.execute(statement.on_conflict_do_update(index_elements=[watchers.c.id], set_=counted_up))

    def beats(self) -> Mapping[str, int]:
        """Return worker -> a number that changes for as long as it lives."""
        return {row.id: row.beats for row in self.connection.execute(select(watchers))}

    def expect(self, visit: Visit) -> None:
        """Note that a visit is to be watched. Until a worker does, its release counts as a worker that has shown its last sign of life."""
        statement = insert_into(self.connection, open_watches).values(release_id=visit.release, visit=visit.number, watcher=visit.release)
        if self.connection.execute(statement.on_conflict_do_nothing().returning(open_watches.c.visit)).first():
            self.beat(visit.release)

    def open(self, visits: Iterable[Visit], watcher: str) -> None:
        """Note that a worker, which lives, watches these visits from now on, whoever did before."""
        self.beat(watcher)
        rows = [{"release_id": each.release, "visit": each.number, "watcher": watcher} for each in sorted(visits)]
        statement = insert_into(self.connection, open_watches)
        keys = [open_watches.c.release_id, open_watches.c.visit]
        if rows:
            self.connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"watcher": watcher}), rows)
            self.connection.execute(delete(watchers).where(watchers.c.id.in_({row["release_id"] for row in rows}), _WATCHES_NOTHING))

    def close(self, visit: Visit, watcher: str) -> None:
        """Note that a worker no longer watches a visit. Does nothing if another one does by now."""
        is_its_own = open_watches.c.watcher == watcher
        at = and_(open_watches.c.release_id == visit.release, open_watches.c.visit == visit.number)
        self.connection.execute(delete(open_watches).where(at, is_its_own))

    def visits_of(self, watcher: str) -> set[Visit]:
        """Return what a worker watches."""
        rows = self.connection.execute(select(open_watches).where(open_watches.c.watcher == watcher))
        return {Visit(row.release_id, row.visit) for row in rows}

    def take_over(self, dead: str, beats: int, watcher: str) -> list[Visit]:
        """Give the visits of a worker to another one, which lives. Returns none if it has shown a sign of life since."""
        is_dead = and_(watchers.c.id == dead, watchers.c.beats == beats)
        if not self.connection.execute(delete(watchers).where(is_dead)).rowcount:
            return []
        self.beat(watcher)
        taken = update(open_watches).where(open_watches.c.watcher == dead).values(watcher=watcher)
        return sorted(Visit(row.release_id, row.visit) for row in self.connection.execute(taken.returning(open_watches)))
