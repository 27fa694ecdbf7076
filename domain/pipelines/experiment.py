"""Experiments as gates: a stage acts once one variant has won, or the time for that is over."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self, final

from pydantic import Field, model_validator

from domain.duration import Duration, speak_duration
from domain.experiments.design import Better, Design, DesignArm
from domain.experiments.design import Guardrail as GuardrailMetric
from domain.flags.variant import CONTROL, Variant
from domain.model import Frozen
from domain.text import Slug

MOST_LOOKS = 5_000
USUALLY_PLANNED = 10_000
WEEK = timedelta(days=7)
LATE = 28
"""A decision may come later by one part in so many of `decide_every`: by six hours in a week."""
HOLD: Literal["hold"] = "hold"

ArmShare = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


def _usual_shortest(given: dict[str, timedelta]) -> timedelta:
    return min(WEEK, given.get("longest", WEEK))


@final
class ExperimentGate(Frozen):
    """Acts once an experiment on the variants has ended. `metric` is the goal, with a row for each variant and for `control`.

    `planned` is the number of users per arm at which the experiment is most precise, and `minimum` the number before which nothing is
    decided. A winner is decided on from `shortest` on, at whole multiples of `decide_every`. Without a winner after `longest`,
    `without_winner` decides: the control, a named variant, or a person (`hold`). A named variant is shipped only if nothing speaks
    against it.
    """

    type: Literal["EXPERIMENT"]
    metric: Slug
    variants: tuple[Slug, ...] = Field(min_length=1, max_length=20)
    shares: dict[Slug, ArmShare] = Field(default={}, description="The planned shares of control and variants. By default, they are equal.")
    better: Better = "higher"
    guardrails: tuple[GuardrailMetric, ...] = Field(default=(), max_length=5)
    confidence: float = Field(default=0.95, ge=0.5, le=0.9999)
    minimum: int = Field(default=100, ge=2, le=1_000_000_000, strict=True)
    planned: int = Field(default=USUALLY_PLANNED, ge=2, le=1_000_000_000, strict=True)
    longest: Duration
    shortest: Duration = Field(default_factory=_usual_shortest, description="By default 7 days, or `longest` if that is shorter.")
    decide_every: Duration = Field(default=WEEK, description="By default a week, so that each day of the week counts equally.")
    without_winner: Slug = CONTROL
    environment: Slug | None = Field(default=None, description="By default, that of the stage.")
    every: Duration = timedelta(minutes=10)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for key in self.variants:
            Variant(key=key)
        if len(set(self.variants)) < len(self.variants):
            raise ValueError("must not have the same variant twice")
        if self.shares and set(self.shares) != {CONTROL, *self.variants}:
            raise ValueError("must have shares for control and each variant, or no shares at all")
        if self.without_winner not in (CONTROL, HOLD, *self.variants):
            raise ValueError("must have control, hold or one of the variants in without_winner")
        if min(self.longest, self.every, self.decide_every) <= timedelta(0):
            raise ValueError("must have a longest, an every and a decide_every that are greater than zero")
        if not timedelta(0) <= self.shortest <= self.longest:
            raise ValueError("must have a shortest from zero to longest")
        if self.longest / self.every > MOST_LOOKS:
            raise ValueError(f"must not have more than {MOST_LOOKS} looks: look less often, or for a shorter time")
        return self

    @property
    def design(self) -> Design:
        """The design of the experiment."""
        shares: Mapping[str, float] = self.shares or dict.fromkeys((CONTROL, *self.variants), 1.0)
        return Design(
            control=DesignArm(key=CONTROL, share=shares[CONTROL]),
            variants=tuple(DesignArm(key=key, share=shares[key]) for key in self.variants),
            better=self.better,
            guardrails=self.guardrails,
            confidence=self.confidence,
            minimum=self.minimum,
            planned=self.planned,
            longest=self.longest,
            shortest=self.shortest,
            decide_every=self.decide_every,
            tolerance=max(self.every, self.decide_every / LATE),
            without_winner=None if self.without_winner == HOLD else self.without_winner,
        )

    @property
    def earliest(self) -> timedelta:
        """The time of its first decision, from the entry into the stage."""
        return self.design.next_decision_after(timedelta(0))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The goal and the metrics that a winner must not make worse."""
        return (self.metric, *(each.metric for each in self.guardrails))

    def in_words(self) -> str:
        """Describe it for people: `experiment on one-page: higher conversion, decided every 7 d from 14 d to 28 d, else control`."""
        arms = ", ".join(self.variants)
        first, last = (speak_duration(each) for each in (self.earliest, self.longest))
        times = f"decided after {first}" if first == last else f"decided every {speak_duration(self.decide_every)} from {first} to {last}"
        return f"experiment on {arms}: {self.better} {self.metric}, {times}, else {self.without_winner}"
