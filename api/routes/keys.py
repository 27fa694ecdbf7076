"""API keys. A key can manage the keys whose grants are covered by its own, and rotate itself."""

from collections.abc import Iterator

from fastapi import APIRouter, Response

from activities.commands.key_entries import record_key_entry
from activities.providers.catalogue import provider_of
from activities.store.database import Store
from activities.store.keys import ApiKey, new_secret
from api.dependencies import CallerDep, DatabaseDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.keys import CreateKey, NewKey
from api.schemas.lists import ListOf
from domain.access import ALL, Caller, Grant, Role
from domain.audit import AuditEvent
from domain.errors import Invalid, NotAllowed, NotFound, Problem
from domain.text import Slug, did_you_mean

router = APIRouter(prefix="/keys", tags=["keys"])


@router.post("", status_code=201)
def create_key(body: CreateKey, caller: CallerDep, writing: WritingDep, response: Response) -> NewKey:
    """Create an API key. Its secret is only in this response."""
    _must_manage(caller, body.grants)
    at, secret = now(), new_secret()
    with writing.transaction() as store:
        _check_grants(store, body.grants)
        key = store.keys.add(body.name, body.owner, body.grants, secret, at)
        response.headers["ETag"] = store.keys.etag(key)
        record_key_entry(store, caller, AuditEvent.KEY_CREATED, key, at)
        writing.refuse_repetition(store, key.id)
    return NewKey(**dict(key), secret=secret)


@router.get("")
def list_keys(caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[ApiKey]:
    """List the keys whose grants are covered by those of the caller, newest first. A page may have fewer items than its limit."""
    _must_manage(caller, ())
    with database.reading() as store:
        page = store.keys.page(slice_)
    return ListOf(items=[key for key in page.items if _manages(caller, key.grants)], next=page.next)


@router.get("/{key}")
def get_key(key: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> ApiKey:
    """Return one key: the caller's own, or one whose grants are covered by those of the caller."""
    if key != caller.key:
        _must_manage(caller, ())
    with database.reading() as store:
        found = store.keys.get(key)
        if key != caller.key:
            _must_see(caller, found)
        response.headers["ETag"] = store.keys.etag(found)
    return found


@router.post("/{key}/rotate")
def rotate_key(key: Slug, precondition: PreconditionDep, caller: CallerDep, writing: WritingDep, response: Response) -> NewKey:
    """Rotate the secret of a key. The new secret is only in this response, and the old one stops working at once.

    The id, the owner, the grants and the releases of the owner stay the same. To change keys without a gap, create a second key for the
    same owner, and revoke the first one later.
    """
    if key != caller.key:
        _must_manage(caller, ())
    secret, at = new_secret(), now()
    with writing.transaction() as store:
        found = store.keys.get(key, lock=True)
        if key != caller.key:
            _must_see(caller, found)
        if store.accounts.has_key(found.id):
            raise NotAllowed("This key has no secret: it belongs to an account at the identity provider. Create another key instead.")
        precondition.check(store.keys.etag(found), "The key")
        store.keys.rotate(found.id, secret, at)
        response.headers["ETag"] = store.keys.etag(found)
        record_key_entry(store, caller, AuditEvent.KEY_ROTATED, found, at)
        writing.refuse_repetition(store, found.id)
    return NewKey(**dict(found), secret=secret)


@router.delete("/{key}", status_code=204)
def revoke_key(key: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Revoke a key at once and for good. Doing this twice is the same as doing it once."""
    _must_manage(caller, ())
    at = now()
    with database.transaction() as store:
        found = store.keys.get(key, lock=True)
        _must_see(caller, found)
        precondition.check(store.keys.etag(found), "The key")
        if store.keys.revoke(found.id, at):
            record_key_entry(store, caller, AuditEvent.KEY_REVOKED, found, at)


def _manages(caller: Caller, grants: tuple[Grant, ...]) -> bool:
    """True if the caller covers these grants and is an admin of all their projects."""
    projects = {grant.project for grant in grants if grant.project}
    return caller.access.covers(grants) and all(caller.access.administers(project) for project in projects)


def _must_see(caller: Caller, key: ApiKey) -> None:
    if not _manages(caller, key.grants):
        raise NotFound("The key does not exist, or this key may not see it.")


def _must_manage(caller: Caller, grants: tuple[Grant, ...]) -> None:
    roles = {grant.role for grant in caller.access.grants}
    if not roles & {Role.OWNER, Role.ADMIN} or not _manages(caller, grants):
        raise NotAllowed("Only admins can manage keys, and only keys whose grants are covered by their own.")


def _check_grants(store: Store, grants: tuple[Grant, ...]) -> None:
    """Raise Invalid if a grant names an unknown project or environment, which is most likely misspelt."""
    problems = tuple(problem for number, grant in enumerate(grants) for problem in _unknown_names(store, f"/grants/{number}", grant))
    if problems:
        raise Invalid(problems[0].message, problems=problems)


def _unknown_names(store: Store, pointer: str, grant: Grant) -> Iterator[Problem]:
    if grant.project is None:
        return
    project = store.projects.find(grant.project)
    if project is None:
        message = f"Unknown project '{grant.project}': create it first, or use an existing one."
        yield Problem(pointer=f"{pointer}/project", code="not_found", message=message)
        return
    known = {ALL, *provider_of(project, store).environments()}
    for number, environment in enumerate(grant.environments):
        if environment not in known:
            hint = did_you_mean(environment, known)
            message = f"Unknown environment '{environment}' in project '{grant.project}': create it first, or use an existing one.{hint}"
            yield Problem(pointer=f"{pointer}/environments/{number}", code="environment_not_found", message=message)
