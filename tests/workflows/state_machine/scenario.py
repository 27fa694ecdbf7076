"""One example of the machine: a project with one flag, its releases one after another, and what is expected of them."""

import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from temporalio.service import RPCError

from activities.commands.approve import pending_approval
from api.routes.features import change_flag
from domain.errors import Refusal
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from tests.waiting import CEILING
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.adoption import adopt_guards, adopt_place, adopt_times
from tests.workflows.state_machine.environment import Ground
from tests.workflows.state_machine.flag_model import Deed, Flag, flag_of, wanted_of, with_paths
from tests.workflows.state_machine.gate_model import Guards
from tests.workflows.state_machine.model import LAUNCH, ReleaseModel, Rung
from tests.workflows.state_machine.monotonic import steps_back
from tests.workflows.state_machine.net_change import put_back
from tests.workflows.state_machine.promises import broken_promises
from tests.workflows.state_machine.record import Record, read_record
from workflows.messages import ReleasePlace
from workflows.service.client import WorkflowFate

MINUTE = timedelta(minutes=1)
_UNKNOWN: Flag = {"?": "nobody knows"}
"""What a yes was for that nobody can say."""


class View(NamedTuple):
    """What the model predicts of a release and its flag."""

    status: str
    stage: int
    outcomes: list[tuple[int, str]]
    held: str | None
    flags: dict[str, Flag]


