"""An HTTP client for load tests: a few connections, and little cost of its own."""

import asyncio
import statistics
import time
from typing import NamedTuple
from urllib.parse import urlsplit

CONNECTIONS = 8


class Question(NamedTuple):
    """A request that is sent again and again."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""

    def written(self) -> bytes:
        """Return the bytes to send."""
        split = urlsplit(self.url)
        lines = [
            f"{self.method} {split.path}{'?' if split.query else ''}{split.query} HTTP/1.1",
            f"Host: {split.netloc}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Measured(NamedTuple):
    """Answers per second, and the median and 99th percentile of their time in ms."""

    rate: float
    median: float
    p99: float


class Answered(NamedTuple):
    """The body of an answer, and the seconds it took."""

    body: bytes
    seconds: float


async def ask(question: Question, seconds: float) -> Measured:
    """Send the request over and over for that many seconds. Raise RuntimeError on anything but success."""
    took: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(*(_keep_asking(question, started + seconds, took) for _ in range(CONNECTIONS)))
    elapsed = time.perf_counter() - started
    return Measured(len(took) / elapsed, statistics.median(took) * 1_000, statistics.quantiles(took, n=100)[-1] * 1_000)


async def _keep_asking(question: Question, until: float, took: list[float]) -> None:
    split, written = urlsplit(question.url), question.written()
    reader, writer = await asyncio.open_connection(split.hostname, split.port, limit=2**24)
    while (began := time.perf_counter()) < until:
        writer.write(written)
        await _answer(reader)
        took.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 20"):
        raise RuntimeError(head.decode("latin-1"))
    [length] = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return await reader.readexactly(int(length))


async def send(questions: list[Question], clients: int) -> list[Answered]:
    """Send each once, each client over a connection of its own. Return the answers in the same order."""
    answers: dict[int, Answered] = {}
    remaining = iter(enumerate(questions))

    async def client() -> None:
        split = urlsplit(questions[0].url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port, limit=2**24)
        for number, question in remaining:
            began = time.perf_counter()
            writer.write(question.written())
            body = await _answer(reader)
            answers[number] = Answered(body, time.perf_counter() - began)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(min(clients, len(questions)))))
    return [answers[number] for number in range(len(questions))]


async def answer_to(question: Question) -> bytes:
    """Send one request, and return the body of the answer."""
    split = urlsplit(question.url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port, limit=2**24)
    writer.write(question.written())
    body = await _answer(reader)
    writer.close()
    await writer.wait_closed()
    return body
