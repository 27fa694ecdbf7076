"""The watch of the stage in which a release is: one activity that samples its guardrails and gates beside the stage's timer."""

import asyncio
from contextlib import suppress
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.watch import WatchActivities
from activities.watch_messages import WatchStage
from workflows.policies import WATCH_OPTIONS
from workflows.web_ui import cut


class StageWatch:
    """Keeps one watch running for the current visit. Its result does not matter: the record has what it found."""

    def __init__(self) -> None:
        self._visit: int | None = None
        self._running: asyncio.Task[None] | None = None

    def follow(self, command: WatchStage | None) -> None:
        """Watch the stage of the command, and no longer the one before it. Does nothing if that is watched already."""
        visit = command.visit if command else None
        if visit == self._visit and (self._running is None or not self._running.done()):
            return
        if self._running:
            self._running.cancel()
        self._visit = visit
        self._running = asyncio.create_task(_watch(command)) if command else None


async def _watch(command: WatchStage) -> None:
    """Run the activity. It ends by itself once the record says that the release has left the stage."""
    method: Any = WatchActivities.watch_stage
    names = ", ".join([*(each.name for each in command.guardrails), *(gate.in_words() for gate in command.sampled_gates)])
    with suppress(ActivityError):
        await workflow.execute_activity_method(
            method,
            command,
            summary=cut(f"{command.stage}: watched by {names}"),
            activity_id=f"watch/{command.visit}",
            **WATCH_OPTIONS,
        )
