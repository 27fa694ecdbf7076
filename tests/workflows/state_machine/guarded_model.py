"""The part of a release's model that samples, and that takes the consequences of breaches."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from tests.workflows.state_machine.flag_model import Flag, served_in
from tests.workflows.state_machine.gate_model import MARGIN, HoldModel
from tests.workflows.state_machine.guard_model import (
    FIRST_DECISION,
    SAMPLED_HOLDS,
    ExperimentModel,
    GuardrailModel,
    Rule,
    Watches,
    WatchModel,
    guard_hold,
)
from tests.workflows.state_machine.stage_model import ALLOWED, RollbackModel, StageModel


class GuardedModel(ABC):
    """A mixin with the watches of a visit."""

    origin: int
    elapsed: int
    start: int
    status: str
    is_unsure: bool
    held: HoldModel | None
    rollback: RollbackModel | None
    metrics: dict[str, str]
    watches: Watches
    decided: dict[int, str]
    entered: int
    flags: dict[str, Flag]
    seen: dict[str, Flag]

    @property
    @abstractmethod
    def visit(self) -> int:
        """The current visit."""

    @property
    @abstractmethod
    def stage(self) -> StageModel:
        """The current stage."""

    @property
    @abstractmethod
    def is_finished(self) -> bool:
        """True if the release has ended."""

    @abstractmethod
    def pause(self) -> None:
        """The clock stops."""

    @abstractmethod
    def roll_back(self, to: int | None, *, force: bool, at_once: bool = False) -> None:
        """A rollback is requested."""

    @abstractmethod
    def recheck_gates(self) -> None:
        """The workflow is signalled to check its gates again."""

    @property
    def is_undone(self) -> bool:
        """True if a breach has rolled it back, and the machine has not compared the result yet."""
        return self.status == "rolling_back" and self.rollback is not None and self.rollback.at_once

    @property
    def watched(self) -> dict[str, Rule]:
        """The rules that the watch of the stage samples now. A check is asked only while samples hold the stage back."""
        waits = self.held is not None and self.held.code in SAMPLED_HOLDS
        return {key: rule for key, rule in self.stage.rules.items() if waits or not rule.is_check}

    @property
    def guarding(self) -> dict[str, Rule]:
        """The rules that must pass before the stage acts."""
        return {key: rule for key, rule in self.stage.rules.items() if rule.enforces}

    def sample(self, keys: Iterable[str]) -> None:
        """Sample these guardrails and gates of the stage."""
        for key in keys:
            rule, at = self.stage.rules[key], self.origin + self.elapsed
            outcome = self.metrics.get(rule.metric, "pass")
            if isinstance(rule, ExperimentModel):
                self._look_at_experiment(key, rule, outcome)
            else:
                self.watches.sample(key, at, outcome)
        self._take_over_doubts()

    def _look_at_experiment(self, key: str, rule: ExperimentModel, outcome: str) -> None:
        """Look once at an experiment. Its first decision is final. Without one, a change of who gets what by hand makes it unknown."""
        at, since, environment = self.origin + self.elapsed, self.elapsed - self.entered, self.stage.environment
        outcome = outcome if served_in(self.flags[environment]) == served_in(self.seen[environment]) else "unknown"
        if self.visit not in self.decided and outcome == "wins":
            self.is_unsure |= abs(since - FIRST_DECISION) <= MARGIN
            if since >= FIRST_DECISION:
                self.decided[self.visit] = "one-page"
        elif self.visit not in self.decided and outcome == "undecided":
            self.is_unsure |= abs(since - rule.longest) <= MARGIN
            if since >= rule.longest:
                self.decided[self.visit] = "control"
        if self.visit in self.decided:
            self.watches.seen[key] = WatchModel(at, "pass", at)
        else:
            self.watches.sample(key, at, "fail" if outcome in ("wins", "undecided") else "unknown")

    def take_breaches(self, keys: Iterable[str]) -> None:
        """Take the consequence of each of these guardrails if enough of its samples failed."""
        for key in keys:
            rule = self.stage.rules[key]
            if isinstance(rule, GuardrailModel) and not self.is_finished and not self.is_undone:
                self._take_breach(rule)

    def wake_if_all_pass(self) -> None:
        """The workflow is signalled if samples hold the stage back, and all pass now."""
        waits = self.held is not None and self.held.code in SAMPLED_HOLDS
        if waits and self.guarding.keys() <= self.watches.seen.keys() and self.guards_hold(None) is None:
            self.recheck_gates()

    def guards_hold(self, woken: int | None) -> HoldModel | None:
        """Return which of the last samples holds the stage back."""
        hold = guard_hold(self.guarding, self.watches, self.origin + self.elapsed, woken)
        self._take_over_doubts()
        return hold

    def _take_breach(self, guard: GuardrailModel) -> None:
        seen = self.watches.seen[guard.key]
        if not seen.breaches(guard):
            return
        seen.count_anew()
        seen.breached = True
        if guard.enforces and guard.on_breach == "pause" and self.status in ALLOWED["pause"]:
            self.pause()
        elif guard.enforces and guard.on_breach == "rollback" and self.status in ALLOWED["rollback"]:
            to = 0 if guard.to_first and self.start == 0 else None
            self.roll_back(to, force=False, at_once=to is None)

    def _take_over_doubts(self) -> None:
        self.is_unsure |= self.watches.is_unsure
        self.watches.is_unsure = False
