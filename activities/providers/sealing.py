"""Encryption of credentials at rest, with keys that can be rotated."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from domain.errors import Invalid


def new_secret_key() -> str:
    """Return a new key: 32 random bytes, as URL-safe base64."""
    return Fernet.generate_key().decode()


class Sealer:
    """Encrypts with the first key, and decrypts with any of them."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """Take Fernet keys: 32 bytes each, as URL-safe base64. Raises ValueError for any other."""
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def seal(self, credential: SecretStr) -> str:
        """Encrypt a credential. Raises Invalid without a key."""
        if self._fernet is None:
            message = "Credentials are stored encrypted, and FLAGHOIST_SECRET_KEYS has no key. `flaghoist secret-key` makes one."
            raise Invalid(message)
        return self._fernet.encrypt(credential.get_secret_value().encode()).decode()

    def unseal(self, sealed: str) -> SecretStr:
        """Decrypt a credential. Raises CredentialUnreadable if none of the keys encrypted it."""
        try:
            if self._fernet is not None:
                return SecretStr(self._fernet.decrypt(sealed).decode())
        except InvalidToken:
            pass
        raise CredentialUnreadable("The credential can't be decrypted: FLAGHOIST_SECRET_KEYS lacks the key with which it was stored.")


class CredentialUnreadable(Exception):
    """No key of this process decrypts the credential."""
