"""A TCP proxy that can hold back what a client sends."""

import asyncio
import threading
from typing import Self


class Proxy:
    """Forwards to a port; while it holds, nothing of what clients send gets through."""

    def __init__(self) -> None:
        self.target_port = 0
        self.port = 0
        self._open = threading.Event()
        self._open.set()
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    @property
    def address(self) -> str:
        """Where clients connect to."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Listen no more."""
        self._open.set()
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        self._loop.close()

    def hold(self) -> None:
        """Hold back what clients send from now on; they still hear the server."""
        self._open.clear()

    def drop_and_release(self) -> None:
        """Close every connection, forget what was held back, and forward again."""
        self._loop.call_soon_threadsafe(self._drop)

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
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
        try:
            to_server, from_server = None, None
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target_port)
            await asyncio.gather(self._pump(reader, to_server, held=True), self._pump(from_server, writer, held=False))
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._connections.discard(task)
            for stream in (writer, to_server):
                if stream:
                    stream.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        while data := await reader.read(65536):
            if held:
                await asyncio.to_thread(self._open.wait)
            writer.write(data)
            await writer.drain()
        writer.close()
