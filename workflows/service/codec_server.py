"""Temporal's protocol for remote codecs: payloads as JSON, encrypted and decrypted for its Web UI and its command line."""

import base64
import binascii
from collections.abc import Callable, Sequence

from pydantic import Field
from temporalio.api.common.v1 import Payload

from domain.errors import Invalid
from domain.model import Message
from workflows.encryption import PayloadEncryption, PayloadUnreadable

MOST_PAYLOADS = 1000
"""The number of payloads in a request. The Web UI and the command line send those of one event or one page."""


class WirePayload(Message):
    """A payload as JSON. All bytes are in base64."""

    metadata: dict[str, str] = Field(default={}, max_length=20)
    data: str = ""


class WirePayloads(Message):
    """The body of a request, and of its answer."""

    payloads: tuple[WirePayload, ...] = Field(default=(), max_length=MOST_PAYLOADS)


def decode(encryption: PayloadEncryption, payloads: Sequence[WirePayload]) -> tuple[list[WirePayload], set[str]]:
    """Decrypt payloads that are encrypted, and return the ids of their workflows too. A payload of none counts as of "". Raises Invalid."""
    parsed = [_parsed(payload) for payload in payloads]
    decoded = [_convert(encryption.decrypt if encryption.is_encrypted(payload) else _as_it_is, payload) for payload in parsed]
    return decoded, {encryption.workflow_of(payload) for payload in parsed if encryption.is_encrypted(payload)}


def encode(encryption: PayloadEncryption, payloads: Sequence[WirePayload]) -> list[WirePayload]:
    """Encrypt payloads, for any workflow. Raises Invalid."""
    return [_convert(encryption.encrypt, _parsed(payload)) for payload in payloads]


def _convert(convert: Callable[[Payload], Payload], payload: Payload) -> WirePayload:
    try:
        converted = convert(payload)
    except PayloadUnreadable as error:
        raise Invalid(str(error)) from error
    return WirePayload(metadata={name: _text(value) for name, value in converted.metadata.items()}, data=_text(converted.data))


def _as_it_is(payload: Payload) -> Payload:
    return payload


def _parsed(payload: WirePayload) -> Payload:
    try:
        return Payload(metadata={name: _bytes(value) for name, value in payload.metadata.items()}, data=_bytes(payload.data))
    except (binascii.Error, ValueError) as error:
        raise Invalid("The data and metadata of a payload must be in base64.") from error


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
