"""Environments served to applications: kept in memory, one evaluation context per version."""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property

import structlog

from activities.store.change_listener import ChangeListener
from activities.store.database import Database
from activities.store.snapshots import read_snapshot
from api.evaluation.response_json import Flags, to_json
from api.problems import OUTAGES
from domain.evaluation.environment_document import environment_document, flag_of_flagsmith
from domain.evaluation.evaluator import Evaluator
from domain.evaluation.ofrep import key_missing, resolution_of
from domain.evaluation.snapshot import Snapshot

log = structlog.get_logger()

_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Served:
    """One environment at one version. `changes` is the number of this process's own commits that it includes."""

    def __init__(self, snapshot: Snapshot, changes: int = 0) -> None:
        self.snapshot = snapshot
        self.changes = changes
        self.evaluator = Evaluator(snapshot)
        self.superseded = asyncio.Event()

    @property
    def id(self) -> str:
        """The environment's id, which is also its bucketing identity and the name of its streams."""
        return self.snapshot.environment.id

    @property
    def version(self) -> int:
        """The environment's version."""
        return self.snapshot.version

    @property
    def keys(self) -> tuple[str, str]:
        """The client key and the server key."""
        return self.snapshot.keys.client_key, self.snapshot.keys.server_key

    @cached_property
    def for_ofrep(self) -> Flags:
        """The flags in OFREP's form."""
        return Flags(self.evaluator, resolution_of)

    @cached_property
    def keys_missing(self) -> Mapping[int, bytes]:
        """The errors in OFREP's form of the flags that can't be evaluated without a targeting key, by their position."""
        return {position: to_json(key_missing(feature)) for feature, position in self.evaluator.need_identifier.items()}

    @cached_property
    def for_flagsmith(self) -> Flags:
        """The flags in the form of Flagsmith's SDK API."""
        return Flags(self.evaluator, flag_of_flagsmith)

    @cached_property
    def document(self) -> bytes:
        """The environment document."""
        return to_json(environment_document(self.snapshot))


class Environments:
    """The environments that this process has been asked for. They stay readable while the database is down.

    A change committed by this process is served from the moment it is answered. Changes by other processes arrive through `follow`.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._served: dict[str, Served] = {}
        self._ids: dict[str, str] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self._changes: Counter[str] = Counter()
        self._counting = threading.Lock()
        database.on_change(self._count_changes)

    async def with_key(self, key: str) -> Served | None:
        """Return the environment that a client key or a server key opens."""
        if (found := self._served.get(self._ids.get(key, ""))) and (current := await self._current(found)) and key in current.keys:
            return current
        if not _KEY.fullmatch(key):
            return None
        id_ = await asyncio.to_thread(self._holder, key)
        loaded = await self._load(id_) if id_ else None
        return loaded if loaded and key in loaded.keys else None

    async def streamed(self, name: str) -> Served | None:
        """Return the environment whose streams have this name: its bucketing identity or its client key, never a server key."""
        if not _KEY.fullmatch(name):
            return None
        if found := self._served.get(name) or await self._load(name):
            return await self._current(found)
        found = await self.with_key(name)
        return found if found and found.snapshot.keys.client_key == name else None

    async def newest(self, served: Served) -> Served:
        """Return the environment as the database has it now. If the database is down, return what is in memory.

        Clients may have heard of a change from another process before this one.
        """
        try:
            version = await asyncio.to_thread(self._version, served.id)
            return served if version <= served.version else await self._load(served.id, version) or served
        except OUTAGES:
            return served

    async def newer(self, environment_id: str, than: int) -> int | None:
        """Wait until the environment has a later version and return it; None once the environment is deleted."""
        while served := self._served.get(environment_id):
            if served.version > than:
                return served.version
            await served.superseded.wait()
        return None

    async def follow(self) -> None:
        """Reload changed environments for as long as the process lives, and survive any database error."""
        listener = ChangeListener(self.database)
        try:
            while True:
                waiting = asyncio.ensure_future(asyncio.to_thread(listener.wait))
                try:
                    await self._reload(await asyncio.shield(waiting))
                except asyncio.CancelledError:
                    await asyncio.wait([waiting])
                    raise
                except Exception as error:  # If this loop ended, applications would keep receiving old flags without anybody noticing.
                    log.warning("environment_updates_failed", error=str(error))
                    await asyncio.sleep(1)
        finally:
            listener.close()

    def _count_changes(self, environment_ids: Iterable[str]) -> None:
        """Note commits of this process; called on the threads that commit."""
        with self._counting:
            self._changes.update(environment_ids)

    async def _reload(self, versions: Mapping[str, int]) -> None:
        for id_, served in list(self._served.items()):
            if id_ not in versions:
                self._forget(served)
            elif versions[id_] > served.version:
                await self._load(id_, versions[id_])

    async def _current(self, served: Served) -> Served | None:
        """Reload what this process has changed since it was read; without a database, serve it as it is."""
        if self._includes_own_changes(served):
            return served
        try:
            return await self._load(served.id, served.version)
        except OUTAGES:
            return served

    def _includes_own_changes(self, served: Served) -> bool:
        return served.changes >= self._changes[served.id]

    async def _load(self, environment_id: str, version: int = 0) -> Served | None:
        async with self._loading.setdefault(environment_id, asyncio.Lock()):
            before = self._served.get(environment_id)
            if before and before.version >= version and self._includes_own_changes(before):
                return before
            loaded = await asyncio.to_thread(self._read, environment_id)
            if loaded:
                self._served[environment_id] = loaded
                self._ids |= dict.fromkeys(loaded.keys, environment_id)
            if before:
                self._ids = {key: id_ for key, id_ in self._ids.items() if key not in before.keys or (loaded and key in loaded.keys)}
                before.superseded.set()
            if not loaded:
                self._served.pop(environment_id, None)
                self._loading.pop(environment_id, None)
            return loaded

    def _forget(self, served: Served) -> None:
        self._served.pop(served.id, None)
        self._ids = {key: id_ for key, id_ in self._ids.items() if id_ != served.id}
        served.superseded.set()

    def _read(self, environment_id: str) -> Served | None:
        changes = self._changes[environment_id]  # Counted before reading: a commit in between causes one more read, never a missed one.
        with self.database.reading() as store:
            snapshot = read_snapshot(store, environment_id)
        return Served(snapshot, changes) if snapshot else None

    def _holder(self, key: str) -> str | None:
        with self.database.reading() as store:
            return store.environment_keys.holder(key)

    def _version(self, environment_id: str) -> int:
        with self.database.reading() as store:
            return store.environment_keys.version(environment_id)
