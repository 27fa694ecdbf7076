"""Pipelines: drafted, published, from then on immutable, cloned and archived."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from activities.providers.catalogue import provider_of
from activities.store.database import Store
from api.dependencies import CallerDep, DatabaseDep, RevisionDep, SliceDep, WritingDep, now
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
from domain.access import Caller
from domain.audit import AuditEvent
from domain.errors import Invalid, NotPublished, Problem, PublishingRefused
from domain.flags.project import Project
from domain.pipelines.pipeline import LARGEST_DEFINITION, Pipeline, PipelineDefinition, PipelineStatus, next_version
from domain.pipelines.templates import from_template
from domain.pipelines.validation import problems_of, warnings_of
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/pipelines", tags=["pipelines"])

SHOWN_IN_A_STAGE = 50
COMPLETED_WITHIN = timedelta(days=30)


@router.post("", status_code=201)
def create_pipeline(project: Slug, body: NewPipeline, caller: CallerDep, writing: WritingDep, response: Response) -> PipelineView:
    """Draft version 1 of a new pipeline, from a definition that may still be incomplete, or from a template."""
    caller.must_administer(project)
    definition = body if isinstance(body, PipelineDefinition) else from_template(**dict(body))
    _check_size(definition)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="share")
        pipeline = store.pipelines.add(owner.id, definition, now())
        _audit(store, caller, owner, pipeline, AuditEvent.PIPELINE_CREATED)
        return writing.answer(store, _answer(store, pipeline, response))


@router.get("")
def list_pipelines(project: Slug, caller: CallerDep, database: DatabaseDep, wanted: SliceDep) -> ListOf[PipelineSummary]:
    """Every pipeline version with counts of its releases by status, newest first."""
    caller.must_see(project)
    with database.reading() as store:
        page = store.pipelines.page(store.projects.get(project).id, wanted)
        counts = store.pipelines.counts([pipeline.id for pipeline in page.items])
    return ListOf(items=[summary(each, dict(counts[each.id])) for each in page.items], next=page.next)


@router.get("/{pipeline}")
def get_pipeline(project: Slug, pipeline: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> PipelineView:
    """One version, by its id, or by a key the newest published one or else its draft; with the flags in each stage."""
    caller.must_see(project)
    with database.reading() as store:
        return _answer(store, store.pipelines.get(store.projects.get(project).id, pipeline), response)


@router.put("/{pipeline}")
def replace_pipeline(
    project: Slug,
    pipeline: Slug,
    body: PipelineDefinition,
    revision: RevisionDep,
    caller: CallerDep,
    database: DatabaseDep,
    response: Response,
) -> PipelineView:
    """Replace a draft as a whole, by its id or its key; a further version keeps its key."""
    caller.must_administer(project)
    _check_size(body)
    with database.transaction() as store:
        owner = store.projects.get(project, lock="share")
        found = store.pipelines.to_change(owner.id, pipeline)
        replaced = store.pipelines.replace(found, body, revision)
        _audit(store, caller, owner, replaced, AuditEvent.PIPELINE_CHANGED, before=found.definition.model_dump(mode="json"))
        return _answer(store, replaced, response)


@router.delete("/{pipeline}", status_code=204)
def delete_pipeline(project: Slug, pipeline: Slug, revision: RevisionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Throw a draft away, by its id or its key."""
    caller.must_administer(project)
    with database.transaction() as store:
        owner = store.projects.get(project, lock="share")
        found = store.pipelines.to_change(owner.id, pipeline)
        store.pipelines.delete(found, revision)
        _audit(store, caller, owner, found, AuditEvent.PIPELINE_DELETED)


@router.post("/{pipeline}/publish")
def publish_pipeline(
    project: Slug, pipeline: Slug, revision: RevisionDep, caller: CallerDep, writing: WritingDep, response: Response
) -> PipelineView:
    """Publish a draft, by its id or its key, which never changes again; every reason why it could not work is named at once."""
    caller.must_administer(project)
    at = now()
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="update")
        found = store.pipelines.to_change(owner.id, pipeline)
        store.pipelines.check_draft(found, revision)
        for version in store.pipelines.versions(owner.id, found.definition.key):
            version.check_not_archived()
        _check_publishable(store, owner, found.definition)
        published = store.pipelines.publish(found, at, caller.owner.name, revision)
        _audit(store, caller, owner, published, AuditEvent.PIPELINE_PUBLISHED)
        return writing.answer(store, _answer(store, published, response))


