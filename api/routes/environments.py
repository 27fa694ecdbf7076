"""Environments, in which flags are evaluated."""

from fastapi import APIRouter, Response

from activities.commands.references import uses_of_environment
from activities.store.database import Store
from activities.store.identifiers import new_id
from api.dependencies import CallerDep, DatabaseDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.projects import ChangeName, CreateNamed, EnvironmentView
from domain.access import Caller
from domain.audit import AuditEvent
from domain.entity_tag import entity_tag
from domain.errors import InUse
from domain.evaluation.snapshot import KeyKind
from domain.flags.project import Environment, check_keeps_flags
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/environments", tags=["environments"])


@router.post("", status_code=201)
def create_environment(project: Slug, body: CreateNamed, caller: CallerDep, writing: WritingDep) -> EnvironmentView:
    """Create an environment. Every feature has its default state in it."""
    caller.must_administer(project)
    at, environment = now(), Environment(id=new_id(), key=body.key, name=body.name or body.key)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="share")
        check_keeps_flags(owner)
        store.environments.insert(at, project_id=owner.id, **environment.model_dump())
        store.audit.record(caller, AuditEvent.ENVIRONMENT_CREATED, at, project=project, environment=environment.key)
        return writing.answer(store, _views(store, caller, project, [environment])[0], _etag(store, environment))


@router.get("")
def list_environments(project: Slug, caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[EnvironmentView]:
    """List the environments of the project, by key."""
    caller.must_see(project)
    with database.reading() as store:
        page = store.environments.page(slice_, store.projects.get(project).id)
        return ListOf(items=_views(store, caller, project, page.items), next=page.next)


@router.get("/{environment}")
def get_environment(project: Slug, environment: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> EnvironmentView:
    """Return one environment."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.environments.get(environment, store.projects.get(project).id)
        response.headers["ETag"] = _etag(store, found)
        return _views(store, caller, project, [found])[0]


@router.patch("/{environment}")
def change_environment(
    project: Slug,
    environment: Slug,
    body: ChangeName,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    response: Response,
) -> EnvironmentView:
    """Rename an environment. Its key never changes."""
    caller.must_administer(project)
    at = now()
    with database.transaction() as store:
        found = store.environments.get(environment, store.projects.get(project, lock="share").id, lock="update")
        precondition.check(_etag(store, found), f"Environment '{environment}'")
        store.environments.update(found.id, name=body.name)
        names = {"before": {"name": found.name}, "after": {"name": body.name}}
        store.audit.record(caller, AuditEvent.ENVIRONMENT_CHANGED, at, project=project, environment=environment, **names)
        changed = found.model_copy(update={"name": body.name})
        response.headers["ETag"] = _etag(store, changed)
        return _views(store, caller, project, [changed])[0]


@router.post("/{environment}/keys/{kind}/rotate")
def rotate_environment_key(
    project: Slug, environment: Slug, kind: KeyKind, precondition: PreconditionDep, caller: CallerDep, writing: WritingDep
) -> EnvironmentView:
    """Rotate the client key or server key of an environment. The old key stops working within a second. Rollout shares do not change."""
    caller.must_administer(project)
    at = now()
    with writing.transaction() as store:
        found = store.environments.get(environment, store.projects.get(project, lock="share").id, lock="update")
        precondition.check(_etag(store, found), f"Environment '{environment}'")
        store.environment_keys.rotate(found.id, kind)
        event = AuditEvent.ENVIRONMENT_KEY_ROTATED
        store.audit.record(caller, event, at, project=project, environment=environment, after={"kind": kind.value})
        return writing.answer(store, _views(store, caller, project, [found])[0], _etag(store, found))


@router.delete("/{environment}", status_code=204)
def delete_environment(project: Slug, environment: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete an environment. It must not be used by a published pipeline or an unfinished release."""
    caller.must_administer(project)
    at = now()
    with database.transaction() as store:
        owner = store.projects.get(project, lock="update")
        check_keeps_flags(owner)
        found = store.environments.get(environment, owner.id)
        precondition.check(_etag(store, found), f"Environment '{environment}'")
        if used_by := uses_of_environment(store, owner, environment):
            raise InUse(f"'{environment}' is still in use.", used_by=used_by)
        store.environments.delete(found.id, at)
        store.audit.record(caller, AuditEvent.ENVIRONMENT_DELETED, at, project=project, environment=environment)


def _etag(store: Store, environment: Environment) -> str:
    return entity_tag(environment, store.environment_keys.keys([environment.id])[environment.id])


def _views(store: Store, caller: Caller, project: str, found: list[Environment]) -> list[EnvironmentView]:
    keys = store.environment_keys.keys([each.id for each in found])
    return [
        EnvironmentView(
            key=each.key,
            name=each.name,
            client_key=keys[each.id].client_key,
            server_key=keys[each.id].server_key if caller.access.operates(project, each.key) else None,
        )
        for each in found
    ]
