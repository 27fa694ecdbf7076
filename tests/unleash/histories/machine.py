"""A random history: people, workers and networks act on one feature's releases and on its flag in a real Unleash."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from threading import Thread
from typing import Any

from temporalio.exceptions import ApplicationError

from activities.messages import ChangeFlag, PutBack
from activities.providers.errors import ProviderError
from activities.rollback import RollbackActivities
from activities.store.database import Database
from domain.flags.patch import FlagPatch
from domain.flags.variant import Variant
from domain.releases.control import ALLOWED_WHEN, Control
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from tests.activities.acting import changes_of
from tests.pipelines import pipeline
from tests.unleash.histories import drawn
from tests.unleash.histories.network import Fault, FaultyNetwork
from tests.unleash.histories.people import People
from tests.unleash.histories.recorded import Recorded, made_twice
from tests.unleash.histories.timeline import PERSON, Timeline
from tests.unleash.histories.workflow import due_change, due_rollback, steer
from tests.unleash.server import UnleashServer
from tests.unleash.shop import Died, Shop, _at
from tests.world import NOW
from workflows.service.settler import Settler

MINUTE = timedelta(minutes=1)
ATTEMPTS = 8
"""More attempts than any change needs once nothing fails."""


class History:
    """One feature, its releases one after another, and everything that happens to them, drawn from a seed.

    Segments are by their keys here, with their ids in Unleash.
    """

    def __init__(
        self, database: Database, unleash: UnleashServer, segments: Mapping[str, int], random: Random, *, allocates: bool = False
    ) -> None:
        """Take an empty database, and True if the stages allocate variants."""
        self.shop = Shop(database, unleash)
        self.allocates = allocates
        self.world = self.shop.world
        self.random = random
        self.people = People(self.shop)
        self.timeline = Timeline(self.people.read)
        self.segments = segments
        self.recorded = Recorded(self.timeline, segments)
        client = self.shop.api._client
        self.network = FaultyNetwork(client._transport, self._written, self._meanwhile)
        client._transport = self.network
        self.settler = Settler(database, self.shop.elsewhere, patience=timedelta(0))
        self.releases = list[Release]()
        self.sent = list[ChangeFlag | PutBack]()
        self.acting = PERSON
        self.contested: str | None = None
        self.now: datetime = NOW
        self.steps: list[str] = []
        self.unexpected: list[str] = []
        self._does: dict[str, Callable[[], None]] = {
            "attempt": lambda: self._attempt_due(drawn.fault(random)),
            "attempt until done": lambda: self._attempt_until_done(drawn.fault(random)),
            "attempt twice at once": self._attempt_twice_at_once,
            "attempt what is past": self._attempt_what_is_past,
            "use a control": self._use_control,
            "edit by hand": lambda: self._edit(random.choice(drawn.EDITS), random.choice(drawn.ENVIRONMENTS)),
            "settle": self.settler.settle_all,
            "come to rest": self._come_to_rest,
        }

    @property
    def release(self) -> Release:
        """The latest release, as it is on the record."""
        return self.world.release(self.releases[-1].id)

    def run(self, steps: int) -> None:
        """Run the history. Raises AssertionError with what is wrong."""
        try:
            self._begin()
            for step in drawn.steps(self.random, steps):
                if self.release.is_finished and step.startswith("attempt"):
                    self._add()
                self._note(step)
                self._does[step]()
                self._check()
            self._come_to_rest()
        finally:
            self.people.archive()
            self.shop.close()

    def _begin(self) -> None:
        for _ in range(self.random.randint(0, 2)):
            self._edit(self.random.choice(drawn.EDITS), self.random.choice(drawn.ENVIRONMENTS))
        if self.allocates:
            self.shop.define_variants(*(Variant(key=each) for each in drawn.VARIANTS))
        stages = drawn.stages(self.random, list(self.segments), allocates=self.allocates)
        self._note(f"pipeline {[(each['environment'], each['actions']) for each in stages]}")
        self.shop.elsewhere.refresh(self.world.project, self.shop.key)
        self.world.publish(pipeline(*stages))
        self._add()

    def _add(self) -> None:
        self._note("add the flag")
        self.releases.append(self.shop.add(accept=("lowers_share",), on_conflict=self.random.choice(("block", "block", "overwrite"))))

    def _attempt_due(self, fault: Fault | None) -> None:
        if command := self._due():
            self._attempt(command, fault)

    def _attempt_twice_at_once(self) -> None:
        if command := self._due():
            self.network.break_next(drawn.fault_of_worker(self.random))
            threads = [Thread(target=self._run, args=[command]) for _ in range(2)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            self.network.break_next(None)

    def _attempt_what_is_past(self) -> None:
        """Run an attempt of a worker that was believed dead. If the release has moved on, it may write nothing."""
        if not self.sent:
            return
        command = self.random.choice(self.sent)
        is_late = self.world.release(command.release).sequence != command.sequence
        writes = self.network.writes
        self._attempt(command, drawn.fault_of_worker(self.random))
        assert self.network.writes == writes or not is_late, self._told(
            [f"{_key_of(command)} was attempted after the release had moved on"]
        )

    def _use_control(self) -> None:
        self.now += MINUTE
        control = self.random.choice([each for each in drawn.CONTROLS if self.release.status in ALLOWED_WHEN[each]] or [Control.PAUSE])
        number = self.random.randint(0, 3)
        self._note(f"  {control} {number}: {steer(self.world, self.release, control, self.now, number)}")

    def _note(self, step: str) -> None:
        self.steps.append(step)

    def _check(self) -> None:
        wrong = self.unexpected + self._note_records() + self.timeline.wrong + made_twice(self.timeline.transitions)
        if not self._intents():
            wrong += self.recorded.differences()
        assert not wrong, self._told(wrong)

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
        self._note(f"  {_key_of(command)}, with {fault}")
        self.network.break_next(fault)
        self._run(command)
        self.network.break_next(None)
        assert not self.unexpected, self._told(self.unexpected)
        if self.contested:
            wrong = self._note_records()
            assert not wrong, self._told(wrong)
            patch = command.patch if isinstance(command, ChangeFlag) else FlagPatch()
            self.recorded.adopt(self.contested, patch, _key_of(command))
            self.contested = None

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
            self._note(f"  failed: {failure!r}")
        except Exception as unexpected:  # An attempt may run in a thread of its own.
            self.unexpected.append(f"{_key_of(command)} failed with {unexpected!r}")
        finally:
            self.acting = acting

    def _send(self, command: ChangeFlag | PutBack) -> None:
        if command not in self.sent:
            self.sent.append(command)
        if isinstance(command, ChangeFlag):
            self.recorded.patches[command.key] = command.patch

    def _written(self) -> None:
        self.recorded.happened(self.timeline.written(self.acting))

    def _edit(self, edit: str, environment: str) -> None:
        wrong = self._note_records()
        assert not wrong, self._told(wrong)
        self._note(f"  {edit} in {environment}")
        self.people.edits[edit](environment)
        self.recorded.happened(self.timeline.written(PERSON))

    def _meanwhile(self, what: str) -> None:
        """Do something in the middle of an attempt: use a control, or edit the flag where the release acts."""
        self._note(f"  meanwhile: {what}")
        self.now += MINUTE
        if what in list(Control):
            steer(self.world, self.release, Control(what), self.now)
        else:
            self.contested = self.release.environment
            self._edit(what, self.contested)

    def _note_records(self) -> list[str]:
        return [wrong for each in self.releases for wrong in self.recorded.note(changes_of(self.world, each))]

    def _intents(self) -> list[str]:
        return [key for each in self.releases for key in self.shop.intents(each)]

    def _told(self, wrong: list[str]) -> str:
        changes = [f"{each.key}: {each.before} -> {each.after}" for every in self.releases for each in changes_of(self.world, every)]
        parts: list[list[Any]] = [wrong, ["steps:"], self.steps, ["in Unleash:"], self.timeline.transitions, ["on the record:"], changes]
        return "\n".join(str(each) for part in parts for each in part)


def new_segments(unleash: UnleashServer) -> dict[str, int]:
    """Create two segments in Unleash. The order of their ids is not that of their keys."""
    segments = dict[str, int]()
    for name in ("staff", "pro"):
        constraint = {"contextName": "plan", "operator": "IN", "values": [name]}
        key = f"{name}-{os.urandom(4).hex()}"
        segments[key] = int(unleash.call("POST", "/api/admin/segments", {"name": key, "constraints": [constraint]})["id"])
    return dict(sorted(segments.items()))


def _key_of(command: ChangeFlag | PutBack) -> str:
    return command.key if isinstance(command, ChangeFlag) else f"{command.release}/rollback/{command.n}"
