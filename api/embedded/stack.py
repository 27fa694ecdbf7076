"""The embedded stack of `flaghoist dev`: Temporal, a worker and the API, with a demo."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from activities.providers.errors import ProviderError
from activities.store.database import Database
from api.client import ApiClient, Refused, Unreachable
from api.embedded.audit_tail import AuditTail
from api.embedded.demo import Demo
from api.embedded.demo_loader import DemoRelease, load
from api.embedded.demo_shop import DemoShop
from api.embedded.errors import CannotStart, Stopping
from api.embedded.interrupts import StopSignal
from api.embedded.ports import check_ports, is_listening
from api.embedded.processes import environment_of, metrics_folder, programs
from api.embedded.schema import prepare_database
from api.embedded.state_dir import StateDir
from api.embedded.supervisor import Supervisor
from api.embedded.terminal import Terminal
from api.problems import OUTAGES
from settings import Settings
from workflows.service.namespace import prepare_namespace

READINESS_INTERVAL = timedelta(seconds=0.2)
FOLLOW_INTERVAL = timedelta(seconds=1)
START_TIMEOUT = 90.0
"""Seconds that Temporal, and then the API, may take until they respond."""


class Stack:
    """The processes that `flaghoist dev` starts, watches and stops."""

    def __init__(self, settings: Settings, terminal: Terminal, demo: Demo | None = None, create: Callable[[], None] = lambda: None) -> None:
        """Take the demo to load, and a function that creates in another flag system what the demo needs there."""
        self.settings = settings
        self.terminal = terminal
        self.demo = demo
        self.create = create
        self.shop = DemoShop(metrics_folder(settings), self._address) if demo and demo.metrics else None
        self.home = StateDir(settings.home)
        self.stop = StopSignal()
        self.started_at = datetime.now(UTC)

    def run(self) -> None:
        """Run until a signal arrives. Raises CannotStart."""
        self.stop.listen()
        self.home.prepare()
        with self.home.locked():
            key = self.home.ensure_key(self.settings.bootstrap_key.get_secret_value())
            environment = environment_of(self.settings, key, self.home.ensure_secret_key())
            supervisor = Supervisor(programs(self.settings, self.home), environment, self.home, self.terminal.print)
            supervisor.stop_survivors()
            check_ports(self.settings)
            os.environ.update(environment)
            try:
                self._start(supervisor)
                self._print_addresses(key)
                self._follow(supervisor, key)
            except Stopping:
                self.terminal.print("Stopping the API, the worker and Temporal ...")
            finally:
                supervisor.stop()
        self.terminal.print(f"Stopped. The state is kept in {self.home.folder}. Start again to continue the releases.")

    def _start(self, supervisor: Supervisor) -> None:
        self.terminal.print("Starting Temporal, the worker and the API ...")
        supervisor.start("temporal")
        prepare_database(self.settings)
        supervisor.start("api")
        self._wait("temporal", supervisor, lambda: is_listening(self.settings.temporal_port) and _namespace_is_ready())
        supervisor.start("worker")
        self._wait("api", supervisor, self._api_is_ready)

    def _wait(self, name: str, supervisor: Supervisor, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not is_ready():
            if time.monotonic() > deadline:
                raise CannotStart(f"The {name} process does not respond. See its log: {self.home.logs / f'{name}.log'}")
            supervisor.restart_dead()
            self.stop.sleep(READINESS_INTERVAL)

    @property
    def _address(self) -> str:
        host = "127.0.0.1" if self.settings.host in ("0.0.0.0", "") else self.settings.host  # noqa: S104  nothing is bound here
        return f"http://[{host}]:{self.settings.port}" if ":" in host else f"http://{host}:{self.settings.port}"

    def _api_is_ready(self) -> bool:
        try:
            return httpx.get(f"{self._address}/readyz", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _print_addresses(self, key: str) -> None:
        is_generated = not self.settings.bootstrap_key.get_secret_value()
        dashboard = [("Dashboard", f"{self._address}/ (sign in with the key below)")] if self.settings.dashboard else []
        for label, value in (
            *dashboard,
            ("API", f"{self._address}/docs"),
            ("Temporal Web UI", self.settings.temporal_ui),
            ("First key", f"{key} (every right, stored in {self.home.key})" if is_generated else "the one in FLAGHOIST_BOOTSTRAP_KEY"),
            ("Logs", str(self.home.logs)),
        ):
            self.terminal.print(f"  {label:<16} {value}", "bold")
        self.terminal.print("Press Ctrl-C to stop everything. The state is kept.")

    def _follow(self, supervisor: Supervisor, key: str) -> None:
        is_loaded = False
        with ApiClient(self._address, key, timeout=5) as client, closing(Database(self.settings.database)) as database:
            tail = AuditTail(database, self.started_at)
            while True:
                supervisor.restart_dead()
                # The API may be restarting, or the database may be unavailable.
                with suppress(Unreachable, Refused, httpx.TransportError, *OUTAGES):
                    is_loaded = is_loaded or self.demo is None or self._load(client, self.demo)
                    for line in tail.new_lines():
                        self.terminal.print(line)
                    if self.shop and self.demo and is_loaded:
                        self.shop.open_for_a_moment(client, self.demo.project["key"])
                self.stop.sleep(FOLLOW_INTERVAL)

    def _load(self, client: ApiClient, demo: Demo) -> bool:
        """Load the demo and return True. If it is refused, for example because its project was changed, run without it."""
        try:
            self.create()
            if self.shop:
                self.shop.prepare()
            self._print_demo(demo, load(client, demo))
        except (Refused, ProviderError, OSError) as error:
            self.terminal.print(f"Could not load the demo: {error.detail if isinstance(error, Refused) else error}")
        return True

    def _print_demo(self, demo: Demo, releases: list[DemoRelease]) -> None:
        added = [each.release for each in releases if each.is_new]
        unfinished = [each.release for each in releases if not each.is_new and each.release["ended_at"] is None]
        state = f"{len(added)} releases started" if added else "its releases continue" if unfinished else "its releases have ended"
        self.terminal.print(f"The demo is project '{demo.project['key']}': {state}.")
        self.terminal.print(f"To add a release yourself: {_cli()} {demo.example_command}")
        for release in unfinished:
            self.terminal.print(f"          {release['feature']:<22}  {release['stage']:<16}  continues (release {release['id']})")


def _cli() -> str:
    """Return the path of the `flaghoist` next to this interpreter, relative to the current folder."""
    return os.path.relpath(Path(sys.executable).parent / "flaghoist")


def _namespace_is_ready() -> bool:
    try:
        asyncio.run(prepare_namespace())
    except Exception:
        return False
    return True
