"""Drafting, publishing, cloning and archiving pipelines: each in the caller's transaction, with its audit entry.

The caller of each function holds the project's row, so that two changes of one project's pipelines follow each other.
"""

from datetime import datetime
from typing import Any, NamedTuple

from activities.commands.preconditions import known_in
from activities.store.database import Store
from domain.access import Caller
from domain.audit import AuditEvent
from domain.entity_tag import UNCONDITIONAL, Precondition
from domain.errors import Invalid, NotPublished, Problem, PublishingRefused
from domain.flags.project import Project
from domain.pipelines.capabilities import unsupported_actions
from domain.pipelines.pipeline import LARGEST_DEFINITION, Pipeline, PipelineDefinition, PipelineStatus, next_version
from domain.pipelines.validation import problems_of


class VersionRef(NamedTuple):
    """A version by its id or its key, and the precondition under which the caller changes it."""

    id_or_key: str
    precondition: Precondition = UNCONDITIONAL


class PipelineCopy(NamedTuple):
    """The version to copy, by its id or its key, and the key and name of the copy if they differ."""

    id_or_key: str
    key: str | None = None
    name: str | None = None


def draft_pipeline(store: Store, caller: Caller, project: Project, definition: PipelineDefinition, at: datetime) -> Pipeline:
    """Write version 1 of a new pipeline as a draft, which may still be incomplete. Raises NotAllowed, Invalid or Conflict."""
    caller.must_administer(project.key)
    _check_size(definition)
    draft = store.pipelines.add(project.id, definition, at)
    _audit(store, caller, project, draft, AuditEvent.PIPELINE_CREATED, at, after=_written(draft))
    return draft


def replace_draft(
    store: Store, caller: Caller, project: Project, draft: VersionRef, definition: PipelineDefinition, at: datetime
) -> Pipeline:
    """Replace a draft as a whole. Only version 1 may change its key.

    Raises NotFound, NotAllowed, Invalid, NotADraft, DraftChanged or Conflict.
    """
    caller.must_administer(project.key)
    _check_size(definition)
    found = store.pipelines.to_change(project.id, draft.id_or_key)
    replaced = store.pipelines.replace(found, definition, draft.precondition)
    states = {"before": found.definition.model_dump(mode="json"), "after": _written(replaced)}
    _audit(store, caller, project, replaced, AuditEvent.PIPELINE_CHANGED, at, **states)
    return replaced


def delete_draft(store: Store, caller: Caller, project: Project, draft: VersionRef, at: datetime) -> None:
    """Delete a draft. Raises NotFound, NotAllowed, NotADraft or DraftChanged."""
    caller.must_administer(project.key)
    found = store.pipelines.to_change(project.id, draft.id_or_key)
    store.pipelines.delete(found, draft.precondition)
    _audit(store, caller, project, found, AuditEvent.PIPELINE_DELETED, at)


def publish_draft(store: Store, caller: Caller, project: Project, draft: VersionRef, at: datetime) -> Pipeline:
    """Make a draft immutable and open to releases. The caller holds the project's row for itself.

    Raises NotFound, NotAllowed, NotADraft, DraftChanged, PipelineArchived or PublishingRefused, which names every problem.
    """
    caller.must_administer(project.key)
    found = store.pipelines.to_change(project.id, draft.id_or_key)
    store.pipelines.check_draft(found, draft.precondition)
    for version in store.pipelines.versions(project.id, found.definition.key):
        version.check_not_archived()
    _check_publishable(store, project, found.definition, at)
    published = store.pipelines.publish(found, at, caller.owner.name, draft.precondition)
    _audit(store, caller, project, published, AuditEvent.PIPELINE_PUBLISHED, at, after=_written(published))
    return published


def clone_pipeline(store: Store, caller: Caller, project: Project, copy: PipelineCopy, at: datetime) -> Pipeline:
    """Draft a copy of any version: the next version of its own key, or version 1 of another key.

    The caller holds the project's row for itself. Raises NotFound, NotAllowed, PipelineArchived, DraftExists, Conflict or Invalid.
    """
    caller.must_administer(project.key)
    found = store.pipelines.get(project.id, copy.id_or_key)
    definition = found.definition.copied(copy.key, copy.name)
    _check_size(definition)
    keeps_key = definition.key == found.definition.key
    version = next_version(store.pipelines.versions(project.id, definition.key)) if keeps_key else 1
    draft = store.pipelines.add(project.id, definition, at, version)
    origin = {"id": found.id, "key": found.definition.key, "version": found.version}
    _audit(store, caller, project, draft, AuditEvent.PIPELINE_CLONED, at, after=_written(draft) | {"cloned_from": origin})
    return draft


def archive_pipeline(store: Store, caller: Caller, project: Project, version: VersionRef, at: datetime) -> Pipeline:
    """Close a key with all its published versions to new releases. Doing this twice is the same as doing it once.

    The caller holds the project's row for itself. Raises NotFound, NotAllowed, NotPublished or ResourceChanged.
    """
    caller.must_administer(project.key)
    found = store.pipelines.get(project.id, version.id_or_key)
    if found.status is PipelineStatus.DRAFT:
        raise NotPublished(f"Version {found.version} of '{found.definition.key}' is a draft: delete it instead.")
    version.precondition.check(found.etag, f"Version {found.version} of '{found.definition.key}'")
    if versions := store.pipelines.archive(project.id, found.definition.key):
        _audit(store, caller, project, found, AuditEvent.PIPELINE_ARCHIVED, at, after={"versions": versions})
    return store.pipelines.version(found.id)


def _check_publishable(store: Store, project: Project, definition: PipelineDefinition, at: datetime) -> None:
    problems = [
        *problems_of(definition, known_in(store, project), at),
        *unsupported_actions(definition, project.provider),
    ]
    if problems:
        number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise PublishingRefused(f"The pipeline would not work: it has {number}, listed in `errors`.", problems=tuple(problems))


def _check_size(definition: PipelineDefinition) -> None:
    if (size := len(definition.model_dump_json().encode())) > LARGEST_DEFINITION:
        message = f"The definition must have at most {LARGEST_DEFINITION} bytes of JSON, and it has {size}."
        raise Invalid(message, problems=(Problem(pointer="", code="definition_too_large", message=message),))


def _written(pipeline: Pipeline) -> dict[str, Any]:
    return pipeline.definition.model_dump(mode="json") | {"version": pipeline.version}


def _audit(store: Store, caller: Caller, project: Project, pipeline: Pipeline, event: AuditEvent, at: datetime, **states: Any) -> None:
    store.audit.record(caller, event, at, project=project.key, pipeline=pipeline.definition.key, **states)
