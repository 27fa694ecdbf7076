"""The encryption of payloads, so that Temporal stores no names, no reasons and no values in clear."""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

ENCODING = b"binary/encrypted"
KEY = "encryption-key-id"
WORKFLOW = "encryption-workflow-id"

_NONCE_BYTES = 12
_NONE: bytes = b""


class PayloadUnreadable(Exception):
    """A payload can't be decrypted by this process. Temporal keeps it, and the task that needs it is retried."""


class PayloadEncryption(PayloadCodec, WithSerializationContext):
    """Encrypts with the first key, and decrypts with any of them: AES-256-GCM with a random nonce.

    A payload is bound to its workflow, so that it can't be moved to another one. Payloads that are not encrypted are read as they are.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """Take keys of 32 bytes in URL-safe base64. Without one nothing is encrypted. Raises ValueError for any other."""
        raw = [base64.urlsafe_b64decode(key) for key in keys]
        self._ciphers = {key_id(key): AESGCM(key) for key in raw}
        self._current = next(iter(self._ciphers), _NONE)
        self._secret = raw[0] if raw else _NONE
        self._workflow: bytes | None = None

    @property
    def is_on(self) -> bool:
        """True if payloads are encrypted."""
        return bool(self._secret)

    def with_context(self, context: SerializationContext) -> "PayloadEncryption":
        """Return the encryption for the payloads of one workflow."""
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext) or context.workflow_id is None:
            return self
        bound = PayloadEncryption.__new__(PayloadEncryption)
        bound._ciphers, bound._current, bound._secret = self._ciphers, self._current, self._secret
        bound._workflow = context.workflow_id.encode()
        return bound

    def pseudonym(self, text: str) -> str:
        """Return a name for the text from which nobody without the key can tell it."""
        digest = hmac.new(self._secret, b"flaghoist: pseudonym\0" + text.encode(), hashlib.sha256)
        return digest.hexdigest()[:32]

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads with the first key, if there is one."""
        return [self.encrypt(payload) for payload in payloads] if self._secret else list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt payloads that are encrypted. Raises PayloadUnreadable."""
        return [self.decrypt(payload) if self.is_encrypted(payload) else payload for payload in payloads]

    @staticmethod
    def is_encrypted(payload: Payload) -> bool:
        """True if the payload is encrypted, by any key."""
        return payload.metadata.get("encoding", _NONE) == ENCODING

    @staticmethod
    def workflow_of(payload: Payload) -> str:
        """Return the id of the workflow that an encrypted payload states, or nothing. Decryption proves it."""
        return payload.metadata.get(WORKFLOW, _NONE).decode(errors="replace")

    def encrypt(self, payload: Payload) -> Payload:
        """Encrypt a payload with its metadata."""
        nonce, workflow = os.urandom(_NONCE_BYTES), self._workflow or _NONE
        sealed = self._ciphers[self._current].encrypt(nonce, payload.SerializeToString(), _associated(self._current, workflow))
        stated = {WORKFLOW: workflow} if workflow else {}
        return Payload(metadata={"encoding": ENCODING, KEY: self._current, **stated}, data=nonce + sealed)

    def decrypt(self, payload: Payload) -> Payload:
        """Decrypt a payload. Raises PayloadUnreadable."""
        key, workflow = payload.metadata.get(KEY, _NONE), payload.metadata.get(WORKFLOW, _NONE)
        if self._workflow is not None and workflow not in (self._workflow, _NONE):
            raise PayloadUnreadable("This payload belongs to another workflow. Somebody has copied it, or moved it in Temporal's database.")
        if key not in self._ciphers:
            raise PayloadUnreadable(_missing(key, has_keys=self.is_on))
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(self._ciphers[key].decrypt(nonce, sealed, _associated(key, workflow)))
        except (InvalidTag, ValueError) as error:
            raise PayloadUnreadable("This payload was changed after it was encrypted. Restore Temporal's database.") from error


def key_id(key: bytes) -> bytes:
    """Return the public id of a key, which is stored beside each payload."""
    digest = hashlib.sha256(b"flaghoist: id of a payload key\0" + key).digest()
    return base64.urlsafe_b64encode(digest[:6])


def _associated(key: bytes, workflow: bytes) -> bytes:
    """Return the associated data: the form of the payload, its key, and its workflow."""
    return b"\0".join((ENCODING, key, workflow))


def _missing(key: bytes, *, has_keys: bool) -> str:
    name = key.decode(errors="replace")
    lacks = f"lacks the key {name}" if has_keys else f"is empty, and the key {name} is needed"
    return (
        f"This payload is encrypted, and FLAGHOIST_PAYLOAD_KEYS of this process {lacks}. "
        "Add that key at the end of the list for every worker and API, and restart them. Nothing is lost."
    )
