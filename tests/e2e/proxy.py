"""A TCP proxy that can hold back what a client sends, and can be a server with TLS that wants certificates."""

import asyncio
import ssl
import threading
from typing import Self

from tests.waiting import CEILING


class Proxy:
    """Forwards to a port. While it holds, nothing that clients send gets through. Clients whose certificate is revoked are dropped."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.revoked: set[str] = set()
        self.target_port = 0
        self.port = 0
        self._open = threading.Event()
        self._open.set()
        self._held = threading.Event()
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    @property
    def address(self) -> str:
        """The address to which clients connect."""
        return f"127.0.0.1:{self.port}"

    @property
    def has_held_something(self) -> bool:
        """True if a client has sent something since `hold`."""
        return self._held.is_set()

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        assert self._started.wait(CEILING)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop listening, and close every connection."""
        self._open.set()
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(CEILING)
        self._loop.close()

    def hold(self) -> None:
        """Hold back what clients send from now on. They still receive what the server sends."""
        self._held.clear()
        self._open.clear()

    def revoke(self, name: str) -> None:
        """Accept no certificate with this common name any more, and close every connection."""
        self.revoked.add(name)
        self.drop_and_release()

    def drop_and_release(self) -> None:
        """Close every connection, discard what was held back, and forward again."""
        self._loop.call_soon_threadsafe(self._drop)

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopped.wait()
        server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _drop(self) -> None:
        for connection in list(self._connections):
            connection.cancel()
        self._open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        to_server, from_server = None, None
        try:
            if _common_name(writer) in self.revoked:
                return
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target_port)
            await asyncio.gather(self._pump(reader, to_server, can_hold=True), self._pump(from_server, writer, can_hold=False))
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._connections.discard(task)
            for stream in (writer, to_server):
                if stream:
                    stream.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, can_hold: bool) -> None:
        while data := await reader.read(65536):
            if can_hold and not self._open.is_set():
                self._held.set()
                await asyncio.to_thread(self._open.wait)
            writer.write(data)
            await writer.drain()
        writer.close()


def _common_name(writer: asyncio.StreamWriter) -> str | None:
    certificate = writer.get_extra_info("peercert") or {}
    return next((value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"), None)
