"""A release that is watched, with half an hour of samples in every outcome: written to the database, because sampling takes time."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from activities.store.database import Database
from activities.store.evidence import StoredSample, WatchKey
from domain.metrics.condition import Outcome
from domain.releases.observed import Observed
from tests.http import Api
from tests.pipelines import enable, hold, pipeline, stage

FEATURE, PIPELINE = "instant-search", "guarded"
SOURCE = {"key": "shop", "name": "Shop database", "kind": "sql", "address": "sqlite:///shop.db"}
GROUPS = "SELECT 'control' AS \"group\", 4200 AS n, 620 AS successes UNION ALL SELECT 'treatment', 4150, 640"
METRICS = (
    {"key": "error-rate", "name": "Error rate", "source": "shop", "query": "SELECT 0.004 WHERE :feature <> ''"},
    {"key": "latency", "name": "Latency", "source": "shop", "query": "SELECT 180"},
    {"key": "conversion", "name": "Conversion", "source": "shop", "query": GROUPS, "shape": "GROUPS"},
)
BETTER = {"type": "NOT_WORSE", "margin": 0.05, "better": "higher"}
ONCE: dict[str, Any] = {"every": "1d", "stages": ["Everyone", "Watch"]}
GUARDRAILS: list[dict[str, Any]] = [
    {"name": "Errors", "metric": "error-rate", "condition": {"type": "THRESHOLD", "at_most": 0.01}, "on_breach": "rollback", **ONCE},
    {"name": "Slow", "metric": "latency", "condition": {"type": "THRESHOLD", "at_least": 20, "at_most": 250}, "on_breach": "pause", **ONCE},
    {"name": "Sales", "metric": "conversion", "condition": BETTER, "on_breach": "notify", **ONCE},
]
GUARDRAILS[1] |= {"shadow": True}
GATE = {"type": "METRIC", "metric": "error-rate", "condition": {"type": "THRESHOLD", "at_most": 0.02}, "passing_for": "15m", "every": "1d"}
SAMPLES = 60
EVERY = timedelta(seconds=30)


def add_watched(api: Api, database_url: str) -> str:
    """Add the release, and return its id."""
    Path(database_url.removeprefix("sqlite:///")).with_name("shop.db").touch()
    api.post("/projects/shop/sources", SOURCE)
    for metric in METRICS:
        api.post("/projects/shop/metrics", metric)
    everyone = stage("Everyone", "production", "3d") | {"gates": [GATE]}
    stages = stage("Beta users", "production", actions=[enable("beta-users")]), everyone, hold("Watch", "2d")
    api.publish(pipeline(*stages, key=PIPELINE, name="Guarded release", guardrails=GUARDRAILS))
    release = str(api.add(FEATURE, PIPELINE)["id"])
    api.wait_for_stage(release, "Everyone")
    _write(database_url, release, api.release(release)["history"][-1]["visit"])
    return release


def _write(database_url: str, release: str, visit: int) -> None:
    """Write samples of the last half hour, and a state of each guardrail and of the gate."""
    at = datetime.now(UTC)
    database = Database(database_url)
    with database.transaction() as store:
        states = {WatchKey(release, visit, key): state for key, state in _states(at).items()}
        store.evidence.write(states)
        store.evidence.add_samples({watch: _samples(watch.key, at) for watch in states})
    database.close()


def _states(at: datetime) -> dict[str, Observed]:
    failing = "The value is 291, and should be at least 20 and at most 250."
    down = "No complete answer came within 8 s."
    since = at - 10 * EVERY
    return {
        "guardrail:Errors": Observed(
            at=at, outcome=Outcome.PASS, value=0.004, since=since, message="The value is 0.004, and should be at most 0.01."
        ),
        "guardrail:Slow": Observed(
            at=at, outcome=Outcome.FAIL, value=291, since=since, message=failing, failures=1, breached_at=at - EVERY
        ),
        "guardrail:Sales": Observed(at=at, outcome=Outcome.UNKNOWN, since=since, message=down, unknowns=2),
        "gate:1": Observed(
            at=at, outcome=Outcome.PASS, value=0.004, since=since, message="The value is 0.004, and should be at most 0.02."
        ),
    }


def _samples(key: str, at: datetime) -> list[StoredSample]:
    made = [_sample(key, number) for number in range(SAMPLES)]
    return [StoredSample(at - EVERY * (SAMPLES - number), value, outcome) for number, (value, outcome) in enumerate(made)]


def _sample(key: str, number: int) -> tuple[float | None, Outcome]:
    wave = math.sin(number / 4) + math.sin(number * 1.7) / 3
    if key == "guardrail:Slow":
        value = 190 + 20 * wave + max(0, number - 45) * 7
        return value, Outcome.FAIL if value > 250 else Outcome.PASS
    if key == "guardrail:Sales":
        known = 4 < number < 50
        return (0.03 + 0.02 * wave, Outcome.PASS) if known else (None, Outcome.UNKNOWN)
    value = 0.005 + 0.002 * wave + (0.008 if number in (20, 21) else 0)
    is_unknown = number in (33, 34)
    return (None, Outcome.UNKNOWN) if is_unknown else (value, Outcome.FAIL if key != "gate:1" and value > 0.01 else Outcome.PASS)
