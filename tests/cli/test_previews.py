"""What a terminal tells before it asks: what becomes of a rollout, and which sides a conflict has."""

from typing import Any

import pytest

from api.cli.conflict_output import sides_in_words
from api.cli.previews import effect_of, overwriting_in_words
from domain.releases.control import Control

STEPS = [{"percent": share} for share in (10, 40, 70, 100)]
STAGES: list[dict[str, Any]] = [
    {"name": "Staging", "environment": "staging", "outcome": "acted", "steps": None},
    {"name": "Ramp", "environment": "production", "outcome": "pending", "steps": STEPS},
    {"name": "Watch", "environment": "production", "outcome": "pending", "steps": None},
]
RELEASE: dict[str, Any] = {
    "feature": "checkout",
    "pipeline": {"key": "phased"},
    "stage": "Ramp",
    "stage_index": 1,
    "environment": "production",
    "step": 3,
    "stages": STAGES,
    "rollouts": {"production": 40},
    "blocked_by": None,
}
DETAILS = {
    "fields": ["value", "overrides/beta"],
    "seen": {"enabled": True, "value": "one", "overrides": {"beta": None}},
    "now": {"enabled": True, "value": "by hand", "overrides": {"beta": {"enabled": False}}},
    "wanted": {"enabled": True, "value": "two", "overrides": {"beta": {"enabled": True}}},
}


@pytest.mark.parametrize(
    ("control", "said"),
    [
        (Control.SKIP, "The rollout in production stays at 40 %."),
        (Control.REMOVE, "The rollout in production stays at 40 %."),
        (Control.ADVANCE, "'Ramp' makes its next step, to 70 %, from 40 %, at once in production."),
        (Control.RETRY, "'Ramp' makes its next step, to 70 %, from 40 %, in production, if nothing is in its way any more."),
    ],
)
def test_inside_a_rollout_it_is_said_what_becomes_of_the_share(control: Control, said: str) -> None:
    assert said in effect_of(control, RELEASE)


@pytest.mark.parametrize("to_stage", ["Ramp", "staging"])
def test_a_restart_says_that_the_share_falls(to_stage: str) -> None:
    _, share = effect_of(Control.RESTART, RELEASE, to_stage)

    assert share.startswith("The rollout in production stays at 40 % until 'Ramp' acts again, and begins anew at 10 % then")


def test_without_a_rollout_nothing_is_said_of_one() -> None:
    plain = RELEASE | {"rollouts": {}, "step": 1, "stage": "Watch", "stage_index": 2}

    assert effect_of(Control.ADVANCE, plain) == ["'Watch' acts at once in production."]
    assert effect_of(Control.SKIP, plain) == ["'Watch' will not act, and the next stage is entered now."]
    assert len(effect_of(Control.RESTART, plain, "Staging")) == 1


def test_a_conflict_is_told_with_what_was_expected_what_is_there_and_what_would_be_set() -> None:
    blocked = RELEASE | {"blocked_by": {"details": DETAILS}}

    assert sides_in_words(blocked) == [
        'Expected: value "one", for beta: as everyone.',
        'There now: value "by hand", for beta: off.',
        'The stage would set: value "two", for beta: on.',
    ]
    assert set(sides_in_words(blocked)) < set(effect_of(Control.RETRY, blocked))
    assert overwriting_in_words(blocked) == ['It overwrites what was changed by hand: value "by hand" → "two"; for beta: off → on.']


def test_a_release_that_is_blocked_by_something_else_has_no_sides() -> None:
    blocked = RELEASE | {"blocked_by": {"details": {"environments": ["production"]}}}

    assert sides_in_words(blocked) == []
    assert overwriting_in_words(blocked) == []
