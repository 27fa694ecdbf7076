"""The network between the parts of a cluster. Each part is reached through an address on which it can be delayed, stalled and cut off."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Self

from tests.waiting import CEILING, wait_for

Address = tuple[str, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CHUNK = 65536


class Network:
    """Forwards from addresses to others. What happens to a part happens to every address of its host."""

    def __init__(self) -> None:
        self._links = dict[Address, tuple[Address, ...]]()
        self._turns = count()
        self._delays = defaultdict[str, float](float)
        self._cut = set[str]()
        self._stalled = dict[str, asyncio.Event]()
        self._connections = defaultdict[str, set[asyncio.Task[None]]](set)
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)

    def link(self, address: Address, *targets: Address) -> None:
        """Forward from an address, once the network has started. With several targets, to the next one that accepts the connection."""
        self._links[address] = targets

    def __enter__(self) -> Self:
        """Start listening on every address."""
        self._thread.start()
        assert self._started.wait(CEILING)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop listening, and close every connection."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(CEILING)
        self._loop.close()

    def wait_for_connection(self, host: str) -> None:
        """Return once a host has a connection."""
        wait_for(f"a connection to {host}", lambda: bool(self._connections[host]))

    @contextmanager
    def delayed(self, host: str, seconds: float) -> Iterator[None]:
        """Delay everything to and from a host while the block runs."""
        self._delays[host] = seconds
        try:
            yield
        finally:
            del self._delays[host]

    @contextmanager
    def stalled(self, host: str) -> Iterator[None]:
        """Let nothing to and from a host through while the block runs. Connections stay open, and nothing is lost."""
        self._stalled[host] = asyncio.Event()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._stalled.pop(host).set)

    @contextmanager
    def cut_off(self, host: str) -> Iterator[None]:
        """Close every connection to a host, and each new one, while the block runs. What was under way is lost."""
        self._cut.add(host)
        self._loop.call_soon_threadsafe(self._abort, host)
        try:
            yield
        finally:
            self._cut.discard(host)

    def _abort(self, host: str) -> None:
        for connection in tuple(self._connections[host]):
            connection.cancel()

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        servers = [await self._listen(address, targets) for address, targets in self._links.items()]
        self._started.set()
        await self._stopped.wait()
        for server in servers:
            server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _listen(self, address: Address, targets: tuple[Address, ...]) -> asyncio.Server:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._forward(address[0], targets, (reader, writer))

        return await asyncio.start_server(accept, *address)

    async def _forward(self, host: str, targets: tuple[Address, ...], client: Streams) -> None:
        server = None
        task = asyncio.current_task()
        assert task
        self._connections[host].add(task)
        try:
            with suppress(asyncio.CancelledError, OSError):  # Cancelled if it is cut. Python 3.11 would report that as an error.
                if host not in self._cut and (server := await self._connect(targets)):
                    await asyncio.gather(self._pump(host, client[0], server[1]), self._pump(host, server[0], client[1]))
        finally:
            self._connections[host].discard(task)
            for _, writer in (client, server) if server else (client,):
                writer.transport.abort()

    async def _connect(self, targets: tuple[Address, ...]) -> Streams | None:
        first = next(self._turns)
        for number in range(len(targets)):
            with suppress(OSError):
                return await asyncio.open_connection(*targets[(first + number) % len(targets)])
        return None

    async def _pump(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward in order. A delay holds back what is read after it as well, as on a slow line."""
        while data := await reader.read(CHUNK):
            if seconds := self._delays.get(host):
                await asyncio.sleep(seconds)
            if stall := self._stalled.get(host):
                await stall.wait()
            writer.write(data)
            await writer.drain()
        writer.write_eof()
