"""Pipelines: drafted, published, from then on immutable, cloned and archived."""

from datetime import timedelta

from fastapi import APIRouter, Response

from activities.commands import pipelines
from activities.commands.pipelines import PipelineCopy, VersionRef
from activities.store.database import Store
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.pipelines import (
    ClonePipeline,
    NewPipeline,
    PipelineSummary,
    PipelineView,
    StageFlags,
    completed_flags,
    flag_in_stage,
    summary,
)
from domain.flags.project import Project
from domain.pipelines.capabilities import warnings_for
from domain.pipelines.pipeline import Pipeline, PipelineDefinition
from domain.pipelines.templates import from_template
from domain.pipelines.validation import warnings_of
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/pipelines", tags=["pipelines"])

SHOWN_IN_A_STAGE = 50
COMPLETED_WITHIN = timedelta(days=30)


@router.post("", status_code=201)
def create_pipeline(project: Slug, body: NewPipeline, caller: CallerDep, writing: WritingDep, response: Response) -> PipelineView:
    """Create a pipeline: draft version 1 from a definition, which may still be incomplete, or from a template."""
    caller.must_see(project)
    definition = body if isinstance(body, PipelineDefinition) else from_template(**dict(body))
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="share")
        draft = pipelines.draft_pipeline(store, caller, owner, definition, now())
        return writing.answer(store, _view(store, owner, draft, response))


@router.get("")
def list_pipelines(project: Slug, caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[PipelineSummary]:
    """List all pipeline versions, newest first, with the number of their releases by status."""
    caller.must_see(project)
    with database.reading() as store:
        page = store.pipelines.page(store.projects.get(project).id, slice_)
        counts = store.pipelines.counts([pipeline.id for pipeline in page.items])
    return ListOf(items=[summary(each, dict(counts[each.id])) for each in page.items], next=page.next)


@router.get("/{pipeline}")
def get_pipeline(project: Slug, pipeline: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> PipelineView:
    """Return one version, with the flags in each stage. An id names that version; a key its newest published one, or else its draft."""
    caller.must_see(project)
    with database.reading() as store:
        owner = store.projects.get(project)
        return _view(store, owner, store.pipelines.get(owner.id, pipeline), response)


@router.put("/{pipeline}")
def replace_pipeline(
    project: Slug,
    pipeline: Slug,
    body: PipelineDefinition,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    response: Response,
) -> PipelineView:
    """Replace a draft as a whole, by its id or its key. Versions after the first keep their key."""
    caller.must_see(project)
    with database.transaction() as store:
        owner = store.projects.get(project, lock="share")
        replaced = pipelines.replace_draft(store, caller, owner, VersionRef(pipeline, precondition), body, now())
        return _view(store, owner, replaced, response)


@router.delete("/{pipeline}", status_code=204)
def delete_pipeline(project: Slug, pipeline: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete a draft, by its id or its key."""
    caller.must_see(project)
    with database.transaction() as store:
        pipelines.delete_draft(store, caller, store.projects.get(project, lock="share"), VersionRef(pipeline, precondition), now())


@router.post("/{pipeline}/publish")
def publish_pipeline(
    project: Slug,
    pipeline: Slug,
    precondition: PreconditionDep,
    caller: CallerDep,
    writing: WritingDep,
    fresh_flags: FreshFlagsDep,
    response: Response,
) -> PipelineView:
    """Publish a draft, by its id or its key. It never changes again. A refusal lists everything that would not work."""
    caller.must_see(project)
    fresh_flags.require(project)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="update")
        published = pipelines.publish_draft(store, caller, owner, VersionRef(pipeline, precondition), now())
        return writing.answer(store, _view(store, owner, published, response))


@router.post("/{pipeline}/clone", status_code=201)
def clone_pipeline(
    project: Slug, pipeline: Slug, caller: CallerDep, writing: WritingDep, response: Response, body: ClonePipeline = ClonePipeline()
) -> PipelineView:
    """Draft a copy of any version: the next version of its key, or version 1 of a new key. Releases stay on their version."""
    caller.must_see(project)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="update")
        draft = pipelines.clone_pipeline(store, caller, owner, PipelineCopy(pipeline, body.key, body.name), now())
        return writing.answer(store, _view(store, owner, draft, response))


@router.post("/{pipeline}/archive")
def archive_pipeline(
    project: Slug, pipeline: Slug, precondition: PreconditionDep, caller: CallerDep, writing: WritingDep, response: Response
) -> PipelineView:
    """Archive a key with all its published versions. It accepts no new releases; releases under way continue."""
    caller.must_see(project)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="update")
        archived = pipelines.archive_pipeline(store, caller, owner, VersionRef(pipeline, precondition), now())
        return writing.answer(store, _view(store, owner, archived, response))


def _view(store: Store, project: Project, pipeline: Pipeline, response: Response) -> PipelineView:
    response.headers["ETag"] = pipeline.etag
    counts = dict(store.pipelines.counts([pipeline.id])[pipeline.id])
    numbers, waiting = store.releases.in_stages(pipeline.id, SHOWN_IN_A_STAGE)
    flags = [
        StageFlags(
            stage=stage.name, count=numbers.get(index, 0), flags=[flag_in_stage(each) for each in waiting if each.stage_index == index]
        )
        for index, stage in enumerate(pipeline.definition.stages)
    ]
    completed = completed_flags(*store.releases.completed_on(pipeline.id, now() - COMPLETED_WITHIN, SHOWN_IN_A_STAGE))
    warnings = [*warnings_of(pipeline.definition), *warnings_for(pipeline.definition, project.provider)]
    return PipelineView(**dict(summary(pipeline, counts)), warnings=warnings, flags=flags, **completed)
