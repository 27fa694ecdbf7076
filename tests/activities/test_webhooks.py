"""Deliveries of webhooks: at least once, signed, and in order while the receiver accepts them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from temporalio.testing import ActivityEnvironment

from activities.http_post import HttpPoster
from activities.store.database import Database
from activities.webhook_messages import Delivered, DeliverWebhook
from activities.webhooks import DeliveryActivities
from domain.audit import SYSTEM, AuditEntry, AuditEvent
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import DeliveryStatus, Failure, RetryPolicy
from tests.activities.acting import TWO_STAGES, act
from tests.ports import free_port
from tests.receiver import Receiver, answering, answering_in_turn, receiving
from tests.webhooks import SECRET, add_webhook, deliveries_of
from tests.world import World

SHORT = RetryPolicy(first=timedelta(milliseconds=1), backoff=timedelta(milliseconds=1))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that responds 204 by default."""
    with receiving() as receiver:
        yield receiver


def _record_events(database: Database, *events: AuditEvent, at: datetime | None = None) -> None:
    with database.transaction() as store:
        for event in events:
            store.audit.add(AuditEntry(at=at or datetime.now(UTC), actor=SYSTEM, event=event, project="shop", reason="to see"))


def _deliver(database: Database, webhook: str, policy: RetryPolicy = SHORT, *, failures: int = 0, private: bool = True) -> Delivered:
    deliveries = DeliveryActivities(database, HttpPoster(allow_private=private), policy)
    command = DeliverWebhook(project="shop", webhook=webhook, failures=failures)
    return ActivityEnvironment().run(deliveries.deliver_notices, command)


