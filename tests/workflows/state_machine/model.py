"""An independent model of a release in plain Python: its status, its waits, and what becomes of flags."""

from dataclasses import dataclass, field

from tests.workflows.state_machine.flag_model import Edit, Flag, at_paths, exactly, is_conflict, seen_after, targets_of, with_paths
from tests.workflows.state_machine.gate_model import (
    MARGIN,
    DueStage,
    HoldModel,
    StopsAndFreezes,
    gate_hold,
    is_near_edge,
)
from tests.workflows.state_machine.guard_model import Watches
from tests.workflows.state_machine.guarded_model import GuardedModel
from tests.workflows.state_machine.shares import grown_to
from tests.workflows.state_machine.stage_model import ALLOWED, RollbackModel, StageModel

LAUNCH = 120
"""The launch time, in minutes after a release was added."""
EVERY = 60
"""The minutes between two steps of a rollout."""

ADDED_BY = "olivia"


@dataclass
class ReleaseModel(GuardedModel):
    """One release, in minutes since it was added."""

    stages: list[StageModel]
    overwrites: bool
    start: int
    flags: dict[str, Flag]
    seen: dict[str, Flag]
    pipeline: str = ""
    stops_and_freezes: StopsAndFreezes = field(default_factory=StopsAndFreezes)
    origin: int = 0
    """The time at which it was added, in minutes since the machine started."""
    held: HoldModel | None = None
    must_check_gates: bool = False
    """True if what holds the stage back has ended, or may have."""
    approvals: list[tuple[str, Flag]] = field(default_factory=list)
    """The people who approved on this visit, and the values that the stage's fields had then."""
    is_unsure: bool = False
    """True if something was too close to a boundary to predict its result."""
    status: str = "starting"
    index: int = 0
    step: int = 0
    has_changed: bool = False
    elapsed: int = 0
    remaining: int = 0
    until: int | None = None
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    conflict: Flag | None = None
    rollback: RollbackModel | None = None
    metrics: dict[str, str] = field(default_factory=dict)
    """The outcome that a sample of each metric has now, if it does not pass."""
    watches: Watches = field(default_factory=Watches)
    """The state of the guardrails and gates of this visit."""
    decided: dict[int, str] = field(default_factory=dict)
    """Visit -> what its experiment has decided to ship."""
    entered: int = 0

    def __post_init__(self) -> None:
        self._enter(self.start)

    @property
    def is_finished(self) -> bool:
        """True if the release has ended."""
        return self.status in ("completed", "removed", "terminated", "rolled_back")

    @property
    def visit(self) -> int:
        """The current visit."""
        return len(self.outcomes)

    @property
    def stage(self) -> StageModel:
        """The current stage."""
        return self.stages[self.index]

    def started(self) -> None:
        """The workflow was started."""
        if self.status == "starting":
            self.status = "running"

    def verdict(self, control: str, *, stale: bool = False, to: int = 0) -> str | None:
        """Return the name of the refusal of a control, if it is refused."""
        if self.status not in ALLOWED[control]:
            return "ControlNotAllowed"
        if stale:
            return "StageMoved"
        if control == "advance" and self.held:
            return "ControlNotAllowed"
        return "Invalid" if control == "restart" and not self.start <= to <= self.index else None

    def verdict_on_decision(self, control: str, by: str, *, stale: bool = False) -> str | None:
        """Return the name of the refusal of an approval or rejection, if it is refused."""
        if refusal := self.verdict(control, stale=stale):
            return refusal
        if self.stage.approval is None or self.step > 0:
            return "NothingToApprove"
        if by == ADDED_BY and not self.stage.approval.own:
            return "OwnRelease"
        return "AlreadyApproved" if control == "approve" and by in self._counting() else None

    def approve(self, by: str) -> None:
        """That person approves what the stage would apply now."""
        self.approvals.append((by, self.approval_subject()))
        self.recheck_gates()

    def reject(self) -> None:
        """A person rejects, and all approvals lapse."""
        self.approvals.clear()
        self._block(None)

    def recheck_gates(self) -> None:
        """The workflow is signalled to check its gates again."""
        self.must_check_gates = self.held is not None

    def verdict_on_rollback(self, to: int | None, *, stale: bool = False) -> str | None:
        """Return the name of the refusal of a rollback, if it is refused."""
        if self.status not in ALLOWED["rollback"]:
            return "ControlNotAllowed"
        if to is not None and self.is_finished:
            return "ControlNotAllowed" if self.start <= to <= self.index else "Invalid"
        return "Invalid" if to is not None and not self.start <= to < self.index else self.verdict("rollback", stale=stale)

    def roll_back(self, to: int | None, *, force: bool, at_once: bool = False) -> None:
        """A rollback is requested. It is carried out as soon as a worker runs."""
        ended = self.status if self.is_finished else None
        self.held = None
        self.status, self.rollback = "rolling_back", RollbackModel(0 if to is None else to + 1, force, ended, at_once)

    def rolled_back(self, changed: set[int]) -> None:
        """The requested rollback is carried out for a release that changed something on these visits."""
        assert self.rollback
        undone = {visit for visit in changed if self.outcomes[visit - 1][0] >= self.rollback.undoes_from}
        undone |= set() if self.rollback.ended else {self.visit}
        self.outcomes = [(index, "rolled_back" if visit in undone else was) for visit, (index, was) in enumerate(self.outcomes, start=1)]
        self.status = "rolled_back"
        if self.rollback.undoes_from:
            self._enter(self.rollback.undoes_from)
            self.pause()

    def pause(self) -> None:
        """The clock stops, but a launch time does not move."""
        self.status = "paused"
        self.until = self.elapsed + self.remaining if self.stage.at_launch and self.step == 0 and not self.held else None
        self.held, self.remaining = None, max(self.remaining, 0)

    def resume(self) -> None:
        """The clock continues."""
        self.status = "running"
        for seen in self.watches.seen.values():
            if seen.breached:
                seen.count_anew()
        if self.until is not None:
            self.remaining = max(self.until - self.elapsed, 0)

    def advance(self) -> None:
        """The stage becomes due."""
        self.remaining = 0

    def skip(self) -> None:
        """The release leaves the stage without acting."""
        self._leave("skipped")

    def restart(self, to: int) -> None:
        """The release returns to a stage without acting."""
        self.outcomes[-1] = (self.index, "skipped")
        self._enter(to)

    def retry(self, *, overwrite: bool) -> None:
        """The stage becomes due again. Overwriting accepts the current values of the conflict as seen."""
        if overwrite and self.conflict is not None:
            self.seen[self.stage.environment] = with_paths(self.seen[self.stage.environment], self.conflict)
        self.outcomes[-1] = (self.index, "pending")
        self.status, self.remaining = "running", 0

    def end(self, status: str) -> None:
        """The release ends in its current stage. The rollback of a release that had ended is given up."""
        if self.status == "rolling_back" and self.rollback and self.rollback.ended:
            self.status = self.rollback.ended
            return
        self.outcomes[-1] = (self.index, "removed")
        self.status, self.held = status, None

    def let_pass(self, minutes: int) -> None:
        """Time passes while a worker runs, and due stages act on the way."""
        end = self.elapsed + minutes
        self.act()
        while (wakes := self._wakes_at()) is not None and wakes <= end + MARGIN:
            self.is_unsure |= wakes >= end - MARGIN
            if wakes > end:
                break
            self._move_to(max(wakes, self.elapsed))
            self.recheck_gates()
            self.act()
        self._move_to(end)

    def act(self) -> None:
        """Due stages act, unless they are held back."""
        while self.status == "running" and self.remaining <= 0 and (self.held is None or self.must_check_gates):
            self._check_gates()

    def _wakes_at(self) -> int | None:
        """Return when the workflow wakes by itself."""
        if self.status != "running":
            return None
        if self.held is None:
            return self.elapsed + self.remaining
        return None if self.held.until is None else self.held.until - self.origin

    def _move_to(self, minute: int) -> None:
        self.remaining -= minute - self.elapsed if self.status == "running" else 0
        self.elapsed = minute

    def _check_gates(self) -> None:
        at, woken, self.must_check_gates = self.origin + self.elapsed, self.held.until if self.held else None, False
        self.sample(self.guarding)
        self.take_breaches(self.guarding)
        if self.status != "running":
            return
        if self.stage.ships and not self.decided and not self.stage.has_experiment:
            self._block(None)
            return
        needed = self.stage.approval.people if self.stage.approval else 0
        approvals = len(self._counting()) if self.step == 0 else needed
        stage = DueStage(self.stage.environment, self.pipeline, self.stage.gates, at + self.remaining, approvals)
        self.is_unsure |= is_near_edge(stage, self.stops_and_freezes, at, woken)
        self.held = gate_hold(stage, self.stops_and_freezes, at) or self.guards_hold(woken)
        if self.held and self.held.code == "approval" and stage.deadline is not None and at >= stage.deadline:
            self._block(None)
        elif self.held is None:
            self._act()

    def approval_subject(self) -> Flag:
        """Return what an approval is about: the current values of the fields that the stage changes."""
        now = self.flags[self.stage.environment]
        return exactly(at_paths(targets_of(self.stage.edits[0], now), now)) if self.stage.edits else {}

    def _counting(self) -> list[str]:
        """Return the people whose approval counts for what would be applied now, whatever else they approved before or after it."""
        return list({person for person, subject in self.approvals if subject == self.approval_subject()})

    def _block(self, conflict: Flag | None) -> None:
        self.status, self.conflict, self.held = "blocked", conflict, None
        self.outcomes[-1] = (self.index, "blocked")

    def _act(self) -> None:
        if not self.stage.steps:
            self._leave("held")
            return
        environment = self.stage.environment
        now, seen = self.flags[environment], self.seen[environment]
        edit = self.stage.edits[self.step] if self.stage.edits else self._shipping(now if self.overwrites else seen)
        targets = targets_of(edit, now)
        if not self.overwrites and is_conflict(targets, now, seen):
            self._block(at_paths(targets, now))
            return
        self.flags[environment], self.seen[environment] = with_paths(now, targets), seen_after(targets, now, seen)
        self.has_changed |= at_paths(targets, now) != targets
        self.step += 1
        if self.step == self.stage.steps or (self.stage.ships and not edit.everyone["allocation"]):
            self._leave("acted" if self.has_changed else "unchanged")
        else:
            self.remaining = EVERY

    def _shipping(self, found: Flag) -> Edit:
        """Return the change of one step of a winner: the control at once, and a variant by growing it."""
        winner = self.decided[max(self.decided)]
        shares = {} if winner == "control" else grown_to(found["allocation"], winner, self.stage.ships[self.step])
        return Edit({"allocation": shares})

    def _leave(self, outcome: str) -> None:
        self.outcomes[-1] = (self.index, outcome)
        if self.index + 1 == len(self.stages):
            self.status, self.held = "completed", None
        else:
            self._enter(self.index + 1)

    def _enter(self, index: int) -> None:
        self.index, self.step, self.has_changed, self.conflict, self.entered = index, 0, False, None, self.elapsed
        self.held, self.must_check_gates, self.approvals, self.watches = None, False, [], Watches()
        self.remaining = max(LAUNCH - self.elapsed, 0) if self.stage.at_launch else self.stage.wait
        self.outcomes.append((index, "pending"))
        if self.status != "starting":
            self.status = "running"
