"""Signatures as in Standard Webhooks."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from domain.webhooks.signature import secret_of, sign, signed_headers

OLD, NEW = secret_of(b"o" * 32), secret_of(b"n" * 32)


def _now() -> datetime:
    return datetime.now(UTC)


def test_the_example_of_the_standard_has_its_signature() -> None:
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime.fromtimestamp(1614265330, UTC)

    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(min_size=24, max_size=64), st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_the_official_library_verifies_our_signatures(key: bytes, document: dict[str, str]) -> None:
    body = json.dumps(document)

    assert Webhook(secret_of(key)).verify(body, signed_headers([secret_of(key)], "id", _now(), body)) == document


def test_a_different_body_id_or_secret_fails_verification() -> None:
    headers = signed_headers([NEW], "id", _now(), "{}")

    for secret, body, more in ((NEW, "{ }", {}), (NEW, "{}", {"webhook-id": "other"}), (OLD, "{}", {})):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers | more)


def test_a_body_signed_with_two_secrets_is_verified_by_either() -> None:
    headers = signed_headers([NEW, OLD], "id", _now(), "{}")

    assert Webhook(NEW).verify("{}", headers) == Webhook(OLD).verify("{}", headers) == {}


def test_an_old_signature_fails_verification() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify("{}", signed_headers([NEW], "id", _now() - timedelta(minutes=6), "{}"))
