"""Signatures of webhooks: HMAC-SHA256 as in Standard Webhooks 1.0."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"


def secret_of(key: bytes) -> str:
    """Return a signing key in the form that is shown to people."""
    return PREFIX + base64.b64encode(key).decode()


def sign(secret: str, message_id: str, at: datetime, body: str) -> str:
    """Return one signature over the id, the time in seconds, and the exact bytes of the body."""
    signed = f"{message_id}.{int(at.timestamp())}.{body}".encode()
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed_headers(secrets: Iterable[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return the three headers of Standard Webhooks, with one signature for each secret that is still valid."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(secret, message_id, at, body) for secret in secrets),
    }
