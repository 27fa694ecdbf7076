"""Projects, the owners of environments, features, segments and pipelines."""

from fastapi import APIRouter, Response

from activities.store.identifiers import new_id
from api.dependencies import CallerDep, DatabaseDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.projects import ChangeName, CreateNamed, ProjectView
from domain.audit import AuditEvent
from domain.errors import InUse
from domain.flags.project import Project
from domain.text import Slug

router = APIRouter(prefix="/projects", tags=["projects"])


@router.post("", status_code=201)
def create_project(body: CreateNamed, caller: CallerDep, writing: WritingDep) -> ProjectView:
    """Create a project. This requires the instance role owner."""
    caller.must_be_owner()
    at, project = now(), Project(id=new_id(), key=body.key, name=body.name or body.key)
    with writing.transaction() as store:
        store.projects.insert(at, **project.model_dump())
        store.audit.record(caller, AuditEvent.PROJECT_CREATED, at, project=project.key)
        return writing.answer(store, ProjectView.model_validate(project), project.etag)


@router.get("")
def list_projects(caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[ProjectView]:
    """List the projects that the caller may see, by key."""
    access = caller.access
    visible = None if access.is_owner else sorted({grant.project for grant in access.grants if grant.project})
    with database.reading() as store:
        page = store.projects.page(slice_, keys=visible)
    return ListOf(items=[ProjectView.model_validate(project) for project in page.items], next=page.next)


@router.get("/{project}")
def get_project(project: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> ProjectView:
    """Return one project."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.projects.get(project)
    response.headers["ETag"] = found.etag
    return ProjectView.model_validate(found)


@router.patch("/{project}")
def change_project(
    project: Slug, body: ChangeName, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep, response: Response
) -> ProjectView:
    """Rename a project. Its key never changes."""
    caller.must_administer(project)
    at = now()
    with database.transaction() as store:
        found = store.projects.get(project, lock="update")
        precondition.check(found.etag, f"Project '{project}'")
        store.projects.update(found.id, name=body.name)
        before, after = {"name": found.name}, {"name": body.name}
        store.audit.record(caller, AuditEvent.PROJECT_CHANGED, at, project=project, before=before, after=after)
    changed = found.model_copy(update={"name": body.name})
    response.headers["ETag"] = changed.etag
    return ProjectView.model_validate(changed)


@router.delete("/{project}", status_code=204)
def delete_project(project: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete a project with everything that it owns. It must have no unfinished releases. This requires the instance role owner."""
    caller.must_see(project)
    caller.must_be_owner()
    at = now()
    with database.transaction() as store:
        found = store.projects.get(project, lock="update")
        precondition.check(found.etag, f"Project '{project}'")
        if unfinished := store.releases.unfinished_in(found.id):
            used_by = [{"kind": "release", "id": release.id, "feature": release.feature} for release in unfinished]
            raise InUse(f"'{project}' has {len(used_by)} unfinished releases: remove them first.", used_by=used_by)
        store.projects.delete(found.id, at)
        store.webhooks.delete_all(project)
        store.connections.delete(found.id)
        store.metrics.delete_all(found.id)
        store.metric_sources.delete_all(found.id)
        store.audit.record(caller, AuditEvent.PROJECT_DELETED, at, project=project)
