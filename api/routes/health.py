"""Whether this process is alive, and whether it can answer."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from api.dependencies import DatabaseOf

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Alive, or ready."""

    status: str


@router.get("/healthz")
def alive() -> Health:
    """This process answers."""
    return Health(status="alive")


@router.get("/readyz")
def ready(database: DatabaseOf) -> Health:
    """The database can be reached; Temporal needn't be, since adding and removing work without it."""
    with database.reading() as store:
        store.connection.execute(text("SELECT 1"))
    return Health(status="ready")
