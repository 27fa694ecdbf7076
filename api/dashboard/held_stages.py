"""The stages that a stop or a freeze holds back, in words."""

from collections.abc import Callable, Sequence
from datetime import datetime

from activities.store.database import Store
from api.dependencies import now
from domain.flags.project import Project
from domain.pipelines.freeze import Freeze
from domain.pipelines.pipeline import Stage
from domain.releases.reach import ComingStage, Holds, stages_held
from domain.releases.release import Release
from domain.releases.stop import Stop

HoldsOf = Callable[[Release], Holds]


def held_by_stop(stop: Stop, others: Sequence[Stop] = ()) -> HoldsOf:
    """Return the stages that a stop holds back, without those that one of the other stops holds back too."""

    def holds_of(release: Release) -> Holds:
        def holds(stage: Stage, _at: datetime | None) -> bool:
            scope = stage.environment, release.pipeline.key
            return stop.covers(*scope) and not any(other.covers(*scope) for other in others)

        return holds

    return holds_of


def held_by_freeze(freeze: Freeze) -> HoldsOf:
    """Return the stages that a freeze holds back: those that act in its period, or at a time that is not known yet."""

    def holds(stage: Stage, at: datetime | None) -> bool:
        return freeze.holds(stage.environment, at or freeze.starts_at)

    return lambda _release: holds


def held_in_words(store: Store, project: Project, holds_of: HoldsOf, freezes: Sequence[Freeze]) -> list[str]:
    """Return a sentence for each release with stages that are held back. Their times are those that these freezes allow."""
    at = now()
    definitions = {each.id: each.definition for each in store.pipelines.published(project.id)}
    sentences = []
    for release in store.releases.unfinished_in(project.id):
        definition = definitions[release.pipeline.id]
        if release.is_under_way and (held := stages_held(release, definition, at, freezes, holds_of(release))):
            sentences.append(f"{release.feature} on {release.pipeline.name}: {', '.join(map(_stage_in_words, held))}")
    return sentences


def _stage_in_words(stage: ComingStage) -> str:
    due = f"due {stage.acts_at:%Y-%m-%d %H:%M:%S} UTC" if stage.acts_at else "at a time that is not known yet"
    return f"‘{stage.name}’ in {stage.environment}, {due}"
