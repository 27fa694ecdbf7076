"""The state of the system: whether what isn't moving waits, or something is out of order."""

from fastapi import APIRouter, Request

from api.dependencies import CallerDep, DatabaseDep, TemporalHealthDep, now
from api.schemas.system import SystemView, system_view
from domain.releases.waiting import PATIENCE

router = APIRouter(prefix="/status", tags=["system"])


@router.get("")
def get_status(request: Request, caller: CallerDep, database: DatabaseDep, temporal_health: TemporalHealthDep) -> SystemView:
    """Which workers are seen, what is late, and in a sentence whether that is an outage; counts only, whatever the key may see.

    Those with the instance role owner are also told which processes the workers are. It answers within two seconds while
    Temporal is down. While the database is down it can only be the problem `database_unavailable`.
    """
    temporal, at = temporal_health.get_from_thread(), now()
    with database.reading() as store:
        lateness = store.releases.lateness(at, PATIENCE)
    return system_view(request.app.version, temporal, lateness, at, names_workers=caller.access.is_owner)
