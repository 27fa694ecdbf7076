"""A pipeline with a phased rollout, and its progress."""

from typing import Any

from domain.releases.release import Release
from tests.pipelines import hold, pipeline, rollout, stage
from tests.workflows.harness import Harness


def ramp(every: str = "6h") -> dict[str, Any]:
    """Return a pipeline that serves a flag to 10, 40, 70 and 100%, and then watches it."""
    return pipeline(stage("Ramp", "production", actions=[rollout(every=every, value="v2")]), hold("Watch", "7d"))


def shares(harness: Harness, release: Release) -> list[float | None]:
    """Return the share after each change, or None once the rollout is over."""
    return [change.after.rollout.percent if change.after.rollout else None for change in harness.changes(release)]


async def until_share(harness: Harness, release: Release, percent: int) -> Release:
    """Wait until that share is reached and the workflow waits for the next step."""
    await harness.until_changes(release, (10, 40, 70).index(percent) + 1)
    await harness.until_timer_set(release)
    return harness.record(release)
