"""The transaction that takes the consequence of a guardrail's breach. It writes only the record, so it works while Temporal is down."""

from datetime import datetime

from activities.record.transitions import audit
from activities.store.database import Store
from activities.store.evidence import WatchKey
from activities.store.outbox import OutboxKind
from domain.access import Person
from domain.audit import AuditEvent, by_release
from domain.pipelines.binding import with_fixed_times
from domain.pipelines.guardrail import Guardrail
from domain.pipelines.pipeline import Stage
from domain.releases.control import Control, allowed_controls
from domain.releases.observed import Observed
from domain.releases.release import Release
from domain.releases.rollback import Rollback
from domain.text import LONGEST_REASON, folded

LONGEST_OWNER = 120
"""The length of the name of who did something, as it is stored."""

UNKNOWNS_REPORTED = 3
"""The number of samples in a row that can't tell, after which people are told."""


def take_breach(store: Store, project: str, watch: WatchKey, guardrail: Guardrail, at: datetime) -> Release | None:
    """Take the consequence of a guardrail whose samples failed. Returns the release after it, or None if there is nothing to take.

    Doing this twice is the same as doing it once: the failures count anew after a breach.
    """
    store.projects.get(project, lock="share")
    release = store.releases.get(watch.release, lock=True)
    observed = store.evidence.lock([watch]).get(watch)
    if release.is_finished or release.visit != watch.visit or observed is None or not observed.breaches(guardrail):
        return None
    store.evidence.write({watch: observed.after_breach(at)})
    if observed.breached_at and _has_consequence(release, guardrail):
        return None
    _audit(store, release, guardrail, observed, at)
    if guardrail.shadow or guardrail.on_breach == "notify":
        return release
    reason = f"The guardrail '{guardrail.name}' was breached. {observed.message}"[:LONGEST_REASON]
    if guardrail.on_breach == "pause":
        return _pause(store, release, guardrail, reason, at)
    return _roll_back(store, release, guardrail, reason, at)


def report_unknown(store: Store, watch: WatchKey, guardrail: Guardrail, observed: Observed) -> None:
    """Tell people that a guardrail can't tell. The caller does so once in a row of unknown samples."""
    release = store.releases.get(watch.release)
    if release.is_finished or release.visit != watch.visit:
        return
    after = {"guardrail": guardrail.name, "metric": guardrail.metric, "message": observed.message}
    audit(store, release, AuditEvent.GUARDRAIL_CANNOT_TELL, observed.at, after=after)


def _has_consequence(release: Release, guardrail: Guardrail) -> bool:
    """True if the release is paused or rolled back already, as one more breach would have it. So people are told of it once."""
    if guardrail.on_breach == "pause":
        return Control.PAUSE not in allowed_controls(release.status)
    asked = release.rollback if release.rollback and release.rollback.is_asked else None
    return Control.ROLLBACK not in allowed_controls(release.status) or (asked is not None and asked.guardrail == guardrail.name)


def _audit(store: Store, release: Release, guardrail: Guardrail, observed: Observed, at: datetime) -> None:
    after = {
        "guardrail": guardrail.name,
        "metric": guardrail.metric,
        "consequence": guardrail.consequence,
        "shadow": guardrail.shadow,
        "measured": observed.value,
        "message": observed.message,
    }
    audit(store, release, AuditEvent.GUARDRAIL_BREACHED, at, after=after)


def _pause(store: Store, release: Release, guardrail: Guardrail, reason: str, at: datetime) -> Release:
    if Control.PAUSE not in allowed_controls(release.status):
        return release
    (stage,) = with_fixed_times(_stages(store, release)[release.stage_index : release.stage_index + 1], release.parameters)
    paused = release.paused_at(stage.trigger, at, _in_words(guardrail), f"paused/{release.sequence}", reason)
    store.releases.write(paused)
    audit(store, release, AuditEvent.RELEASE_PAUSED, at, actor=by_release(release.id), reason=reason)
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return paused


def _roll_back(store: Store, release: Release, guardrail: Guardrail, reason: str, at: datetime) -> Release:
    if Control.ROLLBACK not in allowed_controls(release.status):
        return release
    stages, undoes_from = _stages(store, release), 0
    passed = [folded(stage.name) for stage in stages[release.starting_stage : release.stage_index]]
    if guardrail.to_stage and folded(guardrail.to_stage) in passed:  # A release that started after that stage is rolled back wholly.
        undoes_from = release.starting_stage + passed.index(folded(guardrail.to_stage)) + 1
    rollback = Rollback(
        n=release.rollback.n + 1 if release.rollback else 1,
        by=Person(key="", owner=_in_words(guardrail), owner_id=release.responsible_id),
        asked_at=at,
        reason=reason,
        guardrail=guardrail.name,
        to_stage=stages[undoes_from - 1].name if undoes_from else None,
        undoes_from=undoes_from,
    )
    rolling_back = release.rolling_back(rollback, f"rolling_back/{rollback.n}")
    store.releases.write(rolling_back)
    after = {"to_stage": rollback.to_stage, "force": False, "guardrail": guardrail.name}
    audit(store, release, AuditEvent.RELEASE_ROLLING_BACK, at, actor=by_release(release.id), reason=reason, after=after)
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return rolling_back


def _in_words(guardrail: Guardrail) -> str:
    """Return what stands in the place of a person's name, and is no longer than one."""
    longest = LONGEST_OWNER - len("guardrail ''")
    name = guardrail.name if len(guardrail.name) <= longest else f"{guardrail.name[: longest - 1]}…"
    return f"guardrail '{name}'"


def _stages(store: Store, release: Release) -> tuple[Stage, ...]:
    return store.pipelines.version(release.pipeline.id).definition.stages
