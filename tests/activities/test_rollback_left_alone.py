"""Fields that a rollback leaves alone, and those that it restores beside them."""

from domain.flags.patch import OverridePatch
from tests.activities.acting import LATER, TWO_STAGES, act, audit_of, change_by_hand, changes_of, end_hold, put_back, roll_back
from tests.activities.rollbacks import ROLLED_BACK_AT, run_stages
from tests.pipelines import enable, pipeline, set_value, stage
from tests.world import World


def test_field_changed_by_hand_is_left_alone_and_recorded(world: World) -> None:
    world.publish(pipeline(stage("Development", actions=[enable(), set_value("new")])))
    release = world.add()
    act(world, release)
    change_by_hand(world, value="by hand")
    roll_back(world, release)

    put_back(world, release, ROLLED_BACK_AT)

    flag = world.flag("development")
    assert (flag.enabled, flag.value) == (False, "by hand")
    rollback = world.release(release.id).rollback
    assert rollback
    left = [each.model_dump() for each in rollback.left_alone]
    expected = {"field": "value", "because": "changed_by_hand", "before": "classic", "after": "new", "now": "by hand"}
    assert left == [{"environment": "development", **expected}]
    entry = audit_of(world, release)[-1]
    assert entry.after
    assert entry.after["left_alone"] == left


def test_forced_rollback_restores_fields_changed_by_hand(world: World) -> None:
    before = world.flag("development")
    world.publish(pipeline(stage("Development", actions=[enable(), set_value("new")])))
    release = world.add()
    act(world, release)
    change_by_hand(world, value="by hand")
    roll_back(world, release, force=True)

    put_back(world, release)

    assert world.flag("development") == before


def test_rollback_with_nothing_to_restore_makes_no_change(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    act(world, release)
    change_by_hand(world, enabled=False, value="classic")
    roll_back(world, release)

    assert put_back(world, release).status == "rolled_back"

    assert [change.undoes_from for change in changes_of(world, release)] == [None]


def test_rollback_to_a_stage_leaves_an_override_changed_by_hand_alone(world: World) -> None:
    release = run_stages(world, 2)
    change_by_hand(world, "production", overrides={"beta-users": OverridePatch(enabled=False)})
    roll_back(world, release, to_stage="Development")

    put_back(world, release)

    rollback = world.release(release.id).rollback
    assert rollback
    assert [each.field for each in rollback.left_alone] == ["overrides/beta-users"]
    assert world.flag("production").overrides["beta-users"].enabled is False


def test_fields_of_a_deleted_environment_are_left_alone(shop: World) -> None:
    release = run_stages(shop)
    end_hold(shop, release)
    with shop.database.transaction() as store:
        store.environments.delete(store.environments.get("development", shop.project.id).id, LATER)
    roll_back(shop, release)

    assert put_back(shop, release).status == "rolled_back"

    rollback = shop.release(release.id).rollback
    assert rollback
    assert [(each.environment, each.field, each.because) for each in rollback.left_alone] == [
        ("development", "enabled", "environment_gone")
    ]
    assert not shop.flag("production").enabled
