"""How a webhook proves that it is ours: HMAC-SHA256 as in Standard Webhooks 1.0."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"


def secret_of(key: bytes) -> str:
    """A signing key as it is shown."""
    return PREFIX + base64.b64encode(key).decode()


def sign(secret: str, message_id: str, at: datetime, body: str) -> str:
    """One signature, over the id, the time in seconds, and the body to the byte."""
    signed = f"{message_id}.{int(at.timestamp())}.{body}".encode()
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed_headers(secrets: Iterable[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers of Standard Webhooks; signed with several secrets while an old one is still good."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(secret, message_id, at, body) for secret in secrets),
    }
