"""Delivering what webhooks are told: at least once, in order while the receiver answers."""

import time
from datetime import UTC, datetime, timedelta

import structlog
from temporalio import activity

from activities.http_post import HttpPoster
from activities.messages import Delivered, DeliverWebhook
from activities.store.database import Database
from activities.store.deliveries import KNOCKED_AGAIN, DueDeliveries
from domain.errors import NotFound
from domain.webhooks.signature import signed_headers
from domain.webhooks.webhook import Attempt, RetryPolicy, Secrets, Webhook

BATCH_SECONDS = 10.0
"""How long one activity goes on with what is due before it lets Temporal hear of it."""

log = structlog.get_logger()


class DeliveryActivities:
    """What tells receivers. Ids go over Temporal; addresses, secrets and documents stay in the database."""

    def __init__(self, database: Database, poster: HttpPoster, patience: RetryPolicy | None = None) -> None:
        self.database = database
        self.poster = poster
        self.patience = patience or RetryPolicy()

    @activity.defn(name="deliver_notices")
    def deliver_notices(self, command: DeliverWebhook) -> Delivered:
        """Attempt what is due, the oldest first, until one fails; then say when to go on.

        A receiver may get one twice, with the same `webhook-id`: when this process dies between the answer and its record.
        """
        failures, until = command.failures, time.monotonic() + BATCH_SECONDS
        if failures:
            self._give_up_what_is_late(command.webhook)
        while time.monotonic() < until and not activity.is_worker_shutdown():
            attempt = self._deliver_one(command)
            if attempt is None:
                break
            failures = failures + 1 if attempt.failure else 0
            if attempt.failure:
                break
        return self._onward(command.webhook, failures)

    def _deliver_one(self, command: DeliverWebhook) -> Attempt | None:
        """One attempt at the oldest that is due; nothing if none is, or the webhook was deleted."""
        now = _now()
        with self.database.reading() as store:
            found, due = store.webhooks.find(command.webhook), store.deliveries.due(command.webhook, now)
        if not found or not due:
            return None
        attempt = self._post(*found, due, now)
        self._record(due, attempt, now)
        said = {"project": command.project, "webhook": command.webhook, "delivery": due.delivery.id, "status": attempt.status}
        if attempt.failure:
            log.warning("webhook_failed", failure=attempt.failure.value, attempts=due.delivery.attempts + 1, **said)
        else:
            log.info("webhook_delivered", **said)
        return attempt

    def _post(self, webhook: Webhook, secrets: Secrets, due: DueDeliveries, now: datetime) -> Attempt:
        return self.poster.post(webhook.url, signed_headers(secrets.at(now), due.delivery.id, now, due.body), due.body)

    def _record(self, due: DueDeliveries, attempt: Attempt, now: datetime) -> None:
        """Write what came of it, unless another attempt was written meanwhile, or the webhook deleted."""
        try:
            with self.database.transaction() as store:
                found = store.deliveries.get(due.delivery.webhook, due.delivery.id, lock=True)
                if found.attempts == due.delivery.attempts:
                    after = found.attempted(attempt, now, self.patience)
                    store.deliveries.write(after, after.next_attempt_at and after.next_attempt_at + KNOCKED_AGAIN)
                    store.deliveries.sweep(found.webhook, now)
        except NotFound:
            pass

    def _give_up_what_is_late(self, webhook: str) -> None:
        with self.database.transaction() as store:
            store.deliveries.give_up(webhook, _now() - self.patience.give_up_after)

    def _onward(self, webhook: str, failures: int) -> Delivered:
        with self.database.reading() as store:
            next_at = store.deliveries.next_at(webhook)
        rest: timedelta = self.patience.backoff_after(failures)
        return Delivered(failures=failures, rest=rest, next_at=next_at)


def _now() -> datetime:
    """The worker's clock: receivers compare `webhook-timestamp` with theirs."""
    return datetime.now(UTC)
