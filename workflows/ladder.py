"""A release as the Temporal Web UI shows it: the ladder of its stages, in Markdown."""

from domain.release import allowed_controls
from domain.schedule import planned
from workflows.messages import Place, ReleaseInput, spoken


def summary_of(release: ReleaseInput) -> str:
    """One line that says what the workflow is."""
    return f"{release.feature} on its way through {release.pipeline.name} v{release.pipeline.version}"


def details_of(release: ReleaseInput) -> str:
    """What the workflow was started to do."""
    lines = [
        f"{number}. **{stage.name}** ({stage.environment}): {stage.in_words()}" for number, stage in enumerate(release.stages, start=1)
    ]
    start = release.stages[release.starting_stage].name
    return "\n".join([f"Added by {release.added_by} at stage '{start}'.", "", *lines])


def ladder_of(release: ReleaseInput, place: Place, status: str) -> str:
    """Where the release stands now, and when the stages ahead will act."""
    ahead = {} if place.blocked else planned(release.stages, place.index, place.acts_at)
    rungs = []
    for index, stage in enumerate(release.stages):
        over = status == "completed" or index < place.index
        mark = "not run" if index < release.starting_stage else "done" if over else ""
        if index == place.index and not over:
            mark = status if place.blocked or status != "running" else f"acts at {spoken(place.acts_at)}"
        elif index > place.index:
            mark = f"acts at {spoken(ahead[index])}" if index in ahead else "waits"
        rungs.append(f"{index + 1}. **{stage.name}** ({stage.environment}): {mark}")
    why = []
    if place.blocked:
        why = [
            "",
            f"**Blocked** since {spoken(place.blocked.since)}: {place.blocked.message}",
            f"Controls: {', '.join(allowed_controls('blocked'))}.",
        ]
    return "\n".join([f"**{status}**", "", *rungs, *why])
