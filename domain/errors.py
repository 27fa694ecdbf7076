"""Refusals: rejected requests and steps, each with its reason.

Refusal
├── NotFound
│   ├── FeatureNotFound
│   ├── ReleaseNotFound
│   ├── SegmentNotFound
│   ├── EnvironmentNotFound
│   └── VariantNotFound
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
│   ├── FlagsKeptElsewhere
│   ├── InUse
│   ├── KeptByOthers
│   ├── KeyRevoked
│   ├── LowersShare
│   ├── NoDecision
│   ├── NotADraft
│   ├── NotPublished
│   ├── NothingToApprove
│   ├── PipelineArchived
│   ├── ProviderRefused
│   ├── Rejected
│   ├── ReleasedSince
│   ├── SecretShownOnce
│   ├── StageMoved
│   └── Superseded
├── ResourceChanged
│   └── DraftChanged
└── Invalid
    ├── AddressRefused
    ├── CursorInvalid
    ├── IdempotencyKeyReused
    ├── PublishingRefused
    └── ValueTypeWrong

This module knows neither HTTP nor Temporal. `api/problems.py` maps the base classes to HTTP statuses.
A refusal crosses Temporal by its class name.
"""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """One problem in a request, with a JSON pointer into the document that was sent."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    code: str
    message: str


def pointer_to(path: Sequence[int | str]) -> str:
    """Write a path into a document as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


class Refusal(Exception):
    """A request or a step that is not allowed. It is never retried automatically."""

    def __init__(self, message: str, *, problems: tuple[Problem, ...] = (), **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.problems = problems
        self.details = details

    @classmethod
    def code(cls) -> str:
        """Return the refusal's code on the wire: `flag_changed_by_hand` for `FlagChangedByHand`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class NotFound(Refusal):
    """The thing does not exist, or the caller may not see it."""


class FeatureNotFound(NotFound):
    """The feature of a release no longer exists."""


class ReleaseNotFound(NotFound):
    """The release has no record in the database."""


class SegmentNotFound(NotFound):
    """A change names a segment that does not exist."""


class EnvironmentNotFound(NotFound):
    """A stage names an environment that does not exist."""


class VariantNotFound(NotFound):
    """A change names a variant that the feature does not have."""


class NotAuthenticated(Refusal):
    """The API key is missing or unknown."""


class NotAllowed(Refusal):
    """The key is valid but lacks the right."""


class RightMissing(NotAllowed):
    """The responsible owner of a release has lost the right on the environment."""


class OwnerUnknown(NotAllowed):
    """A decision names an owner id to which no API key belongs."""


class OwnRelease(NotAllowed):
    """The person who added a release may not approve it, unless the gate allows it."""


class ServiceCannotApprove(NotAllowed):
    """The gate requires approval by a person, and the key belongs to a service."""


class Conflict(Refusal):
    """The request contradicts the current state."""


class NoDecision(Conflict):
    """A stage ships the winner of an experiment, and none has decided."""


class AlreadyApproved(Conflict):
    """The same person has already approved this."""


class ApprovalMoved(Conflict):
    """The change to be applied is no longer the one that the person was shown."""


class ApprovalTimedOut(Conflict):
    """A stage was not approved before the timeout of its gate."""


class NothingToApprove(Conflict):
    """The current stage of the release requires no approval."""


class Rejected(Conflict):
    """A person rejected the change that a stage would apply."""


class AlreadyReleasing(Conflict):
    """The flag already has an unfinished release."""


class ControlNotAllowed(Conflict):
    """The release's status does not allow this control."""


class DraftExists(Conflict):
    """The pipeline already has a draft of its next version."""


class FlagChangedByHand(Conflict):
    """Someone else changed a field that a stage is about to change."""


class InUse(Conflict):
    """It is still in use and can't be deleted."""


class KeyRevoked(Conflict):
    """A revoked key can't get a new secret."""


class LowersShare(Conflict):
    """A stage would take the flag from people who have it when it is added, and nobody accepted that."""


class NotADraft(Conflict):
    """A published pipeline version can never be changed."""


class NotPublished(Conflict):
    """Only published pipeline versions accept releases and can be archived."""


class PipelineArchived(Conflict):
    """The pipeline accepts no new releases or versions."""


class ReleasedSince(Conflict):
    """A newer release was added for the flag, so the older one can no longer be rolled back."""


class SecretShownOnce(Conflict):
    """The request was carried out before, and its response had a secret that is shown only once."""


class FlagsKeptElsewhere(Conflict):
    """The project's flags are kept in another flag system, where people change them."""


class KeptByOthers(Conflict):
    """A part of the flag that others made in its flag system is in the way, and Flaghoist never changes it."""


class ProviderRefused(Conflict):
    """The flag system refuses the change: its credential was revoked or lacks a right, or the request is not accepted."""


class StageMoved(Conflict):
    """The release has left the stage, visit or step that the caller expected."""


class Superseded(Conflict):
    """Another writer has advanced the record of the release, so nothing is written."""


class ResourceChanged(Refusal):
    """The resource has changed since the caller last read it."""


class DraftChanged(ResourceChanged):
    """The draft has changed since the caller last read it."""


class Invalid(Refusal):
    """The request itself is invalid, whatever the current state."""


class AddressRefused(Invalid):
    """The URL of a webhook leads to an address that is not allowed."""


class CursorInvalid(Invalid):
    """The cursor does not come from one of our lists."""


class IdempotencyKeyReused(Invalid):
    """The Idempotency-Key was used before for a different request."""


class PublishingRefused(Invalid):
    """The pipeline can't work. All problems are listed."""


class ValueTypeWrong(Invalid):
    """The value does not have the feature's type."""


BLOCKING: tuple[type[Refusal], ...] = (
    FlagChangedByHand,
    KeptByOthers,
    ProviderRefused,
    RightMissing,
    FeatureNotFound,
    EnvironmentNotFound,
    SegmentNotFound,
    VariantNotFound,
    NoDecision,
    ValueTypeWrong,
    ApprovalTimedOut,
    Rejected,
    Invalid,
    Superseded,
    Refusal,
)
"""Refusals whose codes a blocked release can have. docs/guide/why-is-my-release-not-moving.md lists the remedies."""


def blocking_code(refusal: Refusal) -> str:
    """Return the code of a blocked release: that of the refusal, or of its nearest base class in BLOCKING."""
    return next(kind.code() for kind in type(refusal).__mro__ if kind in BLOCKING)
