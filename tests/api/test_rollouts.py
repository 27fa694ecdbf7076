"""A release shows only rollout shares that the flag still has: somebody may have ended the rollout."""

from datetime import timedelta

from activities.messages import Made
from activities.store.database import Database
from domain.releases.release import NextStep
from tests.activities.acting import change, command_for
from tests.http import Api
from tests.pipelines import pipeline, rollout, stage
from tests.world import world_of

FLAG = "/projects/shop/environments/production/features/checkout"


def test_removed_release_shows_its_rollout_share_until_the_rollout_ends(api_on_both: Api, url_on_both: str) -> None:
    api_on_both.make_project()
    api_on_both.publish(pipeline(stage("Ramp", "production", actions=[rollout(value="v2")])))
    release = api_on_both.add()["id"]
    database = Database(url_on_both)
    world = world_of(database)
    first = command_for(world, world.release(release), next_step=NextStep(step=2, every=timedelta(hours=6)))
    assert isinstance(change(world, first), Made)
    database.close()

    removed = api_on_both.post(f"/projects/shop/releases/{release}/remove")
    assert removed["rollouts"] == {"production": 10}

    changed = api_on_both.patch(FLAG, {"enabled": False})
    assert changed["warnings"] == ["This ended the rollout at 10%: everyone gets the same state now."]
    assert api_on_both.release(release)["rollouts"] == {}
