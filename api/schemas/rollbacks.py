"""Response bodies of rollbacks."""

from typing import Any

from pydantic import BaseModel, Field

from activities.commands.request_rollback import RollbackForecast
from activities.record.rollback_plan import EnvironmentRevert
from domain.flags.change import plan_change
from domain.model import Moment
from domain.releases.rollback import LeftAloneReason, RollbackState


class LeftAloneView(BaseModel):
    """A field that was not restored: its values before the release, after the release, and now."""

    environment: str
    field: str
    because: LeftAloneReason
    before: Any
    after: Any
    now: Any


class RollbackView(BaseModel):
    """The latest rollback of a release, and its result."""

    n: int
    state: RollbackState
    by: str
    asked_at: Moment
    reason: str | None
    force: bool
    to_stage: str | None
    done_at: Moment | None
    left_alone: list[LeftAloneView]
    workflow_id: str
    temporal_url: str


class PutBackView(BaseModel):
    """The fields that a rollback would restore in one environment, now and afterwards."""

    environment: str
    now: dict[str, Any]
    then: dict[str, Any]


class RollbackPreview(BaseModel):
    """The net effect of a rollback if it were carried out now. It decides nothing."""

    to_stage: str | None
    force: bool
    puts_back: list[PutBackView]
    left_alone: list[LeftAloneView]
    is_final: bool = Field(
        description="True if the release accepts no controls after the rollback. Fields that were left alone must then be restored manually"
    )


def rollback_preview(forecast: RollbackForecast) -> RollbackPreview:
    """Return the view of a forecast."""
    rollback, reverts = forecast
    return RollbackPreview(
        to_stage=rollback.to_stage,
        force=rollback.force,
        puts_back=[_put_back(each) for each in reverts if each.patch.named],
        left_alone=[LeftAloneView(**dict(left)) for each in reverts for left in each.left_alone],
        is_final=rollback.to_stage is None,
    )


def _put_back(revert: EnvironmentRevert) -> PutBackView:
    change = plan_change(revert.patch, revert.now)
    return PutBackView(environment=revert.environment, now=change.before.model_dump(mode="json"), then=change.after.model_dump(mode="json"))
