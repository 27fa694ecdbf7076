"""Rules for rollbacks: complete or to an earlier stage, with or without force, before and after the end."""

import asyncio

from hypothesis import strategies as st

from activities.commands.request_rollback import RollBackRelease, request_rollback
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.controls import Controls
from tests.workflows.state_machine.flag_model import Edit
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import refusal_of
from tests.workflows.state_machine.strategies import rarely


class Rollbacks(Controls):
    """Rollbacks, most of them of releases that have changed something."""

    @rule(
        unprepared=rarely, stale=rarely, to=st.none() | strategies.numbers, force=st.booleans(), edit=st.none() | strategies.edits_by_hand
    )
    def roll_back(self, unprepared: bool, stale: bool, to: int | None, force: bool, edit: Edit | None) -> None:
        if not unprepared:
            self._ensure_something_to_undo()
        if edit:
            self.change_by_hand(self.model.stage.environment, edit)
        passed = self.model.index - self.model.start
        if to is not None:
            to = to % 5 if unprepared else self.model.start + to % passed if passed else None
        verdict = self.model.verdict_on_rollback(to, stale=stale)
        outcome = self.backend.run(refusal_of(self.request_rollback(to, stale=stale, force=force)))
        assert outcome == verdict, f"a rollback was answered by {outcome}, expected {verdict}\n{self.audit_text()}"
        self.is_settling = True
        if outcome is None:
            self.model.roll_back(to, force=force)

    def _ensure_something_to_undo(self) -> None:
        if self.model.status in ("rolled_back", "terminated"):
            self.ensure_unfinished()
        if self.model.status == "running" and "acted" not in [outcome for _, outcome in self.model.outcomes]:
            self.advance(unprepared=True, stale=False)
            self.settle()

    async def request_rollback(self, to: int | None, *, stale: bool = False, force: bool = False) -> None:
        """Request a rollback as the API does."""
        to_stage = None if to is None else strategies.name_of(to)
        request = RollBackRelease(release=self.release.id, expected=self.expected(stale), to_stage=to_stage, force=force)
        at = await self.current_time()

        def in_one_transaction() -> None:
            with self.backend.database.transaction() as store:
                request_rollback(store, self.harness.world.caller, self.harness.world.project, request, at)

        await asyncio.to_thread(in_one_transaction)
