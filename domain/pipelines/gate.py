"""Gates: conditions, besides the trigger, under which a stage may act."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal, final

from pydantic import Field

from domain.duration import Duration, speak_duration
from domain.metrics.check import CheckPath
from domain.metrics.condition import Condition
from domain.model import Frozen
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.guardrail import USUAL_INTERVAL
from domain.pipelines.window import WindowGate
from domain.text import Slug

MOST_GATES = 5
MOST_APPROVALS = 20


@final
class ApprovalGate(Frozen):
    """Acts only after `approvals` different people with the right on the environment have approved exactly what will be applied.

    The person who added the flag is not one of them, unless allowed. The release blocks once `timeout` has passed since the stage was due.
    """

    type: Literal["APPROVAL"]
    approvals: int = Field(default=1, ge=1, le=MOST_APPROVALS, strict=True)
    allow_requester: bool = Field(default=False, strict=True)
    timeout: Duration | None = Field(default=None, exclude_if=lambda timeout: timeout is None)

    def in_words(self) -> str:
        """Describe it for people: `2 approvals within 1 d`."""
        within = f" within {speak_duration(self.timeout)}" if self.timeout else ""
        return f"{self.approvals} approval{'s' if self.approvals > 1 else ''}{within}"


@final
class MetricGate(Frozen):
    """Acts only once a metric has met the condition for `passing_for` without a break. An unknown sample is a break."""

    type: Literal["METRIC"]
    metric: Slug
    condition: Condition
    passing_for: Duration = timedelta(0)
    environment: Slug | None = Field(default=None, description="By default, that of the stage.")
    every: Duration = USUAL_INTERVAL

    def in_words(self) -> str:
        """Describe it for people: `error-rate at most 0.01 for 10 min`."""
        how_long = f" for {speak_duration(self.passing_for)}" if self.passing_for else ""
        return f"{self.metric} {self.condition.in_words()}{how_long}"


@final
class CheckGate(Frozen):
    """Acts only if the answer to a GET request is 2xx. `path` is below the address of a source of kind `http`."""

    type: Literal["CHECK"]
    source: Slug
    path: CheckPath
    environment: Slug | None = Field(default=None, description="By default, that of the stage.")
    every: Duration = timedelta(minutes=1)

    def in_words(self) -> str:
        """Describe it for people: `check of deploys at /ready`."""
        return f"check of {self.source} at {self.path}"


Gate = Annotated[ApprovalGate | WindowGate | MetricGate | CheckGate | ExperimentGate, Field(discriminator="type")]
SampledGate = MetricGate | CheckGate | ExperimentGate
"""The gates that ask something outside, again and again."""


def has_experiment(gates: Iterable[Gate]) -> bool:
    """Return True if a gate is an experiment."""
    return any(isinstance(gate, ExperimentGate) for gate in gates)


def gate_key(number: int) -> str:
    """Return the key of the samples of a stage's gate within a visit. Gates count from 1."""
    return f"gate:{number}"


def approval_among(gates: Iterable[Gate]) -> ApprovalGate | None:
    """Return the approval gate, if there is one. Publishing ensures that there is at most one."""
    return next((gate for gate in gates if isinstance(gate, ApprovalGate)), None)
