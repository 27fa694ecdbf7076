"""Freezes and stops on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from domain.errors import Invalid, Problem
from domain.instant import TimeZone, parse_instant
from domain.model import Frozen, Moment
from domain.pipelines.freeze import Freeze
from domain.releases.stop import Stop
from domain.text import Description, Name, Reason, Slug

Local = Annotated[str, StringConstraints(max_length=64)]
GivenReason = Annotated[Reason, Field(min_length=1)]


class CreateFreeze(Frozen):
    """A period in which nothing acts: times with an offset, or local in `timezone`; without environments in all of them."""

    name: Name
    reason: Description = ""
    environments: tuple[Slug, ...] = Field(default=(), max_length=100)
    timezone: TimeZone | None = None
    starts_at: Local
    ends_at: Local

    def period(self) -> tuple[datetime, datetime]:
        """From when until when, in UTC. Raises Invalid."""
        starts_at, ends_at = self._instant("starts_at"), self._instant("ends_at")
        if ends_at <= starts_at:
            raise _wrong("ends_at", "A freeze ends after it starts.")
        return starts_at, ends_at

    def _instant(self, field: str) -> datetime:
        text = getattr(self, field)
        try:
            return parse_instant(text, self.timezone)
        except ValueError as error:
            raise _wrong(field, f"'{text}' {error}.") from error


class FreezeView(BaseModel):
    """A freeze; without environments it is for all of them."""

    id: str
    name: str
    reason: str
    environments: list[str]
    starts_at: Moment
    ends_at: Moment
    made_by: str
    in_force: bool


class PlaceStop(Frozen):
    """What to stop: the project, or one environment or pipeline of it; until it is lifted, or until it expires."""

    reason: GivenReason
    environment: Slug | None = None
    pipeline: Slug | None = None
    expires_at: Moment | None = None


class LiftStop(Frozen):
    """Why it is lifted."""

    reason: Reason | None = None


class StopView(BaseModel):
    """A stop, and whether it stands."""

    id: str
    reason: str
    environment: str | None
    pipeline: str | None
    placed_at: Moment
    placed_by: str
    expires_at: Moment | None
    lifted_at: Moment | None
    lifted_by: str | None
    stands: bool


def freeze_view(freeze: Freeze, at: datetime) -> FreezeView:
    """A freeze, as it is at that time."""
    own = freeze.model_dump(include=set(FreezeView.model_fields))
    return FreezeView(**own, in_force=freeze.starts_at <= at < freeze.ends_at)


def stop_view(stop: Stop, at: datetime) -> StopView:
    """A stop, as it is at that time."""
    return StopView(**stop.model_dump(exclude={"placed_by_id"}), stands=stop.is_active(at))


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=f"/{field}", code="not_a_time", message=message),))
