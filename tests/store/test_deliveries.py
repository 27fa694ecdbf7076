"""Deliveries are written in the transaction of their event, or not at all."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from activities.store.database import Database
from activities.store.deliveries import KEPT, WAKE_AGAIN_AFTER
from activities.store.paging import Slice
from domain.audit import SYSTEM, AuditEntry, AuditEvent
from domain.errors import NotFound
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import Attempt, DeliveryStatus, Failure, RetryPolicy
from tests.webhooks import add_webhook, deliveries_of

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
URL = "https://hooks.example.com/"
BOTH = (WebhookEvent.RELEASE_COMPLETED, WebhookEvent.RELEASE_REMOVED)


def _happens(database: Database, *events: AuditEvent, project: str = "shop", at: datetime = AT) -> None:
    with database.transaction() as store:
        for each in events:
            store.audit.add(AuditEntry(at=at, actor=SYSTEM, event=each, project=project, release="r"))


def test_each_webhook_gets_the_subscribed_events_of_its_project_in_order(database: Database) -> None:
    both, other = add_webhook(database, URL, *BOTH), add_webhook(database, URL, WebhookEvent.RELEASE_REMOVED)
    elsewhere = add_webhook(database, URL, *BOTH, project="bakery")

    _happens(database, AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_REMOVED, AuditEvent.RELEASE_COMPLETED, AuditEvent.PIPELINE_CREATED)

    told = {webhook: [each.event.value for each in deliveries_of(database, webhook)] for webhook in (both, other, elsewhere)}
    assert told == {both: ["release.removed", "release.completed"], other: ["release.removed"], elsewhere: []}


def test_a_rolled_back_transaction_leaves_no_delivery(database: Database) -> None:
    webhook = add_webhook(database, URL, *BOTH)

    with suppress(RuntimeError), database.transaction() as store:
        store.audit.add(AuditEntry(at=AT, actor=SYSTEM, event=AuditEvent.RELEASE_REMOVED, project="shop"))
        raise RuntimeError("the rest of it failed")

    assert deliveries_of(database, webhook) == []


def test_webhooks_are_looked_up_once_per_transaction(database: Database) -> None:
    looks: list[Any] = []
    event.listen(database.engine, "before_cursor_execute", lambda *told: looks.append(told[2]) if "webhooks" in told[2] else None)

    _happens(database, AuditEvent.RELEASE_REMOVED, AuditEvent.RELEASE_COMPLETED, AuditEvent.RELEASE_BLOCKED)

    assert len(looks) == 1


def test_a_workflow_is_woken_for_a_new_delivery_and_again_when_it_is_late(database: Database) -> None:
    webhook = add_webhook(database, URL, *BOTH)
    _happens(database, AuditEvent.RELEASE_REMOVED, AuditEvent.RELEASE_COMPLETED)
    ids = tuple(each.id for each in deliveries_of(database, webhook))

    with database.transaction() as store:
        first = store.deliveries.to_wake(AT)
        store.deliveries.woken(ids, AT)
        at_once = store.deliveries.to_wake(AT + WAKE_AGAIN_AFTER - timedelta(seconds=1))
        late = store.deliveries.to_wake(AT + WAKE_AGAIN_AFTER)

    assert [(each.project, each.webhook, sorted(each.deliveries)) for each in first] == [("shop", webhook, sorted(ids))]
    assert at_once == []
    assert [each.webhook for each in late] == [webhook]


def test_a_delivery_written_after_the_lookup_is_not_marked_as_woken(database: Database) -> None:
    webhook = add_webhook(database, URL, *BOTH)
    _happens(database, AuditEvent.RELEASE_REMOVED)
    with database.reading() as store:
        [seen] = store.deliveries.to_wake(AT)
    _happens(database, AuditEvent.RELEASE_COMPLETED)

    with database.transaction() as store:
        store.deliveries.woken(seen.deliveries, AT)
        [left] = store.deliveries.to_wake(AT)

    assert left.deliveries == (deliveries_of(database, webhook)[1].id,)


def test_the_oldest_due_delivery_comes_first_and_delivered_ones_are_not_due(database: Database) -> None:
    webhook = add_webhook(database, URL, *BOTH)
    _happens(database, AuditEvent.RELEASE_REMOVED, AuditEvent.RELEASE_COMPLETED)
    first, second = deliveries_of(database, webhook)

    with database.transaction() as store:
        oldest = store.deliveries.due(webhook, AT)
        store.deliveries.write(first.attempted(Attempt(status=204), AT, RetryPolicy()), None)
        store.deliveries.write(second.attempted(Attempt(failure=Failure.TIMED_OUT), AT, RetryPolicy()), None)

    assert oldest
    assert oldest.delivery == first
    with database.reading() as store:
        assert store.deliveries.due(webhook, AT) is None
        assert store.deliveries.next_at(webhook) == AT + timedelta(seconds=10)
    assert [each.last_failure for each in deliveries_of(database, webhook)] == [None, Failure.TIMED_OUT]


def test_only_overdue_deliveries_are_given_up(database: Database) -> None:
    webhook, other = add_webhook(database, URL, *BOTH), add_webhook(database, URL, *BOTH)
    _happens(database, AuditEvent.RELEASE_REMOVED)
    _happens(database, AuditEvent.RELEASE_COMPLETED, at=AT + timedelta(hours=1))

    with database.transaction() as store:
        store.deliveries.give_up(webhook, AT + timedelta(minutes=1))

    assert [each.status for each in deliveries_of(database, webhook)] == [DeliveryStatus.GIVEN_UP, DeliveryStatus.PENDING]
    assert {each.status for each in deliveries_of(database, other)} == {DeliveryStatus.PENDING}


def test_finished_deliveries_are_deleted_after_a_month(database: Database) -> None:
    webhook = add_webhook(database, URL, *BOTH)
    _happens(database, AuditEvent.RELEASE_REMOVED, AuditEvent.RELEASE_COMPLETED)
    ended, pending = deliveries_of(database, webhook)

    with database.transaction() as store:
        store.deliveries.write(ended.attempted(Attempt(status=204), AT, RetryPolicy()), None)
        store.deliveries.sweep(webhook, AT + KEPT)
        kept = store.deliveries.page(webhook, Slice()).items
        store.deliveries.sweep(webhook, AT + KEPT + timedelta(seconds=1))

    assert len(kept) == 2
    assert [each.id for each in deliveries_of(database, webhook)] == [pending.id]


def test_deleting_a_webhook_deletes_its_deliveries_and_secrets(database: Database) -> None:
    webhook = add_webhook(database, URL, *BOTH)
    _happens(database, AuditEvent.RELEASE_REMOVED)

    with database.transaction() as store:
        store.webhooks.delete_all("shop")

    with database.reading() as store:
        assert (store.webhooks.find(webhook), store.deliveries.to_wake(AT)) == (None, [])
        with pytest.raises(NotFound):
            store.webhooks.get("shop", webhook)


def test_a_delivery_for_a_webhook_deleted_concurrently_is_dropped(database: Database) -> None:
    webhook = add_webhook(database, URL, *BOTH)
    with database.transaction() as store:
        store.audit.add(AuditEntry(at=AT, actor=SYSTEM, event=AuditEvent.RELEASE_REMOVED, project="shop"))
        store.webhooks.delete(webhook)
        store.audit.add(AuditEntry(at=AT, actor=SYSTEM, event=AuditEvent.RELEASE_COMPLETED, project="shop"))

    with database.transaction() as store:
        [orphan] = store.deliveries.to_wake(AT)
        store.deliveries.drop(orphan.webhook)

    assert orphan.project == ""
    assert deliveries_of(database, webhook) == []
