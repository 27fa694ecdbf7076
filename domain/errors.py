"""The refusals: requests and steps that are not allowed, each with its reason.

Refusal
├── NotFound
│   ├── FeatureNotFound
│   ├── ReleaseNotFound
│   ├── SegmentNotFound
│   └── EnvironmentNotFound
├── NotAuthenticated
├── NotAllowed
│   ├── OwnerUnknown
│   ├── OwnRelease
│   ├── RightMissing
│   └── ServiceCannotApprove
├── Conflict
│   ├── AlreadyApproved
│   ├── AlreadyReleasing
│   ├── ApprovalMoved
│   ├── ApprovalTimedOut
│   ├── ControlNotAllowed
│   ├── DraftExists
│   ├── FlagChangedByHand
│   ├── InUse
│   ├── KeyRevoked
│   ├── NotADraft
│   ├── NotPublished
│   ├── NothingToApprove
│   ├── PipelineArchived
│   ├── Rejected
│   ├── ReleasedSince
│   ├── SecretShownOnce
│   ├── StageMoved
│   └── Superseded
├── DraftChanged
└── Invalid
    ├── AddressRefused
    ├── CursorInvalid
    ├── IdempotencyKeyReused
    ├── PublishingRefused
    └── ValueTypeWrong

Nothing here knows HTTP or Temporal: `api/problems.py` gives each base its status, and the class name crosses Temporal.
"""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """One thing that is wrong, with a JSON pointer into the document that was sent."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    code: str
    message: str


class Refusal(Exception):
    """A request or a step that is not allowed. It is never retried by itself."""

    def __init__(self, message: str, *, problems: tuple[Problem, ...] = (), **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.problems = problems
        self.details = details

    @classmethod
    def code(cls) -> str:
        """The refusal's name on the wire: `FlagChangedByHand` is `flag_changed_by_hand`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class NotFound(Refusal):
    """There is no such thing, or it is not for the one who asks."""


class FeatureNotFound(NotFound):
    """A release's feature does not exist any more."""


class ReleaseNotFound(NotFound):
    """There is no record of the release."""


class SegmentNotFound(NotFound):
    """A change names a segment that does not exist."""


class EnvironmentNotFound(NotFound):
    """A stage names an environment that does not exist."""


class NotAuthenticated(Refusal):
    """No key, or none that is known."""


class NotAllowed(Refusal):
    """The key is known and lacks the right."""


class RightMissing(NotAllowed):
    """The owner on whose behalf a release acts has lost the right on the environment."""


class OwnerUnknown(NotAllowed):
    """Nobody is known by the id of the owner who is said to have decided it."""


class OwnRelease(NotAllowed):
    """Whoever added a flag does not approve it, unless the gate says so."""


class ServiceCannotApprove(NotAllowed):
    """A gate asks people, and the key belongs to a service."""


class Conflict(Refusal):
    """It contradicts what is there now."""


class AlreadyApproved(Conflict):
    """The person has approved exactly this already."""


class ApprovalMoved(Conflict):
    """What would be applied is no longer what the person was shown."""


class ApprovalTimedOut(Conflict):
    """A stage was not approved in time."""


class NothingToApprove(Conflict):
    """The stage where the release stands asks for no approval."""


class Rejected(Conflict):
    """A person has said no to what a stage would apply."""


class AlreadyReleasing(Conflict):
    """The flag is in an unfinished release already."""


class ControlNotAllowed(Conflict):
    """The release's status does not allow this control."""


class DraftExists(Conflict):
    """The next version of the pipeline is being drafted already."""


class FlagChangedByHand(Conflict):
    """A field that a stage is about to change was changed by somebody else."""


class InUse(Conflict):
    """Something still uses it."""


class KeyRevoked(Conflict):
    """A key that was revoked gets no other secret."""


class NotADraft(Conflict):
    """A published pipeline version cannot be changed in any way."""


class NotPublished(Conflict):
    """Only published pipeline versions take releases, and only they are archived."""


class PipelineArchived(Conflict):
    """The pipeline takes no new releases and no new versions."""


class ReleasedSince(Conflict):
    """A newer release has been added on the flag, so that an older one is not rolled back any more."""


class SecretShownOnce(Conflict):
    """The request was carried out before, and answered with a secret that is shown once."""


class StageMoved(Conflict):
    """The release is no longer where the caller last saw it."""


class Superseded(Conflict):
    """The record of a release has gone on without this writer, so nothing is written."""


class DraftChanged(Refusal):
    """The draft is not the one that the caller last read."""


class Invalid(Refusal):
    """It does not make sense as it was sent."""


class AddressRefused(Invalid):
    """The address of a webhook leads where none may lead."""


class CursorInvalid(Invalid):
    """A cursor that no list of ours gave out."""


class IdempotencyKeyReused(Invalid):
    """An Idempotency-Key that came with another request before."""


class PublishingRefused(Invalid):
    """The pipeline could not work; every problem is named."""


class ValueTypeWrong(Invalid):
    """A value that the feature's type does not take."""


BLOCKING: tuple[type[Refusal], ...] = (
    FlagChangedByHand,
    RightMissing,
    FeatureNotFound,
    EnvironmentNotFound,
    SegmentNotFound,
    ValueTypeWrong,
    ApprovalTimedOut,
    Rejected,
    Invalid,
    Superseded,
    Refusal,
)
"""The refusals under whose codes releases block; docs/guide/why-is-my-release-not-moving.md says what helps with each."""


def blocking_code(refusal: Refusal) -> str:
    """The code under which a release blocks: that of the refusal or, where it is not in BLOCKING, of the nearest kind that is."""
    return next(kind.code() for kind in type(refusal).__mro__ if kind in BLOCKING)
