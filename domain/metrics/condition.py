"""Conditions on metrics, and their verdicts: pass, fail, or unknown. An unknown sample neither passes nor fails."""

import math
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self, final

from pydantic import AfterValidator, Field, model_validator

from domain.metrics.metric import MetricShape
from domain.metrics.sample import Group, Sample
from domain.model import Frozen
from domain.statistics.confidence_sequence import Arm, Interval, lift
from domain.text import ShortText


class Outcome(StrEnum):
    """The outcome of judging a sample."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"


class Verdict(NamedTuple):
    """The outcome of judging a sample, the number that decided it if there is one, and a sentence."""

    outcome: Outcome
    value: float | None
    message: str


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    return number


Bound = Annotated[float, Field(strict=True), AfterValidator(_finite)]


@final
class Threshold(Frozen):
    """Passes while the metric's value is within the bounds, both included."""

    type: Literal["THRESHOLD"] = "THRESHOLD"
    at_most: Bound | None = Field(default=None, exclude_if=lambda bound: bound is None)
    at_least: Bound | None = Field(default=None, exclude_if=lambda bound: bound is None)

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("must have at_most, at_least, or both")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError("must have an at_least that is not above at_most, or no value passes")
        return self

    @property
    def needs(self) -> MetricShape:
        """The shape of the metrics that it can judge."""
        return MetricShape.VALUE

    def in_words(self) -> str:
        """Describe it for people: `at least 0.5 and at most 2`."""
        low = [] if self.at_least is None else [f"at least {self.at_least:g}"]
        high = [] if self.at_most is None else [f"at most {self.at_most:g}"]
        return " and ".join([*low, *high])

    def judge(self, sample: Sample) -> Verdict:
        """Judge a sample."""
        if sample.unknown:
            return Verdict(Outcome.UNKNOWN, None, sample.unknown.message)
        if sample.value is None:
            return Verdict(Outcome.UNKNOWN, None, "The metric gives a row for each group, and a threshold needs one number.")
        is_low = self.at_least is not None and sample.value < self.at_least
        is_high = self.at_most is not None and sample.value > self.at_most
        outcome = Outcome.FAIL if is_low or is_high else Outcome.PASS
        return Verdict(outcome, sample.value, f"The value is {sample.value:g}, and should be {self.in_words()}.")


@final
class NotWorse(Frozen):
    """Fails once it is certain that a group is worse than those who don't get the change, by more than a relative margin.

    The groups must be counted from one fixed moment, such as the entry into the stage, because the certainty is that of all looks together.
    A pass is no proof that the group isn't worse. It means that there is no proof that it is.
    """

    type: Literal["NOT_WORSE"] = "NOT_WORSE"
    margin: Bound = Field(ge=0)
    better: Literal["higher", "lower"]
    group: ShortText = "treatment"
    than: ShortText = "control"
    confidence: Bound = Field(default=0.95, ge=0.5, le=0.9999)
    minimum: int = Field(default=100, strict=True, ge=2, le=1_000_000_000)

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if self.group == self.than:
            raise ValueError("must compare two different groups in group and than")
        if self.better == "higher" and self.margin >= 1:
            raise ValueError("must have a margin below 1, because no value falls by more than 100%")
        return self

    @property
    def needs(self) -> MetricShape:
        """The shape of the metrics that it can judge."""
        return MetricShape.GROUPS

    def in_words(self) -> str:
        """Describe it for people: `treatment at most 5% lower than control`."""
        return f"{self.group} at most {_percent(self.margin)} {self._worse} than {self.than}"

    def judge(self, sample: Sample) -> Verdict:
        """Judge a sample. The value is the estimated lift: -0.1 is 10% less than those who don't get the change."""
        if sample.unknown:
            return Verdict(Outcome.UNKNOWN, None, sample.unknown.message)
        problem = next(filter(None, (self._problem(sample, name) for name in (self.than, self.group))), None)
        if problem:
            return Verdict(Outcome.UNKNOWN, None, problem)
        control, treatment = (_named(sample, name)[0] for name in (self.than, self.group))
        found = lift(_arm(control), _arm(treatment), 1 - self.confidence)
        if found is None:
            return Verdict(Outcome.UNKNOWN, None, f"{_means(control, treatment)} {_why_no_lift(control)}")
        outcome = Outcome.FAIL if self._is_worse(found) else Outcome.PASS
        return Verdict(outcome, found.estimate, f"{_means(control, treatment)} {self._interval(found, outcome)}")

    @property
    def _worse(self) -> str:
        return "lower" if self.better == "higher" else "higher"

    def _problem(self, sample: Sample, name: str) -> str | None:
        """Say why the group with this name can't be compared."""
        match _named(sample, name):
            case []:
                return f"The metric has no group '{name}'."
            case [group]:
                return self._problem_of(group)
            case several:
                return f"The metric has {len(several)} rows for the group '{name}', and should have one."

    def _problem_of(self, group: Group) -> str | None:
        if not math.isfinite(group.mean) or not math.isfinite(group.variance) or group.variance < 0:
            return f"The mean or the variance of '{group.name}' is not a usable number."
        if group.n < self.minimum:
            return f"The group '{group.name}' has {group.n:,} users, and needs {self.minimum:,}."
        return None

    def _is_worse(self, found: Interval) -> bool:
        return found.is_below(-self.margin) if self.better == "higher" else found.is_above(self.margin)

    def _interval(self, found: Interval, outcome: Outcome) -> str:
        proof = "is worse than the margin allows" if outcome is Outcome.FAIL else "isn't proven to be worse than the margin allows"
        confidence = f"with {_percent(self.confidence)} confidence {found.in_percent()}"
        return f"The difference is {found.estimate:+.2%}, {confidence}. It {proof}: {_percent(self.margin)} {self._worse}."


Condition = Annotated[Threshold | NotWorse, Field(discriminator="type")]


def _named(sample: Sample, name: str) -> list[Group]:
    return [group for group in sample.groups if group.name == name]


def _arm(group: Group) -> Arm:
    return Arm(group.n, group.mean, group.variance)


def _why_no_lift(control: Group) -> str:
    if control.mean > 0:
        return "The values don't vary, so chance can't be judged."
    return "No difference is relative to a mean of zero or less."


def _means(control: Group, treatment: Group) -> str:
    """Return the means of both groups in a sentence."""
    means = (f"{group.mean:.4g} in '{group.name}' ({group.n:,} users)" for group in (treatment, control))
    return f"The mean is {' and '.join(means)}."


def _percent(share: float) -> str:
    return f"{share * 100:.6g}%"
