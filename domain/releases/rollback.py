"""A rollback: who asked for it, how far it goes, and what came of it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from domain.access import Person
from domain.errors import Invalid, Problem
from domain.model import Message, Moment
from domain.suggestion import did_you_mean

Because = Literal["changed_by_hand", "segment_gone", "environment_gone", "priority_taken"]
"""Why a field is not put back: somebody changed it since, what it belongs to is gone, or its rank is another's by now."""


class RollbackState(StrEnum):
    """What has become of a rollback."""

    ASKED = "asked"
    DONE = "done"
    GIVEN_UP = "given_up"


class LeftAlone(Message):
    """A field that was not put back: what it was before the release, what the release made of it, and what it is now."""

    environment: str
    field: str
    because: Because
    before: Any = None
    after: Any = None
    now: Any = None


class PreviousEnd(Message):
    """How a release had ended before it was to be rolled back."""

    status: str
    at: Moment


class Rollback(Message):
    """What a person asked for; the `n`th rollback of its release. Changes of stages from `undoes_from` on are put back."""

    n: int
    by: Person
    asked_at: Moment
    reason: str | None = None
    force: bool = False
    to_stage: str | None = None
    undoes_from: int = 0
    ended: PreviousEnd | None = None
    state: RollbackState = RollbackState.ASKED
    done_at: Moment | None = None
    left_alone: tuple[LeftAlone, ...] = ()

    @property
    def is_asked(self) -> bool:
        """Whether it is still to be carried out."""
        return self.state is RollbackState.ASKED

    def asked_again(self, person: Person, at: Moment) -> "Rollback":
        """The same, on behalf of the one who has it tried again."""
        return self.model_copy(update={"by": person, "asked_at": at})

    def done(self, at: Moment, left_alone: tuple[LeftAlone, ...]) -> "Rollback":
        """It is carried out, but for what was left alone."""
        return self.model_copy(update={"state": RollbackState.DONE, "done_at": at, "left_alone": left_alone})

    def given_up(self) -> "Rollback":
        """It is not carried out any more; nothing was put back."""
        return self.model_copy(update={"state": RollbackState.GIVEN_UP})

    def without_left_alone(self) -> "Rollback":
        """The intent alone: what flags hold stays in the database."""
        return self.model_copy(update={"left_alone": ()})

    def in_words(self) -> str:
        """What was asked, and by whom."""
        how = f"to what '{self.to_stage}' left" if self.to_stage else "for good"
        return f"rolled back {how}{', over changes by hand too,' if self.force else ''} as {self.by.owner} asked"


def rollback_key(release: str, n: int, environment: str) -> str:
    """The natural key of the change that a rollback makes in one environment."""
    return f"{release}/rollback/{n}/{environment}"


def stage_to_return_to(come_through: Sequence[str], name: str, standing: str) -> int:
    """How many stages a release has come through up to the one of that name. Raises Invalid."""
    names = [each.casefold() for each in come_through]
    if name.casefold() in names:
        return names.index(name.casefold()) + 1
    known = ", ".join(f"'{each}'" for each in come_through) or "no stage"
    message = (
        f"The release can't be rolled back to '{name}': before '{standing}' it has come through {known}.{did_you_mean(name, come_through)}"
    )
    raise Invalid(message, problems=(Problem(pointer="/to_stage", code="not_found", message=message),))
