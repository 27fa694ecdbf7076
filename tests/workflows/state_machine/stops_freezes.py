"""What people put in a stage's way and take out of it again: stops, freezes, a yes and a no."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from activities.commands.approve import DecideOnRelease, approve_release, reject_release
from activities.commands.stops_freezes import end_freeze, lift_stop, make_freeze, place_stop
from activities.store.database import Store
from activities.store.identifiers import new_id
from domain.access import Grant, Role
from domain.errors import Refusal
from domain.pipelines.freeze import Freeze
from domain.releases.stop import Stop
from tests.workflows.gates import person
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.environment import Ground
from tests.workflows.state_machine.faults import Troubles
from tests.workflows.state_machine.flag_model import Deed
from tests.workflows.state_machine.gate_model import Frost, Halt
from tests.workflows.state_machine.model import ADDED_BY, ALLOWED
from tests.workflows.state_machine.rollbacks import Rollbacks
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import MINUTE
from tests.workflows.state_machine.strategies import seldom

PEOPLE = ("vera", "victor", ADDED_BY)

somebody = st.sampled_from(PEOPLE)
HERE = "here"
somewhere = st.sampled_from((HERE, HERE, None, *strategies.ENVIRONMENTS))
several = st.sampled_from((("vera", "victor"), ("victor",), ("vera", "vera", "victor"), (ADDED_BY, "victor"), ("vera", ADDED_BY)))
later = st.sampled_from((None, 43, 97))
jump = st.sampled_from((0, 71, 149))


class Guarding(Rollbacks, Troubles):
    """Everything that holds a stage, and everything that lets it go."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        grant = Grant(project=self.stand.world.project.key, role=Role.OPERATOR, environments=strategies.ENVIRONMENTS)
        operators = {name: person(self.stand, name, grant=grant) for name in PEOPLE[:2]}
        self.people = operators | {ADDED_BY: self.stand.world.caller}

    @rule(by=somebody, environment=somewhere, here=seldom, expires=later, and_then=jump)
    def the_line_is_stopped(self, by: str, environment: str | None, here: bool, expires: int | None, and_then: int) -> None:
        environment, at = self.place_of(environment), self.ground.run(self.moment())
        made = self.in_one_transaction(lambda store: self.stopped_by(store, by, environment, here, expires, at))
        assert made == (None if environment or by == ADDED_BY else "NotAllowed"), made
        self.let_pass(and_then)

    @rule(number=strategies.numbers, by=somebody)
    def a_stop_is_lifted(self, number: int, by: str) -> None:
        if standing := list(self.guards.halts.items()):
            stop, halt = standing[number % len(standing)]
            at, project = self.ground.run(self.moment()), self.stand.world.project
            lifted = self.in_one_transaction(lambda store: lift_stop(store, self.people[by], project, stop, at, None))
            assert lifted == (None if by in (halt.placed_by, ADDED_BY) else "NotAllowed"), lifted
            if lifted is None:
                del self.guards.halts[stop]
                self.model.told()

    @rule(environment=somewhere, starts=st.sampled_from((0, 0, 41)), lasts=st.sampled_from((53, 193)), and_then=jump)
    def a_freeze_is_made(self, environment: str | None, starts: int, lasts: int, and_then: int) -> None:
        environment, at = self.place_of(environment), self.ground.run(self.moment())
        assert self.in_one_transaction(lambda store: self.frozen(store, environment, starts, lasts, at)) is None
        self.let_pass(and_then)

    @rule(number=strategies.numbers)
    def a_freeze_is_taken_away(self, number: int) -> None:
        if frosts := list(self.guards.frosts):
            freeze, at = frosts[number % len(frosts)], self.ground.run(self.moment())
            caller, project = self.stand.world.caller, self.stand.world.project
            assert self.in_one_transaction(lambda store: end_freeze(store, caller, project, freeze, at)) is None
            del self.guards.frosts[freeze]
            self.model.told()

    @rule(by=several, anyhow=seldom, stale=seldom, deed=st.none() | strategies.deeds_by_hand, and_then=jump)
    def people_say_yes(self, by: tuple[str, ...], anyhow: bool, stale: bool, deed: Deed | None, and_then: int) -> None:
        self.be_asked(anyhow)
        for number, who in enumerate(by):
            if self.decide("approve", who, stale=stale):
                self.model.approve(who)
                self.learn_what_is_asked()
            if deed and number == 0:
                self.change_by_hand(self.model.rung.environment, deed)
        self.let_pass(and_then)

    @rule(by=somebody, stale=seldom)
    def a_person_says_no(self, by: str, stale: bool) -> None:
        if self.decide("reject", by, stale=stale):
            self.model.reject()

    def place_of(self, environment: str | None) -> str | None:
        """An environment, most of the time that of the stage where the release stands."""
        return self.model.rung.environment if environment == HERE else environment

    def be_asked(self, anyhow: bool) -> None:
        """Have, most of the time, a stage that asks people, or come nearer to it."""
        if anyhow:
            return
        self.under_way()
        self.settle()
        if self.model.status == "blocked":
            self.retry(anyhow=True, stale=False, overwrite=True)
            self.settle()
        while self.model.status in ALLOWED["skip"] and not self.model.rung.asks:
            self.skip(anyhow=True, stale=False)
            self.settle()

    def let_pass(self, minutes: int) -> None:
        """Time passes, where it may, and somebody works."""
        if minutes:
            self.settle()
            self.a_while_passes(minutes=minutes)

    def decide(self, control: str, by: str, *, stale: bool) -> bool:
        """Say yes or no by the record alone, whoever works; whether it was taken."""
        verdict = self.model.verdict_on_decision(control, by, stale=stale)
        outcome = self.in_one_transaction(self.deciding(control, by, stale=stale, at=self.ground.run(self.moment())))
        assert outcome == verdict, f"{by}'s {control} was answered by {outcome}, expected {verdict}\n{self.told()}"
        return outcome is None

    def deciding(self, control: str, by: str, *, stale: bool, at: datetime) -> Callable[[Store], Any]:
        """As the API has it written."""
        wanted, deciding = (
            DecideOnRelease(release=self.release.id, expected=self.expected(stale)),
            {"approve": approve_release, "reject": reject_release},
        )
        return lambda store: deciding[control](store, self.people[by], self.stand.world.project, wanted, at)

    def stopped_by(self, store: Store, by: str, environment: str | None, here: bool, expires: int | None, at: datetime) -> None:
        """Stop an environment or the project, or what of it is on the release's pipeline, until then or until it is lifted."""
        caller, pipeline = self.people[by], self.model.pipeline if here else None
        ends = None if expires is None else at + expires * MINUTE
        scope = {"environment": environment, "pipeline": pipeline, "expires_at": ends}
        stop = Stop(id=new_id(), reason="incident", placed_at=at, placed_by=by, placed_by_id=caller.owner_id, **scope)
        place_stop(store, caller, self.stand.world.project, stop)
        self.guards.halts[stop.id] = Halt(environment, pipeline, self.minute_of(ends) if ends else None, by)

    def frozen(self, store: Store, environment: str | None, starts: int, lasts: int, at: datetime) -> None:
        """Freeze an environment or the project."""
        begins = at + starts * MINUTE
        made = {"environments": (environment,) if environment else (), "starts_at": begins, "ends_at": begins + lasts * MINUTE}
        freeze = Freeze(id=new_id(), name="Move", made_by=ADDED_BY, **made)
        make_freeze(store, self.stand.world.caller, self.stand.world.project, freeze, at)
        self.guards.frosts[freeze.id] = Frost(self.minute_of(begins), self.minute_of(freeze.ends_at), environment)
        self.model.told()

    def in_one_transaction(self, write: Callable[[Store], Any]) -> str | None:
        """By what name it was refused, if it was. From then on all is delivered."""
        self.heard = True
        try:
            with self.ground.database.transaction() as store:
                write(store)
        except Refusal as refusal:
            return type(refusal).__name__
        return None
