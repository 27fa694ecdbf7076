"""Workflows with deliberate defects that replay must notice."""

from datetime import timedelta

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


@workflow.defn(name=RELEASE)
class RestsBeforeItActs(ReleaseWorkflow):
    """A workflow with one more timer before each stage acts."""

    @workflow.init
    def __init__(self, release: ReleaseInput) -> None:
        super().__init__(release)

    @workflow.run
    async def run(self, release: ReleaseInput) -> ReleaseResult:
        """Run as usual, apart from the timer."""
        return await super().run(release)

    async def _act(self) -> None:
        await workflow.sleep(timedelta(milliseconds=1))
        await super()._act()
