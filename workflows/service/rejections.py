"""The reasons why Temporal rejects a connection or a call, each as a sentence with its remedy."""

import asyncio
import ssl

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows.service.connection import Connection, CredentialsUnreadable

PERMANENT_ERRORS = {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
}
"""The statuses after which a retry can't succeed."""

PROBE_TIMEOUT = 1.0
"""In seconds."""

_KEY = "TEMPORAL_API_KEY or the file in FLAGHOIST_TEMPORAL_API_KEY_FILE"
_REJECTED_KEY = f"Temporal rejects the API key. It may be incomplete, expired, or from another issuer. Check {_KEY}."
_DENIED = "`worker` and `api` need the role write in the namespace, and `bootstrap` needs admin."
_CLIENT_FILES = "Check TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH."
_REJECTED_CERTIFICATE = "Temporal rejects the client certificate."
_ALERTS_ABOUT_CERTIFICATES = (
    "AccessDenied",
    "BadCertificate",
    "CertificateRevoked",
    "CertificateUnknown",
    "UnsupportedCertificate",
)
_REJECTED_HANDSHAKE = (
    "Temporal ends the TLS handshake ({alert}). It may require a client certificate or another version of TLS. " + _CLIENT_FILES
)
_SENTENCES = {
    "code: Unauthenticated": _REJECTED_KEY,
    "code: PermissionDenied": f"{_REJECTED_KEY} Also check its rights: {_DENIED}",
    "InvalidCertificate(Expired": "Temporal's own certificate has expired. Renew it at the server.",
    "InvalidCertificate(NotValidForName": "Temporal's certificate has another name. Check TEMPORAL_TLS_SERVER_NAME and TEMPORAL_ADDRESS.",
    "InvalidCertificate": "Temporal's certificate is not trusted. Check TEMPORAL_TLS_SERVER_CA_CERT_PATH and TEMPORAL_TLS_SERVER_NAME.",
    "CertificateRequired": f"Temporal requires a client certificate, and none is set. {_CLIENT_FILES}",
    "fatal alert: CertificateExpired": f"The client certificate has expired. Renew it. {_CLIENT_FILES}",
    "fatal alert: UnknownCA": f"{_REJECTED_CERTIFICATE} It is from an authority that the server does not know. {_CLIENT_FILES}",
    **{f"fatal alert: {alert}": f"{_REJECTED_CERTIFICATE} {_CLIENT_FILES}" for alert in _ALERTS_ABOUT_CERTIFICATES},
    **{f"fatal alert: {alert}": _REJECTED_HANDSHAKE.format(alert=alert) for alert in ("HandshakeFailure", "ProtocolVersion")},
    "ParseError": f"The client certificate or its key can't be read. {_CLIENT_FILES}",
    "KeyMismatch": f"The client certificate and the key don't belong together. {_CLIENT_FILES}",
    "InvalidContentType": "Temporal does not use TLS at this address. Check TEMPORAL_TLS and TEMPORAL_ADDRESS.",
}
"""The sentence for each sign of a rejection. While it connects, the SDK reports a status or TLS error only within a RuntimeError's text.

Other alerts of TLS, such as `InternalError`, can pass: they are retried.
"""

_PLAIN = (
    "Temporal requires TLS at this address, and this process uses none. "
    "Set TEMPORAL_TLS=true, or TEMPORAL_TLS_SERVER_CA_CERT_PATH and the client's certificate."
)


class SearchAttributesMissing(Exception):
    """Search attributes are missing, and this client may not register them."""


def rejection(error: Exception) -> str | None:
    """Return the reason why no retry can succeed, or None if one may."""
    if isinstance(error, CredentialsUnreadable | SearchAttributesMissing):
        return str(error)
    if isinstance(error, RPCError) and error.status in PERMANENT_ERRORS:
        return _rejected_call(error)
    return next((sentence for sign, sentence in _SENTENCES.items() if sign in str(error)), None)


def _rejected_call(error: RPCError) -> str:
    if error.status is RPCStatusCode.UNAUTHENTICATED:
        return _REJECTED_KEY
    if error.status is RPCStatusCode.PERMISSION_DENIED:
        return f"Temporal denies access: {error.message.rstrip('.')}. The API key may be missing, or lack a right. Check {_KEY}. {_DENIED}"
    return f"Temporal rejects the call: {error.message}"


async def explain(error: Exception, to: Client | Connection) -> str | None:
    """Return the same, and also recognize a server with TLS that was called without. That one only closes the connection."""
    if reason := rejection(error):
        return reason
    address = _address_without_tls(to)
    return _PLAIN if address and "transport error" in str(error) and await _speaks_tls(address) else None


def _address_without_tls(to: Client | Connection) -> str | None:
    if isinstance(to, Client):
        used = to.service_client.config
        return None if used.tls else used.target_host
    try:
        config = to.load_config()
    except CredentialsUnreadable:
        return None
    return None if config.get("tls") else config["target_host"]


async def _speaks_tls(address: str) -> bool:
    """True if a TLS handshake gets an answer there. The certificate does not matter."""
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except (OSError, TimeoutError, ValueError):
        return False
    writer.transport.abort()
    return True
