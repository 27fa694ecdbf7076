"""The base of the state machine: a project with one flag, its releases one after another, and their predicted state."""

import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from temporalio.service import RPCError

from activities.commands.approve import pending_approval
from domain.errors import Refusal
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from tests.by_hand import change_flag_by_hand
from tests.waiting import wait_until
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.adoption import adopt_place, adopt_stops_and_freezes, adopt_times, adopt_watches
from tests.workflows.state_machine.environment import Backend
from tests.workflows.state_machine.flag_model import Edit, Flag, exactly, flag_of, targets_of, with_paths
from tests.workflows.state_machine.gate_model import StopsAndFreezes
from tests.workflows.state_machine.invariants import violations
from tests.workflows.state_machine.model import LAUNCH, ReleaseModel
from tests.workflows.state_machine.monotonic import regressions
from tests.workflows.state_machine.net_change import expected_after_rollback
from tests.workflows.state_machine.record import Record, read_record
from tests.workflows.state_machine.stage_model import StageModel
from tests.workflows.state_machine.views import View, decided_in, of_place, of_record, watches_of
from workflows.service.client import WorkflowState

MINUTE = timedelta(minutes=1)
_UNKNOWN: Flag = {"?": "unknown"}
"""The subject of an approval that the model does not know."""


class Scenario(RuleBasedStateMachine):
    """The base of all rules: lets things happen, and compares the result with the prediction.

    Every rule draws something: hypothesis prefers rules that draw nothing, and of the others the first by name.
    """

    release: Release
    model: ReleaseModel
    added_at: datetime

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend
        self.harness = backend.new_harness()
        self.flags = {environment: flag_of({"enabled": False, "value": "classic"}) for environment in strategies.ENVIRONMENTS}
        self.stops_and_freezes = StopsAndFreezes()
        self.metrics: dict[str, str] = {}
        self.approval_subjects: dict[str, Flag] = {}
        self.started_at = datetime.now(UTC)
        self.record = self.read()
        self.is_settling = True
        self.steps: list[str] = []
        backend.attempts.completed.clear()

    def read(self) -> Record:
        """Return the current record."""
        return read_record(self.backend.database.url.database or "", self.harness.world.project.key)

    @initialize(pipelines=strategies.pipelines)
    def add_first_release(self, pipelines: list[list[StageModel]]) -> None:
        self.pipelines = pipelines
        for number, stages in enumerate(pipelines):
            self.harness.world.publish(strategies.definition_of(f"pipeline-{number}", stages, self.started_at))
        self.add()

    def add(self, number: int = 0, *, start: int = 0, overwrites: bool = False) -> None:
        """Add the flag to one of the project's pipelines."""
        number = number % len(self.pipelines)
        stages, self.added_at = self.pipelines[number], datetime.now(UTC)
        self.release = self.harness.world.add(
            pipeline=f"pipeline-{number}",
            starting_stage=strategies.name_of(start % len(stages)),
            on_conflict="overwrite" if overwrites else "block",
            parameters={"launch-at": (self.added_at + LAUNCH * MINUTE).isoformat()},
            accept=("lowers_share",),
        )
        seen = {environment: dict(flag) for environment, flag in self.flags.items()}
        at = (f"pipeline-{number}", self.stops_and_freezes, self.minute_of(self.added_at))
        self.model = ReleaseModel(stages, overwrites, start % len(stages), self.flags, seen, *at, metrics=self.metrics)

    def minute_of(self, at: datetime) -> int:
        """Return the minutes between the start of the machine and that time."""
        return round((at - self.started_at) / MINUTE)

    def ensure_unfinished(self) -> None:
        """Make sure that there is an unfinished release and a worker."""
        if self.model.is_finished:
            self.add(len(self.record.releases))
            self.is_settling = False
        self.ensure_worker()

    def ensure_worker(self) -> None:
        """Make sure that there is a worker, and let it do what has waited for one."""
        if not self.backend.has_worker:
            self.backend.run(self.backend.start_worker(self.harness, cached=True))
            if self.record.releases:
                self.settle()
        elif not self.is_settling:
            self.settle()

    def settle(self) -> None:
        """Let everything happen that happens by itself, and compare it with the prediction."""
        self.is_settling = True
        self.backend.run(self._settle())

    async def _settle(self) -> None:
        await self.harness.run_outbox()
        self.model.started()
        if self.backend.has_worker:
            await self.until_idle()
            if self.model.status == "rolling_back":
                self._check_rollback()
            self.model.act()
        if self.model.is_undone or (self.backend.has_worker and self.model.status == "rolling_back"):
            self._check_rollback()
        if self.model.is_unsure:
            await self._adopt()
            return
        predicted = self.predicted()
        try:
            await wait_until("the prediction to come true", lambda: self.actual() == predicted, interval=0.02)
        except TimeoutError as error:
            raise AssertionError(f"{self.actual()}\nis not as predicted:\n{predicted}\n{self.audit_text()}") from error

    async def until_idle(self) -> None:
        """Wait until the workflow has nothing to do before its next timer."""
        busy: str | None = "not checked yet"

        async def is_idle() -> bool:
            nonlocal busy
            busy = await self._busy()
            return busy is None

        try:
            await wait_until("an idle workflow", is_idle, interval=0.01)
        except TimeoutError as error:
            raise AssertionError(f"the workflow stays busy: {busy}\n{self.audit_text()}") from error

    async def _busy(self) -> str | None:
        """Return what the workflow is doing, or None if it is idle."""
        try:
            handle = self.backend.env.client.get_workflow_handle(self.harness.record(self.release).moved_by)
            description = (await handle.describe()).raw_description
        except RPCError:
            return None if self.harness.record(self.release).is_finished else "Temporal does not know it yet"
        has_begun = description.workflow_execution_info.history_length > 2
        is_idle = has_begun and not description.pending_activities and not description.HasField("pending_workflow_task")
        return None if is_idle else f"{description.pending_workflow_task}{list(description.pending_activities)}"

    async def _adopt(self) -> None:
        """Adopt the record, because the result could not be predicted."""
        await self.harness.run_outbox()
        if self.backend.has_worker:
            await self.until_idle()
        whole, record, found = self.read(), self.harness.record(self.release), self.flags_found()
        self.flags.update({environment: found[environment] for environment in self.flags})
        adopt_stops_and_freezes(self.stops_and_freezes, whole, self.minute_of)
        adopt_place(self.model, whole.latest, record)
        now = await self.current_time()
        adopt_watches(self.model, whole.latest, self.minute_of)
        adopt_times(self.model, record, await self._remaining(record, now), now, self.minute_of)
        self.remember_approval_subject()
        with self.backend.database.reading() as store:
            approvals = store.approvals.of_visit(record.id, record.visit)
        self.model.approvals = [(each.owner, self.approval_subjects.get(each.binds, _UNKNOWN)) for each in approvals]

    async def _remaining(self, record: Release, now: datetime) -> timedelta:
        """Return the rest of the wait. The workflow knows it if the stage is held back, and may know it better if it is paused."""
        if not record.held and not record.paused:
            return record.acts_at - now if record.acts_at else timedelta()
        place = await self.harness.place(self.release)
        if record.held:
            return place.acts_at - now
        known = record.paused.remaining if record.paused else timedelta()
        return known if place.left is None else place.left

    def remember_approval_subject(self) -> None:
        """Remember what an approval would be about now, by the digest that the product gives it."""
        record = self.harness.record(self.release)
        if not record.is_finished:
            with self.backend.database.reading() as store:
                pending = pending_approval(store, self.harness.world.project, record)
            if pending:
                self.approval_subjects[pending.proposal.binds] = self.model.approval_subject()

    def _check_rollback(self) -> None:
        """Check the predicted state for everyone. Overrides and rollouts are judged by the invariants alone."""
        release, rollback = self.read().latest, self.model.rollback
        assert rollback
        requested = max(number for number, entry in enumerate(release.writes, start=1) if entry["event"] == "release.rolling_back")
        before = replace(release, put_back=[change for change in release.put_back if change["sequence"] < requested])
        found = self.flags_found()
        flags = {environment: found[environment] for environment in self.flags}
        for environment, now in self.flags.items():
            expected = expected_after_rollback(before, environment, rollback.undoes_from, now, force=rollback.force)
            actual = {field: flags[environment][field] for field in expected}
            assert actual == expected, f"rolled back in {environment} to {actual}, expected {expected}\n{self.audit_text()}"
        self.flags.update(flags)
        self.model.seen = {row["environment"]: flag_of(row["state"]) for row in release.seen}
        self.model.rolled_back({change["visit"] for change in release.changes if change["before"] != change["after"]})

    def predicted(self) -> View:
        """Return the view of the model."""
        held = self.model.held.code if self.model.held else None
        flags = {environment: exactly(flag) for environment, flag in self.flags.items()}
        model, watches = self.model, self.model.watches.summary()
        return View(model.status, model.index, list(model.outcomes), held, watches, flags, model.decided)

    def actual(self) -> View:
        """Return the view of the record."""
        record, found = self.read(), self.flags_found()
        row, runs = record.latest.row, record.latest.runs
        flags = {environment: exactly(found[environment]) for environment in self.flags}
        outcomes = [(run["stage_index"], run["outcome"]) for run in runs]
        held = row["held"]["code"] if row["held"] else None
        watches = watches_of(record.latest)
        return View(row["status"], row["stage_index"], outcomes, held, watches, flags, decided_in(record.latest))

    def flags_found(self) -> dict[str, Flag]:
        """Return the flags in the database, by environment."""
        return {flag["environment"]: flag_of(flag["state"] or flag["default_state"]) for flag in self.read().flags}

    def audit_text(self) -> str:
        """Return the audit entries of the release, for failure messages."""
        return "\n".join(f"{entry['at']} {entry['stage']}: {entry['event']}" for entry in self.read().latest.audit)

    @invariant()
    def invariants_hold(self) -> None:
        if self.is_settling:
            self.settle()
        earlier, self.record = self.record, self.read()
        wrong = violations(self.record) + regressions(earlier, self.record)
        assert not wrong, "\n".join([*wrong, self.audit_text()])
        if self.is_settling and self.backend.has_worker:
            self.backend.run(self._until_workflow_agrees())

    async def _until_workflow_agrees(self) -> None:
        """Wait until the workflow of a finished release has ended, or that of any other release matches the record."""
        difference: str | None = "not checked yet"

        async def agrees() -> bool:
            nonlocal difference
            difference = await self._difference()
            return difference is None

        try:
            await wait_until("the workflow to agree with the record", agrees)
        except TimeoutError as error:
            raise AssertionError(f"{difference}\n{self.audit_text()}") from error

    async def _difference(self) -> str | None:
        record = self.harness.record(self.release)
        if record.is_finished:
            state = (await self.harness.releases.describe(record.workflow_id)).state
            return f"it is {record.status}, but its workflow still runs" if state is WorkflowState.RUNNING else None
        place = await self.harness.place(self.release)
        return f"the record says {record}, the workflow {place}" if of_place(place) != of_record(record) else None

    def change_by_hand(self, environment: str, edit: Edit) -> None:
        """Change the flag as the API does."""
        self.write_flag(environment, edit)
        self.flags[environment] = with_paths(self.flags[environment], targets_of(edit, self.flags[environment]))
        self.model.recheck_gates()

    def write_flag(self, environment: str, edit: Edit) -> None:
        """Change the flag without the model."""
        world, patch = self.harness.world, FlagPatch.model_validate(edit.as_patch())
        change_flag_by_hand(world.project.key, environment, "checkout", patch, world.caller, self.backend.database)

    async def current_time(self) -> datetime:
        """Return the time of the release's clock, or of ours if it has none."""
        if self.model.is_finished or self.model.status in ("starting", "rolling_back"):
            return datetime.now(UTC)
        return await self.backend.now_of(self.harness, self.release)

    def teardown(self) -> None:
        if isinstance(failure := sys.exception(), Exception):
            failure.add_note("\n".join(self.steps))
            self.backend.failures.append(failure)
        self.backend.attempts.failing.clear()
        with suppress(RPCError):
            self.backend.run(self.harness.handle(self.release).terminate("the example is over"))


async def refusal_of(request: Any) -> str | None:
    """Return the class name of the refusal of a request, if it is refused."""
    try:
        await request
    except Refusal as refusal:
        return type(refusal).__name__
    return None
