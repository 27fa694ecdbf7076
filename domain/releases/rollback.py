"""A rollback: the request, its scope and its result."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from domain.access import Person
from domain.errors import Invalid, Problem
from domain.model import Message, Moment
from domain.text import did_you_mean

LeftAloneReason = Literal["changed_by_hand", "segment_gone", "variant_gone", "environment_gone", "priority_taken"]
"""The reason why a field is not reverted: somebody changed it since, it belongs to something that is gone, or its priority is taken."""


class RollbackState(StrEnum):
    """The progress of a rollback."""

    ASKED = "asked"
    DONE = "done"
    GIVEN_UP = "given_up"


class LeftAlone(Message):
    """A field that was not reverted: its value before the release, the one that the release set, and the current one."""

    environment: str
    field: str
    because: LeftAloneReason
    before: Any = None
    after: Any = None
    now: Any = None


class PreviousEnd(Message):
    """The status of a release that had ended before its rollback was requested, and when it ended."""

    status: str
    at: Moment


class Rollback(Message):
    """The `n`th rollback of a release, requested by a person or a guardrail. It reverts the changes of the stages from `undoes_from` on.

    One by a guardrail needs no right of a person: the published pipeline provides for it.
    """

    n: int
    by: Person
    asked_at: Moment
    reason: str | None = None
    guardrail: str | None = None
    force: bool = False
    to_stage: str | None = None
    undoes_from: int = 0
    ended: PreviousEnd | None = None
    state: RollbackState = RollbackState.ASKED
    done_at: Moment | None = None
    left_alone: tuple[LeftAlone, ...] = ()

    @property
    def is_asked(self) -> bool:
        """True if it has been requested and not carried out yet."""
        return self.state is RollbackState.ASKED

    def asked_again(self, person: Person, at: Moment) -> "Rollback":
        """Return a copy that is requested by the person who retries it."""
        return self.model_copy(update={"by": person, "asked_at": at, "guardrail": None})

    def done(self, at: Moment, left_alone: tuple[LeftAlone, ...]) -> "Rollback":
        """Return a copy that was carried out, except for the fields that were left alone."""
        return self.model_copy(update={"state": RollbackState.DONE, "done_at": at, "left_alone": left_alone})

    def given_up(self) -> "Rollback":
        """Return a copy that was abandoned: it is no longer pending, and nothing was reverted."""
        return self.model_copy(update={"state": RollbackState.GIVEN_UP})

    def without_left_alone(self) -> "Rollback":
        """Return the request without the values of flags, which stay in the database."""
        return self.model_copy(update={"left_alone": ()})

    def in_words(self) -> str:
        """Describe the request for people: `rolled back for good, as requested by olivia`."""
        scope = f"to the state after '{self.to_stage}'" if self.to_stage else "for good"
        return f"rolled back {scope}{', overwriting changes by hand' if self.force else ''}, as requested by {self.by.owner}"


def rollback_key(release: str, n: int, environment: str) -> str:
    """Return the natural key of the change that a rollback makes in one environment."""
    return f"{release}/rollback/{n}/{environment}"


def first_undone_stage(passed: Sequence[str], name: str, current: str) -> int:
    """Return the position after the named stage in the list of passed stages. Raises Invalid if it is not one of them."""
    names = [each.casefold() for each in passed]
    if name.casefold() in names:
        return names.index(name.casefold()) + 1
    known = ", ".join(f"'{each}'" for each in passed) or "no stage"
    message = f"The release can't be rolled back to '{name}': before '{current}' it has passed {known}.{did_you_mean(name, passed)}"
    raise Invalid(message, problems=(Problem(pointer="/to_stage", code="not_found", message=message),))
