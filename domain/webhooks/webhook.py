"""Webhooks, their deliveries, and the policy for retries."""

from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from domain.model import Frozen, Moment
from domain.webhooks.event import WebhookEvent

MOST_WEBHOOKS = 20
OLD_SECRET_LIFETIME = timedelta(hours=24)
"""The time after a rotation in which deliveries are also signed with the previous secret."""


class Webhook(Frozen):
    """A URL to which some events of a project are sent."""

    id: str
    name: str
    url: str
    events: tuple[WebhookEvent, ...]
    created_at: Moment


class Secrets(Frozen):
    """The secrets with which a webhook signs. Never shown, logged or sent: their representation is empty too."""

    now: str
    old: str | None = None
    old_until: Moment | None = None

    def at(self, moment: datetime) -> tuple[str, ...]:
        """Return the secrets that are valid at a moment, newest first."""
        return (self.now, self.old) if self.old and self.old_until and moment < self.old_until else (self.now,)

    def rotated(self, new: str, at: datetime) -> "Secrets":
        """Return the secrets after a rotation."""
        return Secrets(now=new, old=self.now, old_until=at + OLD_SECRET_LIFETIME)

    def __repr__(self) -> str:
        return "Secrets()"

    __str__ = __repr__


class DeliveryStatus(StrEnum):
    """The status of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Failure(StrEnum):
    """The cause of a failed attempt."""

    ANSWERED_NO = "answered_no"
    REDIRECTED = "redirected"
    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    NOT_UNDERSTOOD = "not_understood"


class Attempt(Frozen):
    """The result of one attempt: the HTTP status if the receiver answered, and the cause if the attempt failed."""

    status: int | None = None
    failure: Failure | None = None


def attempt_answered(status: int) -> Attempt:
    """Return the result for an HTTP status. Only 2xx is a success. Redirects are not followed, because they could lead anywhere."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Attempt(status=status)
    redirected = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    return Attempt(status=status, failure=Failure.REDIRECTED if redirected else Failure.ANSWERED_NO)


class RetryPolicy(Frozen):
    """When to retry a failed attempt, and when to give up.

    A delivery is retried after `first`. Each further delay is `factor` times as long, up to `longest`. It is given up if the next attempt
    would be later than `give_up_after` since it was first due.

    A webhook also backs off as a whole. While its attempts keep failing it pauses between them for `backoff`, doubled each time, up to
    `longest_backoff`. So a dead receiver costs one attempt a minute, however many deliveries are pending.
    """

    first: timedelta = timedelta(seconds=10)
    factor: int = 4
    longest: timedelta = timedelta(hours=6)
    give_up_after: timedelta = timedelta(days=3)
    backoff: timedelta = timedelta(seconds=1)
    longest_backoff: timedelta = timedelta(minutes=1)

    def delay_after(self, failures: int) -> timedelta:
        """Return the delay of one delivery after this many failures of its own."""
        return min(self.longest, self.first * int(self.factor ** min(failures - 1, 20)))

    def backoff_after(self, failures: int) -> timedelta:
        """Return the pause of a webhook after this many failures in a row."""
        return min(self.longest_backoff, self.backoff * int(2 ** min(failures - 1, 20))) if failures else timedelta()


class Delivery(Frozen):
    """One event to be sent to one webhook. Its id is sent as `webhook-id`, and is the same for every attempt."""

    id: str
    webhook: str
    event: WebhookEvent
    release: str | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    created_at: Moment
    due_since: Moment
    attempts: int = 0
    failures: int = 0
    last_attempt_at: Moment | None = None
    last_status: int | None = None
    last_failure: Failure | None = None
    next_attempt_at: Moment | None

    def attempted(self, attempt: Attempt, at: datetime, policy: RetryPolicy) -> "Delivery":
        """Return the delivery after an attempt: delivered, given up, or pending with the time of the next attempt."""
        counts = {"attempts": self.attempts + 1, "failures": self.failures + 1 if attempt.failure else 0}
        last = {"last_attempt_at": at, "last_status": attempt.status, "last_failure": attempt.failure}
        following = at + policy.delay_after(counts["failures"]) if attempt.failure else None
        status = DeliveryStatus.PENDING if attempt.failure else DeliveryStatus.DELIVERED
        if following and following > self.due_since + policy.give_up_after:
            status, following = DeliveryStatus.GIVEN_UP, None
        return self.model_copy(update={"status": status, "next_attempt_at": following, **counts, **last})

    def sent_again(self, at: datetime) -> "Delivery":
        """Return the delivery due at once, with all its retries again. The count of attempts stays."""
        again = {"status": DeliveryStatus.PENDING, "due_since": at, "next_attempt_at": at, "failures": 0}
        return self.model_copy(update=again)
