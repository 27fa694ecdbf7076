"""The design of an experiment: its arms, its goal, its guardrails, and when it may decide."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from domain.duration import speak_duration
from domain.model import Frozen
from domain.text import ShortText

Better = Literal["higher", "lower"]
"""The direction in which a metric is better."""

Proof = Literal["harm", "no_harm"]
"""The proof that a guardrail asks for: of harm, to keep a variant from being shipped, or of no harm, to let it be shipped."""


def _some_time(duration: timedelta) -> timedelta:
    if duration <= timedelta():
        raise ValueError("must be greater than zero")
    return duration


SomeTime = Annotated[timedelta, AfterValidator(_some_time)]


class DesignArm(Frozen):
    """An arm of an experiment: its key, and its share of all users in the experiment, as a weight."""

    key: ShortText
    share: float = Field(default=1, gt=0, allow_inf_nan=False)


class Guardrail(Frozen):
    """A metric that a winner must not make worse by more than a relative margin.

    With the proof `harm`, a variant is passed over once it is proven to do so. With `no_harm`, it wins only once it is proven not to.
    """

    metric: ShortText
    better: Better
    margin: float = Field(ge=0, allow_inf_nan=False)
    proof: Proof = "harm"

    @model_validator(mode="after")
    def _can_be_breached(self) -> Self:
        if self.better == "higher" and self.margin >= 1:
            raise ValueError("must have a margin below 1, because no value falls by more than 100%")
        return self


class Design(Frozen):
    """The design of an experiment.

    `planned` is the number of users per arm at which the intervals are narrowest. `minimum` is the number of users that each arm needs
    before anything is decided. The shares must stay the same for as long as users are counted. `without_winner` is the arm that is shipped
    after `longest` without a winner. If it is None, a person decides.

    Winners are decided on from `shortest` on, at whole multiples of `decide_every` or up to `tolerance` later, and at any time after
    `longest`. If `decide_every` is None, every look may decide.
    """

    control: DesignArm
    variants: tuple[DesignArm, ...] = Field(min_length=1, max_length=20)
    better: Better = "higher"
    guardrails: tuple[Guardrail, ...] = Field(default=(), max_length=20)
    confidence: float = Field(default=0.95, ge=0.5, le=0.9999)
    minimum: int = Field(default=100, ge=2, le=1_000_000_000)
    planned: int = Field(default=10_000, ge=2, le=1_000_000_000)
    longest: SomeTime
    shortest: timedelta = timedelta()
    decide_every: SomeTime | None = None
    tolerance: timedelta = timedelta()
    without_winner: ShortText | None = None

    @model_validator(mode="after")
    def _has_distinct_names(self) -> Self:
        if len({arm.key for arm in self.arms}) < len(self.arms):
            raise ValueError("must have a different key for each arm")
        if len({guardrail.metric for guardrail in self.guardrails}) < len(self.guardrails):
            raise ValueError("must have each guardrail metric once")
        if self.without_winner not in (None, *(arm.key for arm in self.arms)):
            raise ValueError("must have one of the arms in without_winner, or none")
        return self

    @property
    def arms(self) -> tuple[DesignArm, ...]:
        """All arms, the control first."""
        return (self.control, *self.variants)

    @property
    def alpha(self) -> float:
        """The probability of error of one comparison. The comparisons share that of the experiment (Bonferroni)."""
        return (1 - self.confidence) / len(self.variants)

    def decides_at(self, elapsed: timedelta) -> bool:
        """Return True if a winner may be decided on at that time."""
        if elapsed >= self.longest or self.decide_every is None:
            return elapsed >= self.shortest
        return elapsed >= max(self.shortest, self.decide_every) and elapsed % self.decide_every <= self.tolerance

    def next_decision_after(self, elapsed: timedelta) -> timedelta:
        """Return the time of the next decision, given a time at which none is made."""
        earliest = max(self.shortest, elapsed)
        if self.decide_every is None:
            return min(earliest, self.longest)
        return min(max(-(-earliest // self.decide_every), 1) * self.decide_every, self.longest)

    @property
    def confidence_in_words(self) -> str:
        """The confidence for people: `95% confidence`."""
        return f"{self.confidence * 100:.6g}% confidence"

    @property
    def longest_in_words(self) -> str:
        """The maximum duration for people."""
        return speak_duration(self.longest)
