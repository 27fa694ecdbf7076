"""Delivering, as a worker does it: at least once, signed, in order while the receiver answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from temporalio.testing import ActivityEnvironment

from activities.http_post import HttpPoster
from activities.messages import Delivered, DeliverWebhook
from activities.store.database import Database
from activities.webhooks import DeliveryActivities
from domain.audit import SYSTEM, AuditEntry, AuditEvent
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import DeliveryStatus, Failure, RetryPolicy
from tests.activities.acting import TWO_STAGES, act
from tests.http import free_port
from tests.receiver import Receiver, answering, answering_in_turn, receiving
from tests.webhooks import SECRET, add_webhook, deliveries_of
from tests.world import World

SHORT = RetryPolicy(first=timedelta(milliseconds=1), backoff=timedelta(milliseconds=1))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 204 unless told otherwise."""
    with receiving() as receiver:
        yield receiver


def _happen(database: Database, *events: AuditEvent, at: datetime | None = None) -> None:
    with database.transaction() as store:
        for event in events:
            store.audit.add(AuditEntry(at=at or datetime.now(UTC), actor=SYSTEM, event=event, project="shop", reason="to see"))


def _deliver(database: Database, webhook: str, patience: RetryPolicy = SHORT, *, failures: int = 0, private: bool = True) -> Delivered:
    deliveries = DeliveryActivities(database, HttpPoster(allow_private=private), patience)
    command = DeliverWebhook(project="shop", webhook=webhook, failures=failures)
    return ActivityEnvironment().run(deliveries.deliver_notices, command)


