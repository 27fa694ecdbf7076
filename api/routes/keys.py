"""API keys. A key makes, lists and revokes only keys whose grants lie within its own."""

from fastapi import APIRouter

from activities.store.database import Store
from activities.store.keys import ApiKey, new_secret
from api.dependencies import CallerOf, DatabaseOf, SliceOf, now
from api.schemas.keys import CreateKey, NewKey
from api.schemas.lists import ListOf
from domain.access import Caller, Grant, Role
from domain.audit import Event
from domain.errors import NotAllowed, NotFound
from domain.text import Slug

router = APIRouter(prefix="/keys", tags=["keys"])


@router.post("", status_code=201)
def create_key(body: CreateKey, caller: CallerOf, database: DatabaseOf) -> NewKey:
    """Make a key; its secret is in this answer and nowhere else."""
    _must_manage(caller, body.grants)
    at, secret = now(), new_secret()
    with database.transaction() as store:
        key = store.keys.add(body.name, body.owner, body.grants, secret, at)
        _audit(store, caller, Event.KEY_CREATED, key)
    return NewKey(**dict(key), secret=secret)


@router.get("")
def list_keys(caller: CallerOf, database: DatabaseOf, wanted: SliceOf) -> ListOf[ApiKey]:
    """The keys whose grants lie within those of this one, newest first; a page may hold fewer than its limit."""
    _must_manage(caller, ())
    with database.reading() as store:
        page = store.keys.page(wanted)
    return ListOf(items=[key for key in page.items if _manages(caller, key.grants)], next=page.next)


@router.delete("/{key}", status_code=204)
def revoke_key(key: Slug, caller: CallerOf, database: DatabaseOf) -> None:
    """End a key at once."""
    _must_manage(caller, ())
    at = now()
    with database.transaction() as store:
        found = store.keys.get(key)
        if not _manages(caller, found.grants):
            raise NotFound("There is no such key, or none that this key may see.")
        store.keys.revoke(found.id, at)
        _audit(store, caller, Event.KEY_REVOKED, found)


def _manages(caller: Caller, grants: tuple[Grant, ...]) -> bool:
    """Keys are the business of admins, each in their own projects."""
    projects = {grant.project for grant in grants if grant.project}
    return caller.access.covers(grants) and all(caller.access.administers(project) for project in projects)


def _must_manage(caller: Caller, grants: tuple[Grant, ...]) -> None:
    roles = {grant.role for grant in caller.access.grants}
    if not roles & {Role.OWNER, Role.ADMIN} or not _manages(caller, grants):
        raise NotAllowed("A key can only be made or seen by an admin, with grants that lie within the admin's own.")


def _audit(store: Store, caller: Caller, event: Event, key: ApiKey) -> None:
    after = key.model_dump(mode="json", include={"id", "name", "owner", "grants"})
    projects = sorted({grant.project for grant in key.grants if grant.project})
    places: list[str | None] = [*projects] or [None]
    for project in places:
        store.audit.record(caller, event, now(), project=project, after=after)
