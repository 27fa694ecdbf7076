"""Whether this process is alive, and whether it can answer."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from activities.store.database import Database
from api.dependencies import DatabaseDep, TemporalHealthDep, now

router = APIRouter(tags=["health"])

PATIENCE = 2
"""In seconds: whoever asks whether we are ready won't wait long."""


class Health(BaseModel):
    """Alive."""

    status: str


class Readiness(BaseModel):
    """Ready; the rest is for information. How many workers were seen lately is null while Temporal can't be reached."""

    status: str
    temporal: Literal["reachable", "unreachable"]
    workers: int | None


@router.get("/healthz")
async def alive() -> Health:
    """This process answers."""
    return Health(status="alive")


@router.get("/readyz")
async def ready(database: DatabaseDep, temporal_health: TemporalHealthDep) -> Readiness:
    """The database can be reached. Temporal and workers needn't be, since adding and removing work without them; how they are, is told."""
    temporal, _ = await asyncio.gather(temporal_health.get(), _ask(database))
    if not temporal.reachable:
        return Readiness(status="ready", temporal="unreachable", workers=None)
    return Readiness(status="ready", temporal="reachable", workers=temporal.at_work(now()))


async def _ask(database: Database) -> None:
    try:
        await asyncio.wait_for(asyncio.to_thread(_look, database), PATIENCE)
    except TimeoutError as error:
        raise PoolTimeout("The database did not answer in time.") from error


def _look(database: Database) -> None:
    with database.reading() as store:
        store.connection.execute(text("SELECT 1"))
