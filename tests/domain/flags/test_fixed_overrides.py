"""Plans for a system whose overrides can't follow the default."""

from domain.flags.change import plan_change
from domain.flags.flag import FlagState, Override, Rollout
from domain.flags.patch import FlagPatch


def test_new_override_gets_the_default_of_the_moment_and_keeps_it() -> None:
    first = plan_change(
        FlagPatch.model_validate({"overrides": {"beta": {"enabled": True}}}), FlagState(value="red"), overrides_follow=False
    ).state
    later = plan_change(FlagPatch(value="blue"), first, overrides_follow=False).state

    assert first == FlagState(value="red", overrides={"beta": Override(enabled=True, value="red", priority=0)})
    assert later == FlagState(value="blue", overrides={"beta": Override(enabled=True, value="red", priority=0)})


def test_override_that_is_read_back_needs_no_change() -> None:
    patch = FlagPatch.model_validate({"overrides": {"beta": {"enabled": True}}})
    now = plan_change(patch, FlagState(value="red"), overrides_follow=False).state

    assert not plan_change(patch, now, overrides_follow=False).changes_anything


def test_rollout_gets_the_default_of_the_moment_and_keeps_it() -> None:
    begin = FlagPatch.model_validate({"rollout": {"percent": 10, "enabled": True}})
    with_override = FlagPatch.model_validate({"overrides": {"beta": {"enabled": True}}})
    now = FlagState(value="red")

    first = plan_change(begin, now, overrides_follow=False).state
    later = plan_change(with_override, first, overrides_follow=False).state

    assert first == FlagState(value="red", rollout=Rollout(percent=10, enabled=True, value="red"))
    assert later.rollout == first.rollout
    assert not plan_change(begin, first, overrides_follow=False).changes_anything
