"""A gRPC server that answers every call with the same status, as a Temporal that rejects a key does."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _SETTINGS, _PING = 1, 4, 6
_ACK, _END = 0x1, 0x5
_STATUS_200 = b"\x88"


@contextmanager
def refusing_server(code: int, message: str) -> Iterator[str]:
    """Answer with that gRPC status code while the block lasts. Yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=[listener, code, message], daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, code: int, message: str) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=[connection, code, message], daemon=True).start()


def _answer(connection: socket.socket, code: int, message: str) -> None:
    """Answer each request by a header block that also ends it (RFC 9113, RFC 7541)."""
    fields = {"content-type": "application/grpc", "grpc-status": str(code), "grpc-message": message}
    block = _STATUS_200 + b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields.items())
    with suppress(OSError), connection, connection.makefile("rb") as incoming:
        incoming.read(len(_PREFACE))
        connection.sendall(_frame(_SETTINGS, 0, 0, b""))
        while header := incoming.read(9):
            length, kind, flags, stream = int.from_bytes(header[:3]), header[3], header[4], int.from_bytes(header[5:])
            payload = incoming.read(length)
            if kind in (_SETTINGS, _PING) and not flags & _ACK:
                connection.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
            elif kind == _HEADERS:
                connection.sendall(_frame(_HEADERS, _END, stream, block))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + struct.pack(">BBI", kind, flags, stream) + payload


def _text(text: str) -> bytes:
    encoded = text.encode()
    return bytes([len(encoded)]) + encoded
