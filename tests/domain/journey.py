"""A flag in one environment, changed by a release's stages and by hand, without a database."""

from contextlib import suppress

from domain.errors import Invalid
from domain.flags.change import Change, plan_change
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.releases.net_change import UndoScope, net_changes
from domain.releases.revert import RevertContext, RevertPlan, plan_revert
from tests.domain.flag_strategies import SEGMENTS
from tests.world import NOW


class Journey:
    """What the record would hold; every visit is one to another stage than the visit before, or to the same again."""

    def __init__(self, start: FlagState) -> None:
        self.start = start
        self.now = start
        self.seen = start
        self.changes: list[Change] = []
        self.stage_of_visit: dict[int, int] = {}

    def act(self, stage: int, patch: FlagPatch) -> None:
        """A stage makes its change, over what was changed by hand too; one that is refused makes none."""
        visit = len(self.stage_of_visit) + 1
        self.stage_of_visit[visit] = stage
        with suppress(Invalid):
            self._change(visit, patch)

    def by_hand(self, patch: FlagPatch) -> None:
        """Somebody changes the flag."""
        with suppress(Invalid):
            self.now = plan_change(patch, self.now).state

    def decided(self, undoes_from: int = 0, *, force: bool = False, segments: tuple[str, ...] = SEGMENTS) -> RevertPlan:
        """What a rollback would do."""
        nets = net_changes(self.changes, UndoScope(undoes_from, self.stage_of_visit), {"production": self.seen})
        here = RevertContext(environment="production", now=self.now, seen=self.seen, segments=frozenset(segments), force=force)
        return plan_revert(nets["production"], here) if nets else RevertPlan(FlagPatch(), ())

    def roll_back(self, undoes_from: int = 0, *, force: bool = False) -> RevertPlan:
        """Do it, and keep the change that it makes."""
        decided = self.decided(undoes_from, force=force)
        if decided.patch.named:
            self._change(max(self.stage_of_visit), decided.patch, undoes_from)
        return decided

    def _change(self, visit: int, patch: FlagPatch, undoes_from: int | None = None) -> None:
        decided = plan_change(patch, self.now)
        change = Change(
            key=f"k{len(self.changes)}",
            release="r1",
            stage="a stage",
            visit=visit,
            step=1,
            environment="production",
            feature="checkout",
            patch=patch,
            before=decided.before,
            after=decided.after,
            made_at=NOW,
            sequence=len(self.changes) + 1,
            undoes_from=undoes_from,
        )
        self.changes.append(change)
        self.seen = decided.overlaid(self.seen)
        self.now = decided.state
