"""One example of the machine: a project with one flag, its releases one after another, and what is expected of them."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from temporalio.service import RPCError

from api.routes.features import change_flag
from domain.errors import Refusal
from domain.patch import FlagPatch
from domain.release import Release
from tests.workflows.machine import drawing
from tests.workflows.machine.flag_model import Deed, Flag, flag_of, shown_in, wanted_of, with_paths
from tests.workflows.machine.ground import PATIENCE, Ground
from tests.workflows.machine.model import LAUNCH, ReleaseModel, Rung
from tests.workflows.machine.onward import steps_back
from tests.workflows.machine.promises import broken_promises
from tests.workflows.machine.record import Record, read_record
from workflows.client import WorkflowFate
from workflows.messages import Place

MINUTE = timedelta(minutes=1)


class View(NamedTuple):
    """What the model predicts of a release and its flag."""

    status: str
    stage: int
    outcomes: list[tuple[int, str]]
    flags: dict[str, Flag]


class Play(RuleBasedStateMachine):
    """What every rule builds on: letting things happen, and comparing what has happened with what had to."""

    release: Release
    model: ReleaseModel
    began_at: datetime

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground
        self.stand = ground.new_stand()
        self.flags = {environment: flag_of({"enabled": False, "value": "classic"}) for environment in drawing.ENVIRONMENTS}
        self.record = self.read()
        self.heard = True
        ground.attempts.answered.clear()

    def read(self) -> Record:
        """The record as it is now."""
        return read_record(self.ground.database.url.database or "", self.stand.world.project.key)

    @initialize(ladders=drawing.ladders)
    def the_first_release_is_added(self, ladders: list[list[Rung]]) -> None:
        self.ladders = ladders
        for number, ladder in enumerate(ladders):
            self.stand.world.publish(drawing.definition_of(f"pipeline-{number}", ladder))
        self.add()

    def add(self, number: int = 0, *, start: int = 0, overwrites: bool = False) -> None:
        """Add the flag to one of the project's pipelines."""
        number = number % len(self.ladders)
        ladder, self.began_at = self.ladders[number], datetime.now(UTC)
        self.release = self.stand.world.add(
            pipeline=f"pipeline-{number}",
            starting_stage=drawing.name_of(start % len(ladder)),
            on_conflict="overwrite" if overwrites else "block",
            parameters={"launch-at": (self.began_at + LAUNCH * MINUTE).isoformat()},
        )
        seen = {environment: dict(flag) for environment, flag in self.flags.items()}
        self.model = ReleaseModel(ladder, overwrites, start % len(ladder), self.flags, seen)

    def under_way(self) -> None:
        """Have a release that is not finished, and a worker."""
        if self.model.is_finished:
            self.add(len(self.record.stories))
            self.heard = False
        self.ready()

    def ready(self) -> None:
        """Have a worker, and let it do what has waited for one."""
        if not self.ground.works:
            self.ground.run(self.ground.start_worker(self.stand, cached=True))
            if self.record.stories:
                self.settle()
        elif not self.heard:
            self.settle()

    def settle(self) -> None:
        """Let everything happen that happens by itself; it must be what the model predicts."""
        self.heard = True
        self.ground.run(self._settle())

    async def _settle(self) -> None:
        await self.stand.delivery.deliver()
        self.model.started()
        if self.ground.works:
            await self.until_idle()
            self.model.act()
        predicted, deadline = self.predicted(), time.monotonic() + PATIENCE
        while (found := self.found()) != predicted:
            assert time.monotonic() < deadline, f"{found}\nis not as predicted:\n{predicted}\n{self.told()}"
            await asyncio.sleep(0.02)

    async def until_idle(self) -> None:
        """Return once the workflow has nothing to do before its next timer."""
        deadline = time.monotonic() + PATIENCE
        while not await self._is_idle():
            assert time.monotonic() < deadline, f"the workflow does not come to rest\n{self.told()}"
            await asyncio.sleep(0.01)

    async def _is_idle(self) -> bool:
        try:
            description = (await self.stand.handle(self.release).describe()).raw_description
        except RPCError:
            return self.model.is_finished  # Removed before Temporal heard of it.
        has_begun = description.workflow_execution_info.history_length > 2
        return has_begun and not description.pending_activities and not description.HasField("pending_workflow_task")

    def predicted(self) -> View:
        """What the model says."""
        return View(self.model.status, self.model.index, list(self.model.outcomes), self.flags)

    def found(self) -> View:
        """What the record says."""
        record = self.read()
        row, runs = record.latest.row, record.latest.runs
        flags = {flag["environment"]: flag_of(flag["state"] or flag["default_state"]) for flag in record.flags}
        outcomes = [(run["stage_index"], run["outcome"]) for run in runs]
        return View(row["status"], row["stage_index"], outcomes, {each: flags[each] for each in self.flags})

    def told(self) -> str:
        """What the audit log tells of the release, for the one who looks for a defect."""
        return "\n".join(f"{entry['at']} {entry['stage']}: {entry['event']}" for entry in self.read().latest.audit)

    @invariant()
    def all_promises_are_kept(self) -> None:
        if self.heard:
            self.settle()
        earlier, self.record = self.record, self.read()
        wrong = broken_promises(self.record) + steps_back(earlier, self.record)
        assert not wrong, "\n".join([*wrong, self.told()])
        if self.heard and self.ground.works:
            self.ground.run(self._until_the_workflow_agrees())

    async def _until_the_workflow_agrees(self) -> None:
        """A finished release's workflow has ended; every other one knows what the record says."""
        deadline = time.monotonic() + PATIENCE
        while wrong := await self._disagreement():
            assert time.monotonic() < deadline, f"{wrong}\n{self.told()}"
            await asyncio.sleep(0.05)

    async def _disagreement(self) -> str | None:
        record, handle = self.stand.record(self.release), self.stand.handle(self.release)
        if record.is_finished:
            fate = (await self.stand.releases.fate(record.workflow_id)).what
            return f"it is {record.status}, and its workflow runs on" if fate is WorkflowFate.RUNNING else None
        place = await handle.query("place", result_type=Place)
        return f"the record says {record}, the workflow {place}" if _of_place(place) != _of_record(record) else None

    def adopt(self) -> None:
        """Where what happened could not be predicted, the record says how it came."""
        self.ground.run(self._adopt())

    async def _adopt(self) -> None:
        await self.stand.delivery.deliver()
        await self.until_idle()
        found, record, changes = self.found(), self.stand.record(self.release), self.read().latest.changes
        self.model.status, self.model.index, self.model.outcomes = found.status, found.stage, found.outcomes
        self.flags.update(found.flags)
        self.model.seen = {row["environment"]: flag_of(row["state"]) for row in self.read().latest.seen}
        self.model.shown = shown_in(record.blocked.details.get("now")) if record.blocked else None
        self.model.step = record.step - 1
        self.model.has_changed = any(each["before"] != each["after"] for each in changes if each["visit"] == record.visit)
        now = await self.moment()
        left = record.acts_at - now if record.acts_at else record.paused.remaining if record.paused else timedelta()
        self.model.left = round(left / MINUTE)
        if not record.is_finished and record.entered_at:
            self.model.passed = round((now - self.began_at) / MINUTE)

    def change_by_hand(self, environment: str, deed: Deed) -> None:
        """Change the flag as the API does."""
        self.write_by_hand(environment, deed)
        self.flags[environment] = with_paths(self.flags[environment], wanted_of(deed, self.flags[environment]))

    def write_by_hand(self, environment: str, deed: Deed) -> None:
        """The same, of which the model is not told."""
        world, patch = self.stand.world, FlagPatch.model_validate(deed.as_patch())
        change_flag(world.project.key, environment, "checkout", patch, world.caller, self.ground.database)

    async def moment(self) -> datetime:
        """What the release's clock says; ours, where it has none."""
        if self.model.is_finished or self.model.status == "starting":
            return datetime.now(UTC)
        return await self.ground.now_of(self.stand, self.release)

    def teardown(self) -> None:
        self.ground.attempts.failing.clear()
        with suppress(RPCError):
            self.ground.run(self.stand.handle(self.release).terminate("the story is over"))


async def refusal_of(asking: Any) -> str | None:
    """By what name something was refused, if it was."""
    try:
        await asking
    except Refusal as refusal:
        return type(refusal).__name__
    return None


def _of_place(place: Place) -> tuple[object, ...]:
    acts_at = None if place.blocked or place.paused else place.acts_at
    return place.index, place.visit, place.step, place.sequence, place.entered_at, acts_at, place.blocked, place.paused


def _of_record(record: Release) -> tuple[object, ...]:
    blocked = record.blocked.without_details() if record.blocked else None
    return record.stage_index, record.visit, record.step, record.sequence, record.entered_at, record.acts_at, blocked, record.paused
