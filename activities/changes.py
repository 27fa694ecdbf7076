"""The activity that makes a stage's change, exactly once in effect."""

from contextlib import nullcontext
from datetime import datetime

from temporalio import activity
from temporalio.common import MetricMeter

from activities.asking_run import standing_for_run
from activities.changes_elsewhere import ChangesElsewhere
from activities.guarding.experiments import winner_of
from activities.guarding.shipping import shipped
from activities.guarding.stage_guard import StageGuard
from activities.local_turns import LocalTurns
from activities.messages import ChangeFlag, HeldBack, Made, Refused, Standing, made_of, standing_of, standing_without_record
from activities.providers.elsewhere import FlagsElsewhere
from activities.record.transitions import block
from activities.record.worker_metrics import ChangeMetrics
from activities.retries import retried_when_told
from activities.stage_changes import change_of, check_fence, decide, earlier_result, record
from activities.store.database import Database, Store
from activities.temporal_clock import AttemptClock, ClockOfAttempt, clock_of_attempt
from domain.errors import Refusal, ReleaseNotFound, Superseded
from domain.flags.change import Change
from domain.pipelines.gate import has_experiment
from domain.releases.gate_hold import GateHold


class ChangeActivities:
    """The activity that changes flags for stages."""

    def __init__(
        self,
        database: Database,
        elsewhere: FlagsElsewhere,
        guard: StageGuard,
        meter: MetricMeter = MetricMeter.noop,
        local_changes: int = 1,
        clock_of: ClockOfAttempt = clock_of_attempt,
    ) -> None:
        self.database = database
        self.guard = guard
        self.elsewhere = ChangesElsewhere(database, elsewhere, activity.heartbeat)
        self.metrics = ChangeMetrics(meter)
        self.local_turns = LocalTurns(local_changes)
        self.clock_of = clock_of

    @activity.defn(name="change_flag", no_thread_cancel_exception=True)
    def change_flag(self, command: ChangeFlag) -> Made | HeldBack | Refused | Standing:
        """Write the change, its audit entry and the release's progress in one transaction, or return what prevents it.

        A gate, stop or freeze holds the stage back, and a refusal blocks the release. Other errors are raised, to be retried.
        Doing this twice is the same as doing it once.
        """
        with self.local_turns.turn() if activity.info().is_local else nullcontext():
            return self._change_flag(command)

    def _change_flag(self, command: ChangeFlag) -> Made | HeldBack | Refused | Standing:
        clock = self.clock_of(command.at)
        try:
            self.guard.look(command, clock)
            command = self._with_winner(command) if command.ships_winner else command
            change = self._make(command, clock)
            if isinstance(change, GateHold):
                return HeldBack(held=change)
            self.metrics.made(command, change)
            return made_of(change, command)
        except Superseded:
            pass  # By another writer, or by another attempt at this change.
        except Refusal as refusal:
            if blocked := self._block(command, refusal, clock.now()):
                return blocked
        answer = self._standing(command)
        return standing_for_run(answer, command) if isinstance(answer, Standing) else answer

    def _with_winner(self, command: ChangeFlag) -> ChangeFlag:
        """Return the command with what the release's experiment has decided, or with the patch that an earlier attempt recorded.

        Without a decision, the gate holds it, or it is refused.
        """
        with self.database.reading() as store:
            release, recorded = store.releases.get(command.release), store.history.change(command.key)
            if recorded and recorded.stage == command.stage:
                return command.model_copy(update={"patch": recorded.patch})
            stage = store.pipelines.version(release.pipeline.id).definition.stages[release.stage_index]
            if release.stage != command.stage or (winner_of(store, release.id) is None and has_experiment(stage.gates)):
                return command
            return command.model_copy(update={"patch": shipped(store, release, stage, command)})

    def _make(self, command: ChangeFlag, clock: AttemptClock) -> Change | GateHold:
        if command.elsewhere:
            with retried_when_told():
                return self.elsewhere.make(command, clock)
        with self.database.transaction() as store:
            return _change_or_hold(store, command, clock)

    def _standing(self, command: ChangeFlag) -> Made | Refused | Standing:
        try:
            with self.database.reading() as store:
                release = store.releases.get(command.release)
                return earlier_result(store, release, command) or standing_of(release)
        except ReleaseNotFound:
            return standing_without_record()

    def _block(self, command: ChangeFlag, refusal: Refusal, at: datetime) -> Refused | None:
        try:
            with self.database.transaction() as store:
                release = store.releases.get(command.release, lock=True)
                check_fence(release, command)
                times = {"entered_at": command.entered_at, "acts_at": command.acts_at}
                blocked = block(store, release, refusal, at, command.refusal_key, **times)
        except (Superseded, ReleaseNotFound):
            return None
        self.metrics.refused(command, release.feature, refusal, at)
        return Refused(sequence=release.sequence + 1, blocked=blocked.without_details())


def _change_or_hold(store: Store, command: ChangeFlag, clock: AttemptClock) -> Change | GateHold:
    due = decide(store, command, clock)
    if isinstance(due, GateHold):
        return due
    release, seen = due.acting.release, due.acting.seen
    planned = due.provider.patch(release.feature, command.environment, command.patch, due.at)
    if (after := planned.overlaid(seen)) != seen:
        store.releases.write_seen(release.id, command.environment, after)
    change = change_of(release, command, planned, due.at)
    record(store, release, command, change)
    return change
