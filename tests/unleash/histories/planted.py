"""Defects to plant in the product. The histories must find each of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from activities import changes_elsewhere, rollbacks_elsewhere, settling, stage_changes
from activities.changes_elsewhere import ChangesElsewhere
from activities.messages import ChangeFlag
from activities.providers.catalogue import provider_of
from activities.providers.elsewhere import FlagReading
from activities.providers.unleash import system
from activities.providers.unleash.calls import Call, Delete, calls_to
from activities.providers.unleash.documents import FeatureEnvironment
from activities.providers.unleash.flag_state import sorted_out
from activities.providers.unleash.ours import KnownFeature
from activities.store.database import Store
from activities.store.intents import IntentRepository
from domain.flags import change
from domain.flags.change import Change
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.flags.project import Project
from domain.releases.release import Release
from workflows.service import settler

Plant = Callable[[pytest.MonkeyPatch], None]


def verification_is_skipped(patch: pytest.MonkeyPatch) -> None:
    """Record a change whatever the flag is."""

    def record(self: ChangesElsewhere, project: Project, command: ChangeFlag, intended: Change, reading: FlagReading | None) -> Change:
        with self.database.transaction() as store:
            changes_elsewhere._lock_and_mirror(store, command, reading)
            due = stage_changes.DueChange(
                store.acting.get(command.release, command.project, intended.made_at), provider_of(project, store), intended.made_at
            )
            return changes_elsewhere._record(store, due, command, intended)

    patch.setattr(ChangesElsewhere, "_verify", record)


def intent_is_not_written(patch: pytest.MonkeyPatch) -> None:
    """Make a change without noting before that it is intended."""
    patch.setattr(IntentRepository, "open", lambda *_: None)


def state_before_is_lost_on_a_retry(patch: pytest.MonkeyPatch) -> None:
    """Take the state that an earlier attempt left for the one before the change."""
    patch.setattr(Change, "continuing", lambda change, _earlier: change)


def settling_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Close an intent without looking at what was done."""

    def forget(store: Store, _project: Project, _release: Release, intended: Change, _at: datetime) -> None:
        store.intents.close(intended.key)

    for module in (settling, changes_elsewhere, settler):
        patch.setattr(module, "settle", forget)


def strategies_of_others_are_deleted(patch: pytest.MonkeyPatch) -> None:
    """Delete what others made, as a change that replaces all strategies would."""

    def replacing(target: FlagState, feature: KnownFeature, environment: FeatureEnvironment) -> list[Call]:
        others = [Delete(each.id) for each in sorted_out(environment, feature).others]
        return [*calls_to(target, feature, environment), *others]

    patch.setattr(system, "calls_to", replacing)


def change_of_a_person_counts_as_ours(patch: pytest.MonkeyPatch) -> None:
    """Take whatever is found in the flag for what was made."""

    def all_of_it(intended: Change, now: FlagState) -> FlagPatch:
        return intended.after.seen_in(now)

    for module in (settling, change):
        patch.setattr(module, "part_made", all_of_it)


def rollback_does_not_remember_its_first_attempt(patch: pytest.MonkeyPatch) -> None:
    """Plan each attempt at a rollback from the flag as it is."""
    patch.setattr(rollbacks_elsewhere._AsBefore, "read", lambda flags, *place: flags._provider.read(*place))


def attempts_of_the_past_are_made(patch: pytest.MonkeyPatch) -> None:
    """Let an attempt act although the release has moved on."""

    def nothing(*_: Any) -> None:
        return None

    for module in (changes_elsewhere, stage_changes):
        patch.setattr(module, "check_fence", nothing)


def part_of_an_allocation_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Take an allocation that was made in part for that of a person."""
    patch.setattr(change, "_is_on_its_way", lambda *_: False)


PLANTED: tuple[tuple[Plant, int], ...] = (
    (intent_is_not_written, 2),
    (state_before_is_lost_on_a_retry, 14),
    (settling_is_forgotten, 0),
    (strategies_of_others_are_deleted, 5),
    (change_of_a_person_counts_as_ours, 25),
    (verification_is_skipped, 18),
    (rollback_does_not_remember_its_first_attempt, 4),
    (attempts_of_the_past_are_made, 0),
)
"""Each defect with the number of the first history of seed 3 that finds it."""
