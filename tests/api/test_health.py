"""Liveness and readiness, and the API during database outages."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from sqlalchemy import make_url, text

from activities.store import engines
from activities.store.database import Database
from api.app import create_app
from api.routes import health
from settings import Settings
from tests.api.answers import problem_of
from tests.conftest import serve
from tests.http import Api, get_url
from tests.ports import free_port
from tests.postgresql import DatabaseSwitch
from tests.waiting import CEILING, wait_for
from workflows.policies import RPC_TIMEOUT


@pytest.fixture
def api_on_postgresql(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    yield from serve(postgresql_url)


def test_api_is_alive_and_ready_while_temporal_is_down(api: Api) -> None:
    assert get_url(f"{api.address}/healthz").json() == {"status": "alive"}
    assert get_url(f"{api.address}/readyz").json() == {"status": "ready", "temporal": "unreachable", "workers": None}


@pytest.fixture
def silent_address() -> Iterator[str]:
    """The address of a server that accepts connections and never responds."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_silent_temporal_delays_readiness_only_briefly(sqlite_url: str, silent_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", silent_address)
    for api in serve(sqlite_url):
        answer = get_url(f"{api.address}/readyz")

        assert answer.json() == {"status": "ready", "temporal": "unreachable", "workers": None}
        assert answer.elapsed < RPC_TIMEOUT, "it waits for less than any other call to Temporal"


def test_silent_database_makes_the_api_unready_at_once(silent_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "TIMEOUT", 0.1)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")

    async def run() -> tuple[httpx.Response, float]:
        app = create_app(Settings(database_url=f"postgresql+psycopg://flaghoist@{silent_address}/flaghoist"))
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            began = time.monotonic()
            return await client.get("/readyz", timeout=CEILING), time.monotonic() - began

    answer, seconds = asyncio.run(run())

    problem_of(answer, 503, "database_unavailable")
    assert seconds < 5, "it must respond before the driver times out"


def test_every_problem_type_links_to_its_explanation(api: Api) -> None:
    problem = problem_of(api.request("GET", "/projects/nowhere"), 404, "not_found")

    page = get_url(f"{api.address}{problem['type']}")

    assert page.headers["content-type"].startswith("text/markdown")
    assert f'<a id="{problem["type"].split("#")[1]}">' in page.text


def test_api_reports_a_database_outage_and_recovers(api_on_postgresql: Api, postgresql_url: str) -> None:
    api, switch = api_on_postgresql, DatabaseSwitch(postgresql_url)
    api.make_project()

    with switch.outage():
        answers = [
            api.request("GET", "/projects"),
            api.request("POST", "/projects", {"key": "blog"}),
            api.request("PATCH", "/projects/shop/environments/production/features/checkout", {"enabled": True}),
            api.request("POST", "/projects/shop/releases/0192-none/retry", {}),
            get_url(f"{api.address}/readyz"),
        ]
        alive = get_url(f"{api.address}/healthz")

    for answer in answers:
        problem_of(answer, 503, "database_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert str(switch.name) not in answer.text
    assert alive.status_code == 200
    api.wait_until_ready()
    assert [each["key"] for each in api.get("/projects")["items"]] == ["shop"]
    assert api.get("/projects/shop/features/checkout")["environments"]["production"]["enabled"] is False
    assert api.post("/projects", {"key": "blog"})["key"] == "blog"


def test_read_only_database_is_a_503_for_writes_and_still_readable(api_on_postgresql: Api, postgresql_url: str) -> None:
    api, switch = api_on_postgresql, DatabaseSwitch(postgresql_url)
    api.make_project()

    switch.set_read_only(True)
    api.wait_until_ready()
    problem_of(api.request("POST", "/projects", {"key": "blog"}), 503, "database_unavailable")
    assert [each["key"] for each in api.get("/projects")["items"]] == ["shop"]

    switch.set_read_only(False)
    api.wait_until_ready()
    assert api.post("/projects", {"key": "blog"})["key"] == "blog"


def test_postgresql_that_cannot_write_its_files_is_a_503(api_on_postgresql: Api, postgresql_url: str) -> None:
    database = Database(postgresql_url)
    failing = "RAISE EXCEPTION 'could not extend file: File too large' USING ERRCODE = 'XX000';"
    with database.engine.begin() as connection:
        connection.execute(text(f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {failing} END $$"))
        connection.execute(text("CREATE TRIGGER failing BEFORE INSERT ON projects EXECUTE FUNCTION fail()"))
    database.close()

    problem_of(api_on_postgresql.request("POST", "/projects", {"key": "blog"}), 503, "database_unavailable")


def status_of(address: str) -> int:
    """Return the status of a GET, or 0 while nothing listens."""
    try:
        return get_url(address).status_code
    except httpx.TransportError:
        return 0


def test_api_starts_during_a_database_outage_and_stores_its_bootstrap_key_afterwards(
    postgresql_url: str, postgresql_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    name = make_url(postgresql_url).database
    server = Database(postgresql_server.format(database="postgres"))
    renaming = server.engine.execution_options(isolation_level="AUTOCOMMIT")
    with renaming.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} RENAME TO {name}_renamed"))
    serving = serve(postgresql_url, wait=False)
    api = next(serving)
    try:
        wait_for("the API", lambda: status_of(f"{api.address}/healthz") == 200)
        problem_of(api.request("GET", "/projects"), 503, "database_unavailable")
    finally:
        with renaming.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name}_renamed RENAME TO {name}"))
    server.close()

    wait_for("the bootstrap key", lambda: api.request("GET", "/projects").is_success)
    assert api.post("/projects", {"key": "blog"})["key"] == "blog"
    next(serving, None)


def test_api_that_starts_during_a_long_write_stores_its_bootstrap_key_later(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setattr(engines, "SQLITE_LOCK_TIMEOUT", 0.1)
    with closing(Database(sqlite_url)) as writer:
        with writer.transaction():
            serving = serve(sqlite_url, wait=False)
            api = next(serving)
            wait_for("the API", lambda: status_of(f"{api.address}/healthz") == 200)
            assert api.request("GET", "/projects").status_code == 401

        wait_for("the bootstrap key", lambda: api.request("GET", "/projects").is_success)
    next(serving, None)
