"""The end of intended changes whose release has moved on meanwhile: they were made, or they were not, and the record says so."""

from collections.abc import Collection
from datetime import datetime

from activities.providers.catalogue import provider_of
from activities.providers.elsewhere import FlagReading
from activities.stage_changes import audit_change
from activities.store.database import Database, Store
from domain.errors import NotFound
from domain.flags.change import Change, PlannedChange, part_made
from domain.flags.project import Project
from domain.releases.release import Release

MEANWHILE = "The release was steered while this change was under way."


def settle_others(store: Store, project: Project, release: Release, keys: Collection[str], at: datetime) -> None:
    """Settle all intended changes of a release except those with these keys. Its flags were just read."""
    for intended in store.intents.of_release(release.id):
        if intended.key not in keys:
            settle(store, project, release, intended, at)


def settle_other_releases(database: Database, project: Project, release: str, reading: FlagReading | None, at: datetime) -> None:
    """Settle what other releases of the same feature intended, before this one changes it. `reading` has its flags.

    Each has a transaction of its own, so that no two releases are locked at the same time.
    """
    with database.reading() as store:
        others = store.intents.of_other_releases(release)
    for intended in others:
        with database.transaction() as store:
            other = store.releases.get(intended.release, lock=True)
            if reading:
                reading.mirror(store, project)
            settle(store, project, other, intended, at)


def settle(store: Store, project: Project, release: Release, intended: Change, at: datetime) -> None:
    """Record those fields of an intended change that are found in the flag, and nothing if there are none, or the flag is gone.

    A field that is neither as before nor as intended was changed by others, and is theirs. The change goes on the record under a key
    of its own: the stage has not acted, and acts when the release comes back to it.
    """
    was_open = store.intents.close(intended.key)
    try:
        now = provider_of(project, store).read(intended.feature, intended.environment)
    except NotFound:
        return
    after = part_made(intended, now)
    before = intended.before.limited_to(after)
    if after == before or not (was_open or _is_missing(store, intended)):
        return
    key = f"{intended.key}/settled/{release.sequence}"
    change = intended.model_copy(update={"key": key, "before": before, "after": after, "made_at": at, "sequence": release.sequence})
    seen = store.releases.seen(release.id, intended.environment)
    store.releases.write_seen(release.id, intended.environment, PlannedChange(now, change.before, change.after).overlaid(seen))
    store.history.add_change(change)
    audit_change(store, release.model_copy(update={"environment": change.environment, "stage": change.stage}), change, MEANWHILE)


def _is_missing(store: Store, intended: Change) -> bool:
    """True if the intent was settled before the attempt made the change, and so without it. Usually another attempt has recorded it."""
    keys = [each.key for each in store.history.changes(intended.release)]
    return not any(key == intended.key or key.startswith(f"{intended.key}/settled/") for key in keys)
