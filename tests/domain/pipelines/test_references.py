"""Metrics and sources that a pipeline names."""

from domain.pipelines.references import metrics_named, sources_named


def test_metrics_and_sources_are_found_in_a_stored_definition() -> None:
    definition = {
        "guardrails": [{"metric": "errors"}, {"other": 1}],
        "stages": [
            {"gates": [{"type": "METRIC", "metric": "latency"}, {"type": "CHECK", "source": "web"}, {"type": "APPROVAL"}]},
            {"gates": []},
            {},
        ],
    }

    assert metrics_named(definition) == {"errors", "latency"}
    assert sources_named(definition) == {"web"}
    assert metrics_named({}) == sources_named({"stages": None, "guardrails": None}) == set()
