"""The key of the caller."""

from fastapi import APIRouter, Response

from activities.store.keys import ApiKey
from api.dependencies import CallerDep, DatabaseDep

router = APIRouter(prefix="/whoami", tags=["keys"])


@router.get("")
def get_whoami(caller: CallerDep, database: DatabaseDep, response: Response) -> ApiKey:
    """Return the API key of this request, with its owner and grants."""
    with database.reading() as store:
        key = store.keys.get(caller.key)
        response.headers["ETag"] = store.keys.etag(key)
    return key
