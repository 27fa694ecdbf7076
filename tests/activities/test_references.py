"""Uses of segments and environments, which prevent their deletion."""

from activities.commands.references import Use, uses_of_environment, uses_of_metric, uses_of_segment, uses_of_source
from activities.store.database import Database
from activities.store.metric_sources import StoredSource
from domain.metrics.metric import Metric
from domain.metrics.source import MetricSource, SourceKind
from domain.pipelines.pipeline import PipelineDefinition
from tests.activities.acting import act, change_by_hand
from tests.pipelines import enable, hold, pipeline, stage
from tests.world import NOW, World, make_world

BETA = pipeline(stage("Beta", "production", actions=[enable("beta-users")]), key="beta")


def of_segment(world: World, key: str = "beta-users") -> list[Use]:
    with world.database.reading() as store:
        return uses_of_segment(store, world.project, key)


def of_environment(world: World, key: str) -> list[Use]:
    with world.database.reading() as store:
        return uses_of_environment(store, world.project, key)


def test_unreferenced_segment_and_environment_have_no_uses(sqlite: Database) -> None:
    world = make_world(sqlite)
    world.publish(BETA)

    assert of_segment(world, "staff") == []
    assert of_environment(world, "staging") == []


def test_segment_is_used_by_overrides_published_pipelines_and_unfinished_releases(world: World) -> None:
    published = world.publish(BETA)
    other = world.publish(pipeline(stage("Development")))
    release = world.add(pipeline="beta")
    change_by_hand(world, "staging", overrides={"beta-users": {"enabled": True}, "staff": {"enabled": True}})

    assert of_segment(world) == [
        {"kind": "override", "feature": "checkout", "environment": "staging"},
        {"kind": "pipeline", "key": "beta", "version": 1, "id": published.id},
        {"kind": "release", "id": release.id, "feature": "checkout"},
    ]
    assert of_segment(world, "staff") == [{"kind": "override", "feature": "checkout", "environment": "staging"}]
    assert other.id not in str(of_segment(world))


def test_finished_release_uses_nothing_but_its_override_does(sqlite: Database) -> None:
    world = make_world(sqlite)
    world.publish(BETA)
    act(world, world.add(pipeline="beta"))

    assert [use["kind"] for use in of_segment(world)] == ["override", "pipeline"]


def test_environment_is_used_by_published_pipelines_with_a_stage_or_hold_in_it(sqlite: Database) -> None:
    world = make_world(sqlite)
    world.publish(pipeline(stage("Development"), hold("Soak", "1h", "staging")))
    release = world.add()

    for environment in ("development", "staging"):
        assert [(use["kind"], use.get("key", use["id"])) for use in of_environment(world, environment)] == [
            ("pipeline", "standard"),
            ("release", release.id),
        ]
    assert of_environment(world, "production") == []


def test_archived_pipeline_uses_nothing_but_its_unfinished_releases_do(sqlite: Database) -> None:
    world = make_world(sqlite)
    world.publish(BETA)
    release = world.add(pipeline="beta")
    with sqlite.transaction() as store:
        store.pipelines.archive(world.project.id, "beta")

    for uses in (of_segment(world), of_environment(world, "production")):
        assert uses == [{"kind": "release", "id": release.id, "feature": "checkout"}]


def test_draft_uses_nothing(sqlite: Database) -> None:
    world = make_world(sqlite)
    with sqlite.transaction() as store:
        store.pipelines.add(world.project.id, PipelineDefinition.model_validate(BETA), NOW)

    assert (of_segment(world), of_environment(world, "production")) == ([], [])


def test_a_source_is_used_by_its_metrics(world: World) -> None:
    source = MetricSource(key="main", name="Main", kind=SourceKind.PROMETHEUS, address="https://prometheus.example")
    with world.database.transaction() as store:
        store.metric_sources.add(world.project.id, StoredSource(source, None, NOW))
        assert uses_of_source(store, world.project, "main") == []
        store.metrics.add(world.project.id, Metric(key="errors", name="Errors", source="main", query="up"))

        assert uses_of_source(store, world.project, "main") == [{"kind": "metric", "key": "errors"}]
        assert uses_of_metric(store, world.project, "errors") == []
