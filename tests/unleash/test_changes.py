"""Changes of stages in a real Unleash: what they do, and what blocks them."""

from datetime import timedelta

import pytest

from activities.messages import Made, Refused
from activities.providers.errors import ProviderUnavailable
from domain.errors import FeatureNotFound
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from tests.activities.acting import ACTED, LATER, changes_of, retry
from tests.pipelines import enable, pipeline, stage
from tests.unleash.shop import Shop

pytestmark = pytest.mark.xdist_group("unleash")

ON = FlagPatch(enabled=True)
OFF = FlagPatch(enabled=False)
FOLLOWING = {"step": 2, "every": timedelta(hours=1)}
EVERYONE = {"name": "flexibleRollout", "title": "Flaghoist: everyone", "parameters": {"rollout": "100", "stickiness": "default"}}


def test_stages_change_the_flag_in_unleash(shop: Shop, release: Release) -> None:
    assert shop.change(release) == Made(made_at=ACTED, sequence=1, text=f"Changed {shop.key} in development: enable for everyone.")
    assert (shop.titles(), shop.titles("production")) == (["Flaghoist: everyone"], [])
    assert isinstance(shop.change(release), Made)

    assert shop.titles("production") == ["Flaghoist: everyone"]
    assert shop.world.release(release.id).status is ReleaseStatus.COMPLETED
    assert [(each.environment, each.before, each.after) for each in changes_of(shop.world, release)] == [
        ("development", OFF, ON),
        ("production", OFF, ON),
    ]
    assert shop.intents(release) == []


def test_change_takes_four_calls(shop: Shop, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.elsewhere, "refresh_lists", lambda _project: None)  # On a busy machine, its ten seconds may be over.

    shop.change(release)

    assert (shop.api.calls, shop.api.writes) == (4, 2), "read, add, switch, read"


def test_flag_that_is_so_already_is_left_alone(shop: Shop) -> None:
    shop.person("POST", "/strategies", EVERYONE | {"title": "Theirs"})
    shop.person("POST", "/on")
    shop.world.publish(pipeline(stage("Development")))
    release = shop.add()

    assert isinstance(shop.change(release), Made)

    assert shop.api.writes == 0
    assert shop.titles() == ["Theirs"]
    [change] = changes_of(shop.world, release)
    assert not change.changed_anything


def test_segment_and_rollout_climb(shop: Shop) -> None:
    segment = shop.segment(f"Beta {shop.feature}")
    shop.elsewhere.refresh(shop.world.project, shop.key)
    key = f"beta-{shop.feature}"
    rollout = {"type": "PHASED_ROLLOUT", "initial": 20, "step": 40, "every": "1h"}
    shop.world.publish(pipeline(stage("Beta", actions=[enable(key)]), stage("Everyone", actions=[rollout])))
    release = shop.add()

    shop.change(release)
    assert shop.titles() == [f"Flaghoist: segment {segment}"]

    seen = []
    for step in (1, 2, 3):
        now = shop.world.release(release.id)
        with shop.world.database.reading() as store:
            ramp = store.pipelines.version(now.pipeline.id).definition.stages[1]
        following = {"step": step + 1, "every": timedelta(hours=1)} if step < 3 else None
        shop.change(release, step=step, patch=ramp.patch({}, step), next_step=following)
        seen.append((shop.titles()[1], shop.world.flag("development", shop.key).rollout))
    assert [title for title, _ in seen] == ["Flaghoist: rollout", "Flaghoist: rollout", "Flaghoist: everyone"]
    assert [rollout.percent if rollout else None for _, rollout in seen] == [20, 60, None]
    assert shop.world.release(release.id).status is ReleaseStatus.COMPLETED


