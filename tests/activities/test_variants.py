"""Allocations by stages: made, kept apart from changes by hand, and rolled back."""

from activities.messages import Refused
from activities.store.snapshots import read_snapshot
from domain.evaluation.evaluator import Evaluator
from domain.evaluation.identity import Identity
from domain.flags.allocation import Allocation, percents
from domain.flags.variant import Variant
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from tests.activities.acting import LATER, act, audit_of, change, change_by_hand, changes_of, command_for, put_back, roll_back
from tests.pipelines import allocate, enable, hold, pipeline, set_value, stage
from tests.world import World

VARIANTS = [Variant(key="one-page", value="one page"), Variant(key="two-pages", value="two pages")]
EXPERIMENT = pipeline(
    stage("Try", actions=[enable(), allocate({"one-page": 10, "two-pages": 10})]),
    stage("Half", "development", "1d", actions=[allocate({"one-page": 50, "two-pages": 50}), allocate({"one-page": 100}, "staff")]),
    stage("Ship", "development", "1d", actions=[set_value("one page")]),
    hold("Watch", "2d", "development"),
)


def begin(world: World) -> Release:
    """Give the flag its variants, publish the pipeline and add the flag."""
    with world.database.transaction() as store:
        feature = store.features.get("checkout", world.project.id)
        store.features.update(feature.id, variants=[each.model_dump() for each in VARIANTS])
    world.publish(EXPERIMENT)
    return world.add()


def served(world: World) -> list[str]:
    """Return the variants of some identities in development."""
    with world.database.reading() as store:
        snapshot = read_snapshot(store, store.environments.get("development", world.project.id).id)
    assert snapshot
    results = [Evaluator(snapshot).evaluate_one("checkout", Identity(f"user-{number}")) for number in range(200)]
    return [each.variant.key if each.variant else "" for each in results]


def allocation(world: World) -> Allocation:
    """Return the allocation for everyone in development."""
    return world.flag("development").allocation


def test_stages_allocate_variants_and_a_rollback_gives_every_identity_its_variant_back(world: World) -> None:
    release = begin(world)
    act(world, release)
    tried = served(world)
    act(world, release)
    half = served(world)
    act(world, release)

    assert (allocation(world), world.flag("development").value) == ({}, "one page")
    assert {(old, new) for old, new in zip(tried, half, strict=True) if old != new} <= {("", "one-page"), ("", "two-pages")}
    assert set(served(world)) == {""}
    roll_back(world, release, to_stage="Half")
    assert put_back(world, release, LATER).status == "paused"
    assert served(world) == half
    assert percents(allocation(world)) == {"one-page": 50, "two-pages": 50}
    roll_back(world, release)
    put_back(world, release, LATER)
    assert world.release(release.id).status is ReleaseStatus.ROLLED_BACK
    assert (allocation(world), world.flag("development").value, world.flag("development").overrides) == ({}, "classic", {})


def test_the_record_says_which_part_of_the_identities_has_a_variant(world: World) -> None:
    release = begin(world)

    act(world, release)

    [made] = changes_of(world, release)
    assert made.before.model_dump(mode="json") == {"enabled": False, "allocation": {}}
    laid_out = {"one-page": {"percent": 10, "at": [[0, 1000]]}, "two-pages": {"percent": 10, "at": [[1000, 2000]]}}
    assert made.after.model_dump(mode="json")["allocation"] == laid_out
    assert audit_of(world, release)[-1].after == {"enabled": True, "allocation": laid_out}


def test_shares_that_somebody_changed_block_the_stage_that_changes_them(world: World) -> None:
    release = begin(world)
    act(world, release)
    change_by_hand(world, allocation={"one-page": 20, "two-pages": 10})

    refused = change(world, command_for(world, release))

    assert isinstance(refused, Refused)
    now = world.release(release.id)
    assert now.blocked
    assert (now.blocked.code, now.blocked.details["fields"]) == ("flag_changed_by_hand", ["allocation"])
