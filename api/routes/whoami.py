"""Who asks."""

from fastapi import APIRouter

from activities.store.keys import ApiKey
from api.dependencies import CallerDep, DatabaseDep

router = APIRouter(prefix="/whoami", tags=["keys"])


@router.get("")
def get_whoami(caller: CallerDep, database: DatabaseDep) -> ApiKey:
    """The key that asks: whose it is, and what it may do."""
    with database.reading() as store:
        return store.keys.get(caller.key)