def test_change_by_a_person_before_the_write_blocks_the_release(shop: Shop) -> None:
    shop.person("POST", "/strategies", EVERYONE)
    shop.person("POST", "/on")
    off = {"type": "TOGGLE_FEATURE", "enabled": False}
    ramp = {"type": "PHASED_ROLLOUT", "initial": 20, "step": 40, "every": "1h"}
    shop.world.publish(pipeline(stage("Off", actions=[off]), stage("Ramp", actions=[ramp])))
    release = shop.add(accept=("lowers_share",))
    shop.change(release)
    shop.person("POST", "/strategies", EVERYONE | {"title": "Flaghoist: rollout", "parameters": {"rollout": "70", "stickiness": "default"}})
    shop.person("POST", "/on")

    answer = shop.change(release, next_step=FOLLOWING)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "flag_changed_by_hand"
    assert shop.titles() == ["Flaghoist: rollout"]
    assert shop.flag().rollout.percent == 70  # type: ignore[union-attr]


def test_change_by_a_person_after_the_write_blocks_the_release_and_can_be_overwritten(shop: Shop) -> None:
    ramp = {"type": "PHASED_ROLLOUT", "initial": 20, "step": 40, "every": "1h"}
    shop.world.publish(pipeline(stage("Ramp", actions=[ramp])))
    release = shop.add()

    def meddle(_write: int) -> None:
        found = shop.api.feature("default", shop.feature).environment("development")
        assert found
        for each in found.strategies:
            shop.person("PUT", f"/strategies/{each.id}", EVERYONE | {"title": each.title, "parameters": {"rollout": "55"}})

    shop.api.after = meddle
    answer = shop.change(release, next_step=FOLLOWING)
    shop.lives()

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "flag_changed_by_hand"
    assert shop.flag().rollout.percent == 55  # type: ignore[union-attr]
    retry(shop.world, release, overwrite=True)
    assert isinstance(shop.change(release, LATER, next_step=FOLLOWING), Made)
    [change] = changes_of(shop.world, release)
    assert (change.before, change.after.rollout.percent) == (FlagPatch(rollout=None), 20)  # type: ignore[union-attr]
    assert shop.intents(release) == []


def test_outage_is_noted_and_over_once_a_call_succeeds(shop: Shop, release: Release) -> None:
    with shop.unleash.paused():
        shop.api._client.close()
        shop.api.__init__(shop.unleash.address, shop.unleash.admin_token)  # type: ignore[misc]
        shop.api._client._transport.seconds = 0.5  # type: ignore[attr-defined]
        with pytest.raises(ProviderUnavailable):
            shop.change(release)

    found = shop.outage()
    assert found
    assert found.code == "provider_unavailable"
    assert found.message.startswith("Unleash: No complete answer came within")
    shop.api._client._transport.seconds = 30  # type: ignore[attr-defined]
    assert isinstance(shop.change(release), Made)
    assert shop.outage() is None


def test_revoked_token_blocks_the_release_until_it_is_replaced(shop: Shop, release: Release) -> None:
    good, bad = shop.api, type(shop.api)(shop.unleash.address, "*:*.revoked")
    shop.systems._opened.clear()
    shop.api = bad

    answer = shop.change(release)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "provider_refused"
    assert answer.blocked.message.startswith("Unleash refuses: ")
    shop.systems._opened.clear()
    shop.api = good
    retry(shop.world, release)
    assert isinstance(shop.change(release, LATER), Made)
    assert shop.titles() == ["Flaghoist: everyone"]


def test_strategy_of_others_in_the_way_blocks_the_release(shop: Shop) -> None:
    shop.person("POST", "/strategies", EVERYONE | {"title": "Theirs"})
    shop.person("POST", "/on")
    shop.world.publish(pipeline(stage("Off", actions=[{"type": "TOGGLE_FEATURE", "enabled": False}])))
    release = shop.add(accept=("lowers_share",))

    answer = shop.change(release)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "kept_by_others"
    assert shop.titles() == ["Theirs"]


def test_archived_feature_blocks_the_release(shop: Shop, release: Release) -> None:
    shop.unleash.call("DELETE", f"/api/admin/projects/default/features/{shop.feature}")

    answer = shop.change(release)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "feature_not_found"
    with pytest.raises(FeatureNotFound):
        shop.elsewhere.refresh(shop.world.project, shop.key)
