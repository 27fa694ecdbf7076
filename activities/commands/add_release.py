"""The command that adds a flag to a pipeline, with all its checks, in the caller's transaction."""

from datetime import datetime

from pydantic import Field

from activities.commands.preconditions import check_free, check_published, check_values, check_variants, look_at, starting_stage
from activities.providers.catalogue import provider_of
from activities.record.transitions import audit, enter
from activities.store.database import Store
from activities.store.identifiers import new_id
from activities.store.outbox import OutboxKind
from domain.access import Caller
from domain.audit import AuditEvent, by_key
from domain.errors import Invalid, NotFound, Problem
from domain.flags.flag import Value
from domain.flags.project import Feature, Project
from domain.model import Frozen
from domain.pipelines.binding import bind
from domain.pipelines.capabilities import unsupported_actions
from domain.pipelines.parameter import MOST_PARAMETERS
from domain.pipelines.pipeline import OnConflict, Pipeline, PipelineDefinition, environments_ahead
from domain.releases.lowered_share import Accepted, check_keeps_shares
from domain.releases.release import PipelineRef, Release
from domain.releases.status import ReleaseStatus
from domain.text import Name, Slug


class AddRelease(Frozen):
    """A request to move a flag through a pipeline. `pipeline` is a key or the id of one version."""

    pipeline: Slug
    feature: Slug
    starting_stage: Name | None = None
    parameters: dict[Slug, Value] = Field(default={}, max_length=MOST_PARAMETERS)
    on_conflict: OnConflict | None = None
    accept: Accepted = ()


def add_release(store: Store, caller: Caller, project: Project, request: AddRelease, at: datetime, *, hides_names: bool = False) -> Release:
    """Write the release, the flag's present state, and the outbox entry that starts the workflow, which may hide all names from Temporal.

    The caller must hold a lock on the project, so that the pipeline can't be archived at the same time.
    Raises Invalid, NotAllowed, NotPublished, PipelineArchived, AlreadyReleasing or LowersShare.
    """
    pipeline = _published(store, project, request.pipeline)
    start = starting_stage(pipeline.definition, request.starting_stage)
    caller.must_operate(project.key, _environments_needed(pipeline.definition, start, request))
    _check_supported(pipeline, project)
    feature = _feature(store, project, request.feature)
    check_free(store, feature)
    parameters = bind(pipeline.definition, start, request.parameters, at)
    check_values(feature, pipeline.definition, start, parameters)
    check_variants(project, feature, pipeline.definition, start)
    seen = look_at(provider_of(project, store), feature, pipeline.definition)
    check_keeps_shares(pipeline.definition.stages, start, seen, parameters, request.accept)
    release = _release(caller, project, pipeline, start, request, at).model_copy(
        update={"parameters": parameters, "hides_names": hides_names}
    )
    store.releases.add(release, project.id, feature.id, seen)
    store.outbox.add(OutboxKind.START, release.id)
    audit(
        store,
        release,
        AuditEvent.RELEASE_ADDED,
        at,
        actor=by_key(caller),
        after={"version": pipeline.version, "on_conflict": release.on_conflict, "parameters": release.parameters}
        | ({"accept": request.accept} if request.accept else {}),
    )
    enter(store, release, at)
    return release


def _check_supported(pipeline: Pipeline, project: Project) -> None:
    """Raise Invalid if the project was connected to another flag system after the pipeline was published."""
    if problems := tuple(unsupported_actions(pipeline.definition, project.provider)):
        name = f"Version {pipeline.version} of '{pipeline.definition.key}'"
        raise Invalid(f"{name} has actions that {project.provider.label} can't carry out.", problems=problems)


def _environments_needed(definition: PipelineDefinition, start: int, request: AddRelease) -> list[str]:
    """Return the environments on which the caller needs the right.

    Replacing changes by hand needs it even where others approve: they approve a rollout once, and its later steps would replace too.
    """
    stages = definition.stages[start:]
    if request.on_conflict == "overwrite" and definition.on_conflict != "overwrite":
        return list(dict.fromkeys(stage.environment for stage in stages if not stage.is_hold))
    return environments_ahead(stages, 0)


def _published(store: Store, project: Project, id_or_key: str) -> Pipeline:
    try:
        pipeline = store.pipelines.get(project.id, id_or_key)
    except NotFound as missing:
        raise _unknown("/pipeline", missing) from missing
    check_published(pipeline)
    return pipeline


def _feature(store: Store, project: Project, key: str) -> Feature:
    try:
        return store.features.get(key, project.id, lock="update")
    except NotFound as missing:
        raise _unknown("/feature", missing) from missing


def _unknown(pointer: str, missing: NotFound) -> Invalid:
    return Invalid(missing.message, problems=(Problem(pointer=pointer, code="not_found", message=missing.message),))


def _release(caller: Caller, project: Project, pipeline: Pipeline, start: int, request: AddRelease, at: datetime) -> Release:
    definition, stage = pipeline.definition, pipeline.definition.stages[start]
    return Release(
        id=new_id(),
        project=project.key,
        feature=request.feature,
        pipeline=PipelineRef(id=pipeline.id, key=definition.key, version=pipeline.version, name=definition.name),
        status=ReleaseStatus.STARTING,
        stage_index=start,
        stage=stage.name,
        environment=stage.environment,
        visit=1,
        sequence=0,
        write_key="added",
        starting_stage=start,
        on_conflict=request.on_conflict or definition.on_conflict,
        added_at=at,
        added_by=caller.owner.name,
        added_by_id=caller.owner_id,
        responsible=caller.owner.name,
        responsible_id=caller.owner_id,
    )
