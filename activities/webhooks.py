"""The activity that delivers webhooks: at least once, and in order while the receiver accepts them."""

import time
from datetime import UTC, datetime

import structlog
from temporalio import activity

from activities.http_post import HttpPoster
from activities.store.database import Database
from activities.store.deliveries import WAKE_AGAIN_AFTER, DueDeliveries
from activities.webhook_messages import Delivered, DeliverWebhook
from domain.errors import NotFound
from domain.webhooks.signature import signed_headers
from domain.webhooks.webhook import Attempt, RetryPolicy, Secrets, Webhook

BATCH_SECONDS = 10.0
"""The time for which one activity keeps delivering before it reports to Temporal."""

log = structlog.get_logger()


class DeliveryActivities:
    """The activity that sends documents to receivers. Only ids cross Temporal; URLs, secrets and documents stay in the database."""

    def __init__(self, database: Database, poster: HttpPoster, policy: RetryPolicy | None = None) -> None:
        self.database = database
        self.poster = poster
        self.policy = policy or RetryPolicy()

    @activity.defn(name="deliver_notices", no_thread_cancel_exception=True)
    def deliver_notices(self, command: DeliverWebhook) -> Delivered:
        """Attempt the due deliveries, oldest first, until one fails. Return when to continue.

        A receiver can get a document twice, with the same `webhook-id`, if this process dies before it records the answer.
        """
        failures, until = command.failures, time.monotonic() + BATCH_SECONDS
        if failures:
            self._give_up_expired(command.webhook)
        while time.monotonic() < until and not activity.is_worker_shutdown():
            attempt = self._deliver_one(command)
            if attempt is None:
                break
            failures = failures + 1 if attempt.failure else 0
            if attempt.failure:
                break
        return self._result(command.webhook, failures)

    def _deliver_one(self, command: DeliverWebhook) -> Attempt | None:
        """Attempt the oldest due delivery. Return None if nothing is due, or the webhook was deleted."""
        now = _now()
        with self.database.reading() as store:
            found, due = store.webhooks.find(command.webhook), store.deliveries.due(command.webhook, now)
        if not found or not due:
            return None
        attempt = self._post(*found, due, now)
        self._record(due, attempt, now)
        fields = {"project": command.project, "webhook": command.webhook, "delivery": due.delivery.id, "status": attempt.status}
        if attempt.failure:
            log.warning("webhook_failed", failure=attempt.failure.value, attempts=due.delivery.attempts + 1, **fields)
        else:
            log.info("webhook_delivered", **fields)
        return attempt

    def _post(self, webhook: Webhook, secrets: Secrets, due: DueDeliveries, now: datetime) -> Attempt:
        return self.poster.post(webhook.url, signed_headers(secrets.at(now), due.delivery.id, now, due.body), due.body)

    def _record(self, due: DueDeliveries, attempt: Attempt, now: datetime) -> None:
        """Write the outcome, unless another attempt was recorded since `due` was read, or the webhook was deleted."""
        try:
            with self.database.transaction() as store:
                found = store.deliveries.get(due.delivery.webhook, due.delivery.id, lock=True)
                if found.attempts == due.delivery.attempts:
                    after = found.attempted(attempt, now, self.policy)
                    store.deliveries.write(after, after.next_attempt_at and after.next_attempt_at + WAKE_AGAIN_AFTER)
                    store.deliveries.sweep(found.webhook, now)
        except NotFound:
            pass

    def _give_up_expired(self, webhook: str) -> None:
        with self.database.transaction() as store:
            store.deliveries.give_up(webhook, _now() - self.policy.give_up_after)

    def _result(self, webhook: str, failures: int) -> Delivered:
        with self.database.reading() as store:
            next_at = store.deliveries.next_at(webhook)
        return Delivered(failures=failures, rest=self.policy.backoff_after(failures), next_at=next_at)


def _now() -> datetime:
    """Return the worker's time, because receivers compare `webhook-timestamp` with their own."""
    return datetime.now(UTC)
