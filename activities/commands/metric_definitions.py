"""Metrics and their sources: creating, changing and deleting them, each in the caller's transaction, with its audit entry."""

from datetime import datetime
from typing import Any

from activities.commands.references import uses_of_metric, uses_of_source
from activities.store.database import Store
from activities.store.metric_sources import StoredSource
from domain.access import Caller
from domain.audit import AuditEvent
from domain.entity_tag import Precondition
from domain.errors import Conflict, InUse, Invalid, Problem
from domain.flags.project import Project
from domain.metrics.metric import MOST_METRICS, Metric
from domain.metrics.source import MOST_SOURCES, MetricSource
from domain.metrics.validation import check_metric
from domain.text import did_you_mean


def create_source(store: Store, caller: Caller, project: Project, stored: StoredSource) -> None:
    """Store a new source. Raises Conflict if its key is taken, or if the project has too many."""
    if store.metric_sources.count(project.id) >= MOST_SOURCES:
        raise Conflict(f"A project can have at most {MOST_SOURCES} metric sources: delete one first.")
    store.metric_sources.add(project.id, stored)
    after = _audited(stored.source)
    store.audit.record(caller, AuditEvent.SOURCE_CREATED, stored.changed_at, project=project.key, after=after)


def change_source(store: Store, caller: Caller, project: Project, wanted: StoredSource, precondition: Precondition) -> StoredSource:
    """Replace a source. Without a new credential, the stored one stays, unless the address changes.

    Raises NotFound, ResourceChanged or Invalid.
    """
    before = store.metric_sources.get(project.id, wanted.source.key)
    precondition.check(before.etag, f"Metric source '{wanted.source.key}'")
    if before.source.kind is not wanted.source.kind:
        raise _refused("/kind", "unchangeable", f"The kind of a source never changes: it is {before.source.kind}. Create another source.")
    moved = before.source.address != wanted.source.address
    kept = None if moved else before.sealed
    changed = wanted._replace(sealed=wanted.sealed or kept)
    store.metric_sources.write(project.id, changed)
    replaced = {"address_changed": moved, "credential_replaced": wanted.sealed is not None, "credential_dropped": _drops(before, changed)}
    states = {"before": _audited(before.source), "after": _audited(changed.source) | replaced}
    store.audit.record(caller, AuditEvent.SOURCE_CHANGED, changed.changed_at, project=project.key, **states)
    return changed


def delete_source(store: Store, caller: Caller, project: Project, key: str, at: datetime, precondition: Precondition) -> None:
    """Delete a source with its credential. Raises NotFound, ResourceChanged, or InUse if a metric or a pipeline names it."""
    found = store.metric_sources.get(project.id, key)
    precondition.check(found.etag, f"Metric source '{key}'")
    if used_by := uses_of_source(store, project, key):
        raise InUse(f"'{key}' is still in use.", used_by=used_by)
    store.metric_sources.delete(project.id, key)
    store.audit.record(caller, AuditEvent.SOURCE_DELETED, at, project=project.key, before=_audited(found.source))


def create_metric(store: Store, caller: Caller, project: Project, metric: Metric, at: datetime) -> None:
    """Store a new metric. Raises Conflict, or Invalid if its source could never answer it."""
    if store.metrics.count(project.id) >= MOST_METRICS:
        raise Conflict(f"A project can have at most {MOST_METRICS} metrics: delete one first.")
    check_answerable(store, project, metric)
    store.metrics.add(project.id, metric)
    store.audit.record(caller, AuditEvent.METRIC_CREATED, at, project=project.key, after=metric.model_dump(mode="json"))


def change_metric(store: Store, caller: Caller, project: Project, metric: Metric, at: datetime, precondition: Precondition) -> None:
    """Replace a metric. Raises NotFound, ResourceChanged or Invalid."""
    before = store.metrics.get(project.id, metric.key)
    precondition.check(before.etag, f"Metric '{metric.key}'")
    check_answerable(store, project, metric)
    store.metrics.write(project.id, metric)
    states = {"before": before.model_dump(mode="json"), "after": metric.model_dump(mode="json")}
    store.audit.record(caller, AuditEvent.METRIC_CHANGED, at, project=project.key, **states)


def delete_metric(store: Store, caller: Caller, project: Project, key: str, at: datetime, precondition: Precondition) -> None:
    """Delete a metric. Raises NotFound, ResourceChanged, or InUse if a pipeline names it."""
    found = store.metrics.get(project.id, key)
    precondition.check(found.etag, f"Metric '{key}'")
    if used_by := uses_of_metric(store, project, key):
        raise InUse(f"'{key}' is still in use.", used_by=used_by)
    store.metrics.delete(project.id, key)
    store.audit.record(caller, AuditEvent.METRIC_DELETED, at, project=project.key, before=found.model_dump(mode="json"))


def check_answerable(store: Store, project: Project, metric: Metric) -> StoredSource:
    """Return the metric's source. Raises Invalid if there is none, or if it could never answer the metric."""
    stored = store.metric_sources.find(project.id, metric.source)
    if stored is None:
        known = store.metric_sources.keys(project.id)
        message = f"There is no metric source '{metric.source}': create it or name another.{did_you_mean(metric.source, known)}"
        raise _refused("/source", "no_such_source", message)
    check_metric(metric, stored.source.kind)
    return stored


def _drops(before: StoredSource, after: StoredSource) -> bool:
    return before.sealed is not None and after.sealed is None


def _audited(source: MetricSource) -> dict[str, Any]:
    """Return the audited fields of a source. Its address is left out, because viewers read the audit log."""
    return source.model_dump(mode="json", exclude={"address", "username"})


def _refused(pointer: str, code: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=pointer, code=code, message=message),))
