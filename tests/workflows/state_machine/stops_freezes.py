"""Rules for what holds stages back: stops, freezes, approvals and rejections."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from activities.commands.approve import DecideOnRelease, approve_release, reject_release
from activities.commands.stops_freezes import LiftRequest, end_freeze, lift_stop, make_freeze, place_stop
from activities.store.database import Store
from activities.store.identifiers import new_id
from domain.access import Grant, Role
from domain.errors import Refusal
from domain.pipelines.freeze import Freeze
from domain.releases.stop import Stop
from tests.workflows.gates import add_caller
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.environment import Backend
from tests.workflows.state_machine.faults import Faults
from tests.workflows.state_machine.flag_model import Edit
from tests.workflows.state_machine.gate_model import FreezeModel, StopModel
from tests.workflows.state_machine.model import ADDED_BY
from tests.workflows.state_machine.rollbacks import Rollbacks
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import MINUTE
from tests.workflows.state_machine.strategies import rarely

PEOPLE = ("vera", "victor", ADDED_BY)

people = st.sampled_from(PEOPLE)
CURRENT = "current"
"""The environment of the current stage."""
environments = st.sampled_from((CURRENT, CURRENT, None, *strategies.ENVIRONMENTS))
groups = st.sampled_from((("vera", "victor"), ("victor",), ("vera", "vera", "victor"), (ADDED_BY, "victor"), ("vera", ADDED_BY)))
expiries = st.sampled_from((None, 43, 97))
jumps = st.sampled_from((0, 71, 149))


class StopsFreezes(Rollbacks, Faults):
    """Stops, freezes, approvals and rejections by several people."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        grant = Grant(project=self.harness.world.project.key, role=Role.OPERATOR, environments=strategies.ENVIRONMENTS)
        operators = {name: add_caller(self.harness, name, grant=grant) for name in PEOPLE[:2]}
        self.people = operators | {ADDED_BY: self.harness.world.caller}

    @rule(by=people, environment=environments, of_pipeline=rarely, expires=expiries, and_then=jumps)
    def place_stop(self, by: str, environment: str | None, of_pipeline: bool, expires: int | None, and_then: int) -> None:
        environment, at = self.environment_of(environment), self.backend.run(self.current_time())
        outcome = self.in_one_transaction(lambda store: self.write_stop(store, by, environment, of_pipeline, expires, at))
        assert outcome == (None if environment or by == ADDED_BY else "NotAllowed"), outcome
        self.let_pass(and_then)

    @rule(number=strategies.numbers, by=people)
    def lift_stop(self, number: int, by: str) -> None:
        if stops := list(self.stops_and_freezes.stops.items()):
            stop_id, stop = stops[number % len(stops)]
            at, project = self.backend.run(self.current_time()), self.harness.world.project
            outcome = self.in_one_transaction(lambda store: lift_stop(store, self.people[by], project, LiftRequest(stop_id), at))
            assert outcome == (None if by in (stop.placed_by, ADDED_BY) else "NotAllowed"), outcome
            if outcome is None:
                del self.stops_and_freezes.stops[stop_id]
                self.model.recheck_gates()

    @rule(environment=environments, starts=st.sampled_from((0, 0, 41)), lasts=st.sampled_from((53, 193)), and_then=jumps)
    def create_freeze(self, environment: str | None, starts: int, lasts: int, and_then: int) -> None:
        environment, at = self.environment_of(environment), self.backend.run(self.current_time())
        assert self.in_one_transaction(lambda store: self.write_freeze(store, environment, starts, lasts, at)) is None
        self.let_pass(and_then)

    @rule(number=strategies.numbers)
    def delete_freeze(self, number: int) -> None:
        if freezes := list(self.stops_and_freezes.freezes):
            freeze_id, at = freezes[number % len(freezes)], self.backend.run(self.current_time())
            caller, project = self.harness.world.caller, self.harness.world.project
            assert self.in_one_transaction(lambda store: end_freeze(store, caller, project, freeze_id, at)) is None
            del self.stops_and_freezes.freezes[freeze_id]
            self.model.recheck_gates()

    @rule(by=groups, unprepared=rarely, stale=rarely, edit=st.none() | strategies.edits_by_hand, and_then=jumps)
    def approve(self, by: tuple[str, ...], unprepared: bool, stale: bool, edit: Edit | None, and_then: int) -> None:
        self.ensure_approval_gate(unprepared)
        for number, person in enumerate(by):
            if self.decide("approve", person, stale=stale):
                self.model.approve(person)
                self.remember_approval_subject()
            if edit and number == 0:
                self.change_by_hand(self.model.stage.environment, edit)
        self.let_pass(and_then)

    @rule(by=people, stale=rarely)
    def reject(self, by: str, stale: bool) -> None:
        if self.decide("reject", by, stale=stale):
            self.model.reject()

    def environment_of(self, environment: str | None) -> str | None:
        """Return the environment, or that of the current stage."""
        return self.model.stage.environment if environment == CURRENT else environment

    def ensure_approval_gate(self, unprepared: bool) -> None:
        """Bring the release to a stage that needs approval, or nearer to it."""
        self.ensure_stage(unprepared, lambda: bool(self.model.stage.approval))

    def let_pass(self, minutes: int) -> None:
        """Let time pass, if any."""
        if minutes:
            self.settle()
            self.let_time_pass(minutes=minutes)

    def decide(self, control: str, by: str, *, stale: bool) -> bool:
        """Approve or reject by the record, with or without a worker. Returns True if it was accepted, which must agree with the model."""
        verdict = self.model.verdict_on_decision(control, by, stale=stale)
        outcome = self.in_one_transaction(self.decision(control, by, stale=stale, at=self.backend.run(self.current_time())))
        assert outcome == verdict, f"{by}'s {control} was answered by {outcome}, expected {verdict}\n{self.audit_text()}"
        return outcome is None

    def decision(self, control: str, by: str, *, stale: bool, at: datetime) -> Callable[[Store], Any]:
        """Return the transaction of an approval or rejection, as in the API."""
        request = DecideOnRelease(release=self.release.id, expected=self.expected(stale))
        command = {"approve": approve_release, "reject": reject_release}[control]
        return lambda store: command(store, self.people[by], self.harness.world.project, request, at)

    def write_stop(self, store: Store, by: str, environment: str | None, of_pipeline: bool, expires: int | None, at: datetime) -> None:
        """Stop an environment or the project, or only the release's pipeline in it, until then or until it is lifted."""
        caller, pipeline = self.people[by], self.model.pipeline if of_pipeline else None
        expires_at = None if expires is None else at + expires * MINUTE
        scope = {"environment": environment, "pipeline": pipeline, "expires_at": expires_at}
        stop = Stop(id=new_id(), reason="incident", placed_at=at, placed_by=by, placed_by_id=caller.owner_id, **scope)
        place_stop(store, caller, self.harness.world.project, stop)
        model = StopModel(environment, pipeline, self.minute_of(expires_at) if expires_at else None, by)
        self.stops_and_freezes.stops[stop.id] = model

    def write_freeze(self, store: Store, environment: str | None, starts: int, lasts: int, at: datetime) -> None:
        """Freeze an environment or the project."""
        starts_at = at + starts * MINUTE
        period = {"starts_at": starts_at, "ends_at": starts_at + lasts * MINUTE}
        freeze = Freeze(id=new_id(), name="Move", made_by=ADDED_BY, environments=(environment,) if environment else (), **period)
        make_freeze(store, self.harness.world.caller, self.harness.world.project, freeze, at)
        model = FreezeModel(self.minute_of(starts_at), self.minute_of(freeze.ends_at), environment)
        self.stops_and_freezes.freezes[freeze.id] = model
        self.model.recheck_gates()

    def in_one_transaction(self, write: Callable[[Store], Any]) -> str | None:
        """Write in one transaction. Returns the class name of the refusal, if it is refused. The next invariant settles the result."""
        self.is_settling = True
        try:
            with self.backend.database.transaction() as store:
                write(store)
        except Refusal as refusal:
            return type(refusal).__name__
        return None
