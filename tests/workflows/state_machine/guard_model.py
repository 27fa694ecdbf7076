"""An independent model of what guardrails and sampling gates see, in whole minutes since the machine started."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.workflows.state_machine.gate_model import MARGIN, HoldModel

EVERY = 30
"""The minutes between two samples of every guardrail and gate."""

BREAK = 3 * EVERY
"""The minutes without a sample after which a row of passing ones is broken."""

APART = EVERY // 2
"""The minutes between two failures that count."""


class GuardrailModel(NamedTuple):
    """A guardrail. One with `to_first` rolls back to the first stage."""

    name: str
    metric: str
    failures: int
    on_breach: str
    shadow: bool = False
    to_first: bool = False
    is_check: bool = False

    @property
    def key(self) -> str:
        """The key of its samples."""
        return f"guardrail:{self.name}"

    @property
    def enforces(self) -> bool:
        """True if it changes releases, and not only tells people."""
        return self.on_breach != "notify" and not self.shadow


class MetricModel(NamedTuple):
    """A gate that waits until a metric has passed for that many minutes."""

    metric: str
    passing_for: int = 0
    enforces: bool = True
    is_check: bool = False


class CheckModel(NamedTuple):
    """A gate that waits until a source says that it is ready."""

    metric: str = "deploys"
    enforces: bool = True
    is_check: bool = True


FIRST_DECISION = 20
"""The minutes in a stage after which its experiment may have a winner. Later looks are so rare that each may decide."""


class ExperimentModel(NamedTuple):
    """A gate that waits until an experiment on one variant has decided. After that many minutes the control is shipped."""

    metric: str = "conversion"
    longest: int = 240
    enforces: bool = True
    is_check: bool = False


SampledGate = MetricModel | CheckModel | ExperimentModel
Rule = GuardrailModel | SampledGate


@dataclass
class WatchModel:
    """The state of one guardrail or gate on a visit."""

    at: int
    outcome: str
    since: int
    failures: int = 0
    failed_at: int | None = None
    longest: int = 0
    breached: bool = False

    def breaches(self, guardrail: GuardrailModel) -> bool:
        """True if enough samples failed in a row. People are told once, until a sample passes."""
        return self.longest >= guardrail.failures and (guardrail.enforces or not self.breached)

    def count_anew(self) -> None:
        """Forget the failures."""
        self.failures = self.longest = 0


@dataclass
class Watches:
    """All watches of a visit, by key. `is_unsure` says that a sample was so close to a boundary that its effect can't be predicted."""

    seen: dict[str, WatchModel] = field(default_factory=dict)
    is_unsure: bool = False

    def sample(self, key: str, at: int, outcome: str) -> WatchModel:
        """Add a sample."""
        last = self.seen.get(key)
        new = WatchModel(at, outcome, at)
        if last:
            self.is_unsure |= abs(at - last.at - BREAK) <= MARGIN and last.outcome == outcome
            new.since = last.since if last.outcome == outcome and at - last.at < BREAK else at
            new.failures, new.failed_at, new.longest, new.breached = last.failures, last.failed_at, last.longest, last.breached
        self._count(new, at)
        self.seen[key] = new
        return new

    def _count(self, new: WatchModel, at: int) -> None:
        if new.outcome == "pass":
            new.failures, new.breached = 0, False
        elif new.outcome == "fail":
            is_counted = new.failures > 0 and new.failed_at is not None
            since = at - new.failed_at if is_counted and new.failed_at is not None else DISTANT
            self.is_unsure |= abs(since - APART) <= MARGIN
            if since >= APART:
                new.failures, new.failed_at = new.failures + 1, at
        new.longest = max(new.longest, new.failures)

    def summary(self) -> dict[str, tuple[object, ...]]:
        """Return the part of each that is compared with the record."""
        return {key: (each.outcome, each.failures, each.longest, each.breached) for key, each in self.seen.items()}


DISTANT = 10_000

_HOLDS: dict[type, str] = {MetricModel: "metric", CheckModel: "check", ExperimentModel: "experiment"}
SAMPLED_HOLDS = ("guardrail", *_HOLDS.values())
"""The codes of what holds a stage back until samples pass."""


def guard_hold(rules: Mapping[str, Rule], watches: Watches, at: int, woken: int | None) -> HoldModel | None:
    """Return which of the rules holds a stage back by its last sample: guardrails, metrics, checks, experiments."""
    by_order = sorted(rules.items(), key=lambda each: [GuardrailModel, *_HOLDS].index(type(each[1])))
    for key, rule in by_order:
        seen = watches.seen[key]
        if isinstance(rule, GuardrailModel):
            if seen.outcome != "pass":
                return HoldModel("guardrail", None)
        elif seen.outcome != "pass":
            return HoldModel(_HOLDS[type(rule)], None)
        elif isinstance(rule, MetricModel):
            passes_at = seen.since + rule.passing_for
            watches.is_unsure |= rule.passing_for > 0 and abs(passes_at - at) <= MARGIN and woken != passes_at
            if at < passes_at:
                return HoldModel("metric", passes_at)
    return None
