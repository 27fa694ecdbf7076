"""The guard of a stage that is about to act: no change is made without a fresh sample of everything that guards it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from activities.guarding.consequence import carry_out_breach
from activities.guarding.sampling import Rule, SampledStage, Sampler, record_readings, rules_of
from activities.messages import ChangeFlag, HoldEnded, RecordProgress
from activities.store.database import Database
from activities.temporal_clock import AttemptClock
from domain.pipelines.guardrail import Guardrail
from domain.releases.release import Release


class StageGuard:
    """Samples what guards a stage, before the transaction in which the stage acts."""

    def __init__(self, database: Database, sampler: Sampler) -> None:
        self.database = database
        self.sampler = sampler

    def look(self, command: ChangeFlag | RecordProgress, clock: AttemptClock) -> None:
        """Sample all guardrails and gates of the stage, store the samples, and take the breaches that they complete.

        A breach moves the record, so that the fence stops the attempt. Does nothing for a stage that nothing guards.
        """
        step = command if isinstance(command, ChangeFlag) else command.step
        if not isinstance(step, ChangeFlag | HoldEnded):
            return
        rules = rules_of(step.gates, [each for each in step.guardrails if each.holds_changes])
        if not rules:
            return
        with self.database.reading() as store:
            release = store.releases.get(command.release)
            observed = store.evidence.observed(release.id, release.visit)
        if release.is_finished or release.sequence != command.sequence:
            return
        stage, at = _stage_of(release, step.entered_at, rules), clock.now()  # After the wait for the database.
        with ThreadPoolExecutor(len(rules)) as threads:  # One after another, sources that hang would take longer than an attempt may.
            found = list(threads.map(lambda key: self.sampler.read(stage, key, observed.get(key), at), rules))
        clock.looked()
        with self.database.transaction() as store:
            states = record_readings(store, found)
        for key, rule in rules.items():
            state = states.get(stage.key(key))
            if isinstance(rule, Guardrail) and state and state.breaches(rule):
                carry_out_breach(self.database, stage.project, stage.key(key), rule, at)


def _stage_of(release: Release, entered_at: datetime, rules: Mapping[str, Rule]) -> SampledStage:
    return SampledStage(
        project=release.project,
        feature=release.feature,
        environment=release.environment,
        entered_at=release.entered_at or entered_at,
        release=release.id,
        visit=release.visit,
        rules=rules,
    )
