"""API keys. A key makes, lists, rotates and revokes only keys whose grants lie within its own; it also rotates itself."""

from collections.abc import Iterator

from fastapi import APIRouter

from activities.providers.catalogue import provider_of
from activities.store.database import Store
from activities.store.keys import ApiKey, new_secret
from api.dependencies import CallerDep, DatabaseDep, SliceDep, WritingDep, now
from api.schemas.keys import CreateKey, NewKey
from api.schemas.lists import ListOf
from domain.access import ALL, Caller, Grant, Role
from domain.audit import AuditEvent
from domain.errors import Invalid, NotAllowed, NotFound, Problem
from domain.text import Slug

router = APIRouter(prefix="/keys", tags=["keys"])


@router.post("", status_code=201)
def create_key(body: CreateKey, caller: CallerDep, writing: WritingDep) -> NewKey:
    """Make a key; its secret is in this answer and nowhere else."""
    _must_manage(caller, body.grants)
    at, secret = now(), new_secret()
    with writing.transaction() as store:
        _check_places(store, body.grants)
        key = store.keys.add(body.name, body.owner, body.grants, secret, at)
        _audit(store, caller, AuditEvent.KEY_CREATED, key)
        writing.answer_once(store, key.id)
    return NewKey(**dict(key), secret=secret)


@router.get("")
def list_keys(caller: CallerDep, database: DatabaseDep, wanted: SliceDep) -> ListOf[ApiKey]:
    """The keys whose grants lie within those of this one, newest first; a page may hold fewer than its limit."""
    _must_manage(caller, ())
    with database.reading() as store:
        page = store.keys.page(wanted)
    return ListOf(items=[key for key in page.items if _manages(caller, key.grants)], next=page.next)


@router.post("/{key}/rotate")
def rotate_key(key: Slug, caller: CallerDep, writing: WritingDep) -> NewKey:
    """Give a key another secret, which is in this answer and nowhere else; the old one ends at once.

    Everything else stays: id, owner, grants, and what releases do on the owner's behalf. For a change without a gap, make a second key
    for the same owner instead, and revoke the first one later.
    """
    if key != caller.key:
        _must_manage(caller, ())
    secret, at = new_secret(), now()
    with writing.transaction() as store:
        found = store.keys.get(key)
        if key != caller.key:
            _must_see(caller, found)
        store.keys.rotate(found.id, secret, at)
        _audit(store, caller, AuditEvent.KEY_ROTATED, found)
        writing.answer_once(store, found.id)
    return NewKey(**dict(found), secret=secret)


@router.delete("/{key}", status_code=204)
def revoke_key(key: Slug, caller: CallerDep, database: DatabaseDep) -> None:
    """End a key at once; doing it twice is the same as doing it once."""
    _must_manage(caller, ())
    at = now()
    with database.transaction() as store:
        found = store.keys.get(key)
        _must_see(caller, found)
        if store.keys.revoke(found.id, at):
            _audit(store, caller, AuditEvent.KEY_REVOKED, found)


def _manages(caller: Caller, grants: tuple[Grant, ...]) -> bool:
    """Keys are the business of admins, each in their own projects."""
    projects = {grant.project for grant in grants if grant.project}
    return caller.access.covers(grants) and all(caller.access.administers(project) for project in projects)


def _must_see(caller: Caller, key: ApiKey) -> None:
    if not _manages(caller, key.grants):
        raise NotFound("There is no such key, or none that this key may see.")


def _must_manage(caller: Caller, grants: tuple[Grant, ...]) -> None:
    roles = {grant.role for grant in caller.access.grants}
    if not roles & {Role.OWNER, Role.ADMIN} or not _manages(caller, grants):
        raise NotAllowed("A key can only be made or seen by an admin, with grants that lie within the admin's own.")


def _check_places(store: Store, grants: tuple[Grant, ...]) -> None:
    """Raise Invalid for a grant on what does not exist: most likely it is misspelt."""
    problems = tuple(problem for number, grant in enumerate(grants) for problem in _unknown_places(store, f"/grants/{number}", grant))
    if problems:
        raise Invalid(problems[0].message, problems=problems)


def _unknown_places(store: Store, at: str, grant: Grant) -> Iterator[Problem]:
    if grant.project is None:
        return
    project = store.projects.find(grant.project)
    if project is None:
        message = f"There is no project '{grant.project}': create it first, or name another."
        yield Problem(pointer=f"{at}/project", code="not_found", message=message)
        return
    known = {ALL, *provider_of(project, store).environments()}
    for number, environment in enumerate(grant.environments):
        if environment not in known:
            message = f"There is no environment '{environment}' in project '{grant.project}': create it first, or name another."
            yield Problem(pointer=f"{at}/environments/{number}", code="environment_not_found", message=message)


def _audit(store: Store, caller: Caller, event: AuditEvent, key: ApiKey) -> None:
    """One entry for each project, which tells nothing of the others."""
    projects = sorted({grant.project for grant in key.grants if grant.project})
    places: list[str | None] = [*projects] or [None]
    for project in places:
        shown = key.model_copy(update={"grants": tuple(grant for grant in key.grants if grant.project == project)})
        after = shown.model_dump(mode="json", include={"id", "name", "owner", "grants"})
        store.audit.record(caller, event, now(), project=project, after=after)