def test_a_receiver_verifies_what_comes_and_gets_it_in_order(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _happen(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_BLOCKED, AuditEvent.RELEASE_REMOVED)

    delivered = _deliver(database, webhook)

    assert [each.verified(SECRET)["type"] for each in receiver.received] == ["release.added", "release.blocked", "release.removed"]
    assert [each.id for each in receiver.received] == [each.id for each in deliveries_of(database, webhook)]
    assert {each.status for each in deliveries_of(database, webhook)} == {DeliveryStatus.DELIVERED}
    assert delivered == Delivered(failures=0, rest=timedelta(), next_at=None)


def test_a_release_tells_what_its_stages_do(world: World, receiver: Receiver) -> None:
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


def test_what_failed_comes_again_with_the_same_id_and_another_signature(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    receiver.answer = answering_in_turn(503, 204)
    _happen(database, AuditEvent.RELEASE_REMOVED)

    failed = _deliver(database, webhook, RetryPolicy(first=timedelta(seconds=1)))
    [pending] = deliveries_of(database, webhook)
    before = _deliver(database, webhook, failures=1)
    with database.transaction() as store:
        store.deliveries.write(pending.model_copy(update={"next_attempt_at": datetime.now(UTC)}), None)
    _deliver(database, webhook, failures=1)

    first, second = receiver.received
    assert (failed.failures, failed.rest, failed.next_at) == (1, timedelta(seconds=1), pending.next_attempt_at)
    assert (pending.last_status, pending.last_failure, pending.attempts) == (503, Failure.ANSWERED_NO, 1)
    assert before.failures == 1
    assert (first.id, first.body) == (second.id, second.body)
    assert first.verified(SECRET) == second.verified(SECRET)


def test_a_worker_that_dies_before_it_writes_sends_again_under_the_same_id(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _happen(database, AuditEvent.RELEASE_REMOVED)
    [unwritten] = deliveries_of(database, webhook)
    _deliver(database, webhook)

    with database.transaction() as store:
        store.deliveries.write(unwritten, None)
    _deliver(database, webhook)

    assert [each.id for each in receiver.received] == [unwritten.id, unwritten.id]


def test_a_failure_ends_the_round_so_that_a_dead_receiver_costs_one_attempt(database: Database) -> None:
    webhook = add_webhook(database, f"http://127.0.0.1:{free_port()}/")
    _happen(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_BLOCKED, AuditEvent.RELEASE_REMOVED)

    delivered = _deliver(database, webhook, RetryPolicy(), failures=3)

    assert [each.attempts for each in deliveries_of(database, webhook)] == [1, 0, 0]
    assert (delivered.failures, delivered.rest) == (4, timedelta(seconds=8))


def test_one_that_is_never_taken_does_not_hold_up_the_others(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    receiver.answer = answering_in_turn(400, 204)
    _happen(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_BLOCKED, AuditEvent.RELEASE_REMOVED)

    first = _deliver(database, webhook, RetryPolicy())
    second = _deliver(database, webhook, RetryPolicy(), failures=first.failures)

    assert [each.status for each in deliveries_of(database, webhook)] == ["pending", "delivered", "delivered"]
    assert second.failures == 0


def test_what_is_too_old_is_tried_once_and_given_up(database: Database) -> None:
    webhook = add_webhook(database, f"http://127.0.0.1:{free_port()}/")
    _happen(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_REMOVED, at=datetime.now(UTC) - timedelta(days=4))

    first = _deliver(database, webhook, RetryPolicy())
    second = _deliver(database, webhook, RetryPolicy(), failures=first.failures)

    assert [(each.status, each.attempts) for each in deliveries_of(database, webhook)] == [("given_up", 1), ("given_up", 0)]
    assert second.next_at is None


def test_what_waits_goes_to_the_address_that_the_webhook_has_now(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, f"http://127.0.0.1:{free_port()}/")
    _happen(database, AuditEvent.RELEASE_REMOVED)
    with database.transaction() as store:
        store.webhooks.write(store.webhooks.get("shop", webhook).model_copy(update={"url": receiver.url("/new")}))

    _deliver(database, webhook)

    assert [each.path for each in receiver.received] == ["/new"]


def test_for_a_day_after_a_rotation_either_secret_verifies(database: Database, receiver: Receiver) -> None:
    webhook, new = add_webhook(database, receiver.url()), SECRET.replace("dGhl", "dGhM")
    _happen(database, AuditEvent.RELEASE_ADDED)
    with database.transaction() as store:
        store.webhooks.rotate(webhook, new, datetime.now(UTC))

    _deliver(database, webhook)

    assert new != SECRET
    assert receiver.received[0].verified(new) == receiver.received[0].verified(SECRET)


def test_the_address_is_looked_at_again_when_it_is_sent(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url(scheme="https"))
    _happen(database, AuditEvent.RELEASE_REMOVED)

    _deliver(database, webhook, private=False)

    assert [each.last_failure for each in deliveries_of(database, webhook)] == [Failure.ADDRESS_REFUSED]
    assert receiver.received == []


def test_a_redirect_to_a_loopback_address_counts_as_a_failure(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _happen(database, AuditEvent.RELEASE_REMOVED)
    with receiving() as inside:
        receiver.answer = answering(307, Location=inside.url())
        _deliver(database, webhook)

    assert [(each.last_status, each.last_failure) for each in deliveries_of(database, webhook)] == [(307, Failure.REDIRECTED)]
    assert inside.received == []


def test_a_webhook_that_was_deleted_gets_nothing(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _happen(database, AuditEvent.RELEASE_REMOVED)
    with database.transaction() as store:
        store.webhooks.delete(webhook)

    assert _deliver(database, webhook) == Delivered(failures=0, rest=timedelta(), next_at=None)
    assert receiver.received == []


def test_a_worker_that_is_told_to_stop_begins_no_other_delivery(database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, receiver.url())
    _happen(database, AuditEvent.RELEASE_REMOVED)
    environment = ActivityEnvironment()
    environment.worker_shutdown()

    command = DeliverWebhook(project="shop", webhook=webhook)
    delivered = environment.run(DeliveryActivities(database, HttpPoster(allow_private=True)).deliver_notices, command)

    assert receiver.received == []
    assert delivered.next_at == deliveries_of(database, webhook)[0].next_attempt_at


def test_neither_log_nor_answer_holds_the_secret_the_address_or_the_document(sqlite: Database) -> None:
    webhook = add_webhook(sqlite, f"http://127.0.0.1:{free_port()}/path-is-a-password?token=t0ken", WebhookEvent.RELEASE_REMOVED)
    _happen(sqlite, AuditEvent.RELEASE_REMOVED)

    with structlog.testing.capture_logs() as lines:
        delivered = _deliver(sqlite, webhook)

    said = json.dumps([lines, delivered.model_dump(mode="json"), deliveries_of(sqlite, webhook)[0].model_dump(mode="json")])
    assert [(line["event"], line["failure"]) for line in lines] == [("webhook_failed", "unreachable")]
    assert [word for word in (SECRET, "path-is-a-password", "t0ken", "to see") if word in said] == []
