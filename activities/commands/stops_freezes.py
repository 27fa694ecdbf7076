"""Placing and lifting stops, making and ending freezes: in the caller's transaction, and told to the releases that they hold."""

from datetime import datetime
from typing import Any

from activities.store.database import Store
from activities.store.outbox import OutboxKind
from domain.access import Caller
from domain.audit import AuditEvent
from domain.errors import Invalid, NotAllowed, Problem
from domain.flags.project import Project
from domain.pipelines.freeze import Freeze
from domain.pipelines.trigger import FARTHEST
from domain.releases.release import Release
from domain.releases.stop import Stop


def place_stop(store: Store, caller: Caller, project: Project, stop: Stop) -> Stop:
    """Stop a scope. The caller holds the project for itself, so that whatever acts does so before or after.

    Raises Invalid or NotAllowed.
    """
    _check_may_guard(caller, project, [stop.environment] if stop.environment else [])
    _check_scope(store, project, stop)
    store.stops.add(stop, project.id)
    store.audit.record(caller, AuditEvent.STOP_PLACED, stop.placed_at, reason=stop.reason, **_audited(project, stop))
    return stop


def lift_stop(store: Store, caller: Caller, project: Project, stop_id: str, at: datetime, reason: str | None) -> Stop:
    """Lift a stop: its placer, or an admin. One that is lifted stays so. Raises NotFound or NotAllowed."""
    stop = store.stops.get(stop_id, project.id)
    caller.must_operate_somewhere(project.key)
    if caller.owner_id != stop.placed_by_id and not caller.access.administers(project.key):
        raise NotAllowed(f"{stop.placed_by} placed this stop: they lift it, or an admin of the project does.")
    if stop.lifted_at is None:
        store.stops.lift(stop.id, at, caller.owner.name)
        store.audit.record(caller, AuditEvent.STOP_LIFTED, at, reason=reason, **_audited(project, stop))
        _tell_held(store, project)
    return store.stops.get(stop.id, project.id)


def make_freeze(store: Store, caller: Caller, project: Project, freeze: Freeze, at: datetime) -> Freeze:
    """Freeze a project or some of its environments for a time. Raises Invalid or NotAllowed."""
    _check_may_guard(caller, project, list(freeze.environments))
    known = {environment.key for environment in store.environments.all(project.id)}
    for number, environment in enumerate(freeze.environments):
        if environment not in known:
            raise _unknown(f"/environments/{number}", f"There is no environment '{environment}'.")
    if freeze.ends_at - at > FARTHEST:
        raise _not_a_time("/ends_at", "A freeze ends at most five years ahead.")
    store.freezes.add(freeze, project.id)
    store.audit.record(caller, AuditEvent.FREEZE_CREATED, at, project=project.key, after=freeze.model_dump(mode="json"))
    _tell_held(store, project)
    return freeze


def end_freeze(store: Store, caller: Caller, project: Project, freeze_id: str, at: datetime) -> None:
    """Take a freeze away. Raises NotFound or NotAllowed."""
    freeze = store.freezes.get(freeze_id, project.id)
    _check_may_guard(caller, project, list(freeze.environments))
    store.freezes.delete(freeze.id)
    store.audit.record(caller, AuditEvent.FREEZE_DELETED, at, project=project.key, before=freeze.model_dump(mode="json"))
    _tell_held(store, project)


def flag_changed(store: Store, release: Release | None) -> None:
    """Let the release that a flag is in look again, if something holds it: what people said yes to may be what is there once more."""
    if release and release.held:
        store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)


def _check_may_guard(caller: Caller, project: Project, environments: list[str]) -> None:
    """Operators guard their environments, admins the project."""
    if environments:
        caller.must_operate(project.key, environments)
    else:
        caller.must_administer(project.key)


def _check_scope(store: Store, project: Project, stop: Stop) -> None:
    if stop.environment and stop.environment not in {each.key for each in store.environments.all(project.id)}:
        raise _unknown("/environment", f"There is no environment '{stop.environment}'.")
    if stop.pipeline and not store.pipelines.versions(project.id, stop.pipeline):
        raise _unknown("/pipeline", f"There is no pipeline '{stop.pipeline}'.")
    if stop.expires_at and not stop.placed_at < stop.expires_at <= stop.placed_at + FARTHEST:
        raise _not_a_time("/expires_at", "A stop expires in the future, at most five years ahead; or give no time, to lift it by hand.")


def _tell_held(store: Store, project: Project) -> None:
    for release in store.releases.held_in(project.id):
        store.outbox.add(OutboxKind.LOOK_AGAIN, release)


def _audited(project: Project, stop: Stop) -> dict[str, Any]:
    after = {"id": stop.id, "expires_at": stop.expires_at.isoformat() if stop.expires_at else None}
    return {"project": project.key, "environment": stop.environment, "pipeline": stop.pipeline, "after": after}


def _unknown(pointer: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=pointer, code="not_found", message=message),))


def _not_a_time(pointer: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=pointer, code="not_a_time", message=message),))
