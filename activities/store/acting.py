"""Everything that a release needs to act, in one read."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, exists, select

from activities.store.keys import grants_of
from activities.store.releases import RELEASES, read_release, responsibles
from activities.store.stops import in_force
from activities.store.tables import api_keys, freezes, projects, releases, seen, stops, webhooks
from domain.access import Access, Owner
from domain.errors import ReleaseNotFound
from domain.flags.flag import FlagState
from domain.flags.project import Project
from domain.releases.release import Release


class ActingRelease(NamedTuple):
    """A release that may act now, and what decides about that.

    `seen` is the flag as the release last saw it in its environment. `owner` is responsible, with the combined rights of active keys.
    """

    release: Release
    project: Project
    seen: FlagState
    owner: Owner
    access: Access
    may_be_held: bool
    """True if the project has stops or freezes to look at."""
    has_webhooks: bool


class ActingReleases:
    """Reads releases that are about to act."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def get(self, release_id: str, project: str, at: datetime) -> ActingRelease:
        """Return a release. Its row is locked for this transaction, and its project's against stops. Raises ReleaseNotFound."""
        if self.connection.dialect.name != "sqlite":
            # Locked in statements of their own: rows joined to a locked one may be stale after the wait.
            self.connection.execute(_LOCK_PROJECT, {"project": project})
            self.connection.execute(_LOCK_RELEASE, {"release": release_id})
        rows = self.connection.execute(_ACTING, {"release": release_id, "project": project, "at": at}).all()
        if not rows:
            raise ReleaseNotFound(f"There is no release '{release_id}'.")
        first = rows[0]
        return ActingRelease(
            release=read_release(first),
            project=Project(id=first.project_id, key=first.project_key, name=first.project_name, provider=first.project_provider),
            seen=FlagState.model_validate(first.seen_state),
            owner=Owner(kind=first.responsible_kind, name=first.responsible_name),
            access=Access(grants=grants_of(rows)),
            may_be_held=first.has_stops or first.has_freezes,
            has_webhooks=first.has_webhooks,
        )


_LOCK_PROJECT = (
    select(projects.c.id).where(projects.c.key == bindparam("project"), projects.c.deleted_at.is_(None)).with_for_update(read=True)
)
_LOCK_RELEASE = select(releases.c.id).where(releases.c.id == bindparam("release")).with_for_update()

_ACTING = (
    RELEASES.add_columns(
        projects.c.name.label("project_name"),
        projects.c.provider.label("project_provider"),
        seen.c.state.label("seen_state"),
        responsibles.c.kind.label("responsible_kind"),
        api_keys.c.grants,
        exists().where(stops.c.project_id == projects.c.id, *in_force(bindparam("at"))).label("has_stops"),
        exists().where(freezes.c.project_id == projects.c.id, freezes.c.ends_at > bindparam("at")).label("has_freezes"),
        exists().where(webhooks.c.project == projects.c.key).label("has_webhooks"),
    )
    .join(seen, (seen.c.release_id == releases.c.id) & (seen.c.environment == releases.c.environment))
    .outerjoin(api_keys, (api_keys.c.owner_id == responsibles.c.id) & api_keys.c.revoked_at.is_(None))
    .where(releases.c.id == bindparam("release"), projects.c.key == bindparam("project"))
)
