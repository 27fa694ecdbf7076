"""Adding a flag to a pipeline, in one transaction."""

from datetime import timedelta

import pytest

from activities.store.outbox import OutboxKind
from domain.audit import AuditEvent
from domain.errors import NotPublished
from domain.pipelines.pipeline import PipelineDefinition
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus, StageOutcome
from tests.activities.acting import THREE, audit_of, change_by_hand, runs_of
from tests.world import NOW, World


def test_adding_a_flag_writes_its_visit_audit_entry_and_outbox_entry(world: World) -> None:
    published = world.publish(THREE)

    release = world.add()

    assert world.release(release.id) == release
    assert (release.status, release.stage, release.stage_index, release.visit, release.sequence) == (
        ReleaseStatus.STARTING,
        "Development",
        0,
        1,
        0,
    )
    assert (release.pipeline.id, release.pipeline.version, release.added_by, release.responsible) == (published.id, 1, "olivia", "olivia")
    [run] = runs_of(world, release)
    assert (run.stage_index, run.outcome, run.entered_at) == (0, StageOutcome.PENDING, None)
    [entry] = audit_of(world, release)
    assert (entry.event, entry.actor.id, entry.pipeline, entry.feature) == (AuditEvent.RELEASE_ADDED, world.key_id, "standard", "checkout")
    with world.database.transaction() as store:
        assert [(each.kind, each.release) for each in store.outbox.lease(NOW, 9)] == [(OutboxKind.START, release.id)]


def test_flag_state_is_recorded_as_seen_for_every_environment_of_the_pipeline(world: World) -> None:
    world.publish(THREE)
    change_by_hand(world, "production", value="theirs", overrides={"staff": {"enabled": True}})
    then = world.flag("production")

    release = world.add(starting_stage="Beta users")
    change_by_hand(world, "production", value="later")

    with world.database.reading() as store:
        assert store.releases.seen(release.id, "production") == then


@pytest.mark.parametrize("written", ["Beta users", "beta USERS", "  Beta users "])
def test_starting_stage_is_case_insensitive(shop: World, written: str) -> None:
    shop.publish(THREE)

    release = shop.add(starting_stage=written)

    assert (release.stage, release.stage_index, release.starting_stage, release.visit) == ("Beta users", 1, 1, 1)
    assert release.environment == "production"


def test_pipeline_key_selects_the_newest_published_version_and_id_one_version(shop: World) -> None:
    newest, draft, oldest = (_version(shop, number) for number in (7, 9, 1))
    with shop.database.transaction() as store:
        for id_ in (newest, oldest):
            store.pipelines.publish(store.pipelines.version(id_), NOW, "olivia")

    by_key = shop.add()
    assert by_key.pipeline.id == newest
    _end(shop, by_key)
    assert shop.add(pipeline=oldest).pipeline.id == oldest
    with pytest.raises(NotPublished):
        shop.add(pipeline=draft)


def _version(world: World, number: int) -> str:
    """Add a draft with this version number."""
    with world.database.transaction() as store:
        return store.pipelines.add(world.project.id, PipelineDefinition.model_validate(THREE), NOW, number).id


def _end(world: World, release: Release) -> None:
    with world.database.transaction() as store:
        store.releases.write(release.ended(ReleaseStatus.REMOVED, NOW + timedelta(hours=1), "w"))


def test_flag_can_be_added_again_after_its_release_is_finished(shop: World) -> None:
    shop.publish(THREE)
    first = shop.add()
    _end(shop, first)

    assert shop.add().id != first.id