def test_receiver_gets_signed_documents_in_order(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _record_events(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_BLOCKED, AuditEvent.RELEASE_REMOVED)

    delivered = _deliver(database, webhook)

    assert [each.verified(SECRET)["type"] for each in receiver.received] == ["release.added", "release.blocked", "release.removed"]
    assert [each.id for each in receiver.received] == [each.id for each in deliveries_of(database, webhook)]
    assert {each.status for each in deliveries_of(database, webhook)} == {DeliveryStatus.DELIVERED}
    assert delivered == Delivered(failures=0, rest=timedelta(), next_at=None)


def test_release_sends_the_events_of_its_stages(world: World, receiver: Receiver) -> None:
    webhook = add_webhook(world.database, receiver.url())
    world.publish(TWO_STAGES)
    release = world.add()
    act(world, release)
    act(world, release)

    _deliver(world.database, webhook)

    assert receiver.events == [
        ("release.added", "Development"),
        ("stage.entered", "Development"),
        ("stage.acted", "Development"),
        ("stage.entered", "Production"),
        ("stage.acted", "Production"),
        ("release.completed", "Production"),
    ]
    assert json.loads(receiver.received[2].body)["data"]["details"] == {"step": 1}
    assert b"one-page" not in b"".join(each.body for each in receiver.received)


def test_failed_delivery_is_repeated_with_the_same_id_and_a_new_signature(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    receiver.answer = answering_in_turn(503, 204)
    _record_events(database, AuditEvent.RELEASE_REMOVED)

    failed = _deliver(database, webhook, RetryPolicy(first=timedelta(hours=1)))
    [pending] = deliveries_of(database, webhook)
    not_yet_due = _deliver(database, webhook, failures=1)
    with database.transaction() as store:
        store.deliveries.write(pending.model_copy(update={"next_attempt_at": datetime.now(UTC)}), None)
    _deliver(database, webhook, failures=1)

    first, second = receiver.received
    assert (failed.failures, failed.rest, failed.next_at) == (1, timedelta(seconds=1), pending.next_attempt_at)
    assert (pending.last_status, pending.last_failure, pending.attempts) == (503, Failure.ANSWERED_NO, 1)
    assert not_yet_due.failures == 1
    assert (first.id, first.body) == (second.id, second.body)
    assert first.verified(SECRET) == second.verified(SECRET)


def test_unrecorded_delivery_is_repeated_with_the_same_id(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _record_events(database, AuditEvent.RELEASE_REMOVED)
    [unwritten] = deliveries_of(database, webhook)
    _deliver(database, webhook)

    with database.transaction() as store:
        store.deliveries.write(unwritten, None)
    _deliver(database, webhook)

    assert [each.id for each in receiver.received] == [unwritten.id, unwritten.id]


def test_failure_ends_the_batch_after_one_attempt(database: Database) -> None:
    webhook = add_webhook(database, f"http://127.0.0.1:{free_port()}/")
    _record_events(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_BLOCKED, AuditEvent.RELEASE_REMOVED)

    delivered = _deliver(database, webhook, RetryPolicy(), failures=3)

    assert [each.attempts for each in deliveries_of(database, webhook)] == [1, 0, 0]
    assert (delivered.failures, delivered.rest) == (4, timedelta(seconds=8))


def test_rejected_delivery_does_not_delay_the_others(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    receiver.answer = answering_in_turn(400, 204)
    _record_events(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_BLOCKED, AuditEvent.RELEASE_REMOVED)

    first = _deliver(database, webhook, RetryPolicy())
    second = _deliver(database, webhook, RetryPolicy(), failures=first.failures)

    assert [each.status for each in deliveries_of(database, webhook)] == ["pending", "delivered", "delivered"]
    assert second.failures == 0


def test_expired_delivery_is_tried_once_and_given_up(database: Database) -> None:
    webhook = add_webhook(database, f"http://127.0.0.1:{free_port()}/")
    _record_events(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_REMOVED, at=datetime.now(UTC) - timedelta(days=4))

    first = _deliver(database, webhook, RetryPolicy())
    second = _deliver(database, webhook, RetryPolicy(), failures=first.failures)

    assert [(each.status, each.attempts) for each in deliveries_of(database, webhook)] == [("given_up", 1), ("given_up", 0)]
    assert second.next_at is None


def test_pending_delivery_uses_the_current_url(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, f"http://127.0.0.1:{free_port()}/")
    _record_events(database, AuditEvent.RELEASE_REMOVED)
    with database.transaction() as store:
        store.webhooks.write(store.webhooks.get("shop", webhook).model_copy(update={"url": receiver.url("/new")}))

    _deliver(database, webhook)

    assert [each.path for each in receiver.received] == ["/new"]


def test_both_secrets_verify_for_a_day_after_a_rotation(database: Database, receiver: Receiver) -> None:
    webhook, new = add_webhook(database, receiver.url()), SECRET.replace("dGhl", "dGhM")
    _record_events(database, AuditEvent.RELEASE_ADDED)
    with database.transaction() as store:
        store.webhooks.rotate(webhook, new, datetime.now(UTC))

    _deliver(database, webhook)

    assert new != SECRET
    assert receiver.received[0].verified(new) == receiver.received[0].verified(SECRET)


def test_address_is_checked_again_at_delivery(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url(scheme="https"))
    _record_events(database, AuditEvent.RELEASE_REMOVED)

    _deliver(database, webhook, private=False)

    assert [each.last_failure for each in deliveries_of(database, webhook)] == [Failure.ADDRESS_REFUSED]
    assert receiver.received == []


def test_redirect_to_a_loopback_address_counts_as_a_failure(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _record_events(database, AuditEvent.RELEASE_REMOVED)
    with receiving() as inside:
        receiver.answer = answering(307, Location=inside.url())
        _deliver(database, webhook)

    assert [(each.last_status, each.last_failure) for each in deliveries_of(database, webhook)] == [(307, Failure.REDIRECTED)]
    assert inside.received == []


def test_deleted_webhook_gets_nothing(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _record_events(database, AuditEvent.RELEASE_REMOVED)
    with database.transaction() as store:
        store.webhooks.delete(webhook)

    assert _deliver(database, webhook) == Delivered(failures=0, rest=timedelta(), next_at=None)
    assert receiver.received == []


def test_worker_shutdown_starts_no_further_delivery(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _record_events(database, AuditEvent.RELEASE_REMOVED)
    environment = ActivityEnvironment()
    environment.worker_shutdown()

    command = DeliverWebhook(project="shop", webhook=webhook)
    delivered = environment.run(DeliveryActivities(database, HttpPoster(allow_private=True)).deliver_notices, command)

    assert receiver.received == []
    assert delivered.next_at == deliveries_of(database, webhook)[0].next_attempt_at


def test_log_and_result_contain_no_secret_url_or_document(sqlite: Database) -> None:
    webhook = add_webhook(sqlite, f"http://127.0.0.1:{free_port()}/path-is-a-password?token=t0ken", WebhookEvent.RELEASE_REMOVED)
    _record_events(sqlite, AuditEvent.RELEASE_REMOVED)

    with structlog.testing.capture_logs() as lines:
        delivered = _deliver(sqlite, webhook)

    written = json.dumps([lines, delivered.model_dump(mode="json"), deliveries_of(sqlite, webhook)[0].model_dump(mode="json")])
    assert [(line["event"], line["failure"]) for line in lines] == [("webhook_failed", "unreachable")]
    assert [word for word in (SECRET, "path-is-a-password", "t0ken", "to see") if word in written] == []
