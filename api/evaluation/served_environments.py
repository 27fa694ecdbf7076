"""Environments as they are served: kept in memory, one context per version, and replaced as soon as there is a newer one."""

import asyncio
import re
from collections.abc import Mapping
from functools import cached_property

import structlog

from activities.store.change_listener import ChangeListener
from activities.store.database import Database
from activities.store.snapshots import read_snapshot
from api.evaluation.response_json import Flags, written
from api.problems import OUTAGES
from domain.evaluation.environment_document import environment_document, flag_of_flagsmith
from domain.evaluation.evaluator import Evaluator
from domain.evaluation.ofrep import resolution_of
from domain.evaluation.snapshot import Snapshot

log = structlog.get_logger()

_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Served:
    """One environment at one version."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.evaluator = Evaluator(snapshot)
        self.superseded = asyncio.Event()

    @property
    def id(self) -> str:
        """The environment's id, which is also its bucketing identity and the name of its streams."""
        return self.snapshot.environment.id

    @property
    def version(self) -> int:
        """The version."""
        return self.snapshot.version

    @property
    def keys(self) -> tuple[str, str]:
        """Its client key and its server key."""
        return self.snapshot.keys.client_key, self.snapshot.keys.server_key

    @cached_property
    def for_ofrep(self) -> Flags:
        """Its flags as OFREP has them."""
        return Flags(self.evaluator, resolution_of)

    @cached_property
    def for_flagsmith(self) -> Flags:
        """Its flags as Flagsmith's SDKs read them."""
        return Flags(self.evaluator, flag_of_flagsmith)

    @cached_property
    def document(self) -> bytes:
        """The environment document."""
        return written(environment_document(self.snapshot))


class Environments:
    """The environments that this process was asked for. They are read from memory, also while the database is down."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._served: dict[str, Served] = {}
        self._ids: dict[str, str] = {}
        self._loading: dict[str, asyncio.Lock] = {}

    async def with_key(self, key: str) -> Served | None:
        """The environment that a client key or a server key opens."""
        if found := self._served.get(self._ids.get(key, "")):
            return found
        if not _KEY.fullmatch(key):
            return None
        id_ = await asyncio.to_thread(self._holder, key)
        found = await self._load(id_) if id_ else None
        return found if found and key in found.keys else None

    async def streamed(self, name: str) -> Served | None:
        """The environment whose streams have this name: its bucketing identity, or its client key; no server key belongs into a URL."""
        if not _KEY.fullmatch(name):
            return None
        if found := self._served.get(name) or await self._load(name):
            return found
        found = await self.with_key(name)
        return found if found and found.snapshot.keys.client_key == name else None

    async def newest(self, served: Served) -> Served:
        """The environment as the database has it now, if that can be asked: another process may have told of a change before this one."""
        try:
            version = await asyncio.to_thread(self._version, served.id)
            return served if version <= served.version else await self._load(served.id, version) or served
        except OUTAGES:
            return served

    async def newer(self, environment_id: str, than: int) -> int | None:
        """Wait until the environment has a later version; None once it is gone."""
        while served := self._served.get(environment_id):
            if served.version > than:
                return served.version
            await served.superseded.wait()
        return None

    async def follow(self) -> None:
        """Replace what changes, for as long as the process lives; whatever goes wrong with the database passes."""
        watch = ChangeListener(self.database)
        try:
            while True:
                looking = asyncio.ensure_future(asyncio.to_thread(watch.wait))
                try:
                    await self._replace(await asyncio.shield(looking))
                except asyncio.CancelledError:
                    await asyncio.wait([looking])
                    raise
                except Exception as error:  # Without this loop every application would see the past, and nobody would be told.
                    log.warning("environment_updates_failed", error=str(error))
                    await asyncio.sleep(1)
        finally:
            watch.close()

    async def _replace(self, versions: Mapping[str, int]) -> None:
        for id_, served in list(self._served.items()):
            if id_ not in versions:
                self._forget(served)
            elif versions[id_] > served.version:
                await self._load(id_, versions[id_])

    async def _load(self, environment_id: str, version: int = 0) -> Served | None:
        async with self._loading.setdefault(environment_id, asyncio.Lock()):
            before = self._served.get(environment_id)
            if before and before.version >= version:
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
        with self.database.reading() as store:
            snapshot = read_snapshot(store, environment_id)
        return Served(snapshot) if snapshot else None

    def _holder(self, key: str) -> str | None:
        with self.database.reading() as store:
            return store.environment_keys.holder(key)

    def _version(self, environment_id: str) -> int:
        with self.database.reading() as store:
            return store.environment_keys.version(environment_id)
