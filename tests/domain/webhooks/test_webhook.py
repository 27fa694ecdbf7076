"""Retries of webhooks, and their secrets."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import OLD_SECRET_LIFETIME, Attempt, Delivery, DeliveryStatus, Failure, RetryPolicy, Secrets, attempt_answered

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FAILED, SUCCEEDED = Attempt(failure=Failure.UNREACHABLE), Attempt(status=200)
POLICY = RetryPolicy()


def _delivery() -> Delivery:
    return Delivery(id="d", webhook="w", event=WebhookEvent.STAGE_ACTED, release="r", created_at=AT, due_since=AT, next_attempt_at=AT)


def _attempts_until_given_up(delivery: Delivery) -> list[Delivery]:
    attempts = []
    while delivery.next_attempt_at:
        delivery = delivery.attempted(FAILED, delivery.next_attempt_at, POLICY)
        attempts.append(delivery)
    return attempts


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (200, None),
        (204, None),
        (299, None),
        (301, Failure.REDIRECTED),
        (302, Failure.REDIRECTED),
        (307, Failure.REDIRECTED),
        (400, Failure.ANSWERED_NO),
        (410, Failure.ANSWERED_NO),
        (429, Failure.ANSWERED_NO),
        (500, Failure.ANSWERED_NO),
        (199, Failure.ANSWERED_NO),
    ],
)
def test_only_2xx_is_a_success(status: int, failure: Failure | None) -> None:
    assert attempt_answered(status) == Attempt(status=status, failure=failure)


def test_delays_grow_until_a_delivery_is_given_up_within_three_days() -> None:
    attempts = _attempts_until_given_up(_delivery())

    waits = [each.next_attempt_at - each.last_attempt_at for each in attempts if each.next_attempt_at and each.last_attempt_at]
    assert [wait.total_seconds() for wait in waits[:6]] == [10, 40, 160, 640, 2560, 10240]
    assert set(waits[6:]) == {timedelta(hours=6)}
    assert (attempts[-1].status, attempts[-1].attempts) == (DeliveryStatus.GIVEN_UP, 18)
    assert attempts[-1].last_attempt_at
    assert timedelta(days=2, hours=18) < attempts[-1].last_attempt_at - AT <= POLICY.give_up_after


def test_a_delivered_event_is_not_sent_again() -> None:
    delivered = _delivery().attempted(FAILED, AT, POLICY).attempted(SUCCEEDED, AT + timedelta(minutes=1), POLICY)

    assert (delivered.status, delivered.attempts, delivered.next_attempt_at) == (DeliveryStatus.DELIVERED, 2, None)
    assert (delivered.last_status, delivered.last_failure) == (200, None)


def test_a_delivery_sent_again_has_all_its_retries_and_keeps_its_count() -> None:
    given_up, later = _attempts_until_given_up(_delivery())[-1], AT + timedelta(days=9)

    again = given_up.sent_again(later)
    failed = again.attempted(FAILED, later, POLICY)

    assert (again.id, again.status, again.next_attempt_at, again.attempts) == ("d", DeliveryStatus.PENDING, later, given_up.attempts)
    assert (failed.status, failed.next_attempt_at) == (DeliveryStatus.PENDING, later + timedelta(seconds=10))
    assert failed.attempts == given_up.attempts + 1


def test_a_webhook_backs_off_for_at_most_a_minute() -> None:
    assert [POLICY.backoff_after(failures).total_seconds() for failures in (0, 1, 2, 3, 6, 7, 1000)] == [0, 1, 2, 4, 32, 60, 60]


def test_an_old_secret_is_valid_for_a_day() -> None:
    rotated = Secrets(now="whsec_old").rotated("whsec_new", AT)

    assert rotated.at(AT + OLD_SECRET_LIFETIME - timedelta(seconds=1)) == ("whsec_new", "whsec_old")
    assert rotated.at(AT + OLD_SECRET_LIFETIME) == ("whsec_new",)


def test_secrets_do_not_appear_in_their_representation() -> None:
    secrets = Secrets(now="whsec_old").rotated("whsec_new", AT)

    assert "whsec" not in f"{secrets} {secrets!r} {[secrets]}"
