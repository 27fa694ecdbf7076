"""Rollbacks on the wire."""

from typing import Any

from pydantic import BaseModel, Field

from activities.commands.request_rollback import RollbackForecast
from activities.record.rollback_plan import EnvironmentRevert
from domain.flags.change import plan_change
from domain.model import Moment
from domain.releases.rollback import Because, RollbackState


class LeftAloneView(BaseModel):
    """A field that was not put back: what it was before the release, what the release made of it, and what it is now."""

    environment: str
    field: str
    because: Because
    before: Any
    after: Any
    now: Any


class RollbackView(BaseModel):
    """The latest rollback of a release, and what came of it."""

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
    """What would be put back in one environment: the fields as they are now, and as they would be then."""

    environment: str
    now: dict[str, Any]
    then: dict[str, Any]


class RollbackPreview(BaseModel):
    """What a rollback would do if it were carried out now, net; nothing is decided by it."""

    to_stage: str | None
    force: bool
    puts_back: list[PutBackView]
    left_alone: list[LeftAloneView]
    is_final: bool = Field(
        description="Whether nothing can be done with the release afterwards: what was left alone is then put back by hand"
    )


def rollback_preview(foreseen: RollbackForecast) -> RollbackPreview:
    """What a rollback would do, as the API tells it."""
    rollback, reverts = foreseen
    return RollbackPreview(
        to_stage=rollback.to_stage,
        force=rollback.force,
        puts_back=[_put_back(each) for each in reverts if each.patch.named],
        left_alone=[LeftAloneView(**dict(left)) for each in reverts for left in each.left_alone],
        is_final=rollback.to_stage is None,
    )


def _put_back(undone: EnvironmentRevert) -> PutBackView:
    decided = plan_change(undone.patch, undone.now)
    return PutBackView(
        environment=undone.environment, now=decided.before.model_dump(mode="json"), then=decided.after.model_dump(mode="json")
    )
