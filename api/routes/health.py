"""Whether this process is alive, and whether it can answer."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from activities.store.database import Database
from api.dependencies import DatabaseOf, Releases

router = APIRouter(tags=["health"])

PATIENCE = 2
"""In seconds: whoever asks whether we are ready won't wait long."""


class Health(BaseModel):
    """Alive."""

    status: str


class Readiness(BaseModel):
    """Ready; `temporal` is for information."""

    status: str
    temporal: Literal["reachable", "unreachable"]


@router.get("/healthz")
async def alive() -> Health:
    """This process answers."""
    return Health(status="alive")


@router.get("/readyz")
async def ready(database: DatabaseOf, releases: Releases) -> Readiness:
    """The database can be reached. Temporal needn't be, since adding and removing work without it; whether it is, is told."""
    temporal, _ = await asyncio.gather(releases.is_reachable(PATIENCE), _ask(database))
    return Readiness(status="ready", temporal="reachable" if temporal else "unreachable")


async def _ask(database: Database) -> None:
    try:
        await asyncio.wait_for(asyncio.to_thread(_look, database), PATIENCE)
    except TimeoutError as error:
        raise PoolTimeout("The database did not answer in time.") from error


def _look(database: Database) -> None:
    with database.reading() as store:
        store.connection.execute(text("SELECT 1"))
