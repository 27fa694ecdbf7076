"""A flag in one environment, changed by a release's stages and by hand, without a database."""

from collections.abc import Iterable
from contextlib import suppress

from domain.errors import Invalid
from domain.flags.change import Change, plan_change
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.releases.net_change import UndoScope, net_changes
from domain.releases.revert import RevertContext, RevertPlan, plan_revert
from tests.domain.flag_strategies import SEGMENTS, VARIANT_KEYS
from tests.world import NOW


class ReleasedFlag:
    """A flag with the changes that the record of its release would hold. Each visit is to any stage, also to the same one again."""

    def __init__(self, start: FlagState, variants: Iterable[str] = VARIANT_KEYS) -> None:
        self.start = start
        self.variants = frozenset(variants)
        self.now = start
        self.seen = start
        self.changes: list[Change] = []
        self.stage_of_visit: dict[int, int] = {}

    def act(self, stage: int, patch: FlagPatch) -> None:
        """Make a stage's change, over changes by hand too. A refused change is not made."""
        visit = len(self.stage_of_visit) + 1
        self.stage_of_visit[visit] = stage
        with suppress(Invalid):
            self._change(visit, patch)

    def change_by_hand(self, patch: FlagPatch) -> None:
        """Change the flag outside the release."""
        with suppress(Invalid):
            self.now = plan_change(patch, self.now).state

    def plan_rollback(self, undoes_from: int = 0, *, force: bool = False, segments: tuple[str, ...] = SEGMENTS) -> RevertPlan:
        """Return the plan of a rollback."""
        nets = net_changes(self.changes, UndoScope(undoes_from, self.stage_of_visit), {"production": self.seen})
        context = RevertContext(
            environment="production", now=self.now, seen=self.seen, segments=frozenset(segments), variants=self.variants, force=force
        )
        return plan_revert(nets["production"], context) if nets else RevertPlan(FlagPatch(), ())

    def roll_back(self, undoes_from: int = 0, *, force: bool = False) -> RevertPlan:
        """Carry out a rollback, and keep the change that it makes."""
        plan = self.plan_rollback(undoes_from, force=force)
        if plan.patch.named:
            self._change(max(self.stage_of_visit), plan.patch, undoes_from)
        return plan

    def _change(self, visit: int, patch: FlagPatch, undoes_from: int | None = None) -> None:
        planned = plan_change(patch, self.now)
        change = Change(
            key=f"k{len(self.changes)}",
            release="r1",
            stage="a stage",
            visit=visit,
            step=1,
            environment="production",
            feature="checkout",
            patch=patch,
            before=planned.before,
            after=planned.after,
            made_at=NOW,
            sequence=len(self.changes) + 1,
            undoes_from=undoes_from,
        )
        self.changes.append(change)
        self.seen = planned.overlaid(self.seen)
        self.now = planned.state
