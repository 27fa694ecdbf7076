"""The embedded stack behind `flaghoist dev`: Temporal, a worker and the API, with a demo."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from activities.store.database import Database
from api.client import ApiClient, Refused, Unreachable
from api.embedded.audit_tail import AuditTail
from api.embedded.demo import TRY, WEBSHOP
from api.embedded.demo_loader import Loaded, load
from api.embedded.errors import CannotStart, Stopping
from api.embedded.interrupts import StopSignal
from api.embedded.ports import check_ports, is_listened_on
from api.embedded.processes import environment_of, programs
from api.embedded.schema import prepare_database
from api.embedded.state_dir import StateDir
from api.embedded.supervisor import Supervisor
from api.embedded.terminal import Terminal
from api.problems import OUTAGES
from settings import Settings
from workflows.service.namespace import prepare_namespace

BRIEFLY = timedelta(seconds=0.2)
LOOK_EVERY = timedelta(seconds=1)
LONGEST_START = 90.0
"""Seconds that Temporal, and then the API, may take to answer."""


class Stack:
    """Everything that `flaghoist dev` starts, watches and ends."""

    def __init__(self, settings: Settings, terminal: Terminal, *, with_demo: bool) -> None:
        self.settings = settings
        self.terminal = terminal
        self.with_demo = with_demo
        self.home = StateDir(settings.home)
        self.stop = StopSignal()
        self.started_at = datetime.now(UTC)

    def run(self) -> None:
        """Run until told to stop. Raises CannotStart."""
        self.stop.listen()
        self.home.prepare()
        with self.home.locked():
            key = self.home.keep_key(self.settings.bootstrap_key.get_secret_value())
            environment = environment_of(self.settings, key)
            supervisor = Supervisor(programs(self.settings, self.home), environment, self.home, self.terminal.say)
            supervisor.end_survivors()
            check_ports(self.settings)
            os.environ.update(environment)
            try:
                self._start(supervisor)
                self._greet(key)
                self._follow(supervisor, key)
            except Stopping:
                self.terminal.say("Stopping: the API, then the worker, then Temporal ...")
            finally:
                supervisor.stop()
        self.terminal.say(f"Stopped. The state is kept in {self.home.folder}: run it again, and releases go on where they are.")

    def _start(self, supervisor: Supervisor) -> None:
        self.terminal.say("Starting Temporal, the worker and the API ...")
        supervisor.start("temporal")
        prepare_database(self.settings)
        supervisor.start("api")
        self._wait("temporal", supervisor, lambda: is_listened_on(self.settings.temporal_port) and _namespace_is_ready())
        supervisor.start("worker")
        self._wait("api", supervisor, self._api_is_ready)

    def _wait(self, name: str, supervisor: Supervisor, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LONGEST_START
        while not ready():
            if time.monotonic() > deadline:
                raise CannotStart(f"The {name} process does not answer; its log says why: {self.home.logs / f'{name}.log'}")
            supervisor.look()
            self.stop.pause(BRIEFLY)

    @property
    def _address(self) -> str:
        host = "127.0.0.1" if self.settings.host in ("0.0.0.0", "") else self.settings.host  # noqa: S104  nothing is bound here
        return f"http://[{host}]:{self.settings.port}" if ":" in host else f"http://{host}:{self.settings.port}"

    def _api_is_ready(self) -> bool:
        try:
            return httpx.get(f"{self._address}/readyz", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _greet(self, key: str) -> None:
        made = not self.settings.bootstrap_key.get_secret_value()
        for what, where in (
            ("API", f"{self._address}/docs"),
            ("Temporal Web UI", self.settings.temporal_ui),
            ("First key", f"{key}, with every right, kept in {self.home.key}" if made else "the one in FLAGHOIST_BOOTSTRAP_KEY"),
            ("Logs", str(self.home.logs)),
        ):
            self.terminal.say(f"  {what:<16} {where}", "bold")
        self.terminal.say("Ctrl-C stops everything; the state is kept.")

    def _follow(self, supervisor: Supervisor, key: str) -> None:
        loaded = not self.with_demo
        with ApiClient(self._address, key, timeout=5) as client, closing(Database(self.settings.database)) as database:
            follower = AuditTail(database, self.started_at)
            while True:
                supervisor.look()
                # The API is being started again, or the database is away.
                with suppress(Unreachable, Refused, *OUTAGES):
                    loaded = loaded or self._load(client)
                    for line in follower.news():
                        self.terminal.say(line)
                self.stop.pause(LOOK_EVERY)

    def _load(self, client: ApiClient) -> bool:
        """Whether there is nothing left to do for the demo; where it no longer fits, the stack runs without it."""
        try:
            self._tell_of(load(client, WEBSHOP))
        except Refused as refused:
            self.terminal.say(f"The demo could not be loaded: {refused.detail}")
        return True

    def _tell_of(self, loaded: list[Loaded]) -> None:
        added = [each.release for each in loaded if each.is_new]
        going_on = [each.release for each in loaded if not each.is_new and each.release["ended_at"] is None]
        words = f"{len(added)} flags start to climb" if added else "its releases go on" if going_on else "its releases have ended"
        self.terminal.say(f"The demo is project '{WEBSHOP.project['key']}': {words}. Another you can add yourself: {_cli()} {TRY}")
        for release in going_on:
            self.terminal.say(f"          {release['feature']:<22}  {release['stage']:<16}  goes on (release {release['id']})")


def _cli() -> str:
    """The CLI beside this interpreter, as it can be typed here."""
    return os.path.relpath(Path(sys.executable).parent / "flaghoist")


def _namespace_is_ready() -> bool:
    try:
        asyncio.run(prepare_namespace())
    except Exception:
        return False
    return True
