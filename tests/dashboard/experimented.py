"""A release that waits for an experiment, with looks of nine days: written to the database, because sampling takes time."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from activities.guarding.sampling import SampledStage, Sampler, record_readings, rules_of
from activities.store.database import Database
from tests.http import Api
from tests.pipelines import allocate, enable, pipeline, stage
from tests.scripted_metrics import ScriptedMetrics

FEATURE, PIPELINE = "buy-button", "ab-test"
EXPERIMENT = {
    "type": "EXPERIMENT",
    "metric": "conversion",
    "variants": ["treatment"],
    "shortest": "14d",
    "decide_every": "7d",
    "longest": "28d",
    "every": "1d",
}
LOOKS = 18
EVERY = timedelta(hours=12)


def add_experiment(api: Api, database_url: str) -> str:
    """Add the release, and return its id. The metric of conversions must exist."""
    feature = {"key": FEATURE, "name": "Buy button", "default": {"enabled": False, "value": "blue"}}
    api.post("/projects/shop/features", feature | {"variants": [{"key": "treatment", "value": "green"}]})
    split = stage("Split", "production", actions=[enable(), allocate({"treatment": 50})])
    winner = stage("Winner", "production", actions=[{"type": "SHIP_WINNER", "initial": 75, "step": 25, "every": "1d"}])
    api.publish(pipeline(split, winner | {"gates": [EXPERIMENT]}, key=PIPELINE, name="A/B test"))
    release = str(api.add(FEATURE, PIPELINE)["id"])
    api.wait_for_stage(release, "Winner")
    with closing(Database(database_url)) as database:
        _look(database, release)
    return release


def _look(database: Database, release_id: str) -> None:
    """Sample growing numbers of users every twelve hours, up to those of the metric now."""
    metrics, now = ScriptedMetrics(), datetime.now(UTC)
    with database.reading() as store:
        release = store.releases.get(release_id)
        gates = store.pipelines.version(release.pipeline.id).definition.stages[release.stage_index].gates
    rules = rules_of(gates, ())
    entered_at = now - LOOKS * EVERY
    sampled = SampledStage("shop", FEATURE, "production", entered_at, release.id, release.visit, rules)
    for number in range(1, LOOKS + 1):
        metrics.groups["conversion"] = {
            "control": (4200 * number // LOOKS, 620 * number // LOOKS),
            "treatment": (4150 * number // LOOKS, 640 * number // LOOKS),
        }
        with database.reading() as store:
            states = store.evidence.observed(release.id, release.visit)
        found = [Sampler(metrics).read(sampled, key, states.get(key), entered_at + number * EVERY) for key in rules]
        with database.transaction() as store:
            record_readings(store, found)
