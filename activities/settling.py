"""The end of intended changes whose release has moved on meanwhile: they were made, or they were not, and the record says so."""

from collections.abc import Collection
from datetime import datetime

from activities.providers.catalogue import provider_of
from activities.stage_changes import audit_change
from activities.store.database import Store
from domain.errors import NotFound
from domain.flags.change import Change, PlannedChange
from domain.flags.project import Project
from domain.releases.release import Release

MEANWHILE = "The release was steered while this change was under way."


def settle_others(store: Store, project: Project, release: Release, keys: Collection[str], at: datetime) -> None:
    """Settle all intended changes of a release except those with these keys. Its flags were just read."""
    for intended in store.intents.of_release(release.id):
        if intended.key not in keys:
            settle(store, project, release, intended, at)


def settle(store: Store, project: Project, release: Release, intended: Change, at: datetime) -> None:
    """Record an intended change as it is found in the flag, and nothing if the flag is as before, or gone.

    It goes on the record under a key of its own: the stage has not acted, and acts when the release comes back to it.
    """
    was_open = store.intents.close(intended.key)  # Otherwise another attempt at the change has recorded it.
    try:
        now = provider_of(project, store).read(intended.feature, intended.environment)
    except NotFound:
        return
    found = intended.after.seen_in(now)
    if not was_open or found == intended.before:
        return
    key = f"{intended.key}/settled/{release.sequence}"
    change = intended.model_copy(update={"key": key, "after": found, "made_at": at, "sequence": release.sequence})
    seen = store.releases.seen(release.id, intended.environment)
    store.releases.write_seen(release.id, intended.environment, PlannedChange(now, change.before, change.after).overlaid(seen))
    store.history.add_change(change)
    audit_change(store, release.model_copy(update={"environment": change.environment, "stage": change.stage}), change, MEANWHILE)
