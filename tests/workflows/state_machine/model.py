"""What a release must do, predicted in plain Python: where it stands, what it waits for, and what flags become."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.workflows.state_machine.flag_model import Deed, Flag, at_paths, is_conflict, seen_after, wanted_of, with_paths
from tests.workflows.state_machine.gate_model import CLOSE, Asks, Due, Gates, Guards, Hold, hold_of, is_close

ALLOWED = {
    "pause": {"starting", "running"},
    "resume": {"paused"},
    "advance": {"running"},
    "skip": {"running", "paused", "blocked"},
    "retry": {"blocked"},
    "restart": {"running", "paused", "blocked"},
    "rollback": {"starting", "running", "paused", "blocked", "completed", "removed", "terminated"},
    "remove": {"starting", "running", "paused", "blocked", "rolling_back"},
    "approve": {"starting", "running", "paused"},
    "reject": {"starting", "running", "paused"},
}
"""Where nothing acts at the moment; written down anew on purpose."""


class Rung(NamedTuple):
    """A stage: where, when, what it does in each of its steps (in none, if it is a hold), and what must hold besides."""

    environment: str
    wait: int
    deeds: tuple[Deed, ...]
    at_launch: bool = False
    gates: Gates = ()

    @property
    def asks(self) -> Asks | None:
        """Whom it asks, if it asks anybody."""
        return next((gate for gate in self.gates if isinstance(gate, Asks)), None)


LAUNCH = 120
"""The launch time, in minutes after a release was added."""
EVERY = 60
"""How many minutes after a step of a rollout the next one is due."""


ADDED_BY = "olivia"


class Wanted(NamedTuple):
    """A rollback that was asked for: of stages from which on, over changes by hand or not, and how the release had ended, if it had."""

    undoes_from: int
    force: bool
    ended: str | None


@dataclass
class ReleaseModel:
    """One release, in minutes of its own clock."""

    rungs: list[Rung]
    overwrites: bool
    start: int
    flags: dict[str, Flag]
    seen: dict[str, Flag]
    pipeline: str = ""
    guards: Guards = field(default_factory=Guards)
    origin: int = 0
    """When it was added, in minutes since the play began."""
    held: Hold | None = None
    must_try: bool = False
    """Whether what holds it has ended, or may have."""
    yeses: dict[str, Flag] = field(default_factory=dict)
    """Who said yes on this visit, and what the flag had then in the fields that the stage names."""
    is_unsure: bool = False
    """Whether it came too close to say what happened."""
    status: str = "starting"
    index: int = 0
    step: int = 0
    has_changed: bool = False
    passed: int = 0
    left: int = 0
    until: int | None = None
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    shown: Flag | None = None
    rollback: Wanted | None = None

    def __post_init__(self) -> None:
        self._enter(self.start)

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in ("completed", "removed", "terminated", "rolled_back")

    @property
    def visit(self) -> int:
        """The visit on which it stands."""
        return len(self.outcomes)

    @property
    def rung(self) -> Rung:
        """The stage in which it stands."""
        return self.rungs[self.index]

    def started(self) -> None:
        """Temporal has heard of it."""
        if self.status == "starting":
            self.status = "running"

    def verdict(self, control: str, *, stale: bool = False, to: int = 0) -> str | None:
        """The refusal of a control, if it is refused."""
        if self.status not in ALLOWED[control]:
            return "ControlNotAllowed"
        if stale:
            return "StageMoved"
        if control == "advance" and self.held:
            return "ControlNotAllowed"
        return "Invalid" if control == "restart" and not self.start <= to <= self.index else None

    def verdict_on_decision(self, control: str, by: str, *, stale: bool = False) -> str | None:
        """The refusal of a yes or a no, if it is refused."""
        if refusal := self.verdict(control, stale=stale):
            return refusal
        if self.rung.asks is None or self.step > 0:
            return "NothingToApprove"
        if by == ADDED_BY and not self.rung.asks.own:
            return "OwnRelease"
        return "AlreadyApproved" if control == "approve" and by in self._counting() else None

    def approve(self, by: str) -> None:
        """That person says yes to what the stage would do now."""
        self.yeses[by] = self.asked_about()
        self.told()

    def reject(self) -> None:
        """A person says no, and it asks anew."""
        self.yeses.clear()
        self._block(None)

    def told(self) -> None:
        """It looks again at what holds it."""
        self.must_try = self.held is not None

    def verdict_on_rollback(self, to: int | None, *, stale: bool = False) -> str | None:
        """The refusal of a rollback, if it is refused."""
        if to is not None and self.is_finished:
            return "ControlNotAllowed"
        return "Invalid" if to is not None and not self.start <= to < self.index else self.verdict("rollback", stale=stale)

    def roll_back(self, to: int | None, *, force: bool) -> None:
        """It is to be rolled back, as soon as somebody works."""
        ended = self.status if self.is_finished else None
        self.held = None
        self.status, self.rollback = "rolling_back", Wanted(0 if to is None else to + 1, force, ended)

    def rolled_back(self, changed: set[int]) -> None:
        """What it changed on these visits is put back, as far as that was wanted."""
        assert self.rollback
        undone = {visit for visit in changed if self.outcomes[visit - 1][0] >= self.rollback.undoes_from}
        undone |= set() if self.rollback.ended else {self.visit}
        self.outcomes = [(index, "rolled_back" if visit in undone else was) for visit, (index, was) in enumerate(self.outcomes, start=1)]
        self.status = "rolled_back"
        if self.rollback.undoes_from:
            self._enter(self.rollback.undoes_from)
            self.pause()

    def pause(self) -> None:
        """The clock stands still, but a launch time does not move."""
        self.status = "paused"
        self.until = self.passed + self.left if self.rung.at_launch and self.step == 0 and not self.held else None
        self.held, self.left = None, max(self.left, 0)

    def resume(self) -> None:
        """The clock goes on."""
        self.status = "running"
        if self.until is not None:
            self.left = max(self.until - self.passed, 0)

    def advance(self) -> None:
        """It is due."""
        self.left = 0

    def skip(self) -> None:
        """It leaves without acting."""
        self._leave("skipped")

    def restart(self, to: int) -> None:
        """It goes back without acting."""
        self.outcomes[-1] = (self.index, "skipped")
        self._enter(to)

    def retry(self, *, overwrite: bool) -> None:
        """It is due again; to overwrite means to have seen what was shown."""
        if overwrite and self.shown is not None:
            self.seen[self.rung.environment] = with_paths(self.seen[self.rung.environment], self.shown)
        self.outcomes[-1] = (self.index, "pending")
        self.status, self.left = "running", 0

    def end(self, status: str) -> None:
        """It ends where it stands; a rollback of what had ended is given up."""
        if self.status == "rolling_back" and self.rollback and self.rollback.ended:
            self.status = self.rollback.ended
            return
        self.outcomes[-1] = (self.index, "removed")
        self.status, self.held = status, None

    def let_pass(self, minutes: int) -> None:
        """Time passes, and what is due acts on the way, provided that somebody works."""
        end = self.passed + minutes
        self.act()
        while (wakes := self._wakes_at()) is not None and wakes <= end + CLOSE:
            self.is_unsure |= wakes >= end - CLOSE
            if wakes > end:
                break
            self._move_to(max(wakes, self.passed))
            self.told()
            self.act()
        self._move_to(end)

    def act(self) -> None:
        """What is due acts, unless it is held."""
        while self.status == "running" and self.left <= 0 and (self.held is None or self.must_try):
            self._try()

    def _wakes_at(self) -> int | None:
        """When it looks again by itself."""
        if self.status != "running":
            return None
        if self.held is None:
            return self.passed + self.left
        return None if self.held.until is None else self.held.until - self.origin

    def _move_to(self, minute: int) -> None:
        self.left -= minute - self.passed if self.status == "running" else 0
        self.passed = minute

    def _try(self) -> None:
        at, woken, self.must_try = self.origin + self.passed, self.held.until if self.held else None, False
        yeses = len(self._counting()) if self.step == 0 else self.rung.asks.people if self.rung.asks else 0
        stage = Due(self.rung.environment, self.pipeline, self.rung.gates, at + self.left, yeses)
        self.is_unsure |= is_close(stage, self.guards, at, woken)
        self.held = hold_of(stage, self.guards, at)
        if self.held and self.held.code == "approval" and stage.deadline is not None and at >= stage.deadline:
            self._block(None)
        elif self.held is None:
            self._act()

    def asked_about(self) -> Flag:
        """What a yes or a no is about: what the flag has now in the fields that the stage names."""
        now = self.flags[self.rung.environment]
        return at_paths(wanted_of(self.rung.deeds[0], now), now) if self.rung.deeds else {}

    def _counting(self) -> list[str]:
        """Whose yes counts: for what would be done now."""
        return [who for who, about in self.yeses.items() if about == self.asked_about()]

    def _block(self, shown: Flag | None) -> None:
        self.status, self.shown, self.held = "blocked", shown, None
        self.outcomes[-1] = (self.index, "blocked")

    def _act(self) -> None:
        if not self.rung.deeds:
            self._leave("held")
            return
        place = self.rung.environment
        now, seen = self.flags[place], self.seen[place]
        wanted = wanted_of(self.rung.deeds[self.step], now)
        if not self.overwrites and is_conflict(wanted, now, seen):
            self._block(at_paths(wanted, now))
            return
        self.flags[place], self.seen[place] = with_paths(now, wanted), seen_after(wanted, now, seen)
        self.has_changed |= at_paths(wanted, now) != wanted
        self.step += 1
        if self.step == len(self.rung.deeds):
            self._leave("acted" if self.has_changed else "unchanged")
        else:
            self.left = EVERY

    def _leave(self, outcome: str) -> None:
        self.outcomes[-1] = (self.index, outcome)
        if self.index + 1 == len(self.rungs):
            self.status, self.held = "completed", None
        else:
            self._enter(self.index + 1)

    def _enter(self, index: int) -> None:
        self.index, self.step, self.has_changed, self.shown = index, 0, False, None
        self.held, self.must_try, self.yeses = None, False, {}
        self.left = self._until_launch() if self.rung.at_launch else self.rung.wait
        self.outcomes.append((index, "pending"))
        if self.status != "starting":
            self.status = "running"

    def _until_launch(self) -> int:
        return max(LAUNCH - self.passed, 0)
