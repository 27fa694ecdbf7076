"""Rollouts in a project of Flagsmith: replayed, or real with `make flagsmith`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

import pytest

from activities.providers.errors import ProviderError, ProviderUnavailable
from activities.providers.flagsmith.admin_api import FlagsmithAdminApi
from domain.errors import KeptByOthers
from domain.flags.flag import LAST_PRIORITY, FlagState, Override, Rollout
from tests.flagsmith.project import BOTH, PLAIN, VERSIONED, ShopInFlagsmith

ON: dict[str, Any] = {"enabled": True}


def segments_of_rollouts(shop: ShopInFlagsmith) -> dict[int, str]:
    """Return segment -> its percentage."""
    listed = shop.call("GET", f"/projects/{shop.id}/segments/")["results"]
    mine = [each for each in listed if each["name"].startswith("Flaghoist rollout of ")]
    return {each["id"]: each["rules"][0]["rules"][0]["conditions"][0]["value"] for each in mine}


@contextmanager
def before_write(number: int, action: Callable[[], None]) -> Iterator[None]:
    """Do something just before one write of the block. The first has number 0."""
    call = FlagsmithAdminApi._call
    left = number

    def counting(api: FlagsmithAdminApi, method: str, *arguments: Any, **named: Any) -> Any:
        nonlocal left
        if method != "GET":
            left -= 1
            if left == -1:
                action()
        return call(api, method, *arguments, **named)

    with patch.object(FlagsmithAdminApi, "_call", counting):
        yield


@pytest.mark.parametrize("environment", BOTH)
def test_share_and_state_are_read_back_and_the_segment_stays(shop: ShopInFlagsmith, environment: str) -> None:
    shop.feature("colour", "red")
    steps: list[tuple[dict[str, Any], Rollout]] = [
        ({"percent": 10, "enabled": True, "value": "blue"}, Rollout(percent=10, enabled=True, value="blue")),
        ({"percent": 33.33, "enabled": True, "value": "blue"}, Rollout(percent=33.33, enabled=True, value="blue")),
        ({"percent": 50, "enabled": False}, Rollout(percent=50, enabled=False, value="red")),
        ({"percent": 5, "enabled": True, "value": None}, Rollout(percent=5, enabled=True, value=None)),
    ]
    used = set()

    for rollout, expected in steps:
        shop.apply("colour", environment, rollout=rollout)

        assert shop.state("colour", environment) == FlagState(value="red", rollout=expected)
        used |= set(segments_of_rollouts(shop))
    shop.apply("colour", environment, enabled=True, value="blue")

    assert len(used) == 1
    assert shop.state("colour", environment) == FlagState(enabled=True, value="blue")
    assert segments_of_rollouts(shop) == {}
    assert shop.state("colour", next(each for each in BOTH if each != environment)) == FlagState(value="red")
    assert {each.name for each in shop.system.segments()} == set(shop.segments)


def test_each_environment_has_a_share_of_its_own(shop: ShopInFlagsmith) -> None:
    feature = shop.feature("checkout")
    shop.feature("checkout-2")

    shop.apply("checkout", PLAIN, rollout=ON | {"percent": 50})
    shop.apply("checkout", VERSIONED, rollout=ON | {"percent": 10})
    shop.apply("checkout-2", VERSIONED, rollout=ON | {"percent": 1})
    shop.apply("checkout", PLAIN, rollout=None)

    assert shop.state("checkout", PLAIN) == FlagState()
    assert shop.state("checkout", VERSIONED) == FlagState(rollout=Rollout(percent=10, enabled=True, value=None))
    assert sorted(segments_of_rollouts(shop).values()) == ["1", "10"]
    assert [each["where"] for each in shop.states(PLAIN, feature)] == [None]


@pytest.mark.parametrize("environment", BOTH)
def test_overrides_come_before_the_rollout(shop: ShopInFlagsmith, environment: str) -> None:
    feature = shop.feature("checkout")
    own = shop.segment("of-the-feature", feature=feature)
    shop.override(environment, feature, own, 4, None)

    shop.apply("checkout", environment, overrides={"beta": {"enabled": False}})
    shop.apply("checkout", environment, rollout=ON | {"percent": 20})
    shop.apply("checkout", environment, overrides={"staff": {"enabled": False, "priority": 9}})
    [share] = segments_of_rollouts(shop)

    placed = [each["where"] for each in shop.states(environment, feature) if each["where"]]
    assert sorted(placed, key=lambda where: where[1]) == [
        (int(shop.segments["beta"]), 0),
        (own, 4),
        (int(shop.segments["staff"]), 9),
        (share, LAST_PRIORITY + 1),
    ]
    shop.apply("checkout", environment, overrides="remove")
    assert shop.state("checkout", environment) == FlagState(rollout=Rollout(percent=20, enabled=True, value=None))
    assert "of-the-feature" in str(shop.flag("checkout", environment).foreign)


def test_rollout_that_somebody_gave_another_form_is_left_alone(shop: ShopInFlagsmith) -> None:
    feature = shop.feature("checkout")
    shop.apply("checkout", PLAIN, rollout=ON | {"percent": 20})
    [segment] = segments_of_rollouts(shop)
    name = f"Flaghoist rollout of checkout in {PLAIN}"
    theirs = {"type": "ALL", "conditions": [], "rules": [{"type": "ANY", "rules": [], "conditions": []}]}
    conditions = [
        {"property": "plan", "operator": "EQUAL", "value": "pro"},
        {"property": "$.identity.key", "operator": "PERCENTAGE_SPLIT", "value": "5"},
    ]
    theirs["rules"][0]["conditions"] = conditions  # type: ignore[index]
    shop.call("PUT", f"/projects/{shop.id}/segments/{segment}/", {"name": name, "project": shop.id, "feature": feature, "rules": [theirs]})
    before = shop.states(PLAIN, feature)

    with pytest.raises(KeptByOthers, match=f"Somebody changed the segment '{name}' in Flagsmith"):
        shop.apply("checkout", PLAIN, rollout=ON | {"percent": 30})

    assert shop.states(PLAIN, feature) == before
    assert shop.flag("checkout", PLAIN) == (
        FlagState(),
        (f"The override for '{name}' is left alone, because no stage can name that segment.",),
    )


@pytest.mark.parametrize("environment", BOTH)
@pytest.mark.parametrize("change", ["begins", "grows", "ends"])
def test_next_attempt_completes_a_change_that_broke_off(shop: ShopInFlagsmith, environment: str, change: str) -> None:
    changes: dict[str, tuple[dict[str, Any], FlagState]] = {
        "begins": ({"rollout": ON | {"percent": 10, "value": "blue"}}, FlagState(value="red", rollout=_blue(10))),
        "grows": (
            {"value": "red", "rollout": ON | {"percent": 20, "value": "blue"}, "overrides": {"beta": {"enabled": True}}},
            FlagState(value="red", rollout=_blue(20), overrides={"beta": Override(enabled=True, value="red", priority=0)}),
        ),
        "ends": ({"enabled": True, "value": "blue"}, FlagState(enabled=True, value="blue")),
    }
    wanted, expected = changes[change]
    attempt, broke_off = 0, True
    while broke_off:
        name = f"colour-{attempt}"
        shop.feature(name, "red")
        if change != "begins":
            shop.apply(name, environment, rollout=ON | {"percent": 10, "value": "blue"})
        with before_write(attempt, _break_off):
            try:
                shop.apply(name, environment, **wanted)
                broke_off = False
            except ProviderUnavailable:
                shop.apply(name, environment, **wanted)

        assert shop.state(name, environment) == expected
        attempt += 1

    assert attempt > 1
    assert len(segments_of_rollouts(shop)) == (0 if change == "ends" else attempt)


@pytest.mark.parametrize("environment", BOTH)
@pytest.mark.parametrize("change", ["begins", "ends"])
def test_two_workers_at_once_make_one_change(shop: ShopInFlagsmith, environment: str, change: str) -> None:
    wanted = {"rollout": ON | {"percent": 10}} if change == "begins" else {"enabled": True}
    expected = FlagState(rollout=Rollout(percent=10, enabled=True, value=None)) if change == "begins" else FlagState(enabled=True)
    attempt, met = 0, [True]
    while met:
        name = f"checkout-{attempt}"
        shop.feature(name)
        if change == "ends":
            shop.apply(name, environment, rollout=ON | {"percent": 10})
        met = []

        def other_worker(name: str = name, met: list[bool] = met) -> None:
            met.append(True)
            shop.apply(name, environment, **wanted)

        with before_write(attempt, other_worker):
            with suppress(ProviderError):
                shop.apply(name, environment, **wanted)
            shop.apply(name, environment, **wanted)

        assert shop.state(name, environment) == expected
        attempt += 1

    assert attempt > 1
    assert len(segments_of_rollouts(shop)) == (attempt if change == "begins" else 0)


def _blue(percent: float) -> Rollout:
    return Rollout(percent=percent, enabled=True, value="blue")


def _break_off() -> None:
    raise ProviderUnavailable("broke off")
