"""Conditions on metrics, and their verdicts: pass, fail, or unknown. An unknown sample neither passes nor fails."""

import math
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self, final

from pydantic import AfterValidator, Field, model_validator

from domain.metrics.sample import Sample
from domain.model import Frozen


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


Condition = Threshold
