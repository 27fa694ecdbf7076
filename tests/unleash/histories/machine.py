"""The state machine: people, workers and networks act on one feature's releases and on its flag in a real Unleash."""

from datetime import datetime, timedelta
from threading import Thread
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from temporalio.exceptions import ApplicationError

from activities.messages import ChangeFlag, PutBack
from activities.providers.errors import ProviderError
from activities.rollback import RollbackActivities
from activities.store.database import Database
from domain.releases.control import Control
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from tests.activities.acting import changes_of
from tests.pipelines import pipeline, stage
from tests.unleash.histories import drawn
from tests.unleash.histories.network import Fault, FaultyNetwork
from tests.unleash.histories.people import People
from tests.unleash.histories.recorded import Recorded, made_twice
from tests.unleash.histories.timeline import PERSON, Timeline
from tests.unleash.histories.workflow import due_change, due_rollback, steer
from tests.unleash.server import UnleashServer
from tests.unleash.shop import Died, Shop, _at
from tests.workflows.state_machine.rules import rule
from tests.world import NOW
from workflows.service.settler import Settler

MINUTE = timedelta(minutes=1)
ATTEMPTS = 8
"""More attempts than any change needs once nothing fails."""


class Histories(RuleBasedStateMachine):
    """One feature, its releases one after another, and everything that can happen to them."""

    def __init__(self, database: Database, unleash: UnleashServer, segment: tuple[str, int]) -> None:
        super().__init__()
        self.shop = Shop(database, unleash)
        self.world = self.shop.world
        self.people = People(self.shop)
        self.timeline = Timeline(self.people.read)
        self.segment, number = segment
        self.recorded = Recorded(self.timeline, {self.segment: number})
        client = self.shop.api._client
        self.network = FaultyNetwork(client._transport, self._written, self._meanwhile)
        client._transport = self.network
        self.settler = Settler(database, self.shop.elsewhere, patience=timedelta(0))
        self.releases = list[Release]()
        self.sent = list[ChangeFlag | PutBack]()
        self.acting = PERSON
        self.now: datetime = NOW
        self.steps: list[str] = []

    @property
    def release(self) -> Release:
        """The latest release, as it is on the record."""
        return self.world.release(self.releases[-1].id)

    @initialize(stages=drawn.stages, edits=drawn.edits)
    def add_first_release(self, stages: list[drawn.Drawn], edits: list[tuple[str, str]]) -> None:
        self.steps.append(f"add_first_release({stages}, {edits})")
        for edit, environment in edits:
            self._edit(edit, environment)
        written = (stage(f"Stage {index}", each.environment, actions=each.actions(self.segment)) for index, each in enumerate(stages))
        self.shop.elsewhere.refresh(self.world.project, self.shop.key)
        self.world.publish(pipeline(*written))
        self.releases.append(self.shop.add(accept=("lowers_share",)))

    @rule(fault=drawn.faults)
    def attempt(self, fault: Fault | None) -> None:
        if command := self._due():
            self._attempt(command, fault)

    @rule(fault=drawn.faults)
    def attempt_until_done(self, fault: Fault | None) -> None:
        """Attempt what is due as often as Temporal would, with a fault in the first attempt."""
        self._attempt_until_done(fault)

    @rule(fault=drawn.faults_of_workers)
    def attempt_twice_at_once(self, fault: Fault | None) -> None:
        if command := self._due():
            self.network.break_next(fault)
            threads = [Thread(target=lambda: self._run(command)) for _ in range(2)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()

    @rule(number=st.integers(0, 5), fault=drawn.faults_of_workers)
    def attempt_what_is_past(self, number: int, fault: Fault | None) -> None:
        """Run an attempt of a worker that was believed dead."""
        if self.sent:
            self._attempt(self.sent[number % len(self.sent)], fault)

    @rule(control=drawn.controls, number=st.integers(0, 3))
    def use_control(self, control: Control, number: int) -> None:
        self.now += MINUTE
        steer(self.world, self.release, control, self.now, number)

    @rule(edit=drawn.edit, environment=drawn.environment)
    def edit_by_hand(self, edit: str, environment: str) -> None:
        self._edit(edit, environment)

    @rule(again=st.booleans())
    def settle(self, again: bool) -> None:
        self.settler.settle_all()
        if again:
            self.settler.settle_all()

    @rule(rests=st.booleans())
    def add_another(self, rests: bool) -> None:
        if self.release.is_finished:
            if rests:
                self._come_to_rest()
            self.releases.append(self.shop.add(accept=("lowers_share",)))

    @rule(_=st.booleans())
    def come_to_rest(self, _: bool) -> None:
        self._come_to_rest()

    @invariant()
    def record_tells_what_happened(self) -> None:
        wrong = self._note_records() + self.timeline.wrong + made_twice(self.timeline.transitions)
        if not self._intents():
            wrong += self.recorded.differences()
        assert not wrong, self._told(wrong)

    def teardown(self) -> None:
        try:
            if self.releases:
                self._come_to_rest()
        finally:
            self.shop.unleash.call("DELETE", f"/api/admin/projects/default/features/{self.shop.feature}")
            self.shop.close()
            self.world.database.close()

    def _come_to_rest(self) -> None:
        """Let everything end that nobody waits for, and check what is left."""
        self._attempt_until_done(None)
        self.settler.settle_all()
        wrong = self._note_records() + [f"the intent {each} stays open" for each in self._intents()] + self.recorded.differences()
        assert not wrong, self._told(wrong)

    def _attempt_until_done(self, fault: Fault | None) -> None:
        """Attempt what is due, until the release needs a person or is at its next step."""
        before = self.release.sequence
        for number in range(ATTEMPTS):
            command = self._due()
            if command is None or self.release.sequence != before:
                return
            self._attempt(command, fault if number == 0 else None)
        raise AssertionError(self._told(["the release does not come on"]))

    def _due(self) -> ChangeFlag | PutBack | None:
        release = self.release
        if release.status is ReleaseStatus.ROLLING_BACK:
            return due_rollback(self.world, release)
        return due_change(self.world, release) if release.status in (ReleaseStatus.STARTING, ReleaseStatus.RUNNING) else None

    def _attempt(self, command: ChangeFlag | PutBack, fault: Fault | None) -> None:
        self.network.break_next(fault)
        self._run(command)
        self.network.break_next(None)

    def _run(self, command: ChangeFlag | PutBack) -> None:
        """Run one attempt. One that fails is tried again later."""
        self.now += MINUTE
        self._send(command)
        acting, self.acting = self.acting, _key_of(command)
        try:
            if isinstance(command, ChangeFlag):
                self.shop.attempt(command, self.now)
            else:
                _at(self.now).run(RollbackActivities(self.world.database, self.shop.elsewhere).put_back, command)
        except (Died, ProviderError, ApplicationError) as failure:
            self.steps.append(f"  failed: {failure!r}")
        finally:
            self.acting = acting

    def _send(self, command: ChangeFlag | PutBack) -> None:
        if command not in self.sent:
            self.sent.append(command)
        if isinstance(command, ChangeFlag):
            self.recorded.targets[command.key] = self.recorded.values_of(command.patch)

    def _written(self, adds_strategy: bool) -> None:
        self.recorded.happened(self.timeline.written(self.acting, adds_strategy))

    def _edit(self, edit: str, environment: str) -> None:
        wrong = self._note_records()
        assert not wrong, self._told(wrong)
        self.people.edits[edit](environment)
        self.recorded.happened(self.timeline.written(PERSON))

    def _meanwhile(self, what: str) -> None:
        """Do something in the middle of an attempt: use a control, or edit the flag where the release acts."""
        self.steps.append(f"  meanwhile: {what}")
        self.now += MINUTE
        if what in list(Control):
            steer(self.world, self.release, Control(what), self.now)
        else:
            self._edit(what, self.release.environment)

    def _note_records(self) -> list[str]:
        return [wrong for each in self.releases for wrong in self.recorded.note(changes_of(self.world, each))]

    def _intents(self) -> list[str]:
        return [key for each in self.releases for key in self.shop.intents(each)]

    def _told(self, wrong: list[str]) -> str:
        changes = [f"{each.key}: {each.before} -> {each.after}" for every in self.releases for each in changes_of(self.world, every)]
        parts: list[list[Any]] = [wrong, ["steps:"], self.steps, ["in Unleash:"], self.timeline.transitions, ["on the record:"], changes]
        return "\n".join(str(each) for part in parts for each in part)


def _key_of(command: ChangeFlag | PutBack) -> str:
    return command.key if isinstance(command, ChangeFlag) else f"{command.release}/rollback/{command.n}"
