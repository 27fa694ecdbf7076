"""Certificates for tests, as files, made by authorities that live as long as the test."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme

SERVER_NAME = "temporal.test"


class Certificate(NamedTuple):
    """The files of a certificate and of its key."""

    certificate: Path
    key: Path

    def replace_by(self, other: "Certificate") -> None:
        """Put the content of another certificate into these files, as a renewal does."""
        self.key.write_bytes(other.key.read_bytes())
        self.certificate.write_bytes(other.certificate.read_bytes())


class Authority:
    """A certificate authority that writes into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.pem"
        folder.mkdir(parents=True)
        self._ca = trustme.CA()
        self._ca.cert_pem.write_to_path(str(self.certificate))

    def issue(self, name: str, *identities: str, expired: bool = False) -> Certificate:
        """Return a new certificate for those host names and addresses."""
        now = datetime.now(UTC)
        until = now - timedelta(hours=1) if expired else now + timedelta(days=1)
        made = self._ca.issue_cert(*identities, common_name=name, not_before=now - timedelta(days=1), not_after=until)
        files = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        files.key.write_bytes(made.private_key_pem.bytes())
        files.certificate.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
        return files


def server_context(own: Certificate, clients: Authority) -> ssl.SSLContext:
    """Return the TLS settings of a gRPC server that wants a certificate of every client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    context.load_verify_locations(clients.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    return context


def client_environment(own: Certificate, servers: Authority) -> dict[str, str]:
    """Return Temporal's variables of a client with this certificate."""
    return {
        "TEMPORAL_TLS_CLIENT_CERT_PATH": str(own.certificate),
        "TEMPORAL_TLS_CLIENT_KEY_PATH": str(own.key),
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(servers.certificate),
        "TEMPORAL_TLS_SERVER_NAME": SERVER_NAME,
    }


@contextmanager
def handshaking(context: ssl.SSLContext) -> Iterator[str]:
    """Shake hands with clients while the block lasts, and send alerts, which asyncio's servers don't. Yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=[listener, context], daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_shake, args=[listener.accept()[0], context], daemon=True).start()


def _shake(connection: socket.socket, context: ssl.SSLContext) -> None:
    with connection, suppress(OSError):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        handshake = context.wrap_bio(incoming, outgoing, server_side=True)
        while data := connection.recv(65536):
            incoming.write(data)
            try:
                handshake.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                connection.sendall(outgoing.read())
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # A connection with unread data would be reset, and the alert lost.
                    pass
                return
            connection.sendall(outgoing.read())
