"""Liveness and readiness of this process."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from activities.store.database import Database
from api.dependencies import DatabaseDep, TemporalHealthDep, now

router = APIRouter(tags=["health"])

TIMEOUT = 2
"""In seconds. Readiness probes have short timeouts."""


class Health(BaseModel):
    """The process is alive."""

    status: str


class Readiness(BaseModel):
    """The process is ready. `workers` is the number of workers seen recently, null while Temporal can't be reached."""

    status: str
    temporal: Literal["reachable", "unreachable"]
    workers: int | None


@router.get("/healthz")
async def alive() -> Health:
    """Check that this process responds."""
    return Health(status="alive")


@router.get("/readyz")
async def ready(database: DatabaseDep, temporal_health: TemporalHealthDep) -> Readiness:
    """Check that the database can be reached. Temporal and workers are only reported: adding and removing work without them."""
    temporal, _ = await asyncio.gather(temporal_health.get(), _check(database))
    if not temporal.reachable:
        return Readiness(status="ready", temporal="unreachable", workers=None)
    return Readiness(status="ready", temporal="reachable", workers=temporal.at_work(now()))


async def _check(database: Database) -> None:
    try:
        await asyncio.wait_for(asyncio.to_thread(_query, database), TIMEOUT)
    except TimeoutError as error:
        raise PoolTimeout("The database did not answer in time.") from error


def _query(database: Database) -> None:
    with database.reading() as store:
        store.connection.execute(text("SELECT 1"))
