"""Guardrails: conditions on metrics that must hold while a flag is in certain stages, and the consequence if they don't."""

from datetime import timedelta
from typing import Literal, Self, final

from pydantic import Field, model_validator

from domain.duration import Duration, speak_duration
from domain.metrics.condition import Condition
from domain.model import Frozen
from domain.text import Name, Slug, folded

MOST_GUARDRAILS = 10
MOST_FAILURES = 20
USUAL_INTERVAL = timedelta(seconds=30)
SHORTEST_INTERVAL = timedelta(seconds=5)
LONGEST_INTERVAL = timedelta(days=1)

OnBreach = Literal["notify", "pause", "rollback"]


@final
class Guardrail(Frozen):
    """Samples a metric while a flag is in one of the named stages, and acts after `failures` failed samples in a row.

    `to_stage` limits a rollback to what later stages changed. In shadow it only reports what it would have done.
    """

    name: Name
    metric: Slug
    condition: Condition
    stages: tuple[Name, ...] = Field(min_length=1, max_length=30)
    environment: Slug | None = Field(default=None, description="By default, that of the stage in which the flag is.")
    every: Duration = USUAL_INTERVAL
    failures: int = Field(default=2, ge=1, le=MOST_FAILURES, strict=True)
    on_breach: OnBreach
    to_stage: Name | None = Field(default=None, exclude_if=lambda stage: stage is None)
    shadow: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _returns_only_by_rollback(self) -> Self:
        if self.to_stage is not None and self.on_breach != "rollback":
            raise ValueError("can have to_stage only if on_breach is rollback")
        return self

    @property
    def key(self) -> str:
        """The key of its samples within a visit."""
        return guardrail_key(self.name)

    @property
    def holds_changes(self) -> bool:
        """True if the next change waits until a fresh sample passes. One that only tells people holds nothing."""
        return self.on_breach != "notify" and not self.shadow

    def watches(self, stage: str) -> bool:
        """True if it is in force while a flag is in that stage."""
        return folded(stage) in map(folded, self.stages)

    @property
    def consequence(self) -> str:
        """The consequence of a breach, as a verb: `roll back to 'Staging'`."""
        scope = f" to '{self.to_stage}'" if self.to_stage else ""
        return f"{'roll back' if self.on_breach == 'rollback' else self.on_breach}{scope}"

    def in_words(self) -> str:
        """Describe it for people: `Error rate: error-rate at most 0.01, every 30 s, 2 failures: roll back`."""
        failures = "1 failure" if self.failures == 1 else f"{self.failures} failures in a row"
        shadow = " (in shadow)" if self.shadow else ""
        every = speak_duration(self.every)
        return f"{self.name}: {self.metric} {self.condition.in_words()}, every {every}, {failures}: {self.consequence}{shadow}"


def guardrail_key(name: str) -> str:
    """Return the key of a guardrail's samples within a visit."""
    return f"guardrail:{name}"
