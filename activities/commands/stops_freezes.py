"""The commands that place and lift stops, and create and delete freezes. They wake the releases that were held back."""

from datetime import datetime
from typing import Any, NamedTuple

from activities.providers.catalogue import provider_of
from activities.store.database import Store
from activities.store.outbox import OutboxKind
from domain.access import Caller
from domain.audit import AuditEvent
from domain.entity_tag import UNCONDITIONAL, Precondition
from domain.errors import Invalid, NotAllowed, Problem
from domain.flags.project import Project
from domain.pipelines.freeze import Freeze
from domain.pipelines.trigger import FARTHEST
from domain.releases.release import Release
from domain.releases.stop import Stop
from domain.text import did_you_mean


class LiftRequest(NamedTuple):
    """A request to lift a stop, the precondition under which it is lifted, and the reason."""

    stop: str
    precondition: Precondition = UNCONDITIONAL
    reason: str | None = None


def place_stop(store: Store, caller: Caller, project: Project, stop: Stop) -> Stop:
    """Place a stop. The caller must hold an exclusive lock on the project, so that every stage acts either before or after it.

    Raises Invalid or NotAllowed.
    """
    check_stop(store, caller, project, stop)
    store.stops.add(stop, project.id)
    store.audit.record(caller, AuditEvent.STOP_PLACED, stop.placed_at, reason=stop.reason, **_audited(project, stop))
    return stop


def check_stop(store: Store, caller: Caller, project: Project, stop: Stop) -> None:
    """Raise Invalid or NotAllowed if the stop can't be placed."""
    _check_may_restrict(caller, project, [stop.environment] if stop.environment else [])
    _check_scope(store, project, stop)


def lift_stop(store: Store, caller: Caller, project: Project, request: LiftRequest, at: datetime) -> Stop:
    """Lift a stop, as an admin or as the person who placed it and may still place it. Lifting it twice is the same as once.

    The caller must hold an exclusive lock on the project. Raises NotFound, NotAllowed or ResourceChanged.
    """
    stop = store.stops.get(request.stop, project.id)
    check_may_lift(caller, project, stop)
    request.precondition.check(stop.etag, "The stop")
    if stop.lifted_at is None:
        store.stops.lift(stop.id, at, caller.owner.name)
        store.audit.record(caller, AuditEvent.STOP_LIFTED, at, reason=request.reason, **_audited(project, stop))
        wake_held_releases(store, project)
    return store.stops.get(stop.id, project.id)


def check_may_lift(caller: Caller, project: Project, stop: Stop) -> None:
    """Raise NotAllowed if the caller may not lift the stop."""
    _check_may_restrict(caller, project, [stop.environment] if stop.environment else [])
    if caller.owner_id != stop.placed_by_id and not caller.access.administers(project.key):
        raise NotAllowed(f"{stop.placed_by} placed this stop: only they or an admin of the project can lift it.")


def make_freeze(store: Store, caller: Caller, project: Project, freeze: Freeze, at: datetime) -> Freeze:
    """Create a freeze of a project or of some environments. Raises Invalid or NotAllowed."""
    check_freeze(store, caller, project, freeze, at)
    store.freezes.add(freeze, project.id)
    store.audit.record(caller, AuditEvent.FREEZE_CREATED, at, project=project.key, after=freeze.model_dump(mode="json"))
    wake_held_releases(store, project)
    return freeze


def check_freeze(store: Store, caller: Caller, project: Project, freeze: Freeze, at: datetime) -> None:
    """Raise Invalid or NotAllowed if the freeze can't be created."""
    _check_may_restrict(caller, project, list(freeze.environments))
    known = provider_of(project, store).environments()
    for number, environment in enumerate(freeze.environments):
        if environment not in known:
            raise _unknown(f"/environments/{number}", f"There is no environment '{environment}'.{did_you_mean(environment, known)}")
    if freeze.ends_at - at > FARTHEST:
        raise _not_a_time("/ends_at", "The end of a freeze must be at most five years from now.")


def end_freeze(
    store: Store, caller: Caller, project: Project, freeze_id: str, at: datetime, precondition: Precondition = UNCONDITIONAL
) -> None:
    """Delete a freeze. The caller must hold an exclusive lock on the project. Raises NotFound, NotAllowed or ResourceChanged."""
    freeze = store.freezes.get(freeze_id, project.id)
    check_may_end(caller, project, freeze)
    precondition.check(freeze.etag, "The freeze")
    store.freezes.delete(freeze.id)
    store.audit.record(caller, AuditEvent.FREEZE_DELETED, at, project=project.key, before=freeze.model_dump(mode="json"))
    wake_held_releases(store, project)


def check_may_end(caller: Caller, project: Project, freeze: Freeze) -> None:
    """Raise NotAllowed if the caller may not delete the freeze."""
    _check_may_restrict(caller, project, list(freeze.environments))


def wake_held_release(store: Store, release: Release | None) -> None:
    """Wake the release of a flag that was changed by hand if it is held back: its approvals may be valid again."""
    if release and release.held:
        store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)


def wake_held_releases(store: Store, project: Project) -> None:
    """Wake all releases of the project that are held back, after a change of something that gates depend on."""
    for release in store.releases.held_in(project.id):
        store.outbox.add(OutboxKind.LOOK_AGAIN, release)


def _check_may_restrict(caller: Caller, project: Project, environments: list[str]) -> None:
    """Raise NotAllowed unless the caller operates the environments or, if there are none, administers the project."""
    if environments:
        caller.must_operate(project.key, environments)
    else:
        caller.must_administer(project.key)


def _check_scope(store: Store, project: Project, stop: Stop) -> None:
    environments = provider_of(project, store).environments()
    if stop.environment and stop.environment not in environments:
        hint = did_you_mean(stop.environment, environments)
        raise _unknown("/environment", f"There is no environment '{stop.environment}'.{hint}")
    if stop.pipeline and not store.pipelines.versions(project.id, stop.pipeline):
        hint = did_you_mean(stop.pipeline, store.pipelines.keys(project.id))
        raise _unknown("/pipeline", f"There is no pipeline '{stop.pipeline}'.{hint}")
    if stop.expires_at and not stop.placed_at < stop.expires_at <= stop.placed_at + FARTHEST:
        raise _not_a_time(
            "/expires_at", "A stop must expire in the future, within five years. Leave out the time for one that is lifted by hand."
        )


def _audited(project: Project, stop: Stop) -> dict[str, Any]:
    after = {"id": stop.id, "expires_at": stop.expires_at.isoformat() if stop.expires_at else None}
    return {"project": project.key, "environment": stop.environment, "pipeline": stop.pipeline, "after": after}


def _unknown(pointer: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=pointer, code="not_found", message=message),))


def _not_a_time(pointer: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=pointer, code="not_a_time", message=message),))
