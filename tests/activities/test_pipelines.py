"""Pipelines are drafted, published, cloned and archived in one transaction each, without HTTP."""

from datetime import timedelta

import pytest

from activities.commands.pipelines import (
    PipelineCopy,
    VersionRef,
    archive_pipeline,
    clone_pipeline,
    delete_draft,
    draft_pipeline,
    publish_draft,
    replace_draft,
)
from activities.store.paging import Slice
from domain.access import Access, Caller, Grant, Owner, Role
from domain.audit import AuditEvent
from domain.entity_tag import Precondition
from domain.errors import DraftChanged, NotAllowed
from domain.pipelines.pipeline import Pipeline, PipelineDefinition, PipelineStatus
from tests.pipelines import pipeline, stage
from tests.world import NOW, World

FIRST = PipelineDefinition.model_validate(pipeline(stage("Development")))
SECOND = PipelineDefinition.model_validate(pipeline(stage("Development"), stage("Production", "production", "1d")))
LATER = NOW + timedelta(hours=1)


def _as_read(id_or_key: str, pipeline: Pipeline) -> VersionRef:
    return VersionRef(id_or_key, Precondition(frozenset({pipeline.etag})))


def test_pipeline_goes_through_its_life_and_each_step_is_audited(shop: World) -> None:
    with shop.database.transaction() as store:
        draft = draft_pipeline(store, shop.caller, shop.project, FIRST, NOW)
        replaced = replace_draft(store, shop.caller, shop.project, _as_read("standard", draft), SECOND, NOW)
        published = publish_draft(store, shop.caller, shop.project, _as_read(draft.id, replaced), LATER)
        copy = clone_pipeline(store, shop.caller, shop.project, PipelineCopy(published.id, key="standard"), LATER)
        delete_draft(store, shop.caller, shop.project, VersionRef(copy.id), LATER)
        archived = archive_pipeline(store, shop.caller, shop.project, VersionRef("standard"), LATER)

    assert (published.published_at, published.published_by, published.definition) == (LATER, "olivia", SECOND)
    assert (copy.version, copy.status, archived.status) == (2, PipelineStatus.DRAFT, PipelineStatus.ARCHIVED)
    with shop.database.reading() as store:
        entries = store.audit.page(Slice(), {"pipeline": "standard"}).items[::-1]
    assert [each.event for each in entries] == [
        AuditEvent.PIPELINE_CREATED,
        AuditEvent.PIPELINE_CHANGED,
        AuditEvent.PIPELINE_PUBLISHED,
        AuditEvent.PIPELINE_CLONED,
        AuditEvent.PIPELINE_DELETED,
        AuditEvent.PIPELINE_ARCHIVED,
    ]
    assert {each.actor.owner for each in entries} == {"olivia"}


def test_every_command_needs_the_role_admin_and_writes_nothing_without_it(shop: World) -> None:
    grants = (Grant(project="shop", role=Role.OPERATOR, environments=("*",)),)
    operator = Caller(key="k", owner=Owner(kind="person", name="otto"), owner_id="o", access=Access(grants=grants))
    published = shop.publish(pipeline(stage("Development"), key="published"))
    with shop.database.transaction() as store:
        draft_pipeline(store, shop.caller, shop.project, FIRST, NOW)

    with shop.database.transaction() as store:
        for command in (
            lambda: draft_pipeline(store, operator, shop.project, SECOND, NOW),
            lambda: replace_draft(store, operator, shop.project, VersionRef("standard"), SECOND, NOW),
            lambda: publish_draft(store, operator, shop.project, VersionRef("standard"), NOW),
            lambda: delete_draft(store, operator, shop.project, VersionRef("standard"), NOW),
            lambda: clone_pipeline(store, operator, shop.project, PipelineCopy("published"), NOW),
            lambda: archive_pipeline(store, operator, shop.project, VersionRef("published"), NOW),
        ):
            with pytest.raises(NotAllowed):
                command()

    with shop.database.reading() as store:
        assert store.pipelines.get(shop.project.id, published.id) == published
        assert [each.definition for each in store.pipelines.versions(shop.project.id, "standard")] == [FIRST]


def test_draft_that_was_replaced_since_it_was_read_is_not_changed(shop: World) -> None:
    with shop.database.transaction() as store:
        draft = draft_pipeline(store, shop.caller, shop.project, FIRST, NOW)
        replace_draft(store, shop.caller, shop.project, VersionRef(draft.id), SECOND, NOW)

    with shop.database.transaction() as store:
        stale = _as_read(draft.id, draft)
        for command in (
            lambda: replace_draft(store, shop.caller, shop.project, stale, FIRST, NOW),
            lambda: publish_draft(store, shop.caller, shop.project, stale, NOW),
            lambda: delete_draft(store, shop.caller, shop.project, stale, NOW),
        ):
            with pytest.raises(DraftChanged):
                command()
