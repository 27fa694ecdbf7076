"""Request and response bodies of freezes and stops."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from domain.errors import Invalid, Problem
from domain.instant import TimeZone, parse_instant
from domain.model import Frozen, Moment
from domain.pipelines.freeze import Freeze
from domain.releases.stop import Stop
from domain.text import Description, Name, Reason, Slug

TimeText = Annotated[str, StringConstraints(max_length=64)]
GivenReason = Annotated[Reason, Field(min_length=1)]


class CreateFreeze(Frozen):
    """A period in which no stage acts. Its times have an offset, or are local in `timezone`. Without environments it covers all of them."""

    name: Name
    reason: Description = ""
    environments: tuple[Slug, ...] = Field(default=(), max_length=100)
    timezone: TimeZone | None = None
    starts_at: TimeText
    ends_at: TimeText

    def period(self) -> tuple[datetime, datetime]:
        """Return the start and the end, in UTC. Raises Invalid."""
        starts_at, ends_at = self._instant("starts_at"), self._instant("ends_at")
        if ends_at <= starts_at:
            raise _invalid_time("ends_at", "The end must be after the start.")
        return starts_at, ends_at

    def _instant(self, field: str) -> datetime:
        text = getattr(self, field)
        try:
            return parse_instant(text, self.timezone)
        except ValueError as error:
            raise _invalid_time(field, f"'{text}' {error}.") from error


class FreezeView(BaseModel):
    """A freeze. Without environments it covers all of them."""

    id: str
    name: str
    reason: str
    environments: list[str]
    starts_at: Moment
    ends_at: Moment
    made_by: str
    in_force: bool


class PlaceStop(Frozen):
    """The scope of a stop: the project, or one of its environments or pipelines. It lasts until it is lifted or expires."""

    reason: GivenReason
    environment: Slug | None = None
    pipeline: Slug | None = None
    expires_at: Moment | None = None


class LiftStop(Frozen):
    """The reason for lifting a stop."""

    reason: Reason | None = None


class StopView(BaseModel):
    """A stop. `stands` is true while it is in force."""

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
    """Return the view of a freeze at this time."""
    fields = freeze.model_dump(include=set(FreezeView.model_fields))
    return FreezeView(**fields, in_force=freeze.starts_at <= at < freeze.ends_at)


def stop_view(stop: Stop, at: datetime) -> StopView:
    """Return the view of a stop at this time."""
    return StopView(**stop.model_dump(exclude={"placed_by_id"}), stands=stop.is_active(at))


def _invalid_time(field: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=f"/{field}", code="not_a_time", message=message),))
