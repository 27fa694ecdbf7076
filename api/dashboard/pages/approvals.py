"""The approvals that releases wait for."""

from typing import NamedTuple

from fastapi import APIRouter, Response

from activities.commands.approve import pending_approval
from activities.store.database import Store
from api.dashboard.page_route import PageRoute
from api.dashboard.site import Site, SiteDep
from api.schemas.releases import ApprovalView, approval_view
from domain.errors import Refusal
from domain.flags.project import Project
from domain.releases.approval import check_may_decide, check_not_approved
from domain.releases.control import ALLOWED_WHEN, Control
from domain.releases.release import Release

router = APIRouter(prefix="/projects/{project}/approvals", route_class=PageRoute, include_in_schema=False)


class Waiting(NamedTuple):
    """A release that waits for an approval, and why the visitor can't give it; None if the visitor can."""

    release: Release
    approval: ApprovalView
    does: str
    obstacle: str | None


@router.get("")
def show_approvals(site: SiteDep) -> Response:
    """List the approvals that the visitor can give, then those that others must give."""
    with site.database.reading() as store:
        project = store.projects.get(site.key)
        found = [_waiting(store, site, project, release) for release in store.releases.unfinished_in(project.id)]
    waiting = [each for each in found if each]
    mine = [each for each in waiting if each.obstacle is None]
    return site.page("approvals.html", "approvals", mine=mine, others=[each for each in waiting if each.obstacle])


def _waiting(store: Store, site: Site, project: Project, release: Release) -> Waiting | None:
    if not release.is_under_way or release.status not in ALLOWED_WHEN[Control.APPROVE]:
        return None
    pending = pending_approval(store, project, release)
    if pending is None or len(pending.given) >= pending.gate.approvals:
        return None
    try:
        site.caller.must_operate(site.key, [release.environment])
        check_may_decide(pending.gate, site.caller, release.added_by_id)
        check_not_approved(pending.given, site.caller)
        obstacle = None
    except Refusal as refusal:
        obstacle = refusal.message
    return Waiting(release, approval_view(pending), pending.proposal.stage.in_words(release.parameters), obstacle)