class Scenario(RuleBasedStateMachine):
    """What every rule builds on: letting things happen, and comparing what has happened with what had to.

    Every rule draws something: hypothesis prefers those that draw nothing, and of the others the first by name.
    """

    release: Release
    model: ReleaseModel
    began_at: datetime

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground
        self.stand = ground.new_stand()
        self.flags = {environment: flag_of({"enabled": False, "value": "classic"}) for environment in strategies.ENVIRONMENTS}
        self.guards = Guards()
        self.meanings: dict[str, Flag] = {}
        self.play_began = datetime.now(UTC)
        self.record = self.read()
        self.heard = True
        self.steps: list[str] = []
        ground.attempts.answered.clear()

    def read(self) -> Record:
        """The record as it is now."""
        return read_record(self.ground.database.url.database or "", self.stand.world.project.key)

    @initialize(ladders=strategies.ladders)
    def the_first_release_is_added(self, ladders: list[list[Rung]]) -> None:
        self.ladders = ladders
        for number, ladder in enumerate(ladders):
            self.stand.world.publish(strategies.definition_of(f"pipeline-{number}", ladder, self.play_began))
        self.add()

    def add(self, number: int = 0, *, start: int = 0, overwrites: bool = False) -> None:
        """Add the flag to one of the project's pipelines."""
        number = number % len(self.ladders)
        ladder, self.began_at = self.ladders[number], datetime.now(UTC)
        self.release = self.stand.world.add(
            pipeline=f"pipeline-{number}",
            starting_stage=strategies.name_of(start % len(ladder)),
            on_conflict="overwrite" if overwrites else "block",
            parameters={"launch-at": (self.began_at + LAUNCH * MINUTE).isoformat()},
        )
        seen = {environment: dict(flag) for environment, flag in self.flags.items()}
        minute = self.minute_of(self.began_at)
        self.model = ReleaseModel(ladder, overwrites, start % len(ladder), self.flags, seen, f"pipeline-{number}", self.guards, minute)

    def minute_of(self, at: datetime) -> int:
        """Which minute of the play it is."""
        return round((at - self.play_began) / MINUTE)

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
            if self.model.status == "rolling_back":
                self._put_back()
            self.model.act()
        if self.model.is_unsure:
            await self._adopt()
            return
        predicted, deadline = self.predicted(), time.monotonic() + CEILING
        while (found := self.found()) != predicted:
            assert time.monotonic() < deadline, f"{found}\nis not as predicted:\n{predicted}\n{self.told()}"
            await asyncio.sleep(0.02)

    async def until_idle(self) -> None:
        """Return once the workflow has nothing to do before its next timer."""
        deadline = time.monotonic() + CEILING
        while wrong := await self._unrest():
            assert time.monotonic() < deadline, f"the workflow does not come to rest: {wrong}\n{self.told()}"
            await asyncio.sleep(0.01)

    async def _unrest(self) -> str | None:
        try:
            mover = self.ground.env.client.get_workflow_handle(self.stand.record(self.release).moved_by)
            description = (await mover.describe()).raw_description
        except RPCError:
            return None if self.stand.record(self.release).is_finished else "Temporal has not heard of it"
        has_begun = description.workflow_execution_info.history_length > 2
        is_idle = has_begun and not description.pending_activities and not description.HasField("pending_workflow_task")
        return None if is_idle else f"{description.pending_workflow_task}{list(description.pending_activities)}"

    async def _adopt(self) -> None:
        """Where what happened could not be predicted, the record says how it came."""
        await self.stand.delivery.deliver()
        if self.ground.works:
            await self.until_idle()
        whole, record, found = self.read(), self.stand.record(self.release), self.found()
        self.flags.update(found.flags)
        adopt_guards(self.guards, whole, self.minute_of)
        adopt_place(self.model, whole.latest, record)
        now = await self.moment()
        adopt_times(self.model, record, await self._left(record, now), now, self.minute_of)
        self.learn_what_is_asked()
        with self.ground.database.reading() as store:
            given = store.approvals.of_visit(record.id, record.visit)
        self.model.yeses = {yes.owner: self.meanings.get(yes.binds, _UNKNOWN) for yes in given}

    async def _left(self, record: Release, now: datetime) -> timedelta:
        """What is left of its wait. Of one that is held its workflow alone knows, and of one that is paused it may know better."""
        if not record.held and not record.paused:
            return record.acts_at - now if record.acts_at else timedelta()
        place: ReleasePlace = await self.stand.handle(self.release).query("place", result_type=ReleasePlace)
        if record.held:
            return place.acts_at - now
        known = record.paused.remaining if record.paused else timedelta()
        return known if place.left is None else place.left

    def learn_what_is_asked(self) -> None:
        """Remember what a yes would be for now, by the name that the product has for it."""
        record = self.stand.record(self.release)
        if not record.is_finished:
            with self.ground.database.reading() as store:
                asked = pending_approval(store, self.stand.world.project, record)
            if asked:
                self.meanings[asked.binds] = self.model.asked_about()

    def _put_back(self) -> None:
        """What everyone gets again is predicted; of overrides and rollouts the checks alone judge."""
        story, rollback = self.read().latest, self.model.rollback
        assert rollback
        asked = max(number for number, entry in enumerate(story.writes, start=1) if entry["event"] == "release.rolling_back")
        before = replace(story, put_back=[change for change in story.put_back if change["sequence"] < asked])
        flags = self.found().flags
        for environment, now in self.flags.items():
            expected = put_back(before, environment, rollback.undoes_from, now, force=rollback.force)
            back = {field: flags[environment][field] for field in expected}
            assert back == expected, f"rolled back in {environment} to {back}, expected {expected}\n{self.told()}"
        self.flags.update(flags)
        self.model.seen = {row["environment"]: flag_of(row["state"]) for row in story.seen}
        self.model.rolled_back({change["visit"] for change in story.changes if change["before"] != change["after"]})

    def predicted(self) -> View:
        """What the model says."""
        held = self.model.held.code if self.model.held else None
        return View(self.model.status, self.model.index, list(self.model.outcomes), held, self.flags)

    def found(self) -> View:
        """What the record says."""
        record = self.read()
        row, runs = record.latest.row, record.latest.runs
        flags = {flag["environment"]: flag_of(flag["state"] or flag["default_state"]) for flag in record.flags}
        outcomes = [(run["stage_index"], run["outcome"]) for run in runs]
        held = row["held"]["code"] if row["held"] else None
        return View(row["status"], row["stage_index"], outcomes, held, {each: flags[each] for each in self.flags})

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
        deadline = time.monotonic() + CEILING
        while wrong := await self._disagreement():
            assert time.monotonic() < deadline, f"{wrong}\n{self.told()}"
            await asyncio.sleep(0.05)

    async def _disagreement(self) -> str | None:
        record, handle = self.stand.record(self.release), self.stand.handle(self.release)
        if record.is_finished:
            fate = (await self.stand.releases.fate(record.workflow_id)).what
            return f"it is {record.status}, and its workflow runs on" if fate is WorkflowFate.RUNNING else None
        place = await handle.query("place", result_type=ReleasePlace)
        return f"the record says {record}, the workflow {place}" if _of_place(place) != _of_record(record) else None

    def change_by_hand(self, environment: str, deed: Deed) -> None:
        """Change the flag as the API does."""
        self.write_by_hand(environment, deed)
        self.flags[environment] = with_paths(self.flags[environment], wanted_of(deed, self.flags[environment]))
        self.model.told()

    def write_by_hand(self, environment: str, deed: Deed) -> None:
        """The same, of which the model is not told."""
        world, patch = self.stand.world, FlagPatch.model_validate(deed.as_patch())
        change_flag(world.project.key, environment, "checkout", patch, world.caller, self.ground.database)

    async def moment(self) -> datetime:
        """What the release's clock says; ours, where it has none."""
        if self.model.is_finished or self.model.status in ("starting", "rolling_back"):
            return datetime.now(UTC)
        return await self.ground.now_of(self.stand, self.release)

    def teardown(self) -> None:
        if isinstance(failure := sys.exception(), Exception):
            failure.add_note("\n".join(self.steps))
            self.ground.failures.append(failure)
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


def _of_place(place: ReleasePlace) -> tuple[object, ...]:
    acts_at = None if place.blocked or place.paused else place.held.until if place.held else place.acts_at
    return place.index, place.visit, place.step, place.sequence, place.entered_at, acts_at, place.blocked, place.paused, place.held


def _of_record(record: Release) -> tuple[object, ...]:
    blocked = record.blocked.without_details() if record.blocked else None
    where = (record.stage_index, record.visit, record.step, record.sequence)
    return *where, record.entered_at, record.acts_at, blocked, record.paused, record.held
