"""Webhooks, what they have delivered, and how long they are patient with a receiver that does not answer."""

from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from domain.model import Frozen, Moment
from domain.webhooks.event import WebhookEvent

MOST_WEBHOOKS = 20
OLD_SECRET_GOOD = timedelta(hours=24)
"""How long what is sent is also signed with the secret before the last rotation."""


class Webhook(Frozen):
    """An address that is told of some events of a project."""

    id: str
    name: str
    url: str
    events: tuple[WebhookEvent, ...]
    created_at: Moment


class Secrets(Frozen):
    """What a webhook signs with. Never shown, logged or sent; not even by mistake, in a representation."""

    now: str
    old: str | None = None
    old_until: Moment | None = None

    def at(self, moment: datetime) -> tuple[str, ...]:
        """Those that are good at a moment, the newest first."""
        return (self.now, self.old) if self.old and self.old_until and moment < self.old_until else (self.now,)

    def rotated(self, new: str, at: datetime) -> "Secrets":
        """The same after a rotation."""
        return Secrets(now=new, old=self.now, old_until=at + OLD_SECRET_GOOD)

    def __repr__(self) -> str:
        return "Secrets()"

    __str__ = __repr__


class DeliveryStatus(StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Failure(StrEnum):
    """Why an attempt failed."""

    ANSWERED_NO = "answered_no"
    REDIRECTED = "redirected"
    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    NOT_UNDERSTOOD = "not_understood"


class Attempt(Frozen):
    """What came of one attempt: the status of the answer if there was one, and why it failed if it did."""

    status: int | None = None
    failure: Failure | None = None


def attempt_answered(status: int) -> Attempt:
    """What an answer means: 2xx that it was taken. A redirect is not followed: it might lead anywhere."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Attempt(status=status)
    redirected = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    return Attempt(status=status, failure=Failure.REDIRECTED if redirected else Failure.ANSWERED_NO)


class RetryPolicy(Frozen):
    """When an attempt that failed is followed by another, and when by none.

    One delivery is tried again after `first`, then `factor` times as long, at most `longest` apart, until `in_all` after it was due first.
    A webhook whose attempts fail one after another rests between them from `rest` on, doubled each time, at most `longest_rest`: however
    much waits for a dead receiver, it costs one attempt a minute.
    """

    first: timedelta = timedelta(seconds=10)
    factor: int = 4
    longest: timedelta = timedelta(hours=6)
    in_all: timedelta = timedelta(days=3)
    rest: timedelta = timedelta(seconds=1)
    longest_rest: timedelta = timedelta(minutes=1)

    def wait_after(self, failures: int) -> timedelta:
        """How long one delivery waits after so many failures of its own."""
        return min(self.longest, self.first * int(self.factor ** min(failures - 1, 20)))

    def rest_after(self, failures: int) -> timedelta:
        """How long a webhook rests after so many failures one after another."""
        return min(self.longest_rest, self.rest * int(2 ** min(failures - 1, 20))) if failures else timedelta()


class Delivery(Frozen):
    """One notice on its way to one webhook. Its id is what the receiver gets as `webhook-id`, however often it is sent."""

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

    def attempted(self, attempt: Attempt, at: datetime, patience: RetryPolicy) -> "Delivery":
        """The same after an attempt: delivered, given up, or to be tried again."""
        counts = {"attempts": self.attempts + 1, "failures": self.failures + 1 if attempt.failure else 0}
        last = {"last_attempt_at": at, "last_status": attempt.status, "last_failure": attempt.failure}
        following = at + patience.wait_after(counts["failures"]) if attempt.failure else None
        status = DeliveryStatus.PENDING if attempt.failure else DeliveryStatus.DELIVERED
        if following and following > self.due_since + patience.in_all:
            status, following = DeliveryStatus.GIVEN_UP, None
        return self.model_copy(update={"status": status, "next_attempt_at": following, **counts, **last})

    def sent_again(self, at: datetime) -> "Delivery":
        """The same, due at once and with all the patience anew; what was attempted stays in the record."""
        again = {"status": DeliveryStatus.PENDING, "due_since": at, "next_attempt_at": at, "failures": 0}
        return self.model_copy(update=again)
