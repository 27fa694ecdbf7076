"""A workflow that is deliberately wrong, to see that replay notices."""

from temporalio import workflow

from workflows.messages import RELEASE, ReleaseInput, ReleaseResult
from workflows.release import ReleaseWorkflow


@workflow.defn(name=RELEASE)
class ActsBeforeItsWait(ReleaseWorkflow):
    """Deliberately wrong: a stage acts before its wait."""

    @workflow.init
    def __init__(self, release: ReleaseInput) -> None:
        super().__init__(release)

    @workflow.run
    async def run(self, release: ReleaseInput) -> ReleaseResult:
        """As it should be, but for the order."""
        return await super().run(release)

    async def _wait(self) -> None:
        await self._act()
