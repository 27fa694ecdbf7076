"""Runs whose flags are in a real Unleash, which is killed and silenced like everything else."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from random import Random
from typing import Any

from tests.chaos.endurance import FlagsHere
from tests.chaos.environment import ChaosEnvironment
from tests.chaos.evidence import Evidence
from tests.chaos.faults import KINDS_ELSEWHERE
from tests.chaos.faulty_proxy import FaultyProxy
from tests.chaos.plan import SEGMENTS, Plan, Vocabulary
from tests.chaos.source import MetricSource
from tests.chaos.unleash_checks import UnleashEvidence, violations_elsewhere
from tests.http import Api
from tests.pipelines import enable, rollout
from tests.unleash.connections import connection_to
from tests.unleash.server import PROJECT, UnleashServer
from tests.waiting import wait_for

SECRET_KEY = "A" * 43 + "="
SETTINGS = {"FLAGHOIST_SECRET_KEYS": SECRET_KEY, "FLAGHOIST_PROVIDERS_ALLOW_PRIVATE": "true"}
ENVIRONMENTS = ("development", "production")
THEIRS = {"name": "flexibleRollout", "title": "Theirs", "parameters": {"rollout": "1", "stickiness": "default", "groupId": "theirs"}}
"""The strategy that a person made for each feature before its first release."""


class UnleashProcess:
    """Unleash as a process of the environment."""

    name = "unleash"

    def __init__(self, server: UnleashServer, proxy: FaultyProxy) -> None:
        self.server, self.proxy = server, proxy
        self.environment: dict[str, str] = {}

    @property
    def running(self) -> subprocess.Popen[bytes] | None:
        """Its process, or None if it was killed."""
        return self.server.running

    def start(self) -> None:
        """Start it. It answers after seconds."""
        self.server.launch()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.running
        self.running.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.server.kill()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let it accept connections and never answer while the block runs."""
        self.server.pause()
        try:
            yield
        finally:
            with suppress(ProcessLookupError):  # It may be another process now, which was never paused.
                self.server.resume()

    def failing(self) -> AbstractContextManager[None]:
        """Let it answer half of all requests with an error while the block runs."""
        return self.proxy.faulty()


class FlagsInUnleash(FlagsHere):
    """The flags of a project that is connected to Unleash through a proxy. A person has a strategy of their own in each."""

    kinds = KINDS_ELSEWHERE

    def __init__(self, server: UnleashServer, proxy: FaultyProxy) -> None:
        self.server, self.proxy = server, proxy
        self.vocabulary = Vocabulary(ENVIRONMENTS, _actions)
        self.features: list[str] = []

    def attach(self, environment: ChaosEnvironment) -> None:
        """Add Unleash, and the key with which its token is encrypted."""
        environment.attach(UnleashProcess(self.server, self.proxy), SETTINGS)

    def set_up(self, api: Api, plan: Plan, source: MetricSource) -> Api:
        """Create the flags in Unleash, and connect the project to it."""
        for segment in SEGMENTS:
            constraint = {"contextName": "group", "operator": "IN", "values": [segment]}
            self.server.call("POST", "/api/admin/segments", {"name": segment, "constraints": [constraint]})
        for feature in plan.features:
            self._make(feature)
        self.features = plan.features
        api.post("/projects", {"key": "shop"})
        api.request("PUT", "/projects/shop/connection", connection_to(self.server, address=self.proxy.address)).raise_for_status()
        for definition in plan.pipelines:
            api.publish(definition)
        return api.make_key("oscar", {"project": "shop", "role": "operator", "environments": ["*"]})

    def summary(self) -> str:
        """Return the number of errors that the proxy answered."""
        return f"errors of the flag system: {dict(self.proxy.answered)}; "

    def violations(self, evidence: Evidence) -> list[str]:
        """Compare the record with Unleash's own events and its final state."""
        wait_for("Unleash to be healthy", lambda: self._documents() is not None)
        events = {each: self.server.call("GET", f"/api/admin/events/{each}")["events"] for each in self.features}
        segments = {each["name"]: each["id"] for each in self.server.call("GET", "/api/admin/segments")["segments"]}
        evidence.keys.append(self.server.admin_token)
        return violations_elsewhere(UnleashEvidence(evidence, self._documents() or {}, events, segments))

    def _make(self, feature: str) -> None:
        place = f"/api/admin/projects/{PROJECT}/features"
        self.server.call("POST", place, {"name": feature})
        for environment in ENVIRONMENTS:
            self.server.call("POST", f"{place}/{feature}/environments/{environment}/strategies", THEIRS)
            self.server.call("POST", f"{place}/{feature}/environments/{environment}/on")

    def _documents(self) -> dict[str, Any] | None:
        with suppress(OSError, ValueError, Exception):
            return {each: self.server.call("GET", f"/api/admin/projects/{PROJECT}/features/{each}") for each in self.features}
        return None


def _actions(random: Random, slow: float) -> list[dict[str, Any]]:
    """Draw only what Unleash can express."""
    segment, on = random.choice(SEGMENTS), random.random() < 0.7
    grows = rollout(random.randint(1, 60), random.randint(25, 60), f"{random.randint(1, max(1, round(slow / 4)))}s", enabled=True)
    kinds = [
        [],
        [enable(enabled=on)],
        [enable(segment)],
        [enable(segment), enable(enabled=on)],
        [enable(enabled=on) | {"overrides": "remove"}],
        [grows],
        [enable(segment), grows],
    ]
    return random.choice(kinds)
