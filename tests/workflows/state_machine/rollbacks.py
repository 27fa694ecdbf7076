"""Rolling back: for good or to an earlier stage, over changes by hand or not, before and after the end."""

import asyncio

from hypothesis import strategies as st

from activities.commands.request_rollback import RollBackRelease, request_rollback
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.controls import Controls
from tests.workflows.state_machine.flag_model import Deed
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import refusal_of
from tests.workflows.state_machine.strategies import seldom


class Rollbacks(Controls):
    """What a person wants undone."""

    @rule(anyhow=seldom, stale=seldom, to=st.none() | strategies.numbers, force=st.booleans(), deed=st.none() | strategies.deeds_by_hand)
    def roll_back(self, anyhow: bool, stale: bool, to: int | None, force: bool, deed: Deed | None) -> None:
        if not anyhow:
            self._have_something_to_undo()
        if deed:
            self.change_by_hand(self.model.rung.environment, deed)
        come_through = self.model.index - self.model.start
        if to is not None:
            to = to % 5 if anyhow else self.model.start + to % come_through if come_through else None
        verdict = self.model.verdict_on_rollback(to, stale=stale)
        outcome = self.ground.run(refusal_of(self.rolled_back(to, stale=stale, force=force)))
        assert outcome == verdict, f"a rollback was answered by {outcome}, expected {verdict}\n{self.told()}"
        self.heard = True
        if outcome is None:
            self.model.roll_back(to, force=force)

    def _have_something_to_undo(self) -> None:
        if self.model.status in ("rolled_back", "terminated"):
            self.under_way()
        if self.model.status == "running" and "acted" not in [outcome for _, outcome in self.model.outcomes]:
            self.advance(anyhow=True, stale=False)
            self.settle()

    async def rolled_back(self, to: int | None, *, stale: bool = False, force: bool = False) -> None:
        """Ask for it as the API does."""
        to_stage = None if to is None else strategies.name_of(to)
        wanted = RollBackRelease(release=self.release.id, expected=self.expected(stale), to_stage=to_stage, force=force)
        at = await self.moment()

        def in_one_transaction() -> None:
            with self.ground.database.transaction() as store:
                request_rollback(store, self.stand.world.caller, self.stand.world.project, wanted, at)

        await asyncio.to_thread(in_one_transaction)
