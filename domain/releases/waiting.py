"""The reason why a release isn't moving."""

from datetime import datetime, timedelta
from typing import Literal

from domain.duration import speak_duration
from domain.flags.connection import Outage
from domain.model import Frozen, Moment
from domain.releases.control import ACTING, Control, allowed_controls
from domain.releases.release import Paused, Release
from domain.releases.rollback import Rollback
from domain.releases.status import ReleaseStatus
from domain.system import WHY_LATE, TemporalStatus

PATIENCE = timedelta(seconds=60)
"""The lateness from which a stage is reported as a problem."""

_NO_TEMPORAL = "Temporal can't be reached, or doesn't know the namespace"


WaitingCode = Literal[
    "starting",
    "stopped",
    "freeze",
    "window",
    "approval",
    "guardrail",
    "metric",
    "check",
    "experiment",
    "time",
    "acting",
    "paused",
    "rolling_back",
    "decision",
    "no_worker",
    "unavailable",
    "provider_unavailable",
    "provider_throttled",
]
"""Everything that a release can wait for. docs/guide/why-is-my-release-not-moving.md has the remedies."""


class WaitingFor(Frozen):
    """The reason why a release isn't moving: a code for programs, a sentence for people, and until when, if that is known."""

    code: WaitingCode
    message: str
    until: Moment | None = None


def is_overdue(release: Release, now: datetime) -> bool:
    """Return True if it should have acted or started by itself more than a minute ago."""
    due = release.added_at if release.status is ReleaseStatus.STARTING else release.acts_at
    return not release.is_finished and due is not None and now - due >= PATIENCE


def waiting_for(release: Release, now: datetime, temporal: TemporalStatus | None = None) -> WaitingFor | None:
    """Return why the release isn't moving, or None if it is finished. Temporal's status only matters if the release is overdue."""
    if release.is_finished:
        return None
    if release.status is ReleaseStatus.BLOCKED and release.blocked:
        *verbs, last = (Control(control).verb for control in allowed_controls(release.status))
        message = f"Blocked: {release.blocked.message} A person must {', '.join(verbs)} or {last} it."
        return WaitingFor(code="decision", message=message)
    if held_up := _held_up(release, now, temporal):
        return held_up
    if release.acts_at is None:
        return _waiting_for_start(release.added_at, now, temporal)
    if release.acts_at > now:
        what = f"Step {release.step} of '{release.stage}'" if release.step > 1 else f"'{release.stage}'"
        message = f"{what} waits until {release.acts_at:%Y-%m-%d %H:%M:%S} UTC."
        return WaitingFor(code="time", message=message, until=release.acts_at)
    return _waiting_for_stage(release, release.acts_at, now, temporal)


def _held_up(release: Release, now: datetime, temporal: TemporalStatus | None) -> WaitingFor | None:
    """Return the reason if the release is paused, is to be rolled back, or is held back."""
    if release.paused:
        return WaitingFor(code="paused", message=_paused_in_words(release.stage, release.paused))
    if release.status is ReleaseStatus.ROLLING_BACK and release.rollback:
        if release.outage:
            return _provider_down(f"The release is to be {release.rollback.in_words()}", release.outage)
        return _rolling_back(release.rollback, now, temporal)
    if release.held and (release.held.until is None or now - release.held.until < PATIENCE):
        return WaitingFor(code=release.held.code, message=release.held.message, until=release.held.until)
    return None


def _paused_in_words(stage: str, paused: Paused) -> str:
    if paused.until and paused.remaining:
        left = f"its time, {paused.until:%Y-%m-%d %H:%M:%S} UTC, stays the same"
    else:
        left = f"{speak_duration(paused.remaining)} remaining" if paused.remaining else "it was due"
    by = f" by {paused.by}" if paused.by else ""
    why = f" ({paused.reason})" if paused.reason else ""
    return f"Paused{by} in '{stage}' since {paused.since:%Y-%m-%d %H:%M:%S} UTC{why}: {left}. A person must resume it."


def _rolling_back(rollback: Rollback, now: datetime, temporal: TemporalStatus | None) -> WaitingFor:
    if now - rollback.asked_at < PATIENCE:
        return WaitingFor(code="rolling_back", message=f"The release is about to be {rollback.in_words()}.")
    code, cause = _cause_of_delay(temporal, now)
    request = f"The release is still to be {rollback.in_words()} at {rollback.asked_at:%Y-%m-%d %H:%M:%S} UTC"
    return WaitingFor(code=code, message=f"{request}: {cause}. It continues by itself once the problem is resolved.")


def _provider_down(what: str, outage: Outage) -> WaitingFor:
    """Return the reason of a release that has to change a flag in another system, whose last call failed."""
    failing = "throttles calls" if outage.code == "provider_throttled" else "can't be asked"
    message = (
        f"{what}, and the system in which the flag is kept {failing} since {outage.since:%Y-%m-%d %H:%M:%S} UTC. {outage.message} "
        "It is tried again until it succeeds."
    )
    return WaitingFor(code=outage.code, message=message)


def _waiting_for_start(added: datetime, now: datetime, temporal: TemporalStatus | None) -> WaitingFor:
    """Return the reason why the workflow has not started. No worker is needed to start one."""
    if now - added < PATIENCE:
        return WaitingFor(code="starting", message="The release is about to start.")
    not_accepted = "Temporal is reachable but has not accepted the workflow yet, see the log"
    cause = not_accepted if temporal and temporal.reachable else _NO_TEMPORAL
    message = (
        f"The release was added at {added:%Y-%m-%d %H:%M:%S} UTC and could not be started: {cause}. "
        "It starts by itself once the problem is resolved."
    )
    return WaitingFor(code="unavailable", message=message)


def _waiting_for_stage(release: Release, due: datetime, now: datetime, temporal: TemporalStatus | None) -> WaitingFor:
    if release.outage:
        return _provider_down(f"'{release.stage}' is due", release.outage)
    if now - due < PATIENCE:
        return WaitingFor(code=ACTING, message=f"'{release.stage}' is due and about to act.")
    code, cause = _cause_of_delay(temporal, now)
    message = (
        f"'{release.stage}' has been due since {due:%Y-%m-%d %H:%M:%S} UTC and has not acted: {cause}. "
        "It continues by itself once the problem is resolved."
    )
    return WaitingFor(code=code, message=message)


def _cause_of_delay(temporal: TemporalStatus | None, now: datetime) -> tuple[WaitingCode, str]:
    """Return the code and the likely cause for an overdue stage or rollback."""
    if temporal is None:
        return "unavailable", "no worker is running, or Temporal, the database or the flag provider can't be reached"
    if not temporal.reachable:
        return "unavailable", _NO_TEMPORAL
    if temporal.at_work(now):
        return "unavailable", f"{temporal.seen_in_words(now)}, and {WHY_LATE}"
    return "no_worker", temporal.why_none_is_at_work(now)