@router.post("/{pipeline}/clone", status_code=201)
def clone_pipeline(
    project: Slug, pipeline: Slug, caller: CallerDep, writing: WritingDep, response: Response, body: ClonePipeline = ClonePipeline()
) -> PipelineView:
    """Draft a copy of any version: the next version of its key, or version 1 of a new one; releases stay on the version they are on."""
    caller.must_administer(project)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="update")
        found = store.pipelines.get(owner.id, pipeline)
        definition = found.definition.copied(body.key, body.name)
        _check_size(definition)
        version = 1 if body.key else next_version(store.pipelines.versions(owner.id, definition.key))
        draft = store.pipelines.add(owner.id, definition, now(), version)
        origin = {"id": found.id, "key": found.definition.key, "version": found.version}
        _audit(store, caller, owner, draft, AuditEvent.PIPELINE_CLONED, cloned_from=origin)
        return writing.answer(store, _answer(store, draft, response))


@router.post("/{pipeline}/archive")
def archive_pipeline(project: Slug, pipeline: Slug, caller: CallerDep, writing: WritingDep, response: Response) -> PipelineView:
    """Archive a key with all its published versions: it takes no new releases, and those under way go on."""
    caller.must_administer(project)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="update")
        found = store.pipelines.get(owner.id, pipeline)
        if found.status is PipelineStatus.DRAFT:
            raise NotPublished(f"Version {found.version} of '{found.definition.key}' is a draft, which is deleted instead.")
        if versions := store.pipelines.archive(owner.id, found.definition.key):
            values = {"pipeline": found.definition.key, "after": {"versions": versions}}
            store.audit.record(caller, AuditEvent.PIPELINE_ARCHIVED, now(), project=project, **values)
        return writing.answer(store, _answer(store, store.pipelines.version(found.id), response))


def _check_publishable(store: Store, project: Project, definition: PipelineDefinition) -> None:
    provider = provider_of(project, store)
    if problems := problems_of(definition, provider.environments(), provider.segments(), now()):
        raise PublishingRefused(f"The pipeline could not work: {len(problems)} problems, each named in errors.", problems=tuple(problems))


def _check_size(definition: PipelineDefinition) -> None:
    if (size := len(definition.model_dump_json().encode())) > LARGEST_DEFINITION:
        message = f"The definition has {size} bytes of JSON, and at most {LARGEST_DEFINITION} are taken."
        raise Invalid(message, problems=(Problem(pointer="", code="definition_too_large", message=message),))


def _audit(
    store: Store, caller: Caller, project: Project, pipeline: Pipeline, event: AuditEvent, before: dict[str, Any] | None = None, **more: Any
) -> None:
    after = pipeline.definition.model_dump(mode="json") if event is not AuditEvent.PIPELINE_DELETED else None
    values: dict[str, Any] = {"before": before, "after": after and (after | {"version": pipeline.version} | more)}
    store.audit.record(caller, event, now(), project=project.key, pipeline=pipeline.definition.key, **values)


def _answer(store: Store, pipeline: Pipeline, response: Response) -> PipelineView:
    if pipeline.status is PipelineStatus.DRAFT:
        response.headers["ETag"] = f'"{pipeline.revision}"'
    warnings = warnings_of(pipeline.definition)
    counts = dict(store.pipelines.counts([pipeline.id])[pipeline.id])
    numbers, waiting = store.releases.in_stages(pipeline.id, SHOWN_IN_A_STAGE)
    flags = [
        StageFlags(
            stage=stage.name, count=numbers.get(index, 0), flags=[flag_in_stage(each) for each in waiting if each.stage_index == index]
        )
        for index, stage in enumerate(pipeline.definition.stages)
    ]
    completed = completed_flags(*store.releases.completed_on(pipeline.id, now() - COMPLETED_WITHIN, SHOWN_IN_A_STAGE))
    return PipelineView(**dict(summary(pipeline, counts)), warnings=warnings, flags=flags, **completed)
