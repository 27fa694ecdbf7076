"""A small TCP proxy in front of several servers: each connection goes to the next one that accepts it."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Self

from tests.waiting import CEILING

Address = tuple[str, int]


class Balancer:
    """Listens on a port of its own. A server that is down gets no connection."""

    def __init__(self, targets: Sequence[Address]) -> None:
        self.targets = targets
        self.port = 0
        self._turns = count()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)

    @property
    def address(self) -> str:
        """The address to which clients connect."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        assert self._started.wait(CEILING)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop listening, and close every connection."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(CEILING)
        self._loop.close()

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopped.wait()
        server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        streams = await self._connect()
        try:
            if streams:
                from_server, to_server = streams
                with suppress(asyncio.CancelledError, OSError):  # Cancelled at the end. Python 3.11 would report that as an error.
                    await asyncio.gather(_pump(reader, to_server), _pump(from_server, writer))
        finally:
            for stream in (writer, streams[1] if streams else writer):
                stream.transport.abort()
                with suppress(OSError):
                    await stream.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turns)
        for number in range(len(self.targets)):
            with suppress(OSError):
                return await asyncio.open_connection(*self.targets[(first + number) % len(self.targets)])
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
