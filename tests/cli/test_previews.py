"""Previews of controls: the effect on rollouts, and conflicts."""

from typing import Any

import pytest

from api.cli.conflict_output import conflict_in_words
from api.cli.previews import effect_of, overwritten_in_words
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
    ("control", "line"),
    [
        (Control.SKIP, "The rollout in production stays at 40%."),
        (Control.REMOVE, "The rollout in production stays at 40%."),
        (Control.ADVANCE, "'Ramp' takes its next step, to 70%, from 40%, at once in production."),
        (Control.RETRY, "'Ramp' takes its next step, to 70%, from 40%, in production, unless something still blocks it."),
    ],
)
def test_the_preview_describes_the_effect_on_a_rollout(control: Control, line: str) -> None:
    assert line in effect_of(control, RELEASE)


@pytest.mark.parametrize("to_stage", ["Ramp", "staging"])
def test_the_preview_of_a_restart_describes_the_smaller_share(to_stage: str) -> None:
    _, *lines = effect_of(Control.RESTART, RELEASE, to_stage)

    assert lines == [
        "The rollout in production stays at 40% until 'Ramp' acts again, then restarts at 10%.",
        "Identities above 10% lose the rollout's state at that point.",
    ]


def test_without_a_rollout_the_preview_mentions_none() -> None:
    plain = RELEASE | {"rollouts": {}, "step": 1, "stage": "Watch", "stage_index": 2}

    assert effect_of(Control.ADVANCE, plain) == ["'Watch' acts at once in production."]
    assert effect_of(Control.SKIP, plain) == ["'Watch' will not act. The release enters the next stage now."]
    assert len(effect_of(Control.RESTART, plain, "Staging")) == 1


def test_a_conflict_shows_the_expected_current_and_intended_state() -> None:
    blocked = RELEASE | {"blocked_by": {"details": DETAILS}}

    assert conflict_in_words(blocked) == [
        'Expected: value "one", for beta: default.',
        'Current: value "by hand", for beta: off.',
        'The stage would set: value "two", for beta: on.',
    ]
    assert set(conflict_in_words(blocked)) < set(effect_of(Control.RETRY, blocked))
    assert overwritten_in_words(blocked) == ['It overwrites changes made by hand: value "by hand" → "two"; for beta: off → on.']


def test_a_release_blocked_for_another_reason_has_no_conflict() -> None:
    blocked = RELEASE | {"blocked_by": {"details": {"environments": ["production"]}}}

    assert conflict_in_words(blocked) == []
    assert overwritten_in_words(blocked) == []
