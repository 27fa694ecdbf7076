"""The connection of a project to the flag system in which its flags are kept. Only admins of the project manage it."""

from contextlib import suppress
from datetime import timedelta

from fastapi import APIRouter, Response

from activities.commands.connections import check_connectable, connect_project, connection_etag, disconnect_project
from activities.providers.connection_check import check_connection
from activities.providers.errors import ProviderError
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, PreconditionDep, now
from api.schemas.connection import CheckView, Connect, ConnectionView, check_view, connection_view
from domain.errors import Conflict, ProviderRefused
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/connection", tags=["connections"])


@router.get("")
def get_connection(project: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> ConnectionView:
    """Return the system in which the project's flags are kept, what it can express, and its outage. Never returns the credential."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.projects.get(project)
        stored = store.connections.find(found.id)
    response.headers["ETag"] = connection_etag(found, stored)
    return connection_view(stored, shows_address=caller.access.administers(project))


@router.put("")
def connect(
    project: Slug,
    body: Connect,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    fresh_flags: FreshFlagsDep,
    response: Response,
) -> ConnectionView:
    """Connect the project to another flag system, or change its connection. It is checked first, and stored only if everything works.

    The project must not have features or segments of its own. Environments that don't exist yet are created.
    """
    caller.must_administer(project)
    with database.reading() as store:
        found = store.projects.get(project)
        check_connectable(store, caller, found, body.connection, precondition)
        before = store.connections.find(found.id)
    checked = check_connection(fresh_flags.elsewhere.systems, body.connection, body.credential, before)
    checked.check_passed()
    with database.transaction() as store:
        locked = store.projects.get(project, lock="update")
        connect_project(store, caller, locked, checked, now(), precondition)
        connected = store.projects.get(project)
    with suppress(ProviderError, ProviderRefused):  # The next request lists them otherwise.
        fresh_flags.elsewhere.refresh_lists(connected, ttl=timedelta(0))
    with database.reading() as store:
        stored = store.connections.find(connected.id)
    response.headers["ETag"] = connection_etag(connected, stored)
    return connection_view(stored, shows_address=True)


@router.post("/check")
def check(project: Slug, caller: CallerDep, database: DatabaseDep, fresh_flags: FreshFlagsDep, body: Connect | None = None) -> CheckView:
    """Check the project's connection, or the one in the body before it is stored. Names everything that is missing. Changes nothing."""
    caller.must_administer(project)
    with database.reading() as store:
        found = store.projects.get(project)
        stored = store.connections.find(found.id)
    if body is not None:
        return check_view(check_connection(fresh_flags.elsewhere.systems, body.connection, body.credential, stored))
    if stored is None:
        raise Conflict(f"The flags of '{project}' are kept here, so there is no connection to check. Send one to check it first.")
    return check_view(check_connection(fresh_flags.elsewhere.systems, stored.connection, None, stored))


@router.delete("", status_code=204)
def disconnect(project: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Disconnect the project: its flags are kept here from now on. It must have no unfinished releases.

    The credential and the copy of features and segments are deleted. Nothing changes in the other system.
    """
    caller.must_administer(project)
    with database.transaction() as store:
        disconnect_project(store, caller, store.projects.get(project, lock="update"), now(), precondition)
