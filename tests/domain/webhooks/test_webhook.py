"""How patient a webhook is with its receiver."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import OLD_SECRET_GOOD, Attempt, Delivery, DeliveryStatus, Failure, RetryPolicy, Secrets, attempt_answered

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FAILED, TAKEN = Attempt(failure=Failure.UNREACHABLE), Attempt(status=200)
PATIENCE = RetryPolicy()


def _delivery() -> Delivery:
    return Delivery(id="d", webhook="w", event=WebhookEvent.STAGE_ACTED, release="r", created_at=AT, due_since=AT, next_attempt_at=AT)


def _tried_until_given_up(delivery: Delivery) -> list[Delivery]:
    tried = []
    while delivery.next_attempt_at:
        delivery = delivery.attempted(FAILED, delivery.next_attempt_at, PATIENCE)
        tried.append(delivery)
    return tried


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
def test_only_2xx_says_that_it_was_taken(status: int, failure: Failure | None) -> None:
    assert attempt_answered(status) == Attempt(status=status, failure=failure)


def test_a_dead_receiver_is_tried_ever_more_seldom_and_given_up_within_three_days() -> None:
    tried = _tried_until_given_up(_delivery())

    waits = [each.next_attempt_at - each.last_attempt_at for each in tried if each.next_attempt_at and each.last_attempt_at]
    assert [wait.total_seconds() for wait in waits[:6]] == [10, 40, 160, 640, 2560, 10240]
    assert set(waits[6:]) == {timedelta(hours=6)}
    assert (tried[-1].status, tried[-1].attempts) == (DeliveryStatus.GIVEN_UP, 18)
    assert tried[-1].last_attempt_at
    assert timedelta(days=2, hours=18) < tried[-1].last_attempt_at - AT <= PATIENCE.in_all


def test_what_was_taken_is_not_tried_again() -> None:
    delivered = _delivery().attempted(FAILED, AT, PATIENCE).attempted(TAKEN, AT + timedelta(minutes=1), PATIENCE)

    assert (delivered.status, delivered.attempts, delivered.next_attempt_at) == (DeliveryStatus.DELIVERED, 2, None)
    assert (delivered.last_status, delivered.last_failure) == (200, None)


def test_what_is_sent_again_has_all_the_patience_anew_and_keeps_its_record() -> None:
    given_up, later = _tried_until_given_up(_delivery())[-1], AT + timedelta(days=9)

    again = given_up.sent_again(later)
    failed = again.attempted(FAILED, later, PATIENCE)

    assert (again.id, again.status, again.next_attempt_at, again.attempts) == ("d", DeliveryStatus.PENDING, later, given_up.attempts)
    assert (failed.status, failed.next_attempt_at) == (DeliveryStatus.PENDING, later + timedelta(seconds=10))
    assert failed.attempts == given_up.attempts + 1


def test_a_webhook_rests_ever_longer_between_failures_but_at_most_a_minute() -> None:
    assert [PATIENCE.rest_after(failures).total_seconds() for failures in (0, 1, 2, 3, 6, 7, 1000)] == [0, 1, 2, 4, 32, 60, 60]


def test_an_old_secret_is_good_for_a_day() -> None:
    rotated = Secrets(now="whsec_old").rotated("whsec_new", AT)

    assert rotated.at(AT + OLD_SECRET_GOOD - timedelta(seconds=1)) == ("whsec_new", "whsec_old")
    assert rotated.at(AT + OLD_SECRET_GOOD) == ("whsec_new",)


def test_secrets_do_not_show_in_what_is_printed_of_them() -> None:
    secrets = Secrets(now="whsec_old").rotated("whsec_new", AT)

    assert "whsec" not in f"{secrets} {secrets!r} {[secrets]}"
