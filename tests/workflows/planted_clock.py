"""A workflow with a deliberate defect: it reads the clock of its machine."""

from datetime import UTC, datetime

from temporalio import workflow

from workflows.messages import RELEASE, ReleaseInput, ReleaseResult
from workflows.release import ReleaseWorkflow


@workflow.defn(name=RELEASE)
class ReadsTheClock(ReleaseWorkflow):
    """A workflow that asks its machine if a stage is due."""

    @workflow.init
    def __init__(self, release: ReleaseInput) -> None:
        super().__init__(release)

    @workflow.run
    async def run(self, release: ReleaseInput) -> ReleaseResult:
        """Run as usual."""
        return await super().run(release)

    @property
    def is_due(self) -> bool:
        """True if the stage's trigger has fired, by the wrong clock."""
        return self.place.acts_at <= datetime.now(UTC)
