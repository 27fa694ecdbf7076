"""The state of the system: distinguishes normal waiting from an outage."""

from fastapi import APIRouter, Request

from api.dependencies import CallerDep, DatabaseDep, TemporalHealthDep, now
from api.schemas.system import SystemView, system_view
from domain.releases.waiting import PATIENCE

router = APIRouter(prefix="/status", tags=["system"])


@router.get("")
def get_status(request: Request, caller: CallerDep, database: DatabaseDep, temporal_health: TemporalHealthDep) -> SystemView:
    """Return the workers, the overdue releases and a verdict on outages. It contains only counts, so every key may read it.

    Keys with the instance role owner also get the identities of the workers. The response takes at most two seconds while Temporal
    is down. While the database is down, it is the problem `database_unavailable`.
    """
    temporal, at = temporal_health.get_from_thread(), now()
    with database.reading() as store:
        lateness = store.releases.lateness(at, PATIENCE)
    return system_view(request.app.version, temporal, lateness, at, names_workers=caller.access.is_owner)
