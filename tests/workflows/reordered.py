"""A workflow with a deliberate defect that replay must notice."""

from temporalio import workflow

from workflows.messages import RELEASE, ReleaseInput, ReleaseResult
from workflows.release import ReleaseWorkflow


@workflow.defn(name=RELEASE)
class ActsBeforeItsWait(ReleaseWorkflow):
    """A workflow whose stages act before their wait."""

    @workflow.init
    def __init__(self, release: ReleaseInput) -> None:
        super().__init__(release)

    @workflow.run
    async def run(self, release: ReleaseInput) -> ReleaseResult:
        """Run as usual, apart from the order."""
        return await super().run(release)

    async def _wait(self) -> None:
        await self._act()
