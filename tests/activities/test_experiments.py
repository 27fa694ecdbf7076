"""Experiments: what they decide, once, and what is shipped."""

from datetime import timedelta
from typing import Any

import pytest

from activities.messages import ChangeFlag, HeldBack, Made, Refused
from domain.audit import AuditEvent
from domain.metrics.sample import Unknown
from domain.releases.release import Release
from tests.activities.acting import ACTED, act, audit_of, change, change_by_hand, end_hold
from tests.activities.experimenting import BETTER, NOTHING_YET, OFF, SAME, experiment, experimenting, give_variants
from tests.activities.guarding import guarded_command, later, look
from tests.pipelines import allocate, enable, hold, pipeline, stage
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World

DAY = 86_400.0


@pytest.fixture
def metrics() -> ScriptedMetrics:
    return ScriptedMetrics()


def command_of(world: World, release: Release) -> ChangeFlag:
    return guarded_command(world, release).model_copy(update={"ships_winner": True})


def allocation(world: World) -> dict[str, float]:
    return {key: float(share.percent) for key, share in world.flag("production").allocation.items()}


def decisions(world: World, release: Release) -> list[Any]:
    return [entry.after for entry in audit_of(world, release) if entry.event is AuditEvent.EXPERIMENT_DECIDED]


def test_winner_is_shipped_to_everyone(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = NOTHING_YET
    held = change(world, command_of(world, release), later(60), metrics=metrics)
    assert isinstance(held, HeldBack)
    assert held.held.code == "experiment"
    assert allocation(world) == {"one-page": 50}

    metrics.groups["conversion"] = BETTER
    look(world, release, metrics, later(3600))
    made = change(world, command_of(world, release), later(3700), metrics=metrics)

    assert isinstance(made, Made)
    assert allocation(world) == {"one-page": 100}
    (decided,) = decisions(world, release)
    assert (decided["ships"], decided["winner"], decided["outcome"]) == ("one-page", "one-page", "winner")
    assert "'one-page' wins over 'control'" in decided["message"]


def test_winner_is_decided_on_only_after_whole_weeks(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world, shortest="7d", decide_every="7d")
    metrics.groups["conversion"] = BETTER
    for days in (1, 6.9, 7.5, 13):
        held = change(world, command_of(world, release), later(days * DAY), metrics=metrics)
        assert isinstance(held, HeldBack)
        assert "'one-page' is ahead, and the next decision is made after" in held.held.message

    made = change(world, command_of(world, release), later(14 * DAY), metrics=metrics)

    assert isinstance(made, Made)
    assert allocation(world) == {"one-page": 100}


@pytest.mark.parametrize(("otherwise", "served"), [("control", {}), ("one-page", {"one-page": 100}), ("two-pages", {"two-pages": 100})])
def test_without_a_winner_after_the_longest_time_the_pipeline_says_what_is_shipped(
    world: World, metrics: ScriptedMetrics, otherwise: str, served: dict[str, float]
) -> None:
    arms = {"variants": ["one-page", "two-pages"]} if otherwise == "two-pages" else {}
    release = experimenting(world, without_winner=otherwise, **arms)
    metrics.groups["conversion"] = SAME | ({"two-pages": (5_000, 501)} if arms else {})

    assert isinstance(change(world, command_of(world, release), later(13 * DAY), metrics=metrics), HeldBack)
    assert isinstance(change(world, command_of(world, release), later(14 * DAY), metrics=metrics), Made)

    assert allocation(world) == served
    assert world.flag("production").enabled


def test_without_a_winner_a_person_may_have_to_decide(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world, without_winner="hold")
    metrics.groups["conversion"] = SAME

    held = change(world, command_of(world, release), later(15 * DAY), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert "is over without a winner" in held.held.message
    assert allocation(world) == {"one-page": 50}


@pytest.mark.parametrize(
    ("conversion", "returns"),
    [
        ({"control": (5_000, 500), "one-page": (5_000, 300)}, {"control": (5_000, 250), "one-page": (5_000, 250)}),
        (SAME, {"control": (5_000, 250), "one-page": (5_000, 600)}),
        (SAME, {"control": (5_000, 0), "one-page": (5_000, 0)}),
        ({"control": (50, 5), "one-page": (50, 5)}, {"control": (50, 5), "one-page": (50, 5)}),
    ],
    ids=["worse", "breaches", "guardrail unjudged", "too few users"],
)
def test_named_variant_with_something_against_it_is_left_to_a_person_at_the_end(
    world: World, metrics: ScriptedMetrics, conversion: dict[str, tuple[int, int]], returns: dict[str, tuple[int, int]]
) -> None:
    release = experimenting(world, without_winner="one-page", guardrails=[{"metric": "returns", "better": "lower", "margin": 0.1}])
    metrics.groups |= {"conversion": conversion, "returns": returns}

    held = change(world, command_of(world, release), later(14 * DAY), metrics=metrics)
    metrics.groups |= {"conversion": SAME, "returns": {"control": (5_000, 250), "one-page": (5_000, 251)}}
    still = change(world, command_of(world, release), later(15 * DAY), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert held.held.message.endswith("A person decides.")
    assert isinstance(still, HeldBack)
    assert allocation(world) == {"one-page": 50}
    (ended,) = decisions(world, release)
    assert (ended["ships"], ended["outcome"]) == (None, "no_winner")


def test_split_that_failed_when_a_decision_was_due_is_not_tried_again(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = {"control": (5_170, 517), "one-page": (4_830, 676)}
    look(world, release, metrics, later(15 * DAY))
    metrics.groups["conversion"] = {"control": (5_172, 517), "one-page": (4_848, 679)}

    held = change(world, command_of(world, release), later(16 * DAY), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert "5,170 in 'control'" in held.held.message
    assert [(each["ships"], each["outcome"]) for each in decisions(world, release)] == [(None, "held")]


def test_shipping_after_an_experiment_that_left_it_to_a_person_blocks(world: World, metrics: ScriptedMetrics) -> None:
    split = stage("Split", "production", actions=[enable(), allocate({"one-page": 50})])
    trial = hold("Trial", "1h") | {"gates": [experiment(without_winner="hold")]}
    give_variants(world)
    world.publish(pipeline(split, trial, stage("Ship", "production", actions=[{"type": "SHIP_WINNER"}])))
    release = world.add()
    act(world, release)
    metrics.groups["conversion"] = SAME
    look(world, world.release(release.id), metrics, later(15 * DAY))
    end_hold(world, release)  # As if a person had skipped the stage: nothing holds this command back.

    refused = change(world, command_of(world, world.release(release.id)), later(16 * DAY), metrics=metrics)

    assert isinstance(refused, Refused)
    assert refused.blocked.code == "no_decision"


def test_split_that_is_off_holds_even_a_clear_winner(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = OFF

    held = change(world, command_of(world, release), later(3600), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert "aren't split as planned" in held.held.message
    metrics.groups["conversion"] = BETTER
    assert isinstance(change(world, command_of(world, release), later(7200), metrics=metrics), HeldBack)
    assert decisions(world, release) == []


@pytest.mark.parametrize(
    "numbers",
    [
        {"control": (5_000, 500)},
        {"control": (5_000, 500), "one-page": (0, 0)},
        {"control": (5_000, 500), "one_page": (5_000, 800)},
        {"control": (5_000, 0), "one-page": (5_000, 800)},
    ],
    ids=["arm missing", "arm empty", "arm renamed", "control without conversions"],
)
def test_numbers_that_do_not_fit_decide_nothing(world: World, metrics: ScriptedMetrics, numbers: dict[str, tuple[int, int]]) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = numbers

    assert isinstance(change(world, command_of(world, release), later(3600), metrics=metrics), HeldBack)
    assert decisions(world, release) == []


def test_source_that_is_down_decides_nothing(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world)
    metrics.values["conversion"] = Unknown(code="source_down", message="The database can't be reached.")

    held = change(world, command_of(world, release), later(20 * DAY), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert "can't be reached" in held.held.message


def test_decision_is_made_once_whatever_later_looks_say(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = BETTER
    look(world, release, metrics, later(3600))
    metrics.groups["conversion"] = {"control": (50_000, 9_000), "one-page": (50_000, 800)}
    look(world, release, metrics, later(7200))
    metrics.groups.clear()

    made = change(world, command_of(world, release), later(7300), metrics=metrics)
    again = change(world, command_of(world, release).model_copy(update={"sequence": release.sequence}), later(7400), metrics=metrics)

    assert isinstance(made, Made)
    assert again == made
    assert len(decisions(world, release)) == 1
    assert allocation(world) == {"one-page": 100}


def test_override_by_hand_without_shares_of_its_own_disturbs_no_experiment(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = BETTER
    change_by_hand(world, "production", overrides={"staff": {"enabled": False}})

    assert isinstance(change(world, command_of(world, release), later(3600), metrics=metrics), Made)


@pytest.mark.parametrize("by_hand", [{"allocation": {"one-page": 60}}, {"enabled": False}])
def test_nothing_is_decided_while_shares_are_not_those_of_the_experiment(
    world: World, metrics: ScriptedMetrics, by_hand: dict[str, Any]
) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = BETTER
    change_by_hand(world, "production", **by_hand)
    held = change(world, command_of(world, release), later(3600), metrics=metrics)
    change_by_hand(world, "production", allocation={"one-page": 50}, enabled=True)

    made = change(world, command_of(world, release), later(7200), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert "Someone changed who gets which variant in production" in held.held.message
    assert isinstance(made, Made)


def test_people_are_told_once_that_every_variant_is_worse(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world)
    for hour, worse in enumerate((480, 250, 250, 480, 250), start=1):
        metrics.groups["conversion"] = {"control": (5_000, 500), "one-page": (5_000, worse)}
        look(world, release, metrics, later(3600 * hour))

    told = [entry for entry in audit_of(world, release) if entry.event is AuditEvent.EXPERIMENT_ALL_WORSE]

    assert [entry.at for entry in told] == [later(7200)]
    assert told[0].after
    assert told[0].after["message"].startswith("Every variant is worse than 'control', with 95% confidence.")
    assert decisions(world, release) == []


def test_winner_that_breaches_a_guardrail_is_not_shipped(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world, guardrails=[{"metric": "returns", "better": "lower", "margin": 0.1}])
    metrics.groups["conversion"] = BETTER
    metrics.groups["returns"] = {"control": (5_000, 250), "one-page": (5_000, 600)}

    held = change(world, command_of(world, release), later(3600), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert "breaches the guardrail 'returns'" in held.held.message


def test_shipping_is_a_conflict_if_the_flag_was_changed_by_hand(world: World, metrics: ScriptedMetrics) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = BETTER
    look(world, release, metrics, later(3600))
    change_by_hand(world, "production", allocation={"one-page": 60})

    refused = change(world, command_of(world, release), later(3600), metrics=metrics)

    assert isinstance(refused, Refused)
    assert refused.blocked.code == "flag_changed_by_hand"


def test_stage_that_ships_a_winner_nobody_decided_on_blocks(world: World, metrics: ScriptedMetrics) -> None:
    ship = stage("Ship", "production", actions=[{"type": "SHIP_WINNER"}])
    world.publish(pipeline(stage("Development"), ship))
    release = world.add()
    act(world, release)

    refused = change(world, command_of(world, world.release(release.id)), ACTED + timedelta(minutes=1), metrics=metrics)

    assert isinstance(refused, Refused)
    assert refused.blocked.code == "no_decision"
