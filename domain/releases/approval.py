"""Approvals: a person's yes to exactly what a stage will apply."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.access import Caller
from domain.errors import AlreadyApproved, NothingToApprove, OwnRelease, ServiceCannotApprove
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.flags.project import Segment
from domain.model import Frozen, Moment
from domain.pipelines.gate import ApprovalGate
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import Stage


class Approval(Frozen):
    """One person's yes. It counts while `binds` is the digest of what will be applied and the person has the right."""

    id: str
    visit: int
    owner: str
    owner_id: str
    binds: str
    at: Moment
    reason: str | None = None


class Proposal(NamedTuple):
    """Exactly what a stage will apply on one visit, and the flag that it will meet.

    `segments` has the definition of each segment that decides whom the change reaches.
    """

    stage: Stage
    parameters: Parameters
    visit: int
    now: FlagState
    segments: Mapping[str, Segment] = {}

    @property
    def patches(self) -> list[FlagPatch]:
        """The patch of each step, for a hold none."""
        if self.stage.is_hold:
            return []
        return [self.stage.patch(self.parameters, step) for step in range(1, self.stage.steps + 1)]

    @property
    def current(self) -> FlagPatch:
        """The flag's own values of the fields that the first patch names."""
        return self.patches[0].expanded(self.now).seen_in(self.now) if self.patches else FlagPatch()

    @property
    def binds(self) -> str:
        """A digest of everything that an approval is for."""
        content = {
            "visit": self.visit,
            "patches": [patch.model_dump(mode="json") for patch in self.patches],
            "now": [self.current.model_dump(mode="json")] if self.patches else [],
        }
        if named := segments_bound(self.patches, self.now):
            known = {key: self.segments[key] for key in named if key in self.segments}
            content["segments"] = {key: segment.model_dump(mode="json", include={"id", "rules"}) for key, segment in known.items()}
            content["ranks"] = {key: override.priority for key, override in self.now.overrides.items()}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def segments_bound(patches: Iterable[FlagPatch], now: FlagState) -> set[str]:
    """Return the segments that decide whom the patches reach.

    A patch that sets an override reaches the identities of its segment, unless an override with a better priority applies to them.
    """
    named = {segment for patch in patches for segment, override in patch.segments.items() if override is not None}
    return named | set(now.overrides) if named else set()


def matching_approvals(approvals: Iterable[Approval], digest: str) -> list[Approval]:
    """Return the approvals of a visit that have this digest, one for each owner, in order of time."""
    by_owner = {approval.owner_id: approval for approval in approvals if approval.binds == digest}
    return sorted(by_owner.values(), key=lambda approval: approval.at)


def gate_to_approve(stage: Stage, step: int) -> ApprovalGate:
    """Return the approval gate of a stage that is at that step. Raises NothingToApprove: only the first step needs approval."""
    if stage.approval is None:
        raise NothingToApprove(f"'{stage.name}' needs no approval.")
    if step > 1:
        raise NothingToApprove(f"'{stage.name}' needs approval before its first step only, for the whole rollout: pause it to stop it.")
    return stage.approval


def check_may_decide(gate: ApprovalGate, caller: Caller, requester_id: str) -> None:
    """Raise ServiceCannotApprove or OwnRelease if the caller may neither approve nor reject."""
    if caller.owner.kind != "person":
        raise ServiceCannotApprove(f"'{caller.owner.name}' is a service: only people can approve or reject.")
    if caller.owner_id == requester_id and not gate.allow_requester:
        raise OwnRelease(f"'{caller.owner.name}' added this flag: somebody else must decide.")


def check_not_approved(approvals: Sequence[Approval], caller: Caller) -> None:
    """Raise AlreadyApproved if an approval of the caller already counts."""
    if any(approval.owner_id == caller.owner_id for approval in approvals):
        raise AlreadyApproved(f"'{caller.owner.name}' has already approved this: any further approval must come from somebody else.")
