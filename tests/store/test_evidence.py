from datetime import timedelta

from sqlalchemy import text

from activities.guarding.sampling import Reading, Readings, record_readings
from activities.store.database import Database
from activities.store.evidence import WatchKey
from domain.metrics.condition import Outcome, Verdict
from domain.pipelines.guardrail import Guardrail
from tests.activities.guarding import errors
from tests.pipelines import pipeline, stage
from tests.world import NOW, World, make_world

EVERY = timedelta(seconds=30)
ERRORS = Guardrail.model_validate(errors())
PASS = Verdict(Outcome.PASS, 0.001, "Good.")
FAIL = Verdict(Outcome.FAIL, 0.2, "Bad.")


def watch_of(world: World, key: str = "guardrail:Errors") -> WatchKey:
    with world.database.reading() as store:
        releases = store.releases.unfinished_in(world.project.id)
    return WatchKey(releases[0].id, 1, key)


def released(world: World) -> World:
    world.publish(pipeline(stage("Development")))
    world.add()
    return world


def record(world: World, watch: WatchKey, *verdicts: Verdict, first: int = 0) -> None:
    readings = [Reading(NOW + EVERY * (first + number), verdict) for number, verdict in enumerate(verdicts)]
    with world.database.transaction() as store:
        record_readings(store, [Readings(watch, ERRORS, readings)])


def values(world: World, watch: WatchKey) -> list[tuple[float | None, Outcome]]:
    with world.database.reading() as store:
        _, samples = store.evidence.curves(watch.release, 1000)[(watch.visit, watch.key)]
    return [(each.value, each.outcome) for each in samples]


def test_samples_come_back_in_order(world: World) -> None:
    watch = watch_of(released(world))
    record(world, watch, PASS, FAIL, Verdict(Outcome.UNKNOWN, None, "No data."))

    assert values(world, watch) == [(0.001, Outcome.PASS), (0.2, Outcome.FAIL), (None, Outcome.UNKNOWN)]


def test_samples_that_two_attempts_report_count_once(world: World) -> None:
    watch = watch_of(released(world))
    record(world, watch, FAIL, FAIL)
    record(world, watch, FAIL, FAIL, FAIL)

    with world.database.reading() as store:
        assert store.evidence.observed(watch.release, 1)[watch.key].failures == 3
    assert len(values(world, watch)) == 3


def test_sample_that_is_late_changes_nothing(world: World) -> None:
    watch = watch_of(released(world))
    record(world, watch, PASS, first=5)
    record(world, watch, FAIL, first=2)

    assert values(world, watch) == [(0.001, Outcome.PASS)]


def test_each_visit_and_rule_has_evidence_of_its_own(world: World) -> None:
    watch = watch_of(released(world))
    record(world, watch, PASS)
    record(world, watch._replace(key="gate:1"), FAIL)
    record(world, watch._replace(visit=2), FAIL)

    with world.database.reading() as store:
        assert {key: each.outcome for key, each in store.evidence.observed(watch.release, 1).items()} == {
            "guardrail:Errors": Outcome.PASS,
            "gate:1": Outcome.FAIL,
        }


def test_thinning_keeps_failures_and_one_passing_sample_in_each_period(world: World) -> None:
    watch = watch_of(released(world))
    record(world, watch, *[PASS] * 50, FAIL, *[PASS] * 49)

    with world.database.transaction() as store:
        store.evidence.thin(NOW, NOW + EVERY * 90, timedelta(minutes=10))

    kept = values(world, watch)
    assert kept.count((0.2, Outcome.FAIL)) == 1
    assert len(kept) == 5 + 1 + 10  # 9:00 to 9:45 has five periods, and the last ten samples are too new.


def test_sample_takes_less_than_100_bytes(database: Database) -> None:
    watch = watch_of(released(make_world(database)))
    record(world := World(database, None, None, ""), watch, PASS)  # type: ignore[arg-type]
    before = _size(database)
    for batch in range(20):
        record(world, watch, *[PASS] * 500, first=1 + batch * 500)

    assert (_size(database) - before) / 10_000 < 100


def _size(database: Database) -> int:
    with database.transaction() as store:
        if database.is_sqlite:
            store.connection.execute(text("SELECT 1"))
            pages = store.connection.execute(text("PRAGMA page_count")).scalar_one()
            return int(pages * store.connection.execute(text("PRAGMA page_size")).scalar_one())
        return int(store.connection.execute(text("SELECT pg_total_relation_size('samples')")).scalar_one())
