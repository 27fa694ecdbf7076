"""Errors of flag systems over HTTP. None of them names a credential.

ProviderError
├── ProviderUnavailable     no usable answer: unreachable, too slow, broken, or an error of the server; a retry may succeed
├── ProviderThrottled       too many requests: a retry may succeed later
├── ProviderUnauthorized    the credential is invalid, of the wrong kind, or lacks a permission
└── ProviderRejected        the request can't be carried out as it is
"""

from datetime import timedelta


class ProviderError(Exception):
    """A call that a flag system did not carry out, or whose outcome is unknown."""


class ProviderUnavailable(ProviderError):
    """No usable answer came. The call may have taken effect."""


class ProviderThrottled(ProviderError):
    """The flag system refuses requests for a while. `retry_after` is None if it did not say for how long."""

    def __init__(self, retry_after: timedelta | None) -> None:
        wait = "later" if retry_after is None else f"after {retry_after.total_seconds():g} s"
        super().__init__(f"There were too many requests. Try again {wait}.")
        self.retry_after = retry_after


class ProviderUnauthorized(ProviderError):
    """The credential does not allow the call. `missing` has the permissions of which one would, if the flag system names them."""

    def __init__(self, message: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class ProviderRejected(ProviderError):
    """The flag system rejected the request with an HTTP status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
