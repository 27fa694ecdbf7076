"""The reader of metrics: its time limits, its turns, and what it keeps."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import socket

import pytest

from activities.dns import Resolver
from activities.metrics.bounded_lookup import bounded
from activities.metrics.reader import MetricReader
from activities.providers.sealing import Sealer, new_secret_key
from tests.metrics.json_server import answer_half, drip, hang, misbehaving, serving_json, talk_nonsense
from tests.metrics.shop import SECRET, Watched, unknown_of, watched
from tests.waiting import CEILING, wait_for
from tests.world import make_world


@pytest.mark.parametrize("kind", ["prometheus", "http"])
@pytest.mark.parametrize("behave", [hang, answer_half, drip, talk_nonsense])
def test_a_source_that_misbehaves_is_down(shop: Watched, kind: str, behave: Callable[[socket], None]) -> None:
    limited = watched(shop.world, seconds=0.5)
    with misbehaving(behave) as address:
        shop.write_source(kind, address)

        started = time.monotonic()
        code, _ = unknown_of(limited.ask("/up", pointer="/value") if kind == "http" else limited.ask("up"))

    assert code == "source_down"
    assert time.monotonic() - started < CEILING / 5


def test_a_source_that_hangs_delays_no_other(shop: Watched) -> None:
    limited = watched(shop.world, seconds=3)
    with misbehaving(hang) as address, serving_json() as server, ThreadPoolExecutor(8) as threads:
        shop.write_source("http", address, key="hanging", calls=2)
        shop.write_source("http", server.address, key="healthy", calls=1)
        server.answer({"value": 1})
        for source in ("hanging", "healthy"):
            shop.write_metric("/x", key=source, source=source, pointer="/value")
        hanging = [threads.submit(limited.reader.sample, limited.question("hanging")) for _ in range(6)]

        answers = [limited.reader.sample(limited.question("healthy")).value for _ in range(3)]
        assert not any(each.done() for each in hanging)
        results = [unknown_of(each.result()) for each in hanging]

    assert answers == [1, 1, 1]
    assert {code for code, _ in results} == {"source_down"}


def test_a_question_without_a_turn_says_so(shop: Watched) -> None:
    limited = watched(shop.world, seconds=0.05)
    shop.write_source("http", "http://127.0.0.1:1", calls=1)
    shop.write_metric("/x", pointer="")
    limited.reader.definitions.of_source_named("shop", "main").turns.acquire()

    code, message = unknown_of(limited.reader.sample(limited.question()))

    assert code == "source_down"
    assert "All 1 calls" in message


def test_no_more_calls_than_allowed_are_made(shop: Watched) -> None:
    busy, most, lock = [0], [0], threading.Lock()

    def count(connection: socket) -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.05)
        with lock:
            busy[0] -= 1
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")

    with misbehaving(count) as address, ThreadPoolExecutor(12) as threads:
        shop.write_source("http", address, calls=3)
        shop.write_metric("/x", pointer="")
        samples = list(threads.map(lambda _: shop.reader.sample(shop.question()), range(24)))

    assert [sample.value for sample in samples] == [1] * 24
    assert most[0] <= 3


def test_a_changed_metric_is_asked_within_seconds(shop: Watched, files: Path) -> None:
    (files / "shop.db").touch()
    shop.write_source("sql", "sqlite:///shop.db")
    shop.write_metric("SELECT 1")
    assert shop.reader.sample(shop.question()).value == 1

    shop.write_metric("SELECT 2")

    wait_for("the new query to be asked", lambda: shop.reader.sample(shop.question()).value == 2)


def test_a_missing_metric_or_project_can_not_tell(shop: Watched) -> None:
    assert unknown_of(shop.reader.sample(shop.question("absent")))[0] == "source_refused"
    assert unknown_of(shop.reader.sample(shop.question().model_copy(update={"project": "absent"})))[0] == "source_refused"


def test_an_outage_of_our_own_database_can_not_tell(shop: Watched, tmp_path: Path) -> None:
    for file in tmp_path.glob("flaghoist.db*"):
        file.unlink()
    shop.world.database.engine.dispose()

    code, message = unknown_of(shop.reader.sample(shop.question()))

    assert code == "source_down"
    assert "own database" in message


def test_a_credential_of_another_key_can_not_be_read(shop: Watched) -> None:
    shop.write_source("http", "http://127.0.0.1:1", credential=SECRET)
    shop.write_metric("/x", pointer="")
    other = MetricReader(shop.world.database, Sealer([new_secret_key()]), Resolver(allow_private=True))

    code, message = unknown_of(other.sample(shop.question()))

    assert code == "source_refused"
    assert "FLAGHOIST_SECRET_KEYS" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "address", ["http://93.184.216.34", "https://127.0.0.1:1", "https://localhost", "https://[::1]", "https://10.0.0.1"]
)
def test_private_addresses_and_plain_http_are_not_called(shop: Watched, address: str) -> None:
    guarded = watched(shop.world, allow_private=False)
    shop.write_source("prometheus", address)

    code, _ = unknown_of(guarded.ask("up"))

    assert code == "source_down"


def test_an_address_that_becomes_private_is_not_called(shop: Watched) -> None:
    with serving_json() as server:
        shop.write_source("http", f"https://shop.example:{server.port}")
        resolver = Resolver(lambda _host, _port: ["127.0.0.1"], allow_private=False)
        reader = MetricReader(shop.world.database, shop.sealer, resolver)
        shop.write_metric("/x", pointer="")

        code, message = unknown_of(reader.sample(shop.question()))

    assert code == "source_down"
    assert "private" in message
    assert not server.asked


def test_a_lookup_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def hang_on(_host: str, _port: int) -> list[str]:
        released.wait(CEILING)
        return []

    with pytest.raises(TimeoutError):
        bounded(hang_on, 0.05)("shop.example", 443)
    released.set()


def test_a_lookup_answers_as_before() -> None:
    def fail(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    assert bounded(lambda host, port: [f"{host}:{port}"])("shop.example", 443) == ["shop.example:443"]
    with pytest.raises(OSError, match="no such host"):
        bounded(fail)("shop.example", 443)


def test_two_projects_ask_their_own_sources(shop: Watched, files: Path) -> None:
    other = watched(make_world(shop.world.database, "other"), files)
    for each in ("shop", "other"):
        (files / f"{each}.db").touch()
    for watching, value in ((shop, 1), (other, 2)):
        watching.write_source("sql", f"sqlite:///{watching.world.project.key}.db")
        watching.write_metric(f"SELECT {value}")

    values = [shop.reader.sample(watching.question()).value for watching in (shop, other, shop)]

    assert values == [1, 2, 1]


def test_a_source_without_a_history_has_one_sample(shop: Watched, files: Path) -> None:
    (files / "shop.db").touch()
    shop.write_source("sql", "sqlite:///shop.db")
    shop.write_metric("SELECT 1")
    question = shop.question()

    assert shop.reader.samples(question, question.at - question.since) == [shop.reader.sample(question)]
    assert unknown_of(shop.reader.samples(shop.question("absent"), question.at - question.since)[0])[0] == "source_refused"
