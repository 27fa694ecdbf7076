"""Connecting a project to another flag system, and disconnecting it: each in the caller's transaction, with its audit entries.

The caller of each function holds the project's row for itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from activities.commands.references import Use, uses_of_environment
from activities.providers.catalogue import provider_of
from activities.providers.connection_check import CheckedConnection
from activities.providers.mirror import forget
from activities.store.connections import StoredConnection
from activities.store.database import Store
from activities.store.identifiers import new_id
from activities.store.paging import Slice
from domain.access import Caller
from domain.audit import AuditEvent
from domain.entity_tag import UNCONDITIONAL, Precondition, entity_tag
from domain.errors import Conflict, InUse, Invalid, Problem, pointer_to
from domain.flags.connection import Connection
from domain.flags.project import Project
from domain.flags.provider import ProviderKind


def connection_etag(project: Project, stored: StoredConnection | None) -> str:
    """Return the entity tag of a project's connection. A project whose flags are kept here has one too."""
    return stored.etag if stored else entity_tag(project.id, ProviderKind.BUILTIN)


def check_connectable(store: Store, caller: Caller, project: Project, wanted: Connection, precondition: Precondition) -> None:
    """Raise NotAllowed, ResourceChanged, Conflict or InUse if the project can't be connected in that way."""
    caller.must_administer(project.key)
    stored = store.connections.find(project.id)
    _check_unchanged(project, stored, precondition)
    if stored is None:
        _check_empty(store, project)
    elif stored.connection.kind is not wanted.kind:
        raise Conflict(f"'{project.key}' is connected to {stored.connection.kind.label}: disconnect it first.")
    elif stored.connection.project != wanted.project:
        _check_no_releases(store, project, "can't use another project there")


def connect_project(
    store: Store, caller: Caller, project: Project, checked: CheckedConnection, at: datetime, precondition: Precondition = UNCONDITIONAL
) -> StoredConnection:
    """Store a connection that was checked, and create its environments.

    Raises NotAllowed, ResourceChanged, Conflict, InUse or Invalid.
    """
    wanted = checked.connection
    check_connectable(store, caller, project, wanted, precondition)
    before = store.connections.find(project.id)
    _write_environments(store, caller, project, wanted, before, at)
    store.connections.write(project.id, wanted, checked.sealed, at)
    store.connections.note_outage(project.id, None)
    store.projects.update(project.id, provider=wanted.kind)
    replaced = {"credential_replaced": checked.sealed is not None}
    if before is None:
        store.audit.record(caller, AuditEvent.PROVIDER_CONNECTED, at, project=project.key, after=_audited(wanted))
    else:
        states = {"before": _audited(before.connection), "after": _audited(wanted) | replaced}
        store.audit.record(caller, AuditEvent.PROVIDER_CHANGED, at, project=project.key, **states)
    listed_at, listings = (before.listed_at, before.listings) if before else (None, 0)
    return StoredConnection(wanted, checked.sealed, at, listed_at, listings, None)


def disconnect_project(store: Store, caller: Caller, project: Project, at: datetime, precondition: Precondition = UNCONDITIONAL) -> None:
    """Delete the connection with its credential and the copy of features and segments. Environments and pipelines stay.

    Doing this twice is the same as doing it once. Raises NotAllowed, ResourceChanged or InUse.
    """
    caller.must_administer(project.key)
    stored = store.connections.find(project.id)
    _check_unchanged(project, stored, precondition)
    if stored is None:
        return
    _check_no_releases(store, project, "can't be disconnected")
    forget(store, project, at)
    store.connections.delete(project.id)
    store.projects.update(project.id, provider=ProviderKind.BUILTIN)
    store.audit.record(caller, AuditEvent.PROVIDER_DISCONNECTED, at, project=project.key, before=_audited(stored.connection))


def _check_unchanged(project: Project, stored: StoredConnection | None, precondition: Precondition) -> None:
    precondition.check(connection_etag(project, stored), f"The connection of '{project.key}'")


def _check_empty(store: Store, project: Project) -> None:
    """Raise Conflict if the project has features or segments of its own, which a connection would hide."""
    one = Slice(limit=1)
    if store.features.page(one, project.id).items or store.segments.page(one, project.id).items:
        message = f"'{project.key}' has features or segments of its own. Connect a new project, or delete them first."
        raise Conflict(message)


def _check_no_releases(store: Store, project: Project, what: str) -> None:
    if unfinished := store.releases.unfinished_in(project.id):
        used_by = [{"kind": "release", "id": each.id, "feature": each.feature} for each in unfinished]
        raise InUse(f"'{project.key}' has {len(used_by)} unfinished releases and {what}: remove them first.", used_by=used_by)


def _write_environments(
    store: Store, caller: Caller, project: Project, wanted: Connection, before: StoredConnection | None, at: datetime
) -> None:
    """Create the environments that are new, and delete those that a changed connection leaves out and nothing uses."""
    ours = {key: store.environments.get(key, project.id) for key in provider_of(project, store).environments()}
    left_out = ours.keys() - wanted.environments.keys()
    if before is None and left_out:
        raise _unmapped(sorted(left_out))
    moved = _moved(before.connection.environments if before else {}, wanted.environments)
    for key in sorted(left_out | moved):
        uses = uses_of_environment(store, project, key)
        _check_unused(key, uses if key in left_out else [each for each in uses if each["kind"] == "release"])
    for key in sorted(left_out):
        store.environments.delete(ours[key].id, at)
        store.audit.record(caller, AuditEvent.ENVIRONMENT_DELETED, at, project=project.key, environment=key)
    for key, name in wanted.environments.items():
        if key not in ours:
            store.environments.insert(at, id=new_id(), project_id=project.id, key=key, name=name[:120])
            store.audit.record(caller, AuditEvent.ENVIRONMENT_CREATED, at, project=project.key, environment=key)


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Return the environments that have another name over there than before."""
    return {key for key, name in before.items() if after.get(key, name) != name}


def _check_unused(environment: str, uses: list[Use]) -> None:
    if uses:
        raise InUse(f"'{environment}' is still in use: keep it in `environments`, with the same name.", used_by=uses)


def _unmapped(keys: list[str]) -> Invalid:
    problems = tuple(
        Problem(
            pointer=pointer_to(("environments", key)),
            code="not_mapped",
            message=f"The project has the environment '{key}': give its name in the other system, or delete it first.",
        )
        for key in keys
    )
    return Invalid(problems[0].message, problems=problems)


def _audited(connection: Connection) -> dict[str, Any]:
    return connection.model_dump(mode="json")
